//! The frozen shape of charges (docs/adr/0001-charge-schema.md): a change here is a change of the stored format.

#![allow(clippy::unwrap_used, missing_docs)]

use lazurite_formats::charge_schema;

const FROZEN: &str = include_str!("data/charge-schema.txt");

#[test]
fn the_columns_of_a_charge_are_frozen() {
    let columns: Vec<String> = charge_schema()
        .fields()
        .iter()
        .map(|field| {
            format!("{} {} {}", field.name(), field.data_type(), if field.is_nullable() { "null" } else { "not null" })
        })
        .collect();
    assert_eq!(columns.join("\n"), FROZEN.trim_end(), "new fields are appended; nothing is moved, renamed or retyped");
}
