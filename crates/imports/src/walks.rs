//! Pages of usage details as parts of walks: an answer of several pages is whole when its last page is there.
//!
//! A page does not say its own address, only that of the next one. So a page that is missing in the middle of a walk
//! cannot be told, but a walk without a last page can, and a page that was recorded twice.

use std::collections::{BTreeMap, BTreeSet};

use calendar::BillingPeriod;
use formats::{InputError, PageList, ReadSummary};
use ledger::Publishers;

use crate::error::ImportError;

/// What is missing, if the pages show it: each walk needs a page without next one that can belong to it.
pub(crate) fn missing_pages<'s>(sources: impl Iterator<Item = &'s ReadSummary>) -> Option<String> {
    let mut walks: BTreeMap<String, Answer<'_>> = BTreeMap::new();
    let mut last_pages: Vec<Answer<'_>> = Vec::new();
    for summary in sources {
        let Some(page) = &summary.page else { continue };
        let own = Answer {
            list: page.list,
            has_metric: page.has_metric,
            publishers: page.publishers,
            periods: summary.periods.keys().copied().collect(),
            file: &summary.file,
        };
        match &page.next {
            None => last_pages.push(own),
            Some(next) => match walks.get_mut(&next.walk()) {
                Some(known) => known.periods.extend(own.periods),
                None => drop(walks.insert(next.walk(), own)),
            },
        }
    }
    let all = walks.len();
    let open = without_last_page(walks.into_values().collect(), last_pages);
    let example = open.first()?.file;
    Some(format!(
        "{} of {all} answers in several pages have no last page here ({example} names a next page): charges are missing, \
         and the billing periods are marked incomplete",
        open.len()
    ))
}

/// What pages of one answer share.
struct Answer<'s> {
    list: PageList,
    has_metric: bool,
    publishers: Publishers,
    /// Billing periods of its rows.
    periods: BTreeSet<BillingPeriod>,
    /// Its first file.
    file: &'s str,
}

impl Answer<'_> {
    /// Whether `last` can be the last page of this walk. An empty page does not say its form or time.
    fn can_end_with(&self, last: &Self) -> bool {
        self.list == last.list
            && (last.periods.is_empty()
                || ((self.has_metric, self.publishers) == (last.has_metric, last.publishers)
                    && !self.periods.is_disjoint(&last.periods)))
    }
}

/// The walks that stay without a last page, each page given to one walk. Walks and pages of the fewest billing periods come
/// first, because they have the least choice; where that is not enough, a walk counts as unfinished rather than as whole.
fn without_last_page<'s>(mut walks: Vec<Answer<'s>>, mut last_pages: Vec<Answer<'s>>) -> Vec<Answer<'s>> {
    // An empty page fits every walk, so it goes last.
    last_pages.sort_by_key(|page| (page.periods.is_empty(), page.periods.len()));
    walks.sort_by_key(|walk| walk.periods.len());
    walks.retain(|walk| match last_pages.iter().position(|page| walk.can_end_with(page)) {
        Some(found) => {
            last_pages.remove(found);
            false
        }
        None => true,
    });
    walks
}

/// Two pages that lead to the same next page are one page, recorded twice.
/// `pages` are files with the addresses of their next pages.
pub(crate) fn refuse_page_twice<'s>(pages: impl Iterator<Item = (&'s str, &'s str)>) -> Result<(), ImportError> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (file, next) in pages {
        let Some(first) = seen.insert(next, file) else { continue };
        let reason = format!(
            "its nextLink is that of {first}, so both are the same page, which would count twice. If they are different pages \
             all the same, say --parts"
        );
        let file = file.to_owned();
        return Err(InputError::Contradiction { file, reason, line: None, column: None }.into());
    }
    Ok(())
}
