//! The hierarchy of a generated native enrollment, with moves in mid-period.

use calendar::Date;
use serde_json::{Value, json};

use super::options::{NativeError, NativeOptions};
use crate::generator::rng::{Random, Stream};

/// Departments 1001, 1002 and 1003.
const DEPARTMENTS: u32 = 3;
/// Accounts 2001 to 2005; the last one begins without department.
const ACCOUNTS: u32 = 5;

/// The ids that other documents name.
#[derive(Debug)]
pub(super) struct Hierarchy {
    /// Subscription ids.
    pub(super) subscriptions: Vec<String>,
    accounts: Vec<Value>,
    histories: Vec<Vec<Value>>,
}

impl Hierarchy {
    pub(super) fn new(options: &NativeOptions) -> Result<Self, NativeError> {
        let mut random = Random::new(options.seed, Stream::Subscriptions, 1);
        let last = options.months - 1;
        let accounts = (0..ACCOUNTS)
            .map(|index| {
                let mut history =
                    if index + 1 < ACCOUNTS { vec![json!({"id": department(index)})] } else { Vec::new() };
                if index == 1 {
                    history.push(json!({"from": day(options, last, 17)?, "id": department(index + 1)}));
                }
                if index + 1 == ACCOUNTS {
                    history.push(json!({"from": day(options, last / 2, 9)?, "id": department(0)}));
                }
                Ok(json!({
                    "id": account(index),
                    "name": format!("Team {}", index + 1),
                    "owner": format!("team{}@lazurite.example", index + 1),
                    "cost_center": format!("CC-A{index}"),
                    "department": history,
                }))
            })
            .collect::<Result<_, NativeError>>()?;
        let mut subscriptions = Vec::new();
        let mut histories = Vec::new();
        for index in 0..options.subscriptions {
            subscriptions.push(random.guid_string());
            let mut history = vec![json!({"id": account(index)})];
            // Every third subscription moves, on a day of its own, and some of them back.
            if index % 3 == 1 {
                let month = index % options.months;
                history.push(json!({"from": day(options, month, 5 + index % 20)?, "id": account(index + 1)}));
                if index % 2 == 0 {
                    history.push(json!({"from": day(options, month, 27)?, "id": account(index)}));
                }
            }
            histories.push(history);
        }
        Ok(Self { subscriptions, accounts, histories })
    }

    pub(super) fn document(self, options: &NativeOptions) -> Result<Value, NativeError> {
        let departments: Vec<Value> = (0..DEPARTMENTS)
            .map(|index| json!({"id": department(index), "name": format!("Division {}", index + 1), "cost_center": format!("CC-D{index}")}))
            .collect();
        let subscriptions: Vec<Value> = self
            .subscriptions
            .iter()
            .zip(self.histories)
            .enumerate()
            .map(|(index, (id, history))| {
                let mut one = json!({"id": id, "name": format!("Subscription {}", index + 1), "account": history});
                if index % 4 == 0 {
                    one["cost_center"] = json!(format!("CC-S{index}"));
                }
                one
            })
            .collect();
        let start = super::prices::period(options);
        Ok(json!({
            "kind": "enrollment",
            "number": options.enrollment,
            "name": "Lazurite Native Samples",
            "currency": options.currency.as_str(),
            "start": start,
            "openingBalance": {"amount": options.amount(1_000, 0), "expires": options.month(options.months / 2)?.last_day().to_string()},
            "policies": {"daViewCharges": true, "aoViewCharges": true},
            "departments": departments,
            "accounts": self.accounts,
            "subscriptions": subscriptions,
        }))
    }
}

/// A day of a month by its index, no later than the 28th.
pub(super) fn day(options: &NativeOptions, month: u32, day: u32) -> Result<String, NativeError> {
    let day = u8::try_from(day.clamp(1, 28)).unwrap_or(28);
    let month = options.month(month)?;
    Ok(Date::new(month.year(), month.month(), day)?.to_string())
}

fn department(index: u32) -> String {
    (1_001 + index % DEPARTMENTS).to_string()
}

fn account(index: u32) -> String {
    (2_001 + index % ACCOUNTS).to_string()
}
