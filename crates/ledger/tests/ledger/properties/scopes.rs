//! The scopes of a bill's rows (I-8): departments, accounts and subscriptions share the usage of an enrollment among
//! themselves and leave nothing over.

use std::collections::BTreeMap;

use calendar::Date;
use ledger::billing::{ChargeRow, FieldValue, PeriodBill};
use ledger::identities::ScopesOfRow;
use ledger::{
    AccountName, AppliedHierarchy, Dataset, Field, Hierarchy, Scope, Selection, Tenure, UNASSIGNED, comparable,
};
use money::{Decimal, Total};
use proptest::prelude::*;

use super::billed::row_text;
use super::world::Seed;

/// The scopes below an enrollment, as questions about them are resolved.
pub(crate) struct Scopes {
    departments: Vec<Selection>,
    accounts: Vec<Selection>,
    subscriptions: Vec<Selection>,
}

impl Scopes {
    pub(crate) fn of(applied: &AppliedHierarchy) -> Self {
        let known = Hierarchy::new(&[], &[], applied);
        let select = |scope: Scope| known.select(&scope).unwrap();
        Self {
            departments: (known.departments())
                .map(|node| select(Scope::Department { enrollment: None, id: node.id.clone() }))
                .collect(),
            accounts: (known.accounts())
                .map(|node| select(Scope::EnrollmentAccount { enrollment: None, id: node.id.clone() }))
                .collect(),
            subscriptions: known.subscriptions().map(|(id, _)| select(Scope::Subscription(id))).collect(),
        }
    }

    /// In how many scopes a row is shown and in how many it should be.
    pub(crate) fn of_row(&self, row: &ChargeRow<'_>) -> ScopesOfRow {
        let cells = Cells::of(row);
        let count = |selections: &[Selection]| {
            u32::try_from(selections.iter().filter(|one| cells.are_of(one)).count()).unwrap()
        };
        ScopesOfRow {
            departments: count(&self.departments),
            accounts: count(&self.accounts),
            names_department: cells.name_department(),
            names_account: cells.name_account(),
        }
    }
}

/// The cells by which a row belongs to scopes.
struct Cells {
    department: String,
    department_name: String,
    account: String,
    account_name: Option<AccountName>,
    subscription: String,
    date: Date,
}

impl Cells {
    fn of(row: &ChargeRow<'_>) -> Self {
        let FieldValue::Date(date) = row.value(Field::Date) else { unreachable!("every row has a date") };
        let account_name =
            AccountName::of(Some(&text(row, Field::AccountOwnerId)), Some(&text(row, Field::AccountName)));
        Self {
            department: text(row, Field::InvoiceSectionId),
            department_name: text(row, Field::InvoiceSectionName),
            account: text(row, Field::AccountId),
            account_name,
            subscription: text(row, Field::SubscriptionId),
            date,
        }
    }

    fn name_department(&self) -> bool {
        !self.department.is_empty() || !["", UNASSIGNED].contains(&self.department_name.as_str())
    }

    fn name_account(&self) -> bool {
        !self.account.is_empty() || self.account_name.is_some()
    }

    /// The rule of [`Selection`]: the id decides, without it the name, without both the subscription's tenure.
    fn are_of(&self, selection: &Selection) -> bool {
        match selection {
            Selection::Everything => true,
            Selection::Department { id, names, tenures } => match (&*self.department, &*self.department_name) {
                ("", "") => self.are_in(tenures),
                ("", name) => names.contains(&comparable(name)),
                (own, _) => comparable(own) == *id,
            },
            Selection::Account { id, names, tenures } => match (&*self.account, &self.account_name) {
                ("", None) => self.are_in(tenures),
                ("", Some(name)) => names.contains(name),
                (own, _) => comparable(own) == *id,
            },
            Selection::Subscription(id) => comparable(&self.subscription) == id.to_string(),
        }
    }

    fn are_in(&self, tenures: &[Tenure]) -> bool {
        let own = |tenure: &&Tenure| comparable(&self.subscription) == tenure.subscription.to_string();
        tenures.iter().filter(own).any(|tenure| tenure.covers(self.date))
    }
}

/// Subscription, account and department of a row, as its cells name them.
pub(crate) fn owner_cells(row: &ChargeRow<'_>) -> [String; 3] {
    [Field::SubscriptionId, Field::AccountId, Field::InvoiceSectionId].map(|field| text(row, field))
}

/// Whether the scopes share the rows of a bill: those of all departments, usage of no department and what is shown to
/// the enrollment alone (SEMANTICS 6.3) are all rows, each as often as it is there, and their exact sums add up; so with
/// accounts and with subscriptions. Whose a usage row is, the moves of the seed say.
pub(crate) fn check_partition(seed: &Seed, scopes: &Scopes, bill: &PeriodBill) -> Result<(), TestCaseError> {
    for dataset in Dataset::ALL {
        let rows: Vec<Row> = bill.charges(dataset).map(|row| Row::of(&row)).collect();
        for row in rows.iter().filter(|row| row.is_usage) {
            let owner = seed.owner(&row.cells.subscription, row.cells.date);
            prop_assert_eq!([&*row.cells.account, &*row.cells.department], owner, "{}", row.text);
        }
        let kinds = [
            (&scopes.departments, Cells::name_department as fn(&Cells) -> bool),
            (&scopes.accounts, Cells::name_account),
            (&scopes.subscriptions, |cells| !cells.subscription.is_empty()),
        ];
        for (selections, names_one) in kinds {
            let mut parts: Vec<Vec<&Row>> = selections
                .iter()
                .map(|one| rows.iter().filter(|row| row.is_usage && row.cells.are_of(one)).collect())
                .collect();
            parts.push(rows.iter().filter(|row| row.is_usage && !names_one(&row.cells)).collect());
            parts.push(rows.iter().filter(|row| !row.is_usage).collect());
            let kind = selections.first().map(Selection::key);
            prop_assert_eq!(counts(parts.iter().flatten().copied()), counts(&rows), "{} {:?}", dataset, kind);
            let mut sum = Total::ZERO;
            parts.iter().for_each(|part| sum.add(total(part.iter().copied())).unwrap());
            prop_assert_eq!(sum.value(), total(&rows), "{} {:?}", dataset, kind);
        }
    }
    Ok(())
}

/// A row of a bill.
struct Row {
    text: String,
    cost: Decimal,
    is_usage: bool,
    cells: Cells,
}

impl Row {
    fn of(row: &ChargeRow<'_>) -> Self {
        let is_usage = text(row, Field::ChargeType) == "Usage";
        Self { text: row_text(row), cost: row.cost(), is_usage, cells: Cells::of(row) }
    }
}

fn text(row: &ChargeRow<'_>, field: Field) -> String {
    match row.value(field) {
        FieldValue::Text(text) => text.into_owned(),
        _ => String::new(),
    }
}

/// How often each row is there.
fn counts<'a>(rows: impl IntoIterator<Item = &'a Row>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    rows.into_iter().for_each(|row| *counts.entry(row.text.as_str()).or_default() += 1);
    counts
}

fn total<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Decimal {
    let mut sum = Total::ZERO;
    rows.into_iter().for_each(|row| sum.add(row.cost).unwrap());
    sum.value()
}
