//! Which rows each scope below the enrollment answers: by ids, by names, by neither (DESIGN 4.6; SEMANTICS 1 and 6.3).

use std::collections::BTreeMap;

use catalog::AuditEntry;
use formats::Layout;
use lazurite_imports::ImportError;
use ledger::{
    AccountName, AppliedAccount, AppliedDepartment, AppliedHierarchy, AppliedSubscription, Dataset, EnrollmentId,
    IdOrigin, NameKind, Scope, Since, SubscriptionId,
};
use samples::bundled::{EA_ACTUAL, EA_AMORTIZED, NISE_SUBSCRIPTION};

use crate::support::{A, B, Bench, Question, SEPTEMBER, actual, cells};

const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,InvoiceSectionName,AccountId,AccountName,\
                      AccountOwnerId,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
                      BillingCurrencyCode,ChargeType,PricingModel";

/// An export of enrollment 100 in September 2023. A line has department id and name, account id, name and owner,
/// subscription, day and charge type; `-` is an empty cell, A and B are subscriptions. The first line costs 1, the next
/// 2, and so on.
pub(crate) fn export(table: &str) -> String {
    let mut text = format!("{HEADER}\n");
    for (index, line) in table.trim().lines().enumerate() {
        let cell = |cell: &str| match cell.trim() {
            "-" => String::new(),
            "A" => A.to_owned(),
            "B" => B.to_uppercase(),
            text => text.replace('_', " "),
        };
        let cells: Vec<String> = line.split('|').map(cell).collect();
        let [department, section, account, name, owner, subscription, day, charge] = cells.as_slice() else {
            panic!("{line}");
        };
        let cost = index + 1;
        text.push_str(&format!(
            "100,09/01/2023,{department},{section},{account},{name},{owner},{subscription},09/{day}/2023,m,1,{cost},{cost},\
             USD,{charge},OnDemand\n"
        ));
    }
    text
}

pub(crate) async fn imported(table: &str) -> Bench {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("export.csv", export(table)))).await.unwrap();
    bench
}

pub(crate) fn enrollment(number: &str) -> EnrollmentId {
    EnrollmentId::parse(number).unwrap()
}

pub(crate) fn audit() -> AuditEntry {
    let text = || "test".to_owned();
    AuditEntry { at_ms: 0, actor: text(), action: text(), enrollment: None, target: text(), detail: text(), times: 1 }
}

impl Bench {
    /// The costs of a scope, in the order of the export.
    async fn costs_of(&self, scope: &str) -> Vec<u32> {
        let costs = self.column(&Question { scope: Some(scope), ..SEPTEMBER }, "CostInBillingCurrency").await;
        let mut costs: Vec<u32> = costs.iter().map(|cost| cost.parse().unwrap()).collect();
        costs.sort_unstable();
        costs
    }

    async fn check(&self, expected: &[(&str, &[u32])]) {
        for (scope, costs) in expected {
            assert_eq!(self.costs_of(scope).await, *costs, "{scope}");
        }
    }

    /// The ids of the departments or accounts that are listed, with the origins of those ids.
    async fn listed(&self, number: &str, kind: NameKind) -> Vec<(String, IdOrigin)> {
        let known = self.store.catalog().hierarchy(&enrollment(number)).await.unwrap();
        match kind {
            NameKind::Department => known.departments().map(|node| (node.id.clone(), node.origin)).collect(),
            NameKind::Account => known.accounts().map(|node| (node.id.clone(), node.origin)).collect(),
        }
    }

    /// The generated id of a name.
    pub(crate) async fn generated(&self, number: &str, owner: &str, name: &str) -> String {
        let wanted = AccountName::of(Some(owner), Some(name)).unwrap();
        let named = self.store.catalog().named_ids(&enrollment(number)).await.unwrap();
        let mut own = named.into_iter().filter(|one| one.name == wanted && one.origin == IdOrigin::Generated);
        own.next().unwrap().id
    }

    pub(crate) async fn map(&self, number: &str, kind: NameKind, owner: &str, name: &str, id: Option<&str>) {
        let name = AccountName::of(Some(owner), Some(name)).unwrap();
        assert!(self.store.catalog().map_name(&enrollment(number), kind, &name, id, &audit()).await.unwrap());
    }

    pub(crate) async fn apply(&self, stated: &AppliedHierarchy) {
        stated.check().unwrap();
        let stated = [(enrollment("100"), stated.clone())];
        self.store.catalog().apply_hierarchies(&stated, |_, _| audit(), false).await.unwrap().unwrap();
    }
}

fn since(from: Option<&str>, id: &str) -> Since {
    Since { from: from.map(|from| from.to_owned().try_into().unwrap()), id: Some(id.to_owned()) }
}

/// Departments 30 and 40 with the accounts 31 and 41; A moved from 31 to 41 on the given day, B is always in 31.
pub(crate) fn moved_on(day: &str) -> AppliedHierarchy {
    let department =
        |id: &str, name: &str| AppliedDepartment { id: id.into(), name: Some(name.into()), cost_center: None };
    let account = |id: &str, department: &str| AppliedAccount {
        id: id.into(),
        name: None,
        owner: None,
        cost_center: None,
        department: vec![since(None, department)],
    };
    let subscription = |id: &str, account| AppliedSubscription {
        id: SubscriptionId::parse(id).unwrap(),
        name: None,
        cost_center: None,
        account,
    };
    AppliedHierarchy {
        departments: vec![department("30", "Labs"), department("40", "Field")],
        accounts: vec![account("31", "30"), account("41", "40")],
        subscriptions: vec![
            subscription(A, vec![since(None, "31"), since(Some(day), "41")]),
            subscription(B, vec![since(None, "31")]),
        ],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_belong_to_the_id_that_they_carry_and_only_usage_is_seen_below_the_enrollment() {
    let bench = imported(
        "7 | Retail | 71 | Shop | a@x | A | 01 | Usage
         7 | Stores | 71 | Shop | a@x | B | 02 | usage
         8 | Retail | 72 | Shop | a@x | B | 03 | Usage
         7 | Retail | 71 | Shop | a@x | A | 04 | Purchase
         7 | Retail | 71 | Shop | a@x | A | 05 | Refund
         7 | Retail | 71 | Shop | a@x | A | 06 | RoundingAdjustment
         7 | Retail | 71 | Shop | a@x | A | 07 | USAGE
         7 | Retail | 71 | Shop | a@x | A | 08 | Tax",
    )
    .await;
    bench
        .check(&[
            ("billingAccounts/100", &[1, 2, 3, 4, 5, 6, 7, 8]),
            ("departments/7", &[1, 2, 7]),
            ("billingAccounts/100/departments/7", &[1, 2, 7]),
            ("departments/8", &[3]),
            ("enrollmentAccounts/71", &[1, 2, 7]),
            ("enrollmentAccounts/72", &[3]),
            (&format!("subscriptions/{A}"), &[1, 7]),
            (&format!("subscriptions/{B}"), &[2, 3]),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_a_name_alone_belong_to_what_the_name_stands_for() {
    let bench = imported(
        "- | Retail     | -  | Shop | a@x | A | 01 | Usage
         - | retail_    | -  | Shop | A@X | A | 02 | Usage
         - | Stores     | -  | Shop | b@x | A | 03 | Usage
         7 | Stores     | 71 | Shop | b@x | A | 04 | Usage
         _ | Wholesale  | __ | -    | b@x | A | 05 | Usage
         - | Unassigned | -  | -    | -   | A | 06 | Usage
         - | -          | -  | -    | -   | B | 07 | Usage",
    )
    .await;
    let department = async |name: &str| format!("departments/{}", bench.generated("100", "", name).await);
    let account =
        async |owner: &str, name: &str| format!("enrollmentAccounts/{}", bench.generated("100", owner, name).await);
    let (retail, stores, wholesale) =
        (department("Retail").await, department("Stores").await, department("Wholesale").await);
    let (a_shop, b_shop, b) = (account("a@x", "shop").await, account("b@x", "Shop").await, account("b@x", "").await);
    // Stores and b@x's Shop have one id in other rows, so rows without id are theirs; their generated ids give less.
    bench
        .check(&[
            (&retail, &[1, 2]),
            ("departments/7", &[3, 4]),
            (&stores, &[3]),
            (&wholesale, &[5]),
            (&a_shop, &[1, 2]),
            ("enrollmentAccounts/71", &[3, 4]),
            (&b_shop, &[3]),
            (&b, &[5]),
        ])
        .await;
    assert_eq!(bench.listed("100", NameKind::Department).await.len(), 3);
    bench.map("100", NameKind::Department, "", "RETAIL", Some("7")).await;
    bench.map("100", NameKind::Account, "B@x", "", Some("72")).await;
    bench
        .check(&[("departments/7", &[1, 2, 3, 4]), (&retail, &[1, 2]), ("enrollmentAccounts/72", &[5]), (&b, &[5])])
        .await;
    bench.map("100", NameKind::Department, "", "Retail", None).await;
    bench.check(&[("departments/7", &[3, 4]), (&retail, &[1, 2])]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_subscription_belongs_to_the_owner_of_the_day_by_its_own_cells() {
    let bench = imported(
        "7 | Retail | 71 | Shop | a@x | A | 10 | Usage
         8 | Stores | 81 | Mall | b@x | A | 11 | Usage
         8 | Stores | 81 | Mall | b@x | A | 12 | Usage",
    )
    .await;
    // What is applied says otherwise; cells win.
    bench.apply(&moved_on("2023-09-05")).await;
    bench
        .check(&[
            ("departments/7", &[1]),
            ("departments/8", &[2, 3]),
            ("enrollmentAccounts/71", &[1]),
            ("enrollmentAccounts/81", &[2, 3]),
            ("departments/30", &[]),
            ("enrollmentAccounts/41", &[]),
            (&format!("subscriptions/{A}"), &[1, 2, 3]),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_any_name_belong_to_the_applied_owner_of_their_day() {
    let bench = imported(
        "- | -          | -  | -    | -   | A | 10 | Usage
         - | -          | -  | -    | -   | A | 11 | Usage
         - | -          | -  | -    | -   | B | 11 | Usage
         - | Labs       | -  | -    | -   | A | 12 | Usage
         - | Unassigned | -  | -    | -   | A | 13 | Usage
         - | -          | 31 | -    | -   | A | 14 | Usage
         - | -          | -  | Shop | a@x | A | 15 | Usage
         - | -          | -  | -    | -   | - | 16 | Usage
         - | -          | -  | -    | -   | A | 17 | Purchase",
    )
    .await;
    bench.apply(&moved_on("2023-09-11")).await;
    let shop = format!("enrollmentAccounts/{}", bench.generated("100", "a@x", "Shop").await);
    bench
        .check(&[
            // The day of the move is the new owner's.
            ("enrollmentAccounts/31", &[1, 3, 6]),
            ("enrollmentAccounts/41", &[2, 4, 5]),
            (&shop, &[7]),
            // Labs is named by a row; Unassigned is outside of every department, whoever has the subscription.
            ("departments/30", &[1, 3, 4]),
            ("departments/40", &[2, 6, 7]),
            (&format!("subscriptions/{A}"), &[1, 2, 4, 5, 6, 7]),
        ])
        .await;
    // Another day of the move changes what is answered at once.
    bench.apply(&moved_on("2023-09-10")).await;
    bench.check(&[("enrollmentAccounts/31", &[3, 6]), ("departments/40", &[1, 2, 6, 7])]).await;
    bench.apply(&AppliedHierarchy::default()).await;
    bench.check(&[("enrollmentAccounts/31", &[6])]).await;
    assert_eq!(bench.listed("100", NameKind::Department).await.len(), 1, "only the name Labs is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_one_department_name_and_ninety_ids_imports_and_each_id_has_its_rows() {
    let bench = Bench::new().await;
    bench.import(actual(bench.file(NISE_SUBSCRIPTION.name, NISE_SUBSCRIPTION.bytes))).await.unwrap();
    let source = cells(NISE_SUBSCRIPTION.bytes);
    let index = |name: &str| source[0].iter().position(|column| column == name).unwrap();
    let (id, name, cost) = (index("InvoiceSectionId"), index("InvoiceSectionName"), index("CostInBillingCurrency"));
    let mut expected: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in &source[1..] {
        assert_eq!(row[name], "IT Services");
        expected.entry(&row[id]).or_default().push(row[cost].clone());
    }
    assert_eq!(expected.len(), 90);
    let question = Question { enrollment: "51145392", period: "202506", ..SEPTEMBER };
    for (id, costs) in &expected {
        let scope = format!("departments/{id}");
        let question = Question { scope: Some(&scope), ..question };
        assert_eq!(&bench.column(&question, "CostInBillingCurrency").await, costs, "{id}");
    }
    let listed = bench.listed("51145392", NameKind::Department).await;
    assert_eq!(listed.len(), 90);
    assert!(listed.iter().all(|(id, origin)| expected.contains_key(id.as_str()) && *origin == IdOrigin::Rows));
}

/// Costs of the usage rows of a bundled export, sorted.
fn usage(bytes: &[u8]) -> Vec<String> {
    let source = cells(bytes);
    let index = |name: &str| source[0].iter().position(|column| column == name).unwrap();
    let (charge, cost) = (index("ChargeType"), index("Cost"));
    let mut costs: Vec<String> =
        source[1..].iter().filter(|row| row[charge] == "Usage").map(|row| row[cost].clone()).collect();
    costs.sort();
    costs
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_exports_answer_department_and_account_by_generated_and_by_mapped_id() {
    let bench = Bench::new().await;
    let number = "8611537";
    for sample in [EA_ACTUAL, EA_AMORTIZED] {
        bench.import_bytes(sample.name, sample.bytes).await.unwrap();
    }
    let check = async |scope: String| {
        for (sample, dataset) in [(EA_ACTUAL, Dataset::ActualCost), (EA_AMORTIZED, Dataset::AmortizedCost)] {
            let layout = Layout::EaPortalC360;
            let question = Question { enrollment: number, dataset, layout, scope: Some(&scope), ..SEPTEMBER };
            assert_eq!(bench.column(&question, "Cost").await, usage(sample.bytes), "{scope} {dataset}");
        }
    };
    assert_eq!((usage(EA_ACTUAL.bytes).len(), usage(EA_AMORTIZED.bytes).len()), (10, 28));
    for (kind, path, owner, name, id) in [
        (NameKind::Department, "departments", "", "ACM", "4711"),
        (NameKind::Account, "enrollmentAccounts", "ACM@testea.onmicrosoft.com", "acm team", "4712"),
    ] {
        let generated = bench.generated(number, owner, name).await;
        assert_eq!((generated.len(), &generated[..1]), (13, "9"));
        assert_eq!(bench.listed(number, kind).await, [(generated.clone(), IdOrigin::Generated)]);
        check(format!("{path}/{generated}")).await;
        bench.map(number, kind, owner, name, Some(id)).await;
        assert_eq!(bench.listed(number, kind).await, [(id.to_owned(), IdOrigin::Mapped)]);
        check(format!("{path}/{id}")).await;
        check(format!("billingAccounts/{number}/{path}/{generated}")).await;
    }
}

/// Imports a table as the export of a scope.
async fn import_scope(bench: &Bench, name: &str, scope: &str, table: &str) -> Result<(), ImportError> {
    let mut options = actual(bench.file(name, export(table)));
    options.fill.scope = Some(Scope::parse(scope).unwrap());
    bench.import(options).await.map(|_| ())
}

/// Two ids can be one department: rows that carry none tell by their name and subscription.
#[tokio::test(flavor = "multi_thread")]
async fn charges_are_not_counted_again_under_another_id_of_their_department_or_account() {
    for (scope, other, rows, others) in [
        (
            "departments/4711",
            "departments/4712",
            "- | ACM | - | - | - | A | 01 | Usage",
            "- | acm | - | - | - | A | 02 | Usage",
        ),
        (
            "enrollmentAccounts/70",
            "enrollmentAccounts/71",
            "- | - | - | Shop | o@x | A | 01 | Usage",
            "- | - | - | SHOP | O@X | A | 02 | Usage",
        ),
    ] {
        let bench = Bench::new().await;
        import_scope(&bench, "first.csv", scope, rows).await.unwrap();
        for again in [rows, others] {
            let refused = import_scope(&bench, "again.csv", other, again).await;
            assert!(matches!(refused, Err(ImportError::Overlap { .. })), "{scope} {other}");
        }
        assert_eq!(bench.version().await, 1);
    }
    // Rows that say whose they are, and rows of another name, are other charges, even of the same subscription.
    let bench = Bench::new().await;
    import_scope(&bench, "a.csv", "departments/7", "7 | ACM | - | - | - | A | 01 | Usage").await.unwrap();
    import_scope(&bench, "b.csv", "departments/8", "8 | ACM | - | - | - | A | 02 | Usage").await.unwrap();
    import_scope(&bench, "c.csv", "departments/9", "- | Shop | - | - | - | A | 03 | Usage").await.unwrap();
    assert_eq!(bench.column(&SEPTEMBER, "CostInBillingCurrency").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_after_an_id_makes_no_other_charge() {
    let bench = Bench::new().await;
    import_scope(&bench, "a.csv", "departments/7", &format!("7 | - | - | - | - | {A}_ | 01 | Usage")).await.unwrap();
    let refused =
        import_scope(&bench, "b.csv", &format!("subscriptions/{A}"), "7 | - | - | - | - | A | 01 | Usage").await;
    assert!(matches!(refused, Err(ImportError::Overlap { .. })), "{refused:?}");
}

/// What only a faulty export said is forgotten with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_export_takes_back_what_the_faulty_one_taught() {
    let right = "- | Research | - | - | - | A | 01 | Usage\n30 | Retail | - | - | - | B | 02 | Usage";
    let faulty = format!("{right}\n30 | Research | - | - | - | B | 03 | Usage");
    let bench = imported(right).await;
    bench.check(&[("departments/30", &[2])]).await;
    bench.import(actual(bench.file("faulty.csv", export(&faulty)))).await.unwrap();
    bench.check(&[("departments/30", &[1, 2, 3])]).await;
    let mut again = actual(bench.file("right.csv", export(right)));
    again.force = true;
    bench.import(again).await.unwrap();
    bench.check(&[("departments/30", &[2])]).await;
    let research = bench.generated("100", "", "Research").await;
    bench.check(&[(&format!("departments/{research}"), &[1])]).await;
}
