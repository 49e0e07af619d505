//! Departments and accounts of an enrollment, as far as rows, the owner's statements and generated ids tell
//! (DESIGN 4.6).
//!
//! Rows with an id belong to that id. For rows with a name only, the name stands for an id: the one that the owner
//! mapped, else the one that the applied hierarchy states, else the only one that rows show beside this name, else a
//! generated one. A generated id always means the rows that carry its name and no id, whatever the name stands for
//! later: what it gives never grows.

use std::collections::{BTreeMap, BTreeSet};

use crate::applied::{AppliedHierarchy, steps};
use crate::selection::{AccountName, Selection, Tenure, UNASSIGNED, comparable};
use crate::{Place, Scope, SubscriptionId};

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A department.
    Department,
    /// An enrollment account.
    Account,
}

/// Where an id comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdOrigin {
    /// The owner mapped a name to it.
    Mapped,
    /// The applied hierarchy states it.
    Applied,
    /// Rows carry it.
    Rows,
    /// The store made it for a name without id.
    Generated,
}

/// Generated ids have 13 digits and begin with 9: longer than any id that the original gives.
pub const GENERATED_FIRST: u64 = 9_000_000_000_000;
/// How many generated ids there can be.
pub const GENERATED_COUNT: u64 = 1_000_000_000_000;

/// Whether an id has the form of the generated ones. Owners cannot give those to anything: each stands for its name.
pub fn is_generated_form(id: &str) -> bool {
    let number = id.trim().parse::<u64>();
    number.is_ok_and(|number| (GENERATED_FIRST..GENERATED_FIRST + GENERATED_COUNT).contains(&number))
}

/// A name to which an id was given, other than by rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedId {
    /// What it names.
    pub kind: NameKind,
    /// The name; departments have no owner.
    pub name: AccountName,
    /// The id.
    pub id: String,
    /// [`IdOrigin::Mapped`] or [`IdOrigin::Generated`].
    pub origin: IdOrigin,
}

/// A department or an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id, as first seen.
    pub id: String,
    /// Where the id comes from.
    pub origin: IdOrigin,
    /// Its names as spelled; several where rows have several.
    pub names: BTreeSet<String>,
    /// Owners as spelled; accounts only.
    pub owners: BTreeSet<String>,
    /// Generated ids that stand for some of its rows too.
    pub also: BTreeSet<String>,
    /// Names that stand for it in rows without id.
    stands_for: BTreeSet<AccountName>,
    tenures: Vec<Tenure>,
}

/// What is known of an enrollment's departments, accounts and subscriptions.
#[derive(Debug, Clone, Default)]
pub struct Hierarchy {
    departments: BTreeMap<String, Node>,
    accounts: BTreeMap<String, Node>,
    subscriptions: BTreeMap<SubscriptionId, Option<String>>,
    /// Department, account, subscription that occur together; comparable ids.
    together: BTreeSet<(Option<String>, Option<String>, Option<SubscriptionId>)>,
}

/// A department's name as it is compared; `Unassigned` is none, whoever says so (D-01).
fn department_named(name: Option<&str>) -> Option<AccountName> {
    AccountName::of(None, name).filter(|one| one.name != comparable(UNASSIGNED))
}

fn department_name(place: &Place) -> Option<AccountName> {
    department_named(place.department_name.as_deref())
}

fn account_name(place: &Place) -> Option<AccountName> {
    AccountName::of(place.account_owner.as_deref(), place.account_name.as_deref())
}

/// The names in `places` for which a generated id is needed: those of rows that carry no id.
pub fn names_without_id(places: &[Place]) -> BTreeSet<(NameKind, AccountName)> {
    let departments = places.iter().filter(|place| place.department_id.is_none()).filter_map(department_name);
    let accounts = places.iter().filter(|place| place.account_id.is_none()).filter_map(account_name);
    let departments = departments.map(|name| (NameKind::Department, name));
    departments.chain(accounts.map(|name| (NameKind::Account, name))).collect()
}

/// One kind of names, while the hierarchy is built.
struct Names<'a> {
    stated: BTreeMap<AccountName, (&'a str, IdOrigin)>,
    generated: BTreeMap<&'a AccountName, &'a str>,
    /// Ids that rows show beside a name.
    shown: BTreeMap<AccountName, BTreeSet<String>>,
    nodes: BTreeMap<String, Node>,
}

impl<'a> Names<'a> {
    fn new(kind: NameKind, named: &'a [NamedId], applied: Vec<(AccountName, &'a str)>) -> Self {
        let is_name = |one: &NamedId| match kind {
            NameKind::Department => department_named(Some(&one.name.name)).is_some(),
            NameKind::Account => true,
        };
        let of = |origin| named.iter().filter(move |one| one.kind == kind && one.origin == origin && is_name(one));
        let mut stated: BTreeMap<AccountName, (&str, IdOrigin)> = BTreeMap::new();
        let mut ambiguous = BTreeSet::new();
        for (name, id) in applied {
            if stated.insert(name.clone(), (id, IdOrigin::Applied)).is_some_and(|(other, _)| other != id) {
                ambiguous.insert(name);
            }
        }
        ambiguous.iter().for_each(|name| _ = stated.remove(name));
        stated.extend(of(IdOrigin::Mapped).map(|one| (one.name.clone(), (one.id.as_str(), IdOrigin::Mapped))));
        let generated = of(IdOrigin::Generated).map(|one| (&one.name, one.id.as_str())).collect();
        Self { stated, generated, shown: BTreeMap::new(), nodes: BTreeMap::new() }
    }

    fn node(&mut self, id: &str, origin: IdOrigin) -> &mut Node {
        let node = self.nodes.entry(comparable(id)).or_insert_with(|| Node {
            id: id.trim().to_owned(),
            origin,
            names: BTreeSet::new(),
            owners: BTreeSet::new(),
            also: BTreeSet::new(),
            stands_for: BTreeSet::new(),
            tenures: Vec::new(),
        });
        node.origin = node.origin.min(origin);
        node
    }

    /// The comparable id that a name stands for in rows without id.
    fn stands_for(&self, name: &AccountName) -> Option<String> {
        if let Some((id, _)) = self.stated.get(name) {
            return Some(comparable(id));
        }
        let shown = self.shown.get(name);
        match shown.and_then(|ids| ids.first()) {
            Some(only) if shown.is_some_and(|ids| ids.len() == 1) => Some(only.clone()),
            _ => self.generated.get(name).map(|id| comparable(id)),
        }
    }

    /// Learns ids and names from rows: id, name, and their spellings.
    fn learn(&mut self, id: Option<&str>, name: Option<&AccountName>) {
        if let Some(id) = id {
            self.node(id, IdOrigin::Rows);
            if let Some(name) = name {
                self.shown.entry(name.clone()).or_default().insert(comparable(id));
            }
        }
    }

    /// When all rows are known: which names stand for which id.
    fn settle(&mut self) {
        for (id, origin) in self.stated.values().copied().collect::<Vec<_>>() {
            self.node(id, origin);
        }
        self.drop_taken_aliases();
        let generated: Vec<(AccountName, &str)> =
            self.generated.iter().map(|(name, id)| ((*name).clone(), *id)).collect();
        for (name, id) in &generated {
            self.node(id, IdOrigin::Generated).stands_for.insert(name.clone());
        }
        let names: BTreeSet<AccountName> = self
            .shown
            .keys()
            .chain(self.stated.keys())
            .chain(generated.iter().map(|(name, _)| name))
            .cloned()
            .collect();
        for name in names {
            let Some(id) = self.stands_for(&name) else { continue };
            let own = self.generated.get(&name).map(|id| (*id).to_owned());
            if let Some(node) = self.nodes.get_mut(&id) {
                node.stands_for.insert(name);
                node.also.extend(own.filter(|own| comparable(own) != id));
            }
        }
    }

    /// A generated id that was given to something else stands for its own name no longer once that has another id: its
    /// rows would be in both.
    fn drop_taken_aliases(&mut self) {
        let mut generated = std::mem::take(&mut self.generated);
        let is_taken = |id: &str| self.nodes.contains_key(&comparable(id));
        let taken: Vec<(&AccountName, &str)> =
            generated.iter().filter(|(_, id)| is_taken(id)).map(|(name, id)| (*name, *id)).collect();
        for (name, id) in taken {
            // What the name stands for but for its generated id.
            if self.stands_for(name).is_some_and(|other| other != comparable(id)) {
                generated.remove(name);
            }
        }
        self.generated = generated;
    }

    /// Ids under which the rows of a place are found.
    fn ids_of(&self, id: Option<&str>, name: Option<&AccountName>) -> Vec<Option<String>> {
        match (id, name) {
            (Some(id), _) => vec![Some(comparable(id))],
            (None, None) => vec![None],
            (None, Some(name)) => {
                let generated = self.generated.get(name).map(|id| comparable(id));
                let mut ids: Vec<Option<String>> = vec![self.stands_for(name)];
                if generated.is_some() && !ids.contains(&generated) {
                    ids.push(generated);
                }
                ids
            }
        }
    }
}

impl Hierarchy {
    /// Puts together what is known.
    pub fn new(places: &[Place], named: &[NamedId], applied: &AppliedHierarchy) -> Self {
        let departments = applied.departments.iter();
        let departments = departments.filter_map(|one| Some((department_named(one.name.as_deref())?, one.id.as_str())));
        let accounts = applied.accounts.iter();
        let accounts = accounts
            .filter_map(|one| Some((AccountName::of(one.owner.as_deref(), one.name.as_deref())?, one.id.as_str())));
        let mut departments = Names::new(NameKind::Department, named, departments.collect());
        let mut accounts = Names::new(NameKind::Account, named, accounts.collect());
        for place in places {
            departments.learn(place.department_id.as_deref(), department_name(place).as_ref());
            accounts.learn(place.account_id.as_deref(), account_name(place).as_ref());
        }
        applied.departments.iter().for_each(|one| _ = departments.node(&one.id, IdOrigin::Applied));
        applied.accounts.iter().for_each(|one| _ = accounts.node(&one.id, IdOrigin::Applied));
        departments.settle();
        accounts.settle();
        let mut found = Self::default();
        for place in places {
            found.place(place, &mut departments, &mut accounts);
        }
        found.apply(applied, &mut departments, &mut accounts);
        found.departments = departments.nodes;
        found.accounts = accounts.nodes;
        found
    }

    fn place(&mut self, place: &Place, departments: &mut Names<'_>, accounts: &mut Names<'_>) {
        let subscription = place.subscription_id.as_deref().and_then(|id| SubscriptionId::parse(id.trim()).ok());
        if let Some(id) = subscription {
            let name = self.subscriptions.entry(id).or_default();
            *name = place.subscription_name.clone().or(name.take());
        }
        let department_ids = departments.ids_of(place.department_id.as_deref(), department_name(place).as_ref());
        let account_ids = accounts.ids_of(place.account_id.as_deref(), account_name(place).as_ref());
        for node in department_ids.iter().flatten() {
            if let Some(node) = departments.nodes.get_mut(node) {
                node.names.extend(place.department_name.clone());
            }
        }
        for node in account_ids.iter().flatten() {
            if let Some(node) = accounts.nodes.get_mut(node) {
                node.names.extend(place.account_name.clone());
                node.owners.extend(place.account_owner.clone());
            }
        }
        for department in &department_ids {
            for account in &account_ids {
                self.together.insert((department.clone(), account.clone(), subscription));
            }
        }
    }

    fn apply(&mut self, applied: &AppliedHierarchy, departments: &mut Names<'_>, accounts: &mut Names<'_>) {
        for one in &applied.departments {
            departments.node(&one.id, IdOrigin::Applied).names.extend(one.name.clone());
        }
        for one in &applied.accounts {
            let node = accounts.node(&one.id, IdOrigin::Applied);
            node.names.extend(one.name.clone());
            node.owners.extend(one.owner.clone());
            for step in steps(&one.department) {
                self.together.insert((Some(comparable(step.owner)), Some(comparable(&one.id)), None));
            }
        }
        for one in &applied.subscriptions {
            let name = self.subscriptions.entry(one.id).or_default();
            *name = one.name.clone().or(name.take());
        }
        for (id, tenures) in applied.account_tenures() {
            self.together.extend(tenures.iter().map(|tenure| (None, Some(id.clone()), Some(tenure.subscription))));
            accounts.node(&id, IdOrigin::Applied).tenures = tenures;
        }
        for (id, tenures) in applied.department_tenures() {
            self.together.extend(tenures.iter().map(|tenure| (Some(id.clone()), None, Some(tenure.subscription))));
            departments.node(&id, IdOrigin::Applied).tenures = tenures;
        }
    }

    /// The departments, by comparable id. Generated ids that stand for rows of another department are not listed.
    pub fn departments(&self) -> impl Iterator<Item = &Node> {
        listed(&self.departments)
    }

    /// The enrollment accounts, like [`Hierarchy::departments`].
    pub fn accounts(&self) -> impl Iterator<Item = &Node> {
        listed(&self.accounts)
    }

    /// The subscriptions and their names.
    pub fn subscriptions(&self) -> impl Iterator<Item = (SubscriptionId, Option<&str>)> {
        self.subscriptions.iter().map(|(id, name)| (*id, name.as_deref()))
    }

    /// Which rows belong to a scope; `None` if nobody knows it. Whether the scope names this enrollment is the caller's
    /// affair; resource groups are not known here.
    pub fn select(&self, scope: &Scope) -> Option<Selection> {
        match scope {
            Scope::BillingAccount(_) => Some(Selection::Everything),
            Scope::Department { id, .. } => {
                let id = comparable(id);
                let node = self.departments.get(&id)?;
                let names = node.stands_for.iter().map(|one| one.name.clone()).collect();
                Some(Selection::Department { id, names, tenures: node.tenures.clone() })
            }
            Scope::EnrollmentAccount { id, .. } => {
                let id = comparable(id);
                let node = self.accounts.get(&id)?;
                Some(Selection::Account { id, names: node.stands_for.clone(), tenures: node.tenures.clone() })
            }
            Scope::Subscription(id) => self.subscriptions.contains_key(id).then_some(Selection::Subscription(*id)),
            Scope::ResourceGroup { .. } => None,
        }
    }

    /// Whether a scope is another one or has rows within it: an account in a department, a subscription in either, a
    /// generated id in the one that its name stands for by now.
    pub fn lies_within(&self, inner: &Scope, outer: &Scope) -> bool {
        if inner.key() == outer.key() || matches!(outer, Scope::BillingAccount(_)) {
            return true;
        }
        let is_alias = |nodes: &BTreeMap<String, Node>, inner: &str, outer: &str| {
            nodes.get(&comparable(outer)).is_some_and(|node| node.also.iter().any(|id| *id == comparable(inner)))
        };
        match (inner, outer) {
            (Scope::Department { id: inner, .. }, Scope::Department { id: outer, .. }) => {
                return is_alias(&self.departments, inner, outer);
            }
            (Scope::EnrollmentAccount { id: inner, .. }, Scope::EnrollmentAccount { id: outer, .. }) => {
                return is_alias(&self.accounts, inner, outer);
            }
            _ => {}
        }
        let same = |known: &Option<String>, id: &str| known.as_deref() == Some(comparable(id).as_str());
        self.together.iter().any(|(department, account, subscription)| match (inner, outer) {
            (Scope::EnrollmentAccount { id: inner, .. }, Scope::Department { id: outer, .. }) => {
                same(account, inner) && same(department, outer)
            }
            (Scope::Subscription(inner), Scope::Department { id: outer, .. }) => {
                *subscription == Some(*inner) && same(department, outer)
            }
            (Scope::Subscription(inner), Scope::EnrollmentAccount { id: outer, .. }) => {
                *subscription == Some(*inner) && same(account, outer)
            }
            _ => false,
        })
    }

    /// The subscriptions that lie within a scope, as [`Hierarchy::lies_within`] says of each.
    pub fn subscriptions_within(&self, outer: &Scope) -> BTreeSet<SubscriptionId> {
        let known = self.subscriptions.keys().copied();
        match outer {
            Scope::BillingAccount(_) => known.collect(),
            Scope::Subscription(id) => known.filter(|one| one == id).collect(),
            Scope::Department { id, .. } => {
                let id = Some(comparable(id));
                let inner = self.together.iter().filter(|(department, _, _)| *department == id);
                inner.filter_map(|(_, _, subscription)| *subscription).collect()
            }
            Scope::EnrollmentAccount { id, .. } => {
                let id = Some(comparable(id));
                let inner = self.together.iter().filter(|(_, account, _)| *account == id);
                inner.filter_map(|(_, _, subscription)| *subscription).collect()
            }
            Scope::ResourceGroup { .. } => BTreeSet::new(),
        }
    }
}

fn listed(nodes: &BTreeMap<String, Node>) -> impl Iterator<Item = &Node> {
    let aliases: BTreeSet<String> = nodes.values().flat_map(|node| &node.also).map(|id| comparable(id)).collect();
    nodes
        .iter()
        .filter(move |(id, node)| node.origin != IdOrigin::Generated || !aliases.contains(*id))
        .map(|(_, node)| node)
}

#[cfg(test)]
mod tests;
