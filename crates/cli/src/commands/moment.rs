//! The state of a store that a question is about: the newest, or an earlier one.

use imports::Store;
use lake::Snapshot;

use crate::failure::Failure;
use crate::instant::AsOf;

/// A state of the lake, and of the balance summaries, which have revisions of their own.
pub(crate) struct Moment {
    pub(crate) snapshot: Snapshot,
    /// Until when balance summaries are known, in milliseconds since 1970; `None`: now.
    pub(crate) balances_until_ms: Option<i64>,
}

impl Moment {
    /// Looks up what `--as-of` means; without it, the newest state.
    pub(crate) async fn of(store: &Store, as_of: Option<&AsOf>) -> Result<Self, Failure> {
        let (lake, catalog) = (store.lake(), store.catalog());
        let (snapshot, balances_until_ms) = match as_of {
            None => (lake.snapshot().await?, None),
            Some(AsOf::Revision(version)) => {
                let snapshot = lake.snapshot_at(*version).await?;
                let records = catalog.import_records(snapshot.version()).await?;
                let committed = records.iter().rfind(|(own, ..)| own == version).map(|(_, instant, _)| *instant);
                (snapshot, Some(committed.unwrap_or(i64::MIN)))
            }
            Some(AsOf::Instant(text, instant)) => match catalog.version_at(*instant).await? {
                Some(version) => (lake.snapshot_at(version).await?, Some(*instant)),
                // Balance summaries alone: the lake had not begun.
                None if !catalog.balances(Some(*instant)).await?.is_empty() => {
                    (lake.snapshot_at(0).await?, Some(*instant))
                }
                None => return Err(Failure::refused("NoSuchRevision", format!("nothing was held at {text}"))),
            },
        };
        Ok(Self { snapshot, balances_until_ms })
    }
}
