//! Named write points: moments before and after a durable step at which a test lets the program die.
//!
//! With `LAZURITE_CRASH_AT` set to one of the names, a debug build ends there as by `kill -9`: at once, without
//! unwinding, closing or flushing. A release build has no such points. What must hold afterwards is tested for every
//! name by `crates/cli/tests/cli/crashes.rs` and `tests/crashes/run.py`, which read this list.

/// Environment variable that names the point.
const CRASH_AT: &str = "LAZURITE_CRASH_AT";

/// All write points, in the order in which an import, a report, a batch of usage, a billing run and a pruning pass them; the
/// last two commit as an import does and pass its points too. *Staged* is a file that is written and
/// flushed under its temporary name, *named* one that has its own name since this moment.
pub const CRASH_POINTS: [&str; 40] = [
    "import-read",
    "import-file-staged",
    "import-file-named",
    "import-files-written",
    "import-source-staged",
    "import-source-named",
    "import-sources-kept",
    "import-rest-written",
    "import-commit-begun",
    "import-commit-staged",
    "import-commit-named",
    "import-committed",
    "import-checkpoint-staged",
    "import-checkpoint-named",
    "import-checkpointed",
    "import-catalog-begun",
    "import-catalog-written",
    "import-catalog-committed",
    "report-queued",
    "report-claimed",
    "report-blob-opened",
    "report-blob-written",
    "report-blob-staged",
    "report-blob-named",
    "report-blobs-finished",
    "report-outcome-recorded",
    "usage-file-staged",
    "usage-file-named",
    "usage-files-written",
    "usage-commit-begun",
    "usage-commit-staged",
    "usage-commit-named",
    "usage-committed",
    "usage-catalog-begun",
    "usage-catalog-written",
    "usage-catalog-committed",
    "native-input-written",
    "native-input-committed",
    "prune-committed",
    "prune-begun",
];

/// A write point. The process ends here when the environment names it and the build has debug assertions.
pub fn crash_point(name: &str) {
    if cfg!(debug_assertions) {
        assert!(CRASH_POINTS.contains(&name), "{name} is not a listed write point");
        if std::env::var_os(CRASH_AT).is_some_and(|at| at == name) {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_listed_once() {
        let mut names = CRASH_POINTS.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CRASH_POINTS.len());
    }

    #[test]
    #[should_panic(expected = "is not a listed write point")]
    fn a_point_that_is_not_listed_fails_every_test_that_passes_it() {
        crash_point("import-somewhere");
    }
}
