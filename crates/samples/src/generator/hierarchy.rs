//! The invented enrollment: departments, accounts, subscriptions.

use super::options::GeneratorOptions;
use super::rng::{Random, Stream};

const FIRST_DEPARTMENT_ID: u32 = 40_001;
const FIRST_ACCOUNT_ID: u32 = 211_234;

const DEPARTMENT_NAMES: &[&str] = &[
    "Information Technology",
    "Research & Development",
    "Operations, Logistics",
    "Sales and Marketing",
    "Finance",
    "Human Resources",
    "Forschung Zürich",
];
const ACCOUNT_TEAMS: &[&str] = &["Platform", "Applications", "Data", "Security", "Workplace", "Integration", "Web"];
const STAGES: &[&str] = &["Production", "Development", "Test", "Sandbox"];

/// What rows repeat of their department. Ids count up from 40001.
#[derive(Debug)]
pub(super) struct Department {
    pub(super) id: String,
    pub(super) name: String,
}

/// What rows repeat of their enrollment account. Ids count up from 211234.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) department: usize,
}

/// What rows repeat of their subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) offer: &'static str,
    pub(super) cost_center: String,
    /// The stage in lower case: a tag and a part of names.
    pub(super) stage: &'static str,
    pub(super) account: usize,
}

/// The enrollment down to subscriptions.
#[derive(Debug)]
pub(super) struct Hierarchy {
    pub(super) departments: Vec<Department>,
    pub(super) accounts: Vec<Account>,
    pub(super) subscriptions: Vec<Subscription>,
}

impl Hierarchy {
    /// The hierarchy of the options: accounts are dealt out to departments in turn, subscriptions to accounts.
    pub(super) fn new(options: &GeneratorOptions) -> Self {
        let departments: Vec<Department> = (0..options.departments).map(department).collect();
        let accounts: Vec<Account> = (0..options.accounts).map(|index| account(index, &departments)).collect();
        let mut random = Random::new(options.seed, Stream::Subscriptions, 0);
        let subscriptions =
            (0..options.subscriptions).map(|index| subscription(index, &accounts, &mut random)).collect();
        Self { departments, accounts, subscriptions }
    }
}

fn department(index: u32) -> Department {
    Department { id: (FIRST_DEPARTMENT_ID + index).to_string(), name: numbered(DEPARTMENT_NAMES, index) }
}

fn account(index: u32, departments: &[Department]) -> Account {
    let department = index as usize % departments.len();
    let team = numbered(ACCOUNT_TEAMS, index);
    Account {
        id: (FIRST_ACCOUNT_ID + index).to_string(),
        owner: format!("{}.owner@lazurite.example", team.to_lowercase().replace(' ', "-")),
        name: format!("{team} Team"),
        department,
    }
}

fn subscription(index: u32, accounts: &[Account], random: &mut Random) -> Subscription {
    let account = index as usize % accounts.len();
    // The first round of subscriptions is production, the next development and so on.
    let stage = STAGES[(index as usize / accounts.len()) % STAGES.len()];
    let (offer, stage_tag) = match stage {
        "Production" => ("MS-AZR-0017P", "prod"),
        "Development" => ("MS-AZR-0148P", "dev"),
        "Test" => ("MS-AZR-0148P", "test"),
        _ => ("MS-AZR-0148P", "sandbox"),
    };
    // Casing of cost centers is not normalised in real files.
    let prefix = if random.chance(1, 6) { "acm" } else { "ACM" };
    Subscription {
        id: random.guid_string(),
        name: format!("{} {stage} {:02}", accounts[account].name.trim_end_matches(" Team"), index + 1),
        offer,
        cost_center: format!("{prefix}{}", 9_000 + random.below(60)),
        stage: stage_tag,
        account,
    }
}

/// The name at the index; when the names run out they come again with a number.
fn numbered(names: &[&str], index: u32) -> String {
    let index = index as usize;
    let name = names[index % names.len()];
    match index / names.len() {
        0 => name.to_owned(),
        round => format!("{name} {}", round + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_enrollment() {
        let hierarchy = Hierarchy::new(&GeneratorOptions::default());
        assert_eq!(hierarchy.departments.len(), 4);
        assert_eq!(hierarchy.departments[0].id, "40001");
        assert_eq!(hierarchy.accounts.len(), 9);
        assert_eq!(hierarchy.accounts[0].id, "211234");
        assert_eq!(hierarchy.accounts[7].name, "Platform 2 Team");
        assert_eq!(hierarchy.subscriptions.len(), 24);
    }

    #[test]
    fn subscriptions_derive_from_the_seed() {
        let ids = |seed| {
            let options = GeneratorOptions { seed, ..GeneratorOptions::default() };
            Hierarchy::new(&options).subscriptions.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
    }
}
