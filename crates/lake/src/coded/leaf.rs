//! One Parquet column of a row group before it is encoded: distinct values and runs of them.

use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::statistics::Statistics;

/// Code of a row without a value.
pub(crate) const NULL: u32 = u32::MAX;

/// Distinct values of a column.
#[derive(Debug)]
pub(crate) enum Values<'r> {
    Texts(Vec<&'r [u8]>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    /// Unscaled, for a fixed length of 16 bytes.
    Decimals(Vec<i128>),
    Booleans(Vec<bool>),
}

/// A column: values and, in row order, which of them how often. Neighbouring runs differ.
#[derive(Debug)]
pub(crate) struct Leaf<'r> {
    pub(crate) values: Values<'r>,
    pub(crate) runs: Vec<(u32, u32)>,
}

/// The least and the greatest of some values, by their codes.
pub(crate) type Bounds = Option<(u32, u32)>;

impl<'r> Values<'r> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Texts(values) => values.len(),
            Self::Ints(values) => values.len(),
            Self::Longs(values) => values.len(),
            Self::Decimals(values) => values.len(),
            Self::Booleans(values) => values.len(),
        }
    }

    /// Bytes of a value as a dictionary page has it.
    pub(crate) fn size_of(&self, code: u32) -> usize {
        match self {
            Self::Texts(values) => 4 + values[code as usize].len(),
            Self::Ints(_) => 4,
            Self::Longs(_) => 8,
            Self::Decimals(_) => 16,
            Self::Booleans(_) => 1,
        }
    }

    /// Appends a value in plain encoding; not for booleans, which are bits.
    pub(crate) fn write(&self, code: u32, out: &mut Vec<u8>) {
        match self {
            Self::Texts(values) => {
                let text = values[code as usize];
                let length = u32::try_from(text.len()).expect("cells are bounded far below 4 GiB");
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(text);
            }
            Self::Ints(values) => out.extend_from_slice(&values[code as usize].to_le_bytes()),
            Self::Longs(values) => out.extend_from_slice(&values[code as usize].to_le_bytes()),
            Self::Decimals(values) => out.extend_from_slice(&values[code as usize].to_be_bytes()),
            Self::Booleans(values) => out.push(u8::from(values[code as usize])),
        }
    }

    /// Bytes of a value as column indexes have it.
    pub(crate) fn index_bytes(&self, code: u32) -> Vec<u8> {
        match self {
            Self::Texts(values) => values[code as usize].to_vec(),
            _ => {
                let mut bytes = Vec::new();
                self.write(code, &mut bytes);
                bytes
            }
        }
    }

    /// The bounds of the values of these codes; nulls have none.
    pub(crate) fn bounds(&self, codes: impl Iterator<Item = u32>) -> Bounds {
        codes.filter(|code| *code != NULL).fold(None, |bounds, code| {
            let (least, greatest) = bounds.unwrap_or((code, code));
            Some((
                if self.less(code, least) { code } else { least },
                if self.less(greatest, code) { code } else { greatest },
            ))
        })
    }

    pub(crate) fn less(&self, a: u32, b: u32) -> bool {
        let (a, b) = (a as usize, b as usize);
        match self {
            Self::Texts(values) => values[a] < values[b],
            Self::Ints(values) => values[a] < values[b],
            Self::Longs(values) => values[a] < values[b],
            Self::Decimals(values) => values[a] < values[b],
            Self::Booleans(values) => !values[a] & values[b],
        }
    }

    /// Statistics of a column chunk.
    pub(crate) fn statistics(&self, bounds: Bounds, nulls: u64) -> Statistics {
        let side = |pick: fn((u32, u32)) -> u32| bounds.map(|bounds| pick(bounds) as usize);
        let (least, greatest) = (side(|bounds| bounds.0), side(|bounds| bounds.1));
        let nulls = Some(nulls);
        match self {
            Self::Texts(values) => {
                let text = |code: usize| ByteArray::from(values[code].to_vec());
                Statistics::byte_array(least.map(text), greatest.map(text), None, nulls, false)
            }
            Self::Ints(values) => {
                Statistics::int32(least.map(|c| values[c]), greatest.map(|c| values[c]), None, nulls, false)
            }
            Self::Longs(values) => {
                Statistics::int64(least.map(|c| values[c]), greatest.map(|c| values[c]), None, nulls, false)
            }
            Self::Decimals(values) => {
                let bytes = |code: usize| FixedLenByteArray::from(ByteArray::from(values[code].to_be_bytes().to_vec()));
                Statistics::fixed_len_byte_array(least.map(bytes), greatest.map(bytes), None, nulls, false)
            }
            Self::Booleans(values) => {
                Statistics::boolean(least.map(|c| values[c]), greatest.map(|c| values[c]), None, nulls, false)
            }
        }
    }
}

impl<'r> Leaf<'r> {
    /// A column of these rows in which no two values are compared: each has a number of its own.
    pub(crate) fn of_each(values: Values<'r>, present: impl Iterator<Item = bool>) -> Self {
        let mut next = 0;
        let runs = present.map(|present| {
            if present {
                next += 1;
                (next - 1, 1)
            } else {
                (NULL, 1)
            }
        });
        Self { runs: runs.collect(), values }
    }

    /// Appends a run; a run of the same code grows.
    pub(crate) fn push_run(runs: &mut Vec<(u32, u32)>, code: u32, count: u32) {
        match runs.last_mut() {
            Some((last, rows)) if *last == code => *rows += count,
            _ => runs.push((code, count)),
        }
    }

    /// A column made of runs of cells. `value` says what a cell is in this column; `None` for null. `distinct` is greater
    /// than every cell's number.
    pub(crate) fn of_cells<T>(
        cells: &[(u32, u32)],
        distinct: usize,
        value: impl Fn(u32) -> Option<T>,
        wrap: impl Fn(Vec<T>) -> Values<'r>,
    ) -> Self {
        // Codes of the cells that were met.
        let mut codes: Vec<Option<u32>> = vec![None; distinct];
        let (mut values, mut runs) = (Vec::new(), Vec::with_capacity(cells.len()));
        for (cell, count) in cells {
            let code = *codes[*cell as usize].get_or_insert_with(|| match value(*cell) {
                Some(value) => {
                    values.push(value);
                    values.len() as u32 - 1
                }
                None => NULL,
            });
            Self::push_run(&mut runs, code, *count);
        }
        Self { values: wrap(values), runs }
    }
}
