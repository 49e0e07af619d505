//! A small, complete native enrollment to begin with: the four documents, and a page that explains them.
//!
//! One month of usage by the day, a reservation that is paid at once and one that is paid by the month, a savings plan, a
//! prepayment that runs out in the first month, a credit, a Marketplace product, tiers with an included quantity, and a
//! subscription that moves. All usage says that it was received in the night after, so the month can be billed at any
//! time, as if it had been billed then.

use std::fmt::Write;

use calendar::{BillingPeriod, CalendarError};

const PRODUCTION: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
const WEB: &str = "9cf80e5e-9dcd-4c31-8c4e-6a0aff5b2c11";

/// What is metered every day: subscription, resource group, kind and name of the resource, meter, quantity.
const METERED: [(&str, &str, &str, &str, &str, &str); 5] = [
    (PRODUCTION, "servers", "Microsoft.Compute/virtualMachines", "app-1", "vm-small", "24"),
    (PRODUCTION, "servers", "Microsoft.Compute/virtualMachines", "app-2", "vm-small", "24"),
    (WEB, "shop", "Microsoft.Compute/virtualMachines", "shop-1", "vm-large", "18.5"),
    (WEB, "shop", "Microsoft.Storage/storageAccounts", "shopdata", "storage", "4.25"),
    (WEB, "shop", "Fabrikam.Scanner/scanners", "scanner-1", "scanner", "24"),
];

/// A file of the example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFile {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// The files of the example: an enrollment of this number, which starts in `month` and has usage on all days of it.
///
/// # Errors
/// [`CalendarError`] for a month at the end of the calendar.
pub fn files(number: &str, month: BillingPeriod) -> Result<Vec<ExampleFile>, CalendarError> {
    let file = |name, text| ExampleFile { name, text };
    Ok(vec![
        file("README.md", readme(number, month)?),
        file("enrollment.json", enrollment(number, month)?),
        file("prices.csv", prices(number, month)),
        file("orders.json", orders(number, month)?),
        file("usage.ndjson", usage(month)?),
    ])
}

fn enrollment(number: &str, month: BillingPeriod) -> Result<String, CalendarError> {
    let (end, moves) = (last_of_term(month)?, month.first_day().add_days(14)?);
    Ok(format!(
        r#"{{
  "kind": "enrollment",
  "number": "{number}",
  "name": "Contoso (example)",
  "currency": "USD",
  "start": "{month}",
  "end": "{end}",
  "billingFrequency": "Month",
  "policies": {{ "daViewCharges": true, "aoViewCharges": true }},
  "departments": [
    {{ "id": "1001", "name": "Research", "costCenter": "CC-100" }},
    {{ "id": "1002", "name": "Sales" }}
  ],
  "accounts": [
    {{ "id": "2001", "name": "Platform", "owner": "ada@contoso.example", "department": [{{ "id": "1001" }}] }},
    {{ "id": "2002", "name": "Shop", "owner": "ben@contoso.example", "department": [{{ "id": "1002" }}] }}
  ],
  "subscriptions": [
    {{ "id": "{PRODUCTION}", "name": "Production", "account": [{{ "id": "2001" }}] }},
    {{ "id": "{WEB}", "name": "Web", "account": [{{ "id": "2001" }}, {{ "from": "{moves}", "id": "2002" }}] }}
  ]
}}
"#
    ))
}

/// The last day of the enrollment: twelve months.
fn last_of_term(month: BillingPeriod) -> Result<calendar::Date, CalendarError> {
    Ok(month.add_months(11)?.last_day())
}

fn prices(number: &str, month: BillingPeriod) -> String {
    let mut text =
        "meterId,meterName,meterCategory,priceType,term,unitOfMeasure,unitPrice,marketPrice,tierMinimumUnits,\
                    includedQuantity,publisherType,publisherName,enrollment,currency,effectiveStartDate\n"
            .to_owned();
    let lines = [
        "vm-small,D2 v5,Virtual Machines,,,1 Hour,0.10,0.12,,,,",
        "vm-small,D2 v5,Virtual Machines,SavingsPlan,P1Y,1 Hour,0.07,,,,,",
        "vm-large,D4 v5,Virtual Machines,,,1 Hour,0.20,0.24,,,,",
        "vm-large,D4 v5,Virtual Machines,SavingsPlan,P1Y,1 Hour,0.14,,,,,",
        "storage,Hot LRS Data Stored,Storage,,,1 GB/Month,0.0208,0.024,0,5,,",
        "storage,Hot LRS Data Stored,Storage,,,1 GB/Month,0.0180,0.024,100,5,,",
        "scanner,Scanner,Fabrikam Scanner,,,1 Hour,0.05,,,,Marketplace,Fabrikam",
    ];
    for line in lines {
        _ = writeln!(text, "{line},{number},USD,{}", month.first_day());
    }
    text
}

fn orders(number: &str, month: BillingPeriod) -> Result<String, CalendarError> {
    let first = month.first_day();
    let (second, third, end) = (first.next()?, first.add_days(2)?, last_of_term(month)?);
    Ok(format!(
        r#"{{
  "kind": "orders",
  "enrollment": "{number}",
  "currency": "USD",
  "orders": [
    {{
      "type": "prepayment", "id": "prepayment-1", "date": "{first}", "coverageStart": "{first}",
      "amount": "500.00", "expires": "{end}"
    }},
    {{ "type": "credit", "id": "promo-1", "name": "Promo Credit", "date": "{second}", "amount": "25.00", "expires": "{end}" }},
    {{
      "type": "reservation", "orderId": "R1", "orderName": "One small server, paid at once", "reservationId": "R1-1",
      "name": "small-server", "date": "{first}", "termMonths": 12, "units": 1, "price": "600.00", "billing": "Upfront",
      "subscriptionId": "{PRODUCTION}", "scope": {{ "type": "Shared" }},
      "meters": [{{ "meterId": "vm-small" }}, {{ "meterId": "vm-large", "ratio": "2" }}]
    }},
    {{
      "type": "reservation", "orderId": "R2", "orderName": "One large server, paid by the month", "reservationId": "R2-1",
      "name": "large-server", "date": "{third}", "termMonths": 12, "units": 1, "price": "1200.00", "billing": "Monthly",
      "subscriptionId": "{WEB}", "scope": {{ "type": "Subscription", "subscriptionId": "{WEB}" }},
      "meters": [{{ "meterId": "vm-large" }}]
    }},
    {{
      "type": "savingsPlan", "orderId": "S1", "planId": "S1-1", "name": "compute", "date": "{second}", "termMonths": 12,
      "commitment": "0.05", "billing": "Monthly", "subscriptionId": "{PRODUCTION}"
    }},
    {{
      "type": "purchase", "orderId": "M1", "orderName": "Monitoring", "date": "{third}", "amount": "49.00",
      "recurrence": "Monthly", "until": "{end}", "subscriptionId": "{WEB}",
      "publisher": {{ "type": "Marketplace", "name": "Fabrikam" }}, "planName": "gold"
    }}
  ]
}}
"#
    ))
}

fn usage(month: BillingPeriod) -> Result<String, CalendarError> {
    let mut text = String::new();
    for day in month.days() {
        let received = day.next()?;
        for (subscription, group, kind, name, meter, quantity) in METERED {
            _ = writeln!(
                text,
                r#"{{"subscriptionId":"{subscription}","resourceId":"/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}","meterId":"{meter}","date":"{day}","quantity":"{quantity}","resourceLocation":"westeurope","tags":{{"env":"production"}},"receivedAt":"{received}T02:00:00Z"}}"#
            );
        }
    }
    Ok(text)
}

fn readme(number: &str, month: BillingPeriod) -> Result<String, CalendarError> {
    let next = month.next()?;
    Ok(format!(
        r#"# A native enrollment to begin with

These files are all that Lazurite needs to bill an enrollment. Change them to yours; `docs/NATIVE.md` explains every member,
`docs/BILLING.md` the daily work.

    lazurite bill .                             # takes the files, bills {month} and every month since
    lazurite key create --enrollment {number}
    lazurite serve

Billing the same files again changes nothing. Add orders as they are placed, in these files or in new ones. Usage goes into
a new file each time, or over HTTP: a file of usage that has grown is a new batch, and all its records count again.

| File | What it says |
|---|---|
| `enrollment.json` | Number, currency, first billed period, departments, accounts and subscriptions. A subscription or account has a history: from the day `from` on it belongs to another one. `Web` moves to the account `Shop` in the middle of {month}. |
| `prices.csv` | What a meter costs, per block of its unit. Two lines of one meter with `tierMinimumUnits` are tiers; `includedQuantity` costs nothing; lines with `priceType` `SavingsPlan` are the price under a savings plan. Holds from `effectiveStartDate` on until a later sheet. A price sheet downloaded from Azure works too. |
| `orders.json` | A prepayment of 500.00 and a credit of 25.00, which eligible charges use up; a reservation paid at once (600.00, so that the prepayment runs out) and one paid by the month; a savings plan; a Marketplace product. Orders are never changed: a return, an exchange, a refund or a credit is an order of its own. |
| `usage.ndjson` | Usage of {month}, one record for each resource and day. `receivedAt` says when it reached the metering system, which decides whether it was in time; leave it out and the instant of reading counts. |

What to look at afterwards:

- `lazurite status`: {month} and its state. A period closes on the 5th of the next month, 00:00 UTC; after that usage of
  {month} is late and is billed in the period in which it arrives.
- The balance of {month}: the prepayment is used up, the rest is overage. That of {next} begins with 0.
- ActualCost shows the reservations when they are paid, AmortizedCost spreads them over their terms and shows what of them
  is unused.
"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_a_record_per_resource_and_day_and_the_same_bytes_each_time() {
        let month = BillingPeriod::new(2025, 2).unwrap();
        let all = files("7000001", month).unwrap();
        assert_eq!(all, files("7000001", month).unwrap());
        let text = |name: &str| &all.iter().find(|file| file.name == name).unwrap().text;
        assert_eq!(text("usage.ndjson").lines().count(), 28 * METERED.len());
        assert!(text("usage.ndjson").contains("\"receivedAt\":\"2025-03-01T02:00:00Z\""));
        for name in ["enrollment.json", "orders.json"] {
            let document: serde_json::Value = serde_json::from_str(text(name)).unwrap();
            assert!(document["kind"].is_string(), "{name}");
        }
        let columns = |line: &str| line.split(',').count();
        let header = text("prices.csv").lines().next().unwrap();
        assert!(text("prices.csv").lines().all(|line| columns(line) == columns(header)));
    }
}
