//! What a new summary of a billing period does to the one that is held (DESIGN 4.3): the rule alone, without storage.

use crate::RunTime;

/// The run that is held for a billing period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldRun<'a> {
    /// Identifies the bytes of the summary.
    pub content: &'a str,
    /// When its source was made, or made again with the same bytes.
    pub run_time: RunTime,
}

/// What a new summary does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BalanceVerdict {
    /// It is held from now on.
    Held,
    /// Its bytes are held already.
    Unchanged,
    /// A newer run is held.
    Stale,
}

/// Judges a new summary against the held one. Forced, the same bytes are a new revision, and so is an older run.
pub fn judge_balance(held: Option<HeldRun<'_>>, new: HeldRun<'_>, force: bool) -> BalanceVerdict {
    match held {
        _ if force => BalanceVerdict::Held,
        Some(held) if held.content == new.content => BalanceVerdict::Unchanged,
        Some(held) if held.run_time > new.run_time => BalanceVerdict::Stale,
        _ => BalanceVerdict::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_run_wins_and_the_same_bytes_change_nothing() {
        let run = |content, at| HeldRun { content, run_time: RunTime(at) };
        for (held, new, force, verdict) in [
            (None, run("a", 1), false, BalanceVerdict::Held),
            (Some(run("a", 5)), run("b", 6), false, BalanceVerdict::Held),
            (Some(run("a", 5)), run("b", 5), false, BalanceVerdict::Held),
            (Some(run("a", 5)), run("b", 4), false, BalanceVerdict::Stale),
            (Some(run("a", 5)), run("a", 4), false, BalanceVerdict::Unchanged),
            (Some(run("a", 5)), run("a", 6), false, BalanceVerdict::Unchanged),
            (Some(run("a", 5)), run("b", 4), true, BalanceVerdict::Held),
            (Some(run("a", 5)), run("a", 6), true, BalanceVerdict::Held),
        ] {
            assert_eq!(judge_balance(held, new, force), verdict, "{held:?} {new:?} {force}");
        }
    }
}
