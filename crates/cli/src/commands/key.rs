//! `lazurite key`.

use std::process::ExitCode;

use access::{IssuedKey, issue_key, revoke_key, rotate_key};
use catalog::KeyEntry;
use imports::Store;
use serde_json::json;

use crate::args::{KeyArgs, KeyCommand, KeyCreateArgs, KeyIdArgs, KeyListArgs};
use crate::commands::{actor, holder};
use crate::failure::Failure;
use crate::instant::{now_ms, rfc3339};

pub(crate) async fn run(args: KeyArgs) -> Result<ExitCode, Failure> {
    match args.command {
        KeyCommand::Create(args) => create(args).await,
        KeyCommand::List(args) => list(args).await,
        KeyCommand::Rotate(args) => rotate(args).await,
        KeyCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: KeyCreateArgs) -> Result<ExitCode, Failure> {
    let holder = args.holder.holder().map_err(|message| Failure::refused("Scope", message))?;
    let store = Store::open(&args.data.path).await?;
    let note = holder::note(store.catalog(), &holder).await?;
    let issued = issue_key(store.catalog(), &holder, &actor(), now_ms()).await?;
    store.catalog().close().await;
    show(&issued, args.json);
    if let Some(note) = note {
        eprintln!("note: {note}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows a new key, once.
fn show(issued: &IssuedKey, as_json: bool) {
    let expires = rfc3339(issued.expires_at_ms);
    if as_json {
        println!("{}", json!({ "id": issued.id, "key": issued.key.reveal(), "expires": expires }));
    } else {
        println!("id       {}", issued.id);
        println!("key      {}   (shown once; keep it now)", issued.key.reveal());
        println!("slot     {}", issued.slot.as_str());
        println!("expires  {expires}");
    }
}

async fn rotate(args: KeyIdArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let issued = rotate_key(store.catalog(), &args.id, &actor(), now_ms()).await?;
    store.catalog().close().await;
    show(&issued, args.json);
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
                    "id": key.id, "enrollment": key.enrollment, "scope": key.scope.key(), "slot": key.slot.as_str(), "role": key.role,
                    "created": rfc3339(key.created_at_ms), "expires": rfc3339(key.expires_at_ms),
                    "state": state(key, now),
                })
            })
            .collect();
        println!("{}", json!({ "keys": keys }));
    } else if keys.is_empty() {
        println!("no keys yet; make one with: lazurite key create --enrollment NUMBER");
    } else {
        println!(
            "{:36}  {:12}  {:24}  {:9}  {:7}  {:20}  scope",
            "id", "enrollment", "role", "slot", "state", "expires"
        );
        for key in &keys {
            let (state, expires) = (state(key, now), rfc3339(key.expires_at_ms));
            let (enrollment, slot, scope) = (key.enrollment.as_str(), key.slot.as_str(), key.scope.key());
            println!("{:36}  {enrollment:12}  {:24}  {slot:9}  {state:7}  {expires:20}  {scope}", key.id, key.role);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(args: KeyIdArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let revoked = revoke_key(store.catalog(), &args.id, &actor(), now_ms()).await;
    store.catalog().close().await;
    revoked?;
    if args.json {
        println!("{}", json!({ "revoked": args.id }));
    } else {
        println!("revoked {}", args.id);
    }
    Ok(ExitCode::SUCCESS)
}
