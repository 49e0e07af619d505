//! Random charges of an enrollment, as an export holds them.

use proptest::prelude::*;

use crate::world::{OTHER_SUBSCRIPTION, OWN, OWN_SUBSCRIPTION};

pub(crate) const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,InvoiceSectionName,AccountId,\
                                 AccountName,AccountOwnerId,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,\
                                 CostInBillingCurrency,BillingCurrencyCode,ChargeType,PublisherType,PricingModel,Tags,\
                                 ResourceGroup,ResourceId";

/// Id and name of departments; some rows have none of either.
pub(crate) const DEPARTMENTS: [[&str; 2]; 4] = [["7", "Retail"], ["8", "Labs"], ["", "Retail"], ["", ""]];
/// Id, name and owner of accounts.
pub(crate) const ACCOUNTS: [[&str; 3]; 4] =
    [["71", "Shop", "a@x"], ["72", "Mall", "b@x"], ["", "Shop", "c@x"], ["", "", ""]];
pub(crate) const SUBSCRIPTIONS: [&str; 3] = [OWN_SUBSCRIPTION, OTHER_SUBSCRIPTION, ""];
const CHARGES: [&str; 6] = ["Usage", "usage", "Usage", "Purchase", "Refund", "RoundingAdjustment"];
const PUBLISHERS: [&str; 4] = ["Azure", "", "Marketplace", "Azure"];
const TAGS: [&str; 3] = ["", "\"\"env\"\": \"\"prod\"\"", "{\"\"env\"\":\"\"dev\"\",\"\"a\"\":\"\"b,c\"\"}"];
const GROUPS: [&str; 3] = ["rg1", "RG1", "rg2"];

/// A row; positions in the lists above.
#[derive(Debug, Clone)]
pub(crate) struct Charge {
    department: usize,
    account: usize,
    subscription: usize,
    day: u8,
    charge: usize,
    publisher: usize,
    tags: usize,
    group: usize,
    quantity: String,
    cost: String,
}

prop_compose! {
    pub(crate) fn charge()(
        (department, account, subscription) in (0..DEPARTMENTS.len(), 0..ACCOUNTS.len(), 0..SUBSCRIPTIONS.len()),
        day in 1_u8..=30,
        (charge, publisher) in (0..CHARGES.len(), 0..PUBLISHERS.len()),
        (tags, group) in (0..TAGS.len(), 0..GROUPS.len()),
        quantity in "[0-9]{1,6}(\\.[0-9]{1,18})?",
        cost in prop_oneof!["-?[0-9]{1,9}\\.[0-9]{1,28}", "[0-9]{1,3}", "[1-9]\\.[0-9]{1,12}E-0[1-9]", "[0-9]{11,20}\\.[0-9]{1,9}"],
    ) -> Charge {
        Charge { department, account, subscription, day, charge, publisher, tags, group, quantity, cost }
    }
}

/// The export of September 2023 that holds the charges.
pub(crate) fn export(charges: &[Charge]) -> String {
    let mut text = format!("{HEADER}\n");
    for (number, row) in charges.iter().enumerate() {
        let [department, section] = DEPARTMENTS[row.department];
        let [account, name, owner] = ACCOUNTS[row.account];
        let Charge { day, quantity, cost, .. } = row;
        let (charge, publisher) = (CHARGES[row.charge], PUBLISHERS[row.publisher]);
        let (subscription, tags, group) = (SUBSCRIPTIONS[row.subscription], TAGS[row.tags], GROUPS[row.group]);
        text.push_str(&format!(
            "{OWN},09/01/2023,{department},{section},{account},{name},{owner},{subscription},09/{day:02}/2023,m,{quantity},,\
             {cost},USD,{charge},{publisher},OnDemand,\"{tags}\",{group},/r/{number}\n"
        ));
    }
    text
}

/// One charge for every department, account and subscription, so that each scope is known whatever else there is.
pub(crate) fn one_of_each() -> Vec<Charge> {
    let plain = |number: usize| Charge {
        department: number % DEPARTMENTS.len(),
        account: number % ACCOUNTS.len(),
        subscription: number % SUBSCRIPTIONS.len(),
        day: 1,
        charge: 0,
        publisher: 0,
        tags: 0,
        group: 0,
        quantity: "1".to_owned(),
        cost: format!("0.{number}"),
    };
    (0..DEPARTMENTS.len().max(ACCOUNTS.len())).map(plain).collect()
}
