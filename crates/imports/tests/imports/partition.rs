//! I-8: departments, and usage of none, and what only the enrollment shows, are together the enrollment; accounts and
//! subscriptions likewise. No row twice, none lost, exact to the last digit.

use ledger::{AccountName, Dataset, NameKind};
use money::{Decimal, Limits, Total};
use proptest::prelude::*;

use crate::scopes::{audit, enrollment, moved_on};
use crate::support::{A, B, Bench, Question, SEPTEMBER};
use lazurite_imports::ImportOptions;

const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,InvoiceSectionName,AccountId,AccountName,\
                      AccountOwnerId,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
                      BillingCurrencyCode,ChargeType,PricingModel,ResourceId";

/// Id and name of a department, as cells have them.
const DEPARTMENTS: [[&str; 2]; 13] = [
    ["7", "Retail"],
    [" 7 ", "RETAIL"],
    ["7", "Stores"],
    ["8", "Retail"],
    ["", "Retail"],
    ["", "Stores"],
    ["  ", "Wholesale"],
    ["", " wholesale"],
    ["9", ""],
    ["", "Labs"],
    ["", "Unassigned"],
    ["", "  "],
    ["", ""],
];
/// Id, name and owner of an account.
const ACCOUNTS: [[&str; 3]; 12] = [
    ["71", "Shop", "a@x"],
    ["71", "Mall", "a@x"],
    ["72", "Shop", "b@x"],
    ["73", "Shop", "b@x"],
    ["", "Shop", "a@x"],
    ["", "SHOP ", "A@X"],
    ["", "Shop", "b@x"],
    ["", "", "b@x"],
    ["", "Mall", ""],
    ["31", "", ""],
    [" ", "\t", " "],
    ["", "", ""],
];
const NOBODYS: &str = "00000000-0000-0000-0000-000000000000";
const SUBSCRIPTIONS: [&str; 6] = [A, "1CAAA5A3-2B66-438E-8AB4-BCE37D518C5D", B, NOBODYS, "", "not a guid"];
/// Charge types that a dataset can have. Purchases name the purchasing subscription.
const ACTUAL: [&str; 8] = ["Usage", "usage", "Usage", "Usage", "Purchase", "Refund", "RoundingAdjustment", "Tax"];
const AMORTIZED: [&str; 8] =
    ["Usage", "USAGE", "Usage", "Usage", "UnusedReservation", "UnusedSavingsPlan", "RoundingAdjustment", "Tax"];

#[derive(Debug, Clone)]
struct Row {
    department: [&'static str; 2],
    account: [&'static str; 3],
    subscription: &'static str,
    day: u16,
    charge: usize,
    cost: String,
}

prop_compose! {
    fn row()(
        department in prop::sample::select(&DEPARTMENTS[..]),
        account in prop::sample::select(&ACCOUNTS[..]),
        subscription in prop::sample::select(&SUBSCRIPTIONS[..]),
        day in 1_u16..=30,
        charge in 0..ACTUAL.len(),
        cost in "-?[0-9]{1,9}\\.[0-9]{1,28}",
    ) -> Row {
        Row { department, account, subscription, day, charge, cost }
    }
}

/// What the owner says beside the rows.
#[derive(Debug, Clone)]
struct Statements {
    moved_on: Option<u16>,
    /// Names, by position, with the ids that they are mapped to, by position; the last id is the generated one of the
    /// next name.
    departments: Vec<(usize, usize)>,
    accounts: Vec<(usize, usize)>,
}

prop_compose! {
    fn statements()(
        moved_on in prop::option::of(1_u16..=30),
        departments in prop::collection::vec((0..4_usize, 0..4_usize), 0..4),
        accounts in prop::collection::vec((0..4_usize, 0..4_usize), 0..4),
    ) -> Statements {
        Statements { moved_on, departments, accounts }
    }
}

fn export(rows: &[Row], charges: &[&str]) -> String {
    let mut text = format!("{HEADER}\n");
    for (number, row) in rows.iter().enumerate() {
        let Row { department: [id, section], account: [account, name, owner], subscription, day, charge, cost } = row;
        let charge = charges[*charge];
        text.push_str(&format!(
            "100,09/01/2023,{id},{section},{account},{name},{owner},{subscription},09/{day:02}/2023,m,1,,{cost},USD,{charge},\
             OnDemand,/r/{number}\n"
        ));
    }
    text
}

fn sum(costs: impl IntoIterator<Item = impl AsRef<str>>) -> Decimal {
    let mut total = Total::default();
    for cost in costs {
        total.add(Decimal::parse(cost.as_ref().as_bytes(), Limits::COST).unwrap().value).unwrap();
    }
    total.value()
}

struct World {
    bench: Bench,
    rows: Vec<Row>,
}

impl World {
    async fn new(rows: Vec<Row>, statements: &Statements) -> Self {
        let bench = Bench::new().await;
        for (dataset, charges) in [(Dataset::ActualCost, ACTUAL), (Dataset::AmortizedCost, AMORTIZED)] {
            let path = bench.file(&format!("{dataset}.csv"), export(&rows, &charges));
            let mut options = ImportOptions { paths: vec![path], ..ImportOptions::default() };
            options.fill.dataset = Some(dataset);
            bench.import(options).await.unwrap();
        }
        if let Some(day) = statements.moved_on {
            bench.apply(&moved_on(&format!("2023-09-{day:02}"))).await;
        }
        let departments = [("", "retail"), ("", "stores"), ("", "wholesale"), ("", "labs")];
        let accounts = [("a@x", "shop"), ("b@x", "shop"), ("b@x", ""), ("", "mall")];
        for (kind, names, mappings, ids) in [
            (NameKind::Department, departments, &statements.departments, ["7", "8", "55"]),
            (NameKind::Account, accounts, &statements.accounts, ["71", "31", "55"]),
        ] {
            for (name, id) in mappings {
                let ((owner, name), (next_owner, next)) = (names[*name], names[(*name + 1) % names.len()]);
                let named = bench.store.catalog().named_ids(&enrollment("100")).await.unwrap();
                let wanted = AccountName::of(Some(next_owner), Some(next)).unwrap();
                let given = named.into_iter().find(|one| one.kind == kind && one.name == wanted).map(|one| one.id);
                let id = ids.get(*id).map(ToString::to_string).or(given).unwrap_or_else(|| "56".to_owned());
                let name = AccountName::of(Some(owner), Some(name)).unwrap();
                bench.store.catalog().map_name(&enrollment("100"), kind, &name, Some(&id), &audit()).await.unwrap();
            }
        }
        Self { bench, rows }
    }

    /// The rows of a scope as texts of their cells, sorted.
    async fn rows_of(&self, scope: &str, dataset: Dataset) -> Vec<Vec<String>> {
        let question = Question { scope: Some(scope), dataset, ..SEPTEMBER };
        let mut rows = self.bench.rows(&question).await.split_off(1);
        rows.sort();
        rows
    }

    /// Whether a row is in no scope of a kind, as its cells and the applied hierarchy say.
    fn is_outside(&self, kind: &str, row: &Row, applied: bool) -> bool {
        let blank = |cells: &[&str]| cells.iter().all(|cell| cell.trim().is_empty());
        let has_owner = applied && [A, B].iter().any(|id| id.eq_ignore_ascii_case(row.subscription));
        match kind {
            "departments" if row.department == ["", "Unassigned"] => true,
            "departments" => blank(&row.department) && !has_owner,
            "enrollmentAccounts" => blank(&row.account) && !has_owner,
            _ => row.subscription.is_empty() || row.subscription == "not a guid",
        }
    }
}

async fn check(rows: Vec<Row>, statements: Statements) {
    let world = World::new(rows, &statements).await;
    let known = world.bench.store.catalog().hierarchy(&enrollment("100")).await.unwrap();
    let scopes = [
        ("departments", known.departments().map(|node| node.id.clone()).collect::<Vec<_>>()),
        ("enrollmentAccounts", known.accounts().map(|node| node.id.clone()).collect()),
        ("subscriptions", known.subscriptions().map(|(id, _)| id.to_string()).collect()),
    ];
    for (dataset, charges) in [(Dataset::ActualCost, ACTUAL), (Dataset::AmortizedCost, AMORTIZED)] {
        let header = world.bench.rows(&Question { dataset, ..SEPTEMBER }).await.swap_remove(0);
        let column = |name: &str| header.iter().position(|column| column == name).unwrap();
        let (cost, resource) = (column("CostInBillingCurrency"), column("ResourceId"));
        let costs = |rows: &[Vec<String>]| sum(rows.iter().map(|row| row[cost].clone()));
        let all = world.rows_of("billingAccounts/100", dataset).await;
        assert_eq!(all.len(), world.rows.len());
        assert_eq!(costs(&all), sum(world.rows.iter().map(|row| &row.cost)), "as the export says");
        for (kind, ids) in &scopes {
            let mut together = Vec::new();
            for id in ids {
                together.extend(world.rows_of(&format!("{kind}/{id}"), dataset).await);
            }
            // The rest by the source's own cells, not by anything that was answered.
            together.extend(
                all.iter()
                    .filter(|served| {
                        let row = &world.rows[served[resource].strip_prefix("/r/").unwrap().parse::<usize>().unwrap()];
                        let is_usage = charges[row.charge].eq_ignore_ascii_case("usage");
                        !is_usage || world.is_outside(kind, row, statements.moved_on.is_some())
                    })
                    .cloned(),
            );
            together.sort();
            assert_eq!(together, all, "{kind} of {dataset}: {ids:?}");
            assert_eq!(costs(&together), costs(&all));
        }
    }
    check_generated_ids(&world).await;
}

/// Every generated id gives only rows that carry its name and no id.
async fn check_generated_ids(world: &World) {
    for one in world.bench.store.catalog().named_ids(&enrollment("100")).await.unwrap() {
        let (kind, names) = match one.kind {
            NameKind::Department => ("departments", ["InvoiceSectionId", "InvoiceSectionId", "InvoiceSectionName"]),
            NameKind::Account => ("enrollmentAccounts", ["AccountId", "AccountOwnerId", "AccountName"]),
        };
        let is_alias = {
            let known = world.bench.store.catalog().hierarchy(&enrollment("100")).await.unwrap();
            let listed = |id: &str| known.departments().chain(known.accounts()).any(|node| node.id == id);
            one.origin == ledger::IdOrigin::Generated && !listed(&one.id)
        };
        if !is_alias {
            continue;
        }
        let scope = format!("{kind}/{}", one.id);
        let mut served = world.bench.rows(&Question { scope: Some(&scope), ..SEPTEMBER }).await;
        let header = served.remove(0);
        let cells = names.map(|name| header.iter().position(|column| column == name).unwrap());
        for row in served {
            let [id, owner, name] = cells.map(|index| ledger::comparable(&row[index]));
            assert_eq!((id.as_str(), owner, name), ("", one.name.owner.clone(), one.name.name.clone()), "{scope}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_scopes_of_each_kind_and_the_rest_are_the_enrollment(
        rows in prop::collection::vec(row(), 20..80),
        statements in statements(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(check(rows, statements));
    }
}
