//! What the caller of a walk may read, pinned when it begins: a department that gets another name meanwhile must not
//! change which rows the later pages have.

use access::Permit;
use catalog::{Catalog, CatalogError};
use ledger::Share;
use sha2::{Digest, Sha256};

use crate::error::PageError;
use crate::question::half;

/// Names shares.
pub(crate) fn digest(shares: &[Share]) -> [u8; 16] {
    half(Sha256::digest(text(shares).as_bytes()).into())
}

fn text(shares: &[Share]) -> String {
    serde_json::to_string(shares).expect("shares are plain data")
}

/// Keeps what a walk may read for its later pages.
pub(crate) async fn keep(catalog: &Catalog, shares: &[Share], now_ms: i64) -> Result<(), PageError> {
    Ok(catalog.keep_page_shares(&digest(shares), &text(shares), now_ms).await?)
}

/// What a walk may read, if its caller still may read all of it.
pub(crate) async fn pinned(catalog: &Catalog, name: &[u8; 16], permit: &Permit) -> Result<Vec<Share>, PageError> {
    if digest(permit.shares()) == *name {
        return Ok(permit.shares().to_vec());
    }
    let kept = kept(catalog, name).await?.ok_or(PageError::RightsChanged)?;
    let same_number = kept.len() == permit.shares().len();
    let allowed = kept.iter().zip(permit.shares()).all(|(own, theirs)| own.may_be_given_to(theirs));
    if same_number && allowed { Ok(kept) } else { Err(PageError::RightsChanged) }
}

/// What a walk was allowed to read when it began, if that is still known.
pub(crate) async fn kept(catalog: &Catalog, name: &[u8; 16]) -> Result<Option<Vec<Share>>, CatalogError> {
    let kept = catalog.page_shares(name).await?;
    // A text of a later version of this program is as good as none.
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
}
