//! `lazurite prune`: ending history.

use std::process::ExitCode;

use imports::{Prunable, Store};
use lake::leftover::counted;
use serde_json::json;

use crate::args::PruneArgs;
use crate::commands::actor;
use crate::failure::Failure;
use crate::instant::{AsOf, now_ms};
use crate::output::grouped;

pub(crate) async fn run(args: PruneArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let done = pruned(&store, &args).await;
    store.catalog().close().await;
    let done = done?;
    if args.json {
        let Prunable { oldest, files, sources, size_bytes, left } = done;
        let numbers = json!({
            "oldestRevision": oldest, "files": files, "sources": sources, "bytes": size_bytes, "removed": args.yes,
            "left": left,
        });
        println!("{numbers}");
        return Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let what = format!(
        "{} of charges and {} ({} bytes)",
        counted(done.files, "file"),
        counted(done.sources, "source"),
        grouped(done.size_bytes)
    );
    let oldest = done.oldest;
    if args.yes {
        println!("removed {what}; revision {oldest} and later ones stay readable, earlier ones are refused");
        if done.left > 0 {
            let left = counted(done.left, "file");
            let reason = format!(
                "{left} of earlier revisions could not be removed; set the folder's permissions right, and \
                                  give the same command again"
            );
            return Err(Failure::other("NotRemoved", reason));
        }
    } else {
        println!("only revisions before {oldest} need {what}");
        println!("Nothing was removed. The same with --yes removes them for good: earlier revisions are then refused.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn pruned(store: &Store, args: &PruneArgs) -> Result<Prunable, Failure> {
    let oldest = match &args.keep_from {
        AsOf::Revision(revision) => *revision,
        AsOf::Instant(text, instant) if *instant > now_ms() => {
            let reason = format!("{text} is in the future; everything but the newest state would go");
            return Err(Failure::refused("FutureInstant", reason));
        }
        AsOf::Instant(text, instant) => match store.catalog().version_at(*instant).await? {
            Some(version) => version,
            None => return Err(Failure::refused("NoSuchRevision", format!("nothing was held at {text}"))),
        },
    };
    Ok(match args.yes {
        true => store.prune(oldest, args.sources, &actor()).await?,
        false => store.prunable(oldest, args.sources).await?,
    })
}
