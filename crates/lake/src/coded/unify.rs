//! One numbering over the tables of several readers, and columns that always change together as one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use formats::{CellTable, CellValues, CodedRows, StoredDecimal};
use ledger::Field;

/// Columns of the tables that are fields.
const FIELDS: usize = Field::ALL.len();
/// Label of a column that a division of columns does not have.
const ABSENT: u32 = u32::MAX;

/// A cell of a column; what it means is in one of the tables.
#[derive(Debug, Clone, Copy)]
struct CellAt {
    table: u32,
    code: u32,
}

/// A column's distinct cells over all tables; number 0 is the unknown cell.
#[derive(Debug, Default)]
pub(crate) struct Column {
    cells: Vec<CellAt>,
}

/// Columns that are looked up together: those that stand in one span in every block.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) columns: Vec<usize>,
    /// The numbers of the cells, content by content.
    cells: Vec<u32>,
}

/// How a span's contents fall into groups.
#[derive(Debug)]
struct SpanMap {
    groups: Vec<usize>,
    /// For each content, its number in each of the groups.
    codes: Vec<u32>,
}

type Division = (usize, Arc<[u32]>);

/// Rows of several tables under one numbering.
#[derive(Debug)]
pub(crate) struct Unified<'r> {
    pub(crate) tables: &'r [CellTable],
    pub(crate) rows: &'r [&'r CodedRows],
    pub(crate) columns: Vec<Column>,
    pub(crate) groups: Vec<Group>,
    /// Names of the unknown columns, which follow those of the fields.
    pub(crate) unknown: Vec<String>,
    /// For each table the columns that its own unknown columns are.
    unknown_of: Vec<Vec<usize>>,
    /// For each block of rows the maps of its spans, and what its row has in groups that it lacks.
    divisions: Vec<DivisionMap>,
    division_of: Vec<usize>,
}

#[derive(Debug)]
struct DivisionMap {
    spans: Vec<SpanMap>,
    /// Contents of the groups that no span of the division has: all of their cells are unknown.
    absent: Vec<(usize, u32)>,
}

impl Group {
    /// The cells of a content, one for each of the columns.
    pub(crate) fn cells(&self, code: u32) -> &[u32] {
        let start = code as usize * self.columns.len();
        &self.cells[start..start + self.columns.len()]
    }

    /// Number of distinct contents.
    pub(crate) fn len(&self) -> usize {
        self.cells.len() / self.columns.len()
    }
}

impl<'r> Unified<'r> {
    /// Numbers the cells of all tables that the rows are of.
    pub(crate) fn new(tables: &'r [CellTable], rows: &'r [&'r CodedRows]) -> Self {
        let (unknown, unknown_of) = unknown_columns(tables);
        let mut divisions: Vec<Division> = Vec::new();
        let mut division_of = Vec::with_capacity(rows.len());
        for block in rows {
            let division = (block.table, block.spans().clone());
            let known = divisions.iter().rposition(|other| *other == division);
            division_of.push(known.unwrap_or_else(|| {
                divisions.push(division);
                divisions.len() - 1
            }));
        }
        let mut used: Vec<usize> = divisions.iter().map(|(table, _)| *table).collect();
        used.sort_unstable();
        used.dedup();
        let (mut columns, mut renumbered) = (Vec::new(), vec![Vec::new(); tables.len()]);
        for column in 0..FIELDS + unknown.len() {
            columns.push(unify(tables, &used, column, &unknown_of, &mut renumbered));
        }
        let mut unified =
            Self { tables, rows, columns, groups: Vec::new(), unknown, unknown_of, divisions: Vec::new(), division_of };
        unified.divide(&divisions, &renumbered);
        unified
    }

    /// Finds the groups and numbers their contents.
    fn divide(&mut self, divisions: &[Division], renumbered: &[Vec<Vec<u32>>]) {
        let mut labels: Vec<Vec<u32>> = vec![vec![ABSENT; divisions.len()]; self.columns.len()];
        for (index, (table, spans)) in divisions.iter().enumerate() {
            for span in spans.iter() {
                for column in self.tables[*table].span(*span).columns() {
                    labels[self.column_of(*table, *column)][index] = *span;
                }
            }
        }
        let mut by_labels: HashMap<&[u32], usize, RandomState> = HashMap::default();
        let mut group_of = vec![0; self.columns.len()];
        for (column, labels) in labels.iter().enumerate() {
            let next = self.groups.len();
            let group = *by_labels.entry(labels).or_insert(next);
            if group == next {
                self.groups.push(Group { columns: Vec::new(), cells: Vec::new() });
            }
            self.groups[group].columns.push(column);
            group_of[column] = group;
        }
        // A group of one column has the column's numbers.
        for group in &mut self.groups {
            if let [column] = group.columns[..] {
                group.cells = (0..self.columns[column].cells.len() as u32).collect();
            }
        }
        let only_division = divisions.len() == 1;
        let mut numbers: Vec<HashMap<Box<[u32]>, u32, RandomState>> = Vec::new();
        numbers.resize_with(self.groups.len(), HashMap::default);
        for (table, spans) in divisions {
            let mut map = DivisionMap { spans: Vec::new(), absent: Vec::new() };
            let mut present = vec![false; self.groups.len()];
            for span in spans.iter() {
                let span = self.tables[*table].span(*span);
                let columns: Vec<usize> = span.columns().iter().map(|column| self.column_of(*table, *column)).collect();
                let mut groups: Vec<usize> = columns.iter().map(|column| group_of[*column]).collect();
                groups.sort_unstable();
                groups.dedup();
                groups.iter().for_each(|group| present[*group] = true);
                let mut codes = Vec::with_capacity(span.len() * groups.len());
                let mut cells = vec![0; self.columns.len()];
                for entry in 0..span.len() as u32 {
                    for ((column, own), code) in columns.iter().zip(span.columns()).zip(span.cells(entry)) {
                        cells[*column] = renumbered[*table].get(*own).map_or(*code, |codes| codes[*code as usize]);
                    }
                    for group in &groups {
                        codes.push(self.number(*group, &cells, only_division, &mut numbers));
                    }
                }
                map.spans.push(SpanMap { groups, codes });
            }
            let nothing = vec![0; self.columns.len()];
            for group in (0..self.groups.len()).filter(|group| !present[*group]) {
                map.absent.push((group, self.number(group, &nothing, false, &mut numbers)));
            }
            self.divisions.push(map);
        }
    }

    /// The number of a group's content. Contents that are distinct already need no look-up.
    fn number(
        &mut self,
        group: usize,
        cells: &[u32],
        distinct: bool,
        numbers: &mut [HashMap<Box<[u32]>, u32, RandomState>],
    ) -> u32 {
        let own = &mut self.groups[group];
        if let [column] = own.columns[..] {
            return cells[column];
        }
        let next = own.len() as u32;
        let content: Box<[u32]> = own.columns.iter().map(|column| cells[*column]).collect();
        if !distinct {
            if let Some(known) = numbers[group].get(&content) {
                return *known;
            }
            numbers[group].insert(content.clone(), next);
        }
        own.cells.extend_from_slice(&content);
        next
    }

    fn column_of(&self, table: usize, column: usize) -> usize {
        if column < FIELDS { column } else { self.unknown_of[table][column - FIELDS] }
    }

    /// The unknown columns of a block's source, in the order of the source.
    pub(crate) fn unknown_of(&self, block: usize) -> &[usize] {
        &self.unknown_of[self.rows[block].table]
    }

    /// The contents of all groups in a row.
    pub(crate) fn contents(&self, block: usize, row: usize, out: &mut [u32]) {
        let division = &self.divisions[self.division_of[block]];
        for (map, entry) in division.spans.iter().zip(self.rows[block].codes(row)) {
            let count = map.groups.len();
            let codes = &map.codes[*entry as usize * count..(*entry as usize + 1) * count];
            for (group, code) in map.groups.iter().zip(codes) {
                out[*group] = *code;
            }
        }
        for (group, code) in &division.absent {
            out[*group] = *code;
        }
    }

    /// Number of distinct cells of a column.
    pub(crate) fn distinct(&self, column: usize) -> usize {
        self.columns[column].cells.len()
    }

    /// The text of a text cell; unknown cells have none.
    pub(crate) fn text(&self, column: usize, code: u32) -> Option<&'r [u8]> {
        let cell = self.columns[column].cells[code as usize];
        let own = self.own_column(cell.table as usize, column)?;
        (cell.code > 0).then(|| self.tables[cell.table as usize].columns()[own].text(cell.code))
    }

    /// Bytes of text in each content of each group.
    pub(crate) fn text_sizes(&self) -> Vec<Vec<usize>> {
        let size = |column: usize, cell: u32| self.text(column, cell).map_or(0, <[u8]>::len);
        let of_content = |group: &Group, content: u32| -> usize {
            group.columns.iter().zip(group.cells(content)).map(|(column, cell)| size(*column, *cell)).sum()
        };
        let of_group = |group: &Group| (0..group.len() as u32).map(|content| of_content(group, content)).collect();
        self.groups.iter().map(of_group).collect()
    }

    /// The day of a date cell.
    pub(crate) fn day(&self, column: usize, code: u32) -> Option<i32> {
        match self.values(column, code)? {
            (CellValues::Dates(days), code) => days.get(code).copied(),
            _ => None,
        }
    }

    /// The value of a boolean cell.
    pub(crate) fn boolean(&self, column: usize, code: u32) -> Option<bool> {
        match self.values(column, code)? {
            (CellValues::Booleans(values), code) => values.get(code).copied(),
            _ => None,
        }
    }

    /// The value of a decimal cell.
    pub(crate) fn decimal(&self, column: usize, code: u32) -> Option<StoredDecimal> {
        match self.values(column, code)? {
            (CellValues::Decimals(values), code) => values.get(code).copied(),
            _ => None,
        }
    }

    fn values(&self, column: usize, code: u32) -> Option<(&'r CellValues, usize)> {
        let cell = self.columns[column].cells[code as usize];
        let values = self.tables[cell.table as usize].columns()[column].values();
        (cell.code > 0).then_some((values, cell.code as usize))
    }

    fn own_column(&self, table: usize, column: usize) -> Option<usize> {
        if column < FIELDS {
            return Some(column);
        }
        self.unknown_of[table].iter().position(|other| *other == column).map(|index| FIELDS + index)
    }
}

/// The names of all unknown columns, and which of them each table has.
fn unknown_columns(tables: &[CellTable]) -> (Vec<String>, Vec<Vec<usize>>) {
    let mut names: Vec<String> = Vec::new();
    let mut of_tables = Vec::with_capacity(tables.len());
    for table in tables {
        let mut own = Vec::with_capacity(table.unknown().len());
        for name in table.unknown() {
            let known = names.iter().position(|other| other == name);
            own.push(FIELDS + known.unwrap_or(names.len()));
            if known.is_none() {
                names.push(name.clone());
            }
        }
        of_tables.push(own);
    }
    (names, of_tables)
}

/// Numbers the cells of a column over all tables that are used. With one table its own numbers are kept.
fn unify(
    tables: &[CellTable],
    used: &[usize],
    column: usize,
    unknown_of: &[Vec<usize>],
    renumbered: &mut [Vec<Vec<u32>>],
) -> Column {
    let mut cells = vec![CellAt { table: *used.first().unwrap_or(&0) as u32, code: 0 }];
    let mut known: HashMap<Cow<'_, [u8]>, u32, RandomState> = HashMap::default();
    for table in used {
        let own = if column < FIELDS {
            Some(column)
        } else {
            unknown_of[*table].iter().position(|other| *other == column).map(|index| FIELDS + index)
        };
        let Some(own) = own else { continue };
        let source = &tables[*table].columns()[own];
        let mut codes = vec![0; source.len()];
        for (code, number) in codes.iter_mut().enumerate().skip(1) {
            let at = CellAt { table: *table as u32, code: code as u32 };
            let next = cells.len() as u32;
            *number = if used.len() == 1 {
                next
            } else {
                *known.entry(meaning(source.values(), source.text(at.code), code)).or_insert(next)
            };
            if *number == next {
                cells.push(at);
            }
        }
        let of_table = &mut renumbered[*table];
        if of_table.len() <= own {
            of_table.resize(own + 1, Vec::new());
        }
        of_table[own] = codes;
    }
    Column { cells }
}

/// Bytes that are equal for cells that mean the same.
fn meaning<'t>(values: &CellValues, text: &'t [u8], code: usize) -> Cow<'t, [u8]> {
    match values {
        CellValues::Text => Cow::Borrowed(text),
        CellValues::Dates(days) => Cow::Owned(days[code].to_le_bytes().to_vec()),
        CellValues::Booleans(values) => Cow::Owned(vec![u8::from(values[code])]),
        CellValues::Decimals(values) => {
            let decimal = values[code];
            let mut bytes = decimal.value.unwrap_or_default().to_le_bytes().to_vec();
            bytes.extend_from_slice(&[u8::from(decimal.value.is_some()), decimal.scale.cast_unsigned()]);
            bytes.extend_from_slice(if decimal.spelled { text } else { b"" });
            Cow::Owned(bytes)
        }
    }
}
