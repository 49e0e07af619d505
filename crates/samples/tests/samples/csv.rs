//! A CSV reader for tests: whole file in memory, quotes doubled, LF or CRLF.

/// Splits text, without its byte order mark, into records of cells.
pub(crate) fn parse(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let (cell, end) = next_cell(rest);
        record.push(cell);
        if rest[end..].starts_with(',') {
            rest = &rest[end + 1..];
            continue;
        }
        rest = rest[end..].trim_start_matches('\r').strip_prefix('\n').expect("a cell ends at a comma or a line end");
        records.push(std::mem::take(&mut record));
    }
    assert!(record.is_empty(), "the last line has no end");
    records
}

/// The first cell of the text and where it ends.
fn next_cell(text: &str) -> (String, usize) {
    let Some(quoted) = text.strip_prefix('"') else {
        let line_end = text.find('\n').expect("the last line has an end");
        let end = text[..line_end].find(',').unwrap_or(text[..line_end].trim_end_matches('\r').len());
        return (text[..end].to_owned(), end);
    };
    let mut end = 0;
    loop {
        end += quoted[end..].find('"').expect("a quoted cell has an end");
        if !quoted[end + 1..].starts_with('"') {
            return (quoted[..end].replace("\"\"", "\""), end + 2);
        }
        end += 2;
    }
}

/// Writes records with LF and quotes only where needed.
pub(crate) fn render(records: &[Vec<String>]) -> String {
    let mut text = String::new();
    for record in records {
        let cells: Vec<String> = record.iter().map(|cell| render_cell(cell)).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn render_cell(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
