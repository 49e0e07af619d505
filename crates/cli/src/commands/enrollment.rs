//! `lazurite enrollment`: what is known of departments, accounts and subscriptions, and who sees charges.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use catalog::Policies;
use imports::Store;
use ledger::{
    AccountName, AppliedAccount, AppliedDepartment, AppliedHierarchy, AppliedSubscription, EnrollmentId, Hierarchy,
    IdOrigin, NameKind, Node, Scope, UNASSIGNED, comparable, is_generated_form, names_without_id,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{
    EnrollmentApplyArgs, EnrollmentArgs, EnrollmentCommand, EnrollmentMapArgs, EnrollmentPolicyArgs,
    EnrollmentShowArgs, Switch,
};
use crate::commands::{audit_entry, holder};
use crate::failure::Failure;

/// Largest file of a hierarchy.
const FILE_BYTES_MAX: u64 = 64 << 20;

pub(crate) async fn run(args: EnrollmentArgs) -> Result<ExitCode, Failure> {
    match args.command {
        EnrollmentCommand::Show(args) => show(args).await,
        EnrollmentCommand::Map(args) => map(args).await,
        EnrollmentCommand::Policy(args) => policy(args).await,
        EnrollmentCommand::Apply(args) => apply(args).await,
    }
}

async fn show(args: EnrollmentShowArgs) -> Result<ExitCode, Failure> {
    let store = Store::open_existing(&args.data.path).await?;
    let catalog = store.catalog();
    let mut numbers: Vec<EnrollmentId> = catalog.enrollments().await?.into_iter().map(|one| one.number).collect();
    for number in catalog.applied_enrollments().await? {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    if let Some(asked) = &args.enrollment {
        numbers.retain(|number| number == asked);
        if numbers.is_empty() {
            return Err(Failure::refused("NoSuchEnrollment", format!("nothing is known of enrollment {asked}")));
        }
    }
    let mut shown = Vec::new();
    for number in &numbers {
        let (hierarchy, policies) = (catalog.hierarchy(number).await?, catalog.policies(number).await?);
        if args.json {
            let mut one = hierarchy_json(number, &hierarchy);
            one["policies"] = policies_json(policies);
            shown.push(one);
        } else {
            print(number, &hierarchy, policies);
        }
    }
    store.catalog().close().await;
    if args.json {
        println!("{}", json!({ "enrollments": shown }));
    } else if numbers.is_empty() {
        println!("no enrollment is known yet; load an export with: lazurite import FILE");
    }
    Ok(ExitCode::SUCCESS)
}

fn policies_json(policies: Policies) -> Value {
    json!({
        "daViewCharges": policies.da_view_charges, "aoViewCharges": policies.ao_view_charges,
        "priceHidden": policies.price_hidden,
    })
}

const fn origin(origin: IdOrigin) -> &'static str {
    match origin {
        IdOrigin::Mapped => "mapped",
        IdOrigin::Applied => "applied",
        IdOrigin::Rows => "rows",
        IdOrigin::Generated => "generated",
    }
}

/// Departments, accounts and subscriptions for scripts.
pub(crate) fn hierarchy_json(number: &EnrollmentId, hierarchy: &Hierarchy) -> Value {
    let node = |node: &Node, with_owners: bool| {
        let mut one = json!({ "id": node.id, "idFrom": origin(node.origin), "names": node.names, "also": node.also });
        if with_owners {
            one["owners"] = json!(node.owners);
        }
        one
    };
    json!({
        "enrollment": number,
        "departments": hierarchy.departments().map(|one| node(one, false)).collect::<Vec<_>>(),
        "accounts": hierarchy.accounts().map(|one| node(one, true)).collect::<Vec<_>>(),
        "subscriptions":
            hierarchy.subscriptions().map(|(id, name)| json!({ "id": id, "name": name })).collect::<Vec<_>>(),
    })
}

/// A text of a row as a terminal may show it: nothing in it moves the cursor or begins a line.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

/// Departments and accounts for people; a line each, and at most so many of each.
pub(crate) fn print_nodes(hierarchy: &Hierarchy, lines_max: usize) {
    let line = |kind: &str, node: &Node| {
        let join = |texts: &BTreeSet<String>| texts.iter().map(|text| printable(text)).collect::<Vec<_>>().join(" / ");
        let mut line =
            format!("  {kind:10}  {:14}  {:9}  {}", printable(&node.id), origin(node.origin), join(&node.names));
        if !node.owners.is_empty() {
            line += &format!("  ({})", join(&node.owners));
        }
        if !node.also.is_empty() {
            line += &format!("  also answers as {}", join(&node.also));
        }
        println!("{line}");
    };
    println!("  {:10}  {:14}  {:9}  name", "", "id", "id from");
    hierarchy.departments().take(lines_max).for_each(|node| line("department", node));
    hierarchy.accounts().take(lines_max).for_each(|node| line("account", node));
    let more = |count: usize| count.saturating_sub(lines_max);
    let (departments, accounts) = (more(hierarchy.departments().count()), more(hierarchy.accounts().count()));
    if departments + accounts > 0 {
        println!(
            "  and {departments} more departments, {accounts} more accounts; lazurite enrollment show lists them all"
        );
    }
}

fn print(number: &EnrollmentId, hierarchy: &Hierarchy, policies: Policies) {
    println!("enrollment {number}");
    print_policies(policies);
    print_nodes(hierarchy, usize::MAX);
    for (id, name) in hierarchy.subscriptions() {
        println!("  subscription  {id}  {}", printable(name.unwrap_or_default()));
    }
}

fn print_policies(policies: Policies) {
    let on = |on| if on { "on" } else { "off" };
    println!("  da-view-charges  {}", on(policies.da_view_charges));
    println!("  ao-view-charges  {}", on(policies.ao_view_charges));
    println!("  price-hidden     {}", on(policies.price_hidden));
}

async fn map(args: EnrollmentMapArgs) -> Result<ExitCode, Failure> {
    let (kind, word, given) = match &args.department {
        Some(name) => (NameKind::Department, "department", AccountName::of(None, Some(name))),
        None => (NameKind::Account, "account", AccountName::of(args.owner.as_deref(), args.account.as_deref())),
    };
    let name = given.ok_or_else(|| Failure::refused("Name", "the name must not be blank"))?;
    if kind == NameKind::Department && name.name == comparable(UNASSIGNED) {
        let reason = "rows that say Unassigned are in no department; they cannot be mapped to one";
        return Err(Failure::refused("Name", reason));
    }
    if let Some(id) = &args.id {
        if !matches!(Scope::parse(&format!("departments/{id}")), Ok(Scope::Department { id: parsed, .. }) if parsed == *id)
        {
            return Err(Failure::refused(
                "Id",
                format!("{id:?} is not an id: expected 1 to 128 characters without slash"),
            ));
        }
        if is_generated_form(id) {
            let reason = format!(
                "{id} has the form of the ids that Lazurite generates, which stand for one name for ever; choose another one, \
                 or take a mapping back with --remove"
            );
            return Err(Failure::refused("Id", reason));
        }
    }
    let store = Store::open_existing(&args.data.path).await?;
    let named =
        [&name.owner, &name.name].into_iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    let (action, detail) = match &args.id {
        Some(id) => ("enrollment.map", format!("{word} {named} is {id}")),
        None => ("enrollment.unmap", format!("{word} {named}")),
    };
    let audit = audit_entry(action, &args.enrollment, named.clone(), detail);
    let in_rows = names_without_id(&store.catalog().places(&args.enrollment).await?);
    if kind == NameKind::Account
        && args.id.is_some()
        && let Some(AccountName { owner, name }) = whole_name(&in_rows, &name)
    {
        let message =
            format!("rows name this account by owner and name; give both: --account {name:?} --owner {owner:?}");
        return Err(Failure::refused("HalfName", message));
    }
    let before = holder::held_scopes(store.catalog(), &args.enrollment).await?;
    let changed = store.catalog().map_name(&args.enrollment, kind, &name, args.id.as_deref(), &audit).await?;
    holder::warn_of_lost(store.catalog(), &args.enrollment, &before).await?;
    let in_rows = in_rows.contains(&(kind, name));
    store.catalog().close().await;
    if args.json {
        println!("{}", json!({ "changed": changed }));
    } else {
        match (&args.id, changed) {
            (Some(id), true) => println!("rows of the {word} {named} without id now belong to {id}"),
            (None, true) => println!("the {word} {named} is not mapped any more"),
            (_, false) => println!("that is so already"),
        }
    }
    if args.id.is_some() && !in_rows {
        let number = &args.enrollment;
        eprintln!(
            "note: no row without id names the {word} {named} so far; lazurite enrollment show --enrollment {number} lists the \
             names"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Rows name an account by its owner and its name together; a half of that would map nothing. The owner and name of rows
/// that have both, if only one was given.
fn whole_name<'a>(rows: &'a BTreeSet<(NameKind, AccountName)>, given: &AccountName) -> Option<&'a AccountName> {
    let accounts = || rows.iter().filter(|(kind, _)| *kind == NameKind::Account).map(|(_, name)| name);
    if accounts().any(|own| own == given) {
        return None;
    }
    accounts().find(|own| {
        (given.owner.is_empty() && own.name == given.name) || (given.name.is_empty() && own.owner == given.owner)
    })
}

async fn policy(args: EnrollmentPolicyArgs) -> Result<ExitCode, Failure> {
    let store = Store::open(&args.data.path).await?;
    let audit = audit_entry("enrollment.policy", &args.enrollment, String::new(), String::new());
    let change = |policies: &mut Policies| {
        let set = |own: &mut bool, switch: Option<Switch>| *own = switch.map_or(*own, |switch| switch == Switch::On);
        set(&mut policies.da_view_charges, args.da_view_charges);
        set(&mut policies.ao_view_charges, args.ao_view_charges);
        set(&mut policies.price_hidden, args.price_hidden);
    };
    let policies = store.catalog().change_policies(&args.enrollment, change, &audit).await?;
    let held = store.catalog().enrollment(args.enrollment.as_str()).await?.is_some();
    store.catalog().close().await;
    if args.json {
        println!("{}", policies_json(policies));
    } else {
        println!("enrollment {}", args.enrollment);
        print_policies(policies);
    }
    if !held {
        eprintln!("note: nothing of enrollment {} is held yet; is the number right?", args.enrollment);
    }
    Ok(ExitCode::SUCCESS)
}

/// A file of `lazurite enrollment apply`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HierarchyFile {
    enrollments: Vec<EnrollmentHierarchy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrollmentHierarchy {
    number: EnrollmentId,
    #[serde(default)]
    departments: Vec<AppliedDepartment>,
    #[serde(default)]
    accounts: Vec<AppliedAccount>,
    #[serde(default)]
    subscriptions: Vec<AppliedSubscription>,
}

async fn apply(args: EnrollmentApplyArgs) -> Result<ExitCode, Failure> {
    let refused = |reason: String| Failure::refused("Hierarchy", format!("{}: {reason}", args.file.display()));
    let file = read(&args.file).map_err(&refused)?;
    let mut stated: Vec<(EnrollmentId, AppliedHierarchy)> = Vec::new();
    for EnrollmentHierarchy { number, departments, accounts, subscriptions } in file.enrollments {
        let hierarchy = AppliedHierarchy { departments, accounts, subscriptions };
        hierarchy.check().map_err(|error| refused(format!("enrollment {number}: {error}")))?;
        if stated.iter().any(|(known, _)| *known == number) {
            return Err(refused(format!("enrollment {number} is there twice")));
        }
        stated.push((number, hierarchy));
    }
    let store = Store::open(&args.data.path).await?;
    let catalog = store.catalog();
    for (number, _) in &stated {
        if catalog.is_native(number).await? {
            let reason = "is native: its enrollment document states its hierarchy; change that with lazurite bill";
            return Err(refused(format!("enrollment {number} {reason}")));
        }
    }
    let mut before = Vec::new();
    for (number, _) in &stated {
        before.push(holder::held_scopes(catalog, number).await?);
    }
    let audit = |number: &EnrollmentId, hierarchy: &AppliedHierarchy| {
        audit_entry("enrollment.apply", number, String::new(), counted(hierarchy))
    };
    let done = catalog.apply_hierarchies(&stated, audit, args.dry_run).await?;
    done.map_err(|(number, error)| refused(format!("enrollment {number}: {error}")))?;
    let mut applied = Vec::new();
    for ((number, hierarchy), before) in stated.iter().zip(&before) {
        if !args.json {
            let done = if args.dry_run { "would apply" } else { "applied" };
            println!("{done} enrollment {number}: {}", counted(hierarchy));
        }
        holder::warn_of_lost(catalog, number, before).await?;
        applied.push(json!({
            "enrollment": number, "departments": hierarchy.departments.len(), "accounts": hierarchy.accounts.len(),
            "subscriptions": hierarchy.subscriptions.len(),
        }));
    }
    catalog.close().await;
    if args.json {
        println!("{}", json!({ "applied": applied, "dryRun": args.dry_run }));
    }
    Ok(ExitCode::SUCCESS)
}

fn counted(hierarchy: &AppliedHierarchy) -> String {
    let AppliedHierarchy { departments, accounts, subscriptions } = hierarchy;
    format!("{} departments, {} accounts, {} subscriptions", departments.len(), accounts.len(), subscriptions.len())
}

fn read(path: &Path) -> Result<HierarchyFile, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it has {size} bytes; at most {FILE_BYTES_MAX} are read"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        read_toml(&text)
    }
}

/// TOML has dates of its own, `2023-09-15` without quotes; they are taken like those with quotes.
fn read_toml(text: &str) -> Result<HierarchyFile, String> {
    let error = match toml::from_str(text) {
        Ok(file) => return Ok(file),
        Err(error) => error.to_string(),
    };
    // Only with such dates in it, because what is read this way has no line numbers for messages.
    let Ok(table) = text.parse::<toml::Table>() else { return Err(error) };
    let mut value = toml::Value::Table(table);
    if quote_dates(&mut value) {
        HierarchyFile::deserialize(value).map_err(|error| error.to_string())
    } else {
        Err(error)
    }
}

/// Puts text in place of dates; whether there were any.
fn quote_dates(value: &mut toml::Value) -> bool {
    let mut found = false;
    match value {
        toml::Value::Datetime(date) => {
            *value = toml::Value::String(date.to_string());
            found = true;
        }
        toml::Value::Array(entries) => entries.iter_mut().for_each(|entry| found |= quote_dates(entry)),
        toml::Value::Table(members) => members.iter_mut().for_each(|(_, entry)| found |= quote_dates(entry)),
        _ => {}
    }
    found
}
