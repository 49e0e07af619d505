//! The tags of charges: which keys there are, and which values each of them has.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use formats::tag_pairs;
use ledger::{ChargeQuery, Field};

use crate::error::LakeError;
use crate::select::Texts;
use crate::table::Snapshot;

/// Most memory that the keys and values of an answer take, each with what holds it: they are sorted in memory.
pub const TAGS_BYTES_MAX: usize = 32 << 20;
/// About what holds a key or a value beside its text.
const ENTRY_BYTES: usize = 64;

/// The values of each key.
pub type TagValues = BTreeMap<String, BTreeSet<String>>;

impl Snapshot {
    /// The different tags of the rows of a question, as they are spelled. `None`: they take more than [`TAGS_BYTES_MAX`].
    pub async fn tags(&self, query: &ChargeQuery) -> Result<Option<TagValues>, LakeError> {
        let mut found = Found::default();
        let mut scan = self.scan(query, &[Field::Tags.column().to_owned()]);
        while let Some(batch) = scan.next_batch().await? {
            let cells = Texts::of(&batch, Field::Tags).ok_or_else(|| LakeError::ForeignFile {
                path: "a batch".into(),
                reason: "the column of tags is missing or of another type".into(),
            })?;
            // A batch can have texts that only rows have which were left out.
            let used: HashSet<usize> = (0..batch.num_rows()).filter_map(|row| cells.key(row)).collect();
            for cell in used.into_iter().filter_map(|key| cells.value(key)) {
                for (key, value) in tag_pairs(cell) {
                    found.add(key, value);
                }
                if found.bytes > TAGS_BYTES_MAX {
                    return Ok(None);
                }
            }
        }
        Ok(Some(found.tags))
    }
}

/// The tags found so far, and about how much memory they take.
#[derive(Default)]
struct Found {
    tags: TagValues,
    bytes: usize,
}

impl Found {
    fn add(&mut self, key: String, value: Option<String>) {
        let key_bytes = key.len() + ENTRY_BYTES;
        let values = self.tags.entry(key).or_insert_with(|| {
            self.bytes += key_bytes;
            BTreeSet::new()
        });
        if let Some(value) = value {
            let value_bytes = value.len() + ENTRY_BYTES;
            if values.insert(value) {
                self.bytes += value_bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tags_take_memory_once() {
        let mut found = Found::default();
        for (key, value) in [("env", Some("prod")), ("env", Some("dev")), ("env", None), ("env", Some("prod"))] {
            found.add(key.to_owned(), value.map(str::to_owned));
        }
        let values = BTreeSet::from(["dev".to_owned(), "prod".to_owned()]);
        assert_eq!(found.tags, BTreeMap::from([("env".to_owned(), values)]));
        assert_eq!(found.bytes, 3 * ENTRY_BYTES + "envproddev".len());
    }
}
