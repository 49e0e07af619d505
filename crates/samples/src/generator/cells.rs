//! CSV cells: quotes only where needed, quotes doubled.

/// The cells, quoted where needed, with commas between them.
pub(super) fn cells(values: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_cell(value, &mut out);
    }
    out
}

/// Appends the text as it stands between the quotes of a cell.
pub(super) fn push_quoted_text(text: &str, out: &mut Vec<u8>) {
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
}

fn push_cell(value: &str, out: &mut Vec<u8>) {
    if !['"', ',', '\n', '\r'].into_iter().any(|special| value.contains(special)) {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    out.push(b'"');
    push_quoted_text(value, out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_where_needed() {
        let text = cells(&["plain", "", "a, b", "say \"x\"", "Zürich"]);
        assert_eq!(String::from_utf8(text).expect("UTF-8 in, UTF-8 out"), r#"plain,,"a, b","say ""x""",Zürich"#);
    }
}
