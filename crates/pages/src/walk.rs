//! Walking through an answer.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use access::{Caller, Permit, Refusal};
use catalog::Catalog;
use formats::{JsonEncoder, RowContext};
use lake::{GroupKey, GroupSums, Lake, Position, Snapshot, TagValues};
use ledger::{Generation, HeldAnswer, Publishers, Scope, Share, Window};
use odata::{PageToken, SECRET_BYTES};

use crate::error::PageError;
use crate::question::PageQuestion;
use crate::shares;

/// Name of the secret that authenticates tokens.
const TOKEN_SECRET: &str = "page-tokens";
/// A page ends after the row with which it becomes longer than this: the original's answers are at most 8 MB.
const PAGE_BYTES_WANTED: usize = 8 << 20;
/// A walk that began this long ago can end with the next hierarchy that is learned.
const SHARES_LIFE_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Gives answers of a store in pages.
#[derive(Debug, Clone)]
pub struct Pages {
    catalog: Catalog,
    lake: Lake,
    secret: [u8; SECRET_BYTES],
}

/// A walk at some page.
pub struct Walk<'a> {
    question: PageQuestion<'a>,
    snapshot: Snapshot,
    shares: Vec<Share>,
    window: Window,
    from: Position,
    /// Whether anything is held of the time asked about; unknown after the first page.
    nothing_held: bool,
}

/// Rows of a page.
#[derive(Debug)]
pub struct RowsPage {
    /// JSON rows with commas between them, in pieces that belong one after the other.
    pub rows: Vec<Vec<u8>>,
    /// Token of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// A page of groups.
#[derive(Debug)]
pub struct Groups {
    /// The groups with their sums.
    pub groups: BTreeMap<GroupKey, GroupSums>,
    /// Token of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// A page of tags.
#[derive(Debug)]
pub struct TagsPage {
    /// Keys with all of their values.
    pub tags: TagValues,
    /// Token of the next page; `None` on the last one.
    pub next: Option<String>,
    /// Token of the page before; `None` on the first one.
    pub previous: Option<String>,
}

impl Pages {
    /// Pages over a lake and its catalog.
    pub async fn open(catalog: Catalog, lake: Lake) -> Result<Self, PageError> {
        let fresh = access::random_bytes::<SECRET_BYTES>();
        let kept = catalog.secret(TOKEN_SECRET, &fresh).await?;
        // A secret of another length is none of ours: tokens made with the fresh one end with this process.
        let secret = kept.try_into().unwrap_or(fresh);
        Ok(Self { catalog, lake, secret })
    }

    /// The right to a page. For those who see all of its enrollment a walk goes on with what it began with, even if no row
    /// names its scope any more or rows name it otherwise by now.
    pub async fn permit(&self, caller: &Caller, scope: &Scope, token: Option<&str>) -> Result<Permit, Refusal> {
        let now = access::permit(&self.catalog, caller, scope).await;
        let changed = match &now {
            Ok(permit) => Some(shares::digest(permit.shares())),
            Err(Refusal::Unknown { .. }) => None,
            Err(_) => return now,
        };
        // Whether the token belongs to the question is judged when the walk goes on.
        let token = token.and_then(|token| PageToken::open(token, &self.secret).ok());
        let Some(token) = token.filter(|token| changed != Some(token.shares)) else { return now };
        let Some(kept) = shares::kept(&self.catalog, &token.shares).await? else { return now };
        access::permit_again(&self.catalog, caller, scope, kept).await.or(now)
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Begins a walk on the newest snapshot, or goes on where a token says.
    pub async fn walk<'a>(&self, question: PageQuestion<'a>, token: Option<&str>) -> Result<Walk<'a>, PageError> {
        let Some(token) = token else { return self.begin(question).await };
        let token = PageToken::open(token, &self.secret)?;
        let snapshot = self.lake.snapshot_at(token.snapshot).await?;
        if token.question != question.digest(&snapshot) {
            return Err(PageError::OtherQuestion);
        }
        let shares = shares::pinned(&self.catalog, &token.shares, question.permit).await?;
        let from = Position { file: token.file, row: token.row };
        Ok(Walk { question, snapshot, shares, window: token.window, from, nothing_held: false })
    }

    async fn begin<'a>(&self, question: PageQuestion<'a>) -> Result<Walk<'a>, PageError> {
        let snapshot = self.lake.snapshot().await?;
        let held = self.catalog.held_at(snapshot.version()).await?;
        let shares = question.permit.shares().to_vec();
        let enrollments: Vec<_> = shares.iter().map(|share| &share.enrollment).collect();
        let publishers = match question.generation {
            Generation::Marketplaces => Publishers::Marketplace,
            _ => Publishers::All,
        };
        let nothing_held =
            match snapshot.answer(&held, &enrollments, (question.dataset, publishers), &question.window).await? {
                HeldAnswer::Held => false,
                HeldAnswer::Nothing => true,
                HeldAnswer::OtherDataset(message) => return Err(PageError::NotHeld(message)),
            };
        let (window, from) = (question.window, Position::default());
        Ok(Walk { question, snapshot, shares, window, from, nothing_held })
    }

    /// The rows of a page: at most `rows_max`, fewer where they are long.
    pub async fn rows(
        &self,
        walk: &Walk<'_>,
        encoder: &JsonEncoder,
        context: &RowContext,
        rows_max: usize,
    ) -> Result<RowsPage, PageError> {
        let query = walk.question.query(walk.shares.clone(), walk.window);
        let mut page = walk.snapshot.page(&query, &encoder.columns_read(), walk.from, rows_max).await?;
        let mut written = Written::default();
        while let Some(read) = page.next_rows().await? {
            let (mut json, mut ends) = (Vec::new(), Vec::new());
            encoder.rows(&read.batch, read.period, context, &mut json, &mut ends)?;
            if !written.take(json, &ends, &read.positions) {
                break;
            }
        }
        let next = self.token(walk, written.cut.or(page.next())).await?;
        Ok(RowsPage { rows: written.pieces, next })
    }

    /// A page of groups, at most `groups_max`; all of them are added up for every page.
    pub async fn groups(&self, walk: &Walk<'_>, by_day: bool, groups_max: usize) -> Result<Groups, PageError> {
        let query = walk.question.query(walk.shares.clone(), walk.window);
        let all = walk.snapshot.groups(&query, by_day).await?.ok_or(PageError::TooManyGroups)?;
        let start = usize::try_from(walk.from.row).unwrap_or(usize::MAX);
        let end = start.saturating_add(groups_max);
        let next = (end < all.len()).then_some(Position { file: 0, row: end as u64 });
        let groups = all.into_iter().skip(start).take(groups_max).collect();
        Ok(Groups { groups, next: self.token(walk, next).await? })
    }

    /// A page of tags, at most `keys_max` keys; all of them are looked for for every page.
    pub async fn tags(&self, walk: &Walk<'_>, keys_max: usize) -> Result<TagsPage, PageError> {
        let query = walk.question.query(walk.shares.clone(), walk.window);
        let all = walk.snapshot.tags(&query).await?.ok_or(PageError::TooManyTags)?;
        let start = usize::try_from(walk.from.row).unwrap_or(usize::MAX);
        let end = start.saturating_add(keys_max);
        let at = |key: usize| Position { file: 0, row: key as u64 };
        let next = (end < all.len()).then(|| at(end));
        let previous = (start > 0).then(|| at(start.saturating_sub(keys_max)));
        let tags = all.into_iter().skip(start).take(keys_max).collect();
        Ok(TagsPage { tags, next: self.token(walk, next).await?, previous: self.token(walk, previous).await? })
    }

    /// Seals the way to another page, and keeps what the walk may read.
    async fn token(&self, walk: &Walk<'_>, next: Option<Position>) -> Result<Option<String>, PageError> {
        let Some(next) = next else { return Ok(None) };
        if walk.from == Position::default() {
            shares::keep(&self.catalog, &walk.shares, now_ms()).await?;
        }
        let token = PageToken {
            snapshot: walk.snapshot.version(),
            window: walk.window,
            file: next.file,
            row: next.row,
            shares: shares::digest(&walk.shares),
            question: walk.question.digest(&walk.snapshot),
        };
        Ok(Some(token.seal(&self.secret)))
    }

    /// Forgets what walks of long ago were allowed to read.
    pub async fn collect(&self) -> Result<u64, PageError> {
        Ok(self.catalog.forget_page_shares(now_ms() - SHARES_LIFE_MS).await?)
    }
}

impl Walk<'_> {
    /// Whether the first page found that nothing at all is held of the time asked about.
    pub fn nothing_held(&self) -> bool {
        self.nothing_held
    }

    /// The time that all pages are about: that of the first one.
    pub fn window(&self) -> Window {
        self.window
    }
}

/// The rows of a page, as far as they are written.
#[derive(Default)]
struct Written {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
    is_full: bool,
    /// The first row that has no room.
    cut: Option<Position>,
}

impl Written {
    /// Takes rows, which stand at `positions`. `false`: there was no room for some of them.
    fn take(&mut self, mut json: Vec<u8>, ends: &[usize], positions: &[Position]) -> bool {
        if ends.is_empty() {
            return true;
        }
        if self.is_full {
            self.cut = positions.first().copied();
            return false;
        }
        if let Some(before) = self.pieces.last_mut() {
            before.push(b',');
            self.bytes += 1;
        }
        if let Some(last) = ends.iter().position(|end| self.bytes + end > PAGE_BYTES_WANTED) {
            self.is_full = true;
            self.cut = positions.get(last + 1).copied();
            json.truncate(ends[last]);
        }
        self.bytes += json.len();
        self.pieces.push(json);
        self.cut.is_none()
    }
}

/// Milliseconds since 1970 of the system clock.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn rows(first: u64, sizes_mib: &[usize]) -> (Vec<u8>, Vec<usize>, Vec<Position>) {
        let mut end = 0;
        let ends = sizes_mib.iter().map(|size| {
            end += size * MIB;
            end
        });
        let ends: Vec<usize> = ends.collect();
        let positions = (first..).take(ends.len()).map(|row| Position { file: 0, row }).collect();
        (vec![b'x'; ends.last().copied().unwrap_or_default()], ends, positions)
    }

    #[test]
    fn a_page_ends_after_the_row_that_makes_it_too_long() {
        let at = |row| Some(Position { file: 0, row });
        // In the middle of a piece; with the last row of one; never.
        for (pieces, expected, cut) in [
            (&[&[5][..], &[2, 3, 1]][..], &[5 * MIB + 1, 5 * MIB][..], at(3)),
            (&[&[5], &[4], &[1]], &[5 * MIB + 1, 4 * MIB], at(2)),
            (&[&[5], &[], &[2]], &[5 * MIB + 1, 2 * MIB], None),
            (&[&[5], &[4]], &[5 * MIB + 1, 4 * MIB], None),
            (&[&[9, 1]], &[9 * MIB], at(1)),
        ] {
            let mut written = Written::default();
            let mut first = 0;
            for sizes in pieces {
                let (json, ends, positions) = rows(first, sizes);
                first += sizes.len() as u64;
                if !written.take(json, &ends, &positions) {
                    break;
                }
            }
            let lengths: Vec<usize> = written.pieces.iter().map(Vec::len).collect();
            assert_eq!((&lengths[..], written.cut), (expected, cut), "{pieces:?}");
        }
    }
}
