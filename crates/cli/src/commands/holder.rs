//! What there is to say about the holders of keys and roles: whether the store knows their scope, and who loses theirs.

use std::collections::BTreeMap;

use access::KeyHolder;
use catalog::Catalog;
use lake::leftover::counted;
use ledger::{EnrollmentId, Node, Scope, comparable};

use crate::failure::Failure;
use crate::instant::now_ms;

/// A note about a holder whose scope the store does not know yet. A name in the place of an id is refused: nobody would
/// ever read anything by it.
pub(crate) async fn note(catalog: &Catalog, holder: &KeyHolder) -> Result<Option<String>, Failure> {
    let number = &holder.enrollment;
    if catalog.enrollment(number.as_str()).await?.is_none() {
        return Ok(Some(format!(
            "nothing of enrollment {number} is held yet; its charges can be read once they are imported"
        )));
    }
    let hierarchy = catalog.hierarchy(number).await?;
    if hierarchy.select(&holder.scope).is_some() {
        return Ok(None);
    }
    let (given, option, nodes): (&str, &str, Vec<&Node>) = match &holder.scope {
        Scope::Department { id, .. } => (id, "department", hierarchy.departments().collect()),
        Scope::EnrollmentAccount { id, .. } => (id, "account", hierarchy.accounts().collect()),
        _ => ("", "", Vec::new()),
    };
    let is_named =
        |node: &&&Node| node.names.iter().chain(&node.owners).any(|name| comparable(name) == comparable(given));
    let ids: Vec<String> = nodes.iter().filter(is_named).map(|node| format!("--{option} {}", node.id)).collect();
    if !ids.is_empty() {
        let message = format!("{given} is a name, an id is needed: {}", ids.join(" or "));
        return Err(Failure::refused("NotAnId", message));
    }
    Ok(Some(format!(
        "enrollment {number} has no {} so far; lazurite enrollment show --enrollment {number} lists what it has",
        holder.scope.key()
    )))
}

/// Scopes of an enrollment on which there are keys or granted roles and which rows belong to, with what is on them.
pub(crate) async fn held_scopes(
    catalog: &Catalog,
    enrollment: &EnrollmentId,
) -> Result<BTreeMap<String, String>, Failure> {
    let hierarchy = catalog.hierarchy(enrollment).await?;
    let mut counts: BTreeMap<String, (Scope, usize, usize)> = BTreeMap::new();
    let now = now_ms();
    for key in catalog.keys().await? {
        if key.enrollment == *enrollment && key.revoked_at_ms.is_none() && key.expires_at_ms > now {
            counts.entry(key.scope.key()).or_insert((key.scope, 0, 0)).1 += 1;
        }
    }
    for role in catalog.assignments().await? {
        if role.enrollment == *enrollment {
            counts.entry(role.scope.key()).or_insert((role.scope, 0, 0)).2 += 1;
        }
    }
    counts.retain(|_, (scope, ..)| hierarchy.select(scope).is_some());
    Ok(counts
        .into_iter()
        .map(|(key, (_, keys, roles))| {
            (key, [counted(keys as u64, "key"), counted(roles as u64, "granted role")].join(" and "))
        })
        .collect())
}

/// Warns of keys and roles whose scope was known before a change and is not any more.
pub(crate) async fn warn_of_lost(
    catalog: &Catalog,
    enrollment: &EnrollmentId,
    before: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let after = held_scopes(catalog, enrollment).await?;
    for (scope, holders) in before.iter().filter(|(scope, _)| !after.contains_key(*scope)) {
        eprintln!("note: {holders} are on {scope} of enrollment {enrollment}, which no row belongs to now");
    }
    Ok(())
}
