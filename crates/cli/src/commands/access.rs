//! `lazurite access`.

use std::process::ExitCode;

use access::{KeyHolder, Level};
use catalog::{AssignmentEntry, Catalog, Principal};
use imports::Store;
use serde_json::json;

use crate::args::{AccessArgs, AccessCommand, AccessGrantArgs, AccessListArgs, AccessRevokeArgs};
use crate::commands::{audit_entry, holder};
use crate::failure::Failure;
use crate::instant::{now_ms, rfc3339};

/// Longest issuer, subject and group, in bytes.
const ID_BYTES_MAX: usize = 256;

pub(crate) async fn run(args: AccessArgs) -> Result<ExitCode, Failure> {
    match args.command {
        AccessCommand::Grant(args) => grant(args).await,
        AccessCommand::List(args) => list(args).await,
        AccessCommand::Revoke(args) => revoke(args).await,
    }
}

async fn grant(args: AccessGrantArgs) -> Result<ExitCode, Failure> {
    let holder = args.holder.holder().map_err(|message| Failure::refused("Scope", message))?;
    let principal = match (args.subject, args.group) {
        (Some(subject), _) => Principal::Subject(subject),
        (None, group) => Principal::Group(group.unwrap_or_default()),
    };
    let (kind, id) = principal.parts();
    for (what, text) in [("issuer", args.issuer.as_str()), (kind, id)] {
        if text.is_empty() || text.len() > ID_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(Failure::refused(
                "Principal",
                format!("the {what} must have 1 to {ID_BYTES_MAX} bytes of text"),
            ));
        }
    }
    let detail = format!("{} on {} to {kind} {id} of {}", holder.role, holder.scope.key(), args.issuer);
    let store = Store::open(&args.data.path).await?;
    let mut notes = Vec::from_iter(holder::note(store.catalog(), &holder).await?);
    notes.extend(policy_note(store.catalog(), &holder).await?);
    let entry = AssignmentEntry {
        id: uuid::Uuid::new_v4().to_string(),
        issuer: args.issuer,
        principal,
        enrollment: holder.enrollment.clone(),
        scope: holder.scope,
        role: holder.role.to_string(),
        created_at_ms: now_ms(),
    };
    let audit = audit_entry("access.grant", &holder.enrollment, entry.id.clone(), detail.clone());
    let granted = store.catalog().add_assignment(&entry, &audit).await?;
    store.catalog().close().await;
    if !granted {
        return Err(Failure::refused(
            "GrantedAlready",
            format!("{detail} is granted already; lazurite access list shows it"),
        ));
    }
    if args.json {
        println!("{}", json!({ "id": entry.id }));
    } else {
        println!("granted {detail}\nid {}", entry.id);
    }
    for note in notes {
        eprintln!("note: {note}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What a granted role waits for, if a switch of the enrollment keeps it from reading.
async fn policy_note(catalog: &Catalog, holder: &KeyHolder) -> Result<Option<String>, Failure> {
    let policies = catalog.policies(&holder.enrollment).await?;
    let needed = match holder.role.level() {
        _ if policies.price_hidden => "--price-hidden off",
        Level::Department if !policies.da_view_charges => "--da-view-charges on",
        Level::Account | Level::Subscription if !policies.ao_view_charges => "--ao-view-charges on",
        _ => return Ok(None),
    };
    let number = &holder.enrollment;
    Ok(Some(format!("the role reads nothing until: lazurite enrollment policy --enrollment {number} {needed}")))
}

async fn list(args: AccessListArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let granted = store.catalog().assignments().await?;
    store.catalog().close().await;
    if args.json {
        let granted: Vec<_> = granted
            .iter()
            .map(|one| {
                let (kind, id) = one.principal.parts();
                json!({
                    "id": one.id, "issuer": one.issuer, kind: id, "enrollment": one.enrollment,
                    "scope": one.scope.key(), "role": one.role, "created": rfc3339(one.created_at_ms),
                })
            })
            .collect();
        println!("{}", json!({ "granted": granted }));
    } else if granted.is_empty() {
        println!(
            "no roles are granted; grant one with: lazurite access grant --issuer URL --subject ID --enrollment NUMBER"
        );
    } else {
        for one in &granted {
            let (kind, id) = one.principal.parts();
            let (role, number, scope) = (&one.role, &one.enrollment, one.scope.key());
            println!("{}  {role} on {scope} of enrollment {number} to {kind} {id} of {}", one.id, one.issuer);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(args: AccessRevokeArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let known = store.catalog().assignments().await?.into_iter().find(|one| one.id == args.id);
    let gone = || {
        Failure::refused(
            "NotGranted",
            format!("there is no granted role {:?}; lazurite access list shows them", args.id),
        )
    };
    let known = known.ok_or_else(gone)?;
    let (kind, id) = known.principal.parts();
    let detail = format!("{} on {} from {kind} {id} of {}", known.role, known.scope.key(), known.issuer);
    let audit = audit_entry("access.revoke", &known.enrollment, known.id.clone(), detail.clone());
    let revoked = store.catalog().remove_assignment(&known.id, &audit).await?;
    store.catalog().close().await;
    if !revoked {
        return Err(gone());
    }
    if args.json {
        println!("{}", json!({ "revoked": args.id }));
    } else {
        println!("revoked {detail}");
    }
    Ok(ExitCode::SUCCESS)
}
