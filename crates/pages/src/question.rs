//! What a walk is about.

use access::Permit;
use lake::Snapshot;
use ledger::{ChargeFilter, ChargeQuery, Dataset, Generation, Share, Window};
use sha2::{Digest, Sha256};

/// A question that is answered in pages.
#[derive(Debug, Clone)]
pub struct PageQuestion<'a> {
    /// The right to ask it.
    pub permit: &'a Permit,
    /// Through which API generation.
    pub generation: Generation,
    /// Which dataset.
    pub dataset: Dataset,
    /// The time that the request names; `None` for the current period.
    pub asked: Option<Window>,
    /// The time that the request means now; later pages keep that of the first.
    pub window: Window,
    /// What else is asked of a row.
    pub filter: ChargeFilter,
    /// What tells apart answers of another form over the same rows, such as groups.
    pub form: &'a str,
}

impl PageQuestion<'_> {
    /// Tells questions on a snapshot apart. What only changes how rows are written, and the size of pages, does not count.
    pub(crate) fn digest(&self, snapshot: &Snapshot) -> [u8; 16] {
        let Self { permit, generation, dataset, asked, window: _, filter, form } = self;
        let text = format!("{}\n{generation:?}\n{dataset}\n{asked:?}\n{filter:?}\n{form}", permit.scope());
        half(Sha256::new().chain_update(text).chain_update(snapshot.identity()).finalize().into())
    }

    /// The domain question over the rows that `shares` allow, in the walk's time.
    pub(crate) fn query(&self, shares: Vec<Share>, window: Window) -> ChargeQuery {
        ChargeQuery {
            shares,
            visibility: self.permit.visibility(self.generation),
            dataset: self.dataset,
            window,
            filter: self.filter.clone(),
        }
    }
}

/// The first half of a hash: 2^128 are enough.
pub(crate) fn half(hash: [u8; 32]) -> [u8; 16] {
    let (half, _) = hash.split_first_chunk().expect("16 are fewer than 32");
    *half
}
