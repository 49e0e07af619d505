//! `lazurite key`.

use std::process::ExitCode;

use access::issue_key;
use catalog::KeyEntry;
use imports::Store;
use serde_json::json;

use crate::args::{KeyArgs, KeyCommand, KeyCreateArgs, KeyListArgs, KeyRevokeArgs};
use crate::failure::Failure;
use crate::instant::{now_ms, rfc3339};

pub(crate) async fn run(args: KeyArgs) -> Result<ExitCode, Failure> {
    match args.command {
        KeyCommand::Create(args) => create(args).await,
        KeyCommand::List(args) => list(args).await,
        KeyCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: KeyCreateArgs) -> Result<ExitCode, Failure> {
    let store = Store::open(&args.data.path).await?;
    let issued = issue_key(store.catalog(), &args.enrollment, now_ms()).await?;
    let known = store.catalog().enrollment(args.enrollment.as_str()).await?.is_some();
    store.catalog().close().await;
    let expires = rfc3339(issued.expires_at_ms);
    if args.json {
        println!("{}", json!({ "id": issued.id, "key": issued.key.reveal(), "expires": expires }));
    } else {
        println!("id       {}", issued.id);
        println!("key      {}   (shown once; keep it now)", issued.key.reveal());
        println!("slot     {}", issued.slot.as_str());
        println!("expires  {expires}");
    }
    if !known {
        eprintln!(
            "note: nothing of enrollment {} is held yet; the key will read it once it is imported",
            args.enrollment
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn state(key: &KeyEntry, now_ms: i64) -> &'static str {
    match key.revoked_at_ms {
        Some(_) => "revoked",
        None if key.expires_at_ms <= now_ms => "expired",
        None => "active",
    }
}

async fn list(args: KeyListArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let keys = store.catalog().keys().await?;
    let now = now_ms();
    if args.json {
        let keys: Vec<_> = keys
            .iter()
            .map(|key| {
                json!({
                    "id": key.id, "enrollment": key.enrollment, "slot": key.slot.as_str(), "role": key.role,
                    "created": rfc3339(key.created_at_ms), "expires": rfc3339(key.expires_at_ms),
                    "state": state(key, now),
                })
            })
            .collect();
        println!("{}", json!({ "keys": keys }));
    } else if keys.is_empty() {
        println!("no keys yet; make one with: lazurite key create --enrollment NUMBER");
    } else {
        println!("{:36}  {:12}  {:9}  {:7}  expires", "id", "enrollment", "slot", "state");
        for key in &keys {
            let (state, expires) = (state(key, now), rfc3339(key.expires_at_ms));
            println!("{:36}  {:12}  {:9}  {state:7}  {expires}", key.id, key.enrollment.as_str(), key.slot.as_str());
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(args: KeyRevokeArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let revoked = store.catalog().revoke_key(&args.id, now_ms()).await?;
    store.catalog().close().await;
    if !revoked {
        let message = format!("there is no active key {:?}; lazurite key list shows the keys", args.id);
        return Err(Failure::refused("NoSuchKey", message));
    }
    if args.json {
        println!("{}", json!({ "revoked": args.id }));
    } else {
        println!("revoked {}", args.id);
    }
    Ok(ExitCode::SUCCESS)
}
