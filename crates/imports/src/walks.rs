//! Pages of usage details as parts of walks: an answer of several pages is whole when its last page is there.
//!
//! A page does not say its own address, only that of the next one. So a page that is missing in the middle of a walk
//! cannot be told, but a walk without a last page can, and a page that was recorded twice.

use std::collections::{BTreeMap, BTreeSet};

use formats::{InputError, NextLink, ReadSummary};

use crate::error::ImportError;

/// What is missing, if the pages show it: each walk needs a page without next one.
pub(crate) fn missing_pages<'s>(sources: impl Iterator<Item = &'s ReadSummary>) -> Option<String> {
    let mut walks: BTreeSet<String> = BTreeSet::new();
    let (mut last_pages, mut example) = (0, None);
    for summary in sources {
        match summary.page.as_ref().map(|page| &page.next) {
            None => {}
            Some(None) => last_pages += 1,
            Some(Some(next)) => {
                walks.insert(next.walk());
                example = example.or(Some(&summary.file));
            }
        }
    }
    let missing = walks.len().saturating_sub(last_pages);
    let example = example.filter(|_| missing > 0)?;
    Some(format!(
        "{missing} of {} answers in several pages have no last page here ({example} names a next page): charges are missing, \
         and the billing periods are marked incomplete",
        walks.len()
    ))
}

/// Two pages that lead to the same next page are one page, recorded twice.
pub(crate) fn refuse_page_twice<'s>(sources: impl Iterator<Item = &'s ReadSummary>) -> Result<(), ImportError> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for summary in sources {
        let next = summary.page.as_ref().and_then(|page| page.next.as_ref());
        let Some(first) = next.map(NextLink::as_str).and_then(|url| seen.insert(url, &summary.file)) else { continue };
        let reason = format!(
            "its nextLink is that of {first}, so both are the same page; the charges would count twice. If they are different \
             pages all the same, say --parts"
        );
        let file = summary.file.clone();
        return Err(InputError::Contradiction { file, reason, line: None, column: None }.into());
    }
    Ok(())
}
