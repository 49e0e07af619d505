//! Which days are held, and what was restated, over HTTP.

use std::collections::BTreeMap;

use calendar::Date;
use imports::{ImportOptions, NoProgress, Store, import};
use ledger::RunTime;
use ledger::billing::Instant;
use money::{Decimal, Limits, Total};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::*;

const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,\
                      CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel\n";
const SUBSCRIPTIONS: [&str; 2] = [OWN_SUBSCRIPTION, OTHER_SUBSCRIPTION];

/// Day of September 2023, subscription, cost.
type Row = (i32, &'static str, &'static str);

fn date(day: i32) -> Date {
    Date::new(2023, 9, 1).unwrap().add_days(day - 1).unwrap()
}

/// Takes rows as those of some days, by a run at the beginning of a day.
async fn take(world: &World, number: i32, rows: &[Row], days: (i32, i32), ran: i32) {
    let mut text = HEADER.to_owned();
    for (day, subscription, cost) in rows {
        let day = date(*day);
        text.push_str(&format!("{OWN},2023-09-01,{subscription},{day},m,1,{cost},{cost},USD,Usage,OnDemand\n"));
    }
    let path = world.data().join(format!("{number}.csv"));
    std::fs::write(&path, text).unwrap();
    let mut options = ImportOptions { paths: vec![path], ..Default::default() };
    options.fill.dataset = Some(ledger::Dataset::ActualCost);
    options.days = Some(format!("{}..{}", date(days.0), date(days.1)).parse().unwrap());
    options.taken_at = Some(RunTime(Instant::start_of(date(ran)).0));
    let store = Store::open(world.data()).await.unwrap();
    import(&store, &options, &NoProgress).await.unwrap();
}

async fn get(world: &World, path: &str) -> Value {
    let path = format!("/lazurite/v1/enrollments/{OWN}/{path}");
    let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

fn sum<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut total = Total::ZERO;
    for text in texts {
        total.add(Decimal::parse(text.as_bytes(), Limits::TOTAL).unwrap().value).unwrap();
    }
    total.value().to_shortest_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_held_missing_or_not_there_yet_by_the_clock_of_the_server() {
    for (clock, rest) in [("fixed 2023-09-12T08:00:00Z", "notYet"), ("latest-held", "notYet"), ("system", "missing")] {
        let world = World::start_with(|settings| settings.clock = Some(clock.to_owned())).await;
        take(&world, 1, &[(1, OWN_SUBSCRIPTION, "1.10"), (3, OWN_SUBSCRIPTION, "2")], (1, 3), 4).await;
        take(&world, 2, &[(7, OWN_SUBSCRIPTION, "0.000000000000000001")], (6, 8), 8).await;
        let status = get(&world, "status").await;
        assert_eq!((&status["enrollment"], &status["revision"]), (&json!(OWN), &json!("2")));
        let months = &status["calendar"]["series"][0]["months"];
        let ranges = months[0]["ranges"].as_array().unwrap().iter().map(|range| {
            let text = |member: &str| range[member].as_str().unwrap_or("-").to_owned();
            format!("{}..{} {} {}", &text("from")[8..], &text("to")[8..], text("state"), text("revision"))
        });
        // The world was made with an import of the month by a run long ago.
        let expected = [
            "01..01 charges 1".to_owned(),
            "02..02 noCharges 1".to_owned(),
            "03..03 charges 1".to_owned(),
            "04..05 missing 0".to_owned(),
            "06..06 noCharges 2".to_owned(),
            "07..07 charges 2".to_owned(),
            format!("08..08 {rest} 2"),
            format!("09..30 {rest} 0"),
        ];
        assert_eq!(ranges.collect::<Vec<_>>(), expected, "{clock}");
        assert_eq!(
            months[0]["days"],
            json!([
                { "day": "2023-09-01", "rows": 1, "total": "1.1" },
                { "day": "2023-09-03", "rows": 1, "total": "2" },
                { "day": "2023-09-07", "rows": 1, "total": "0.000000000000000001" },
            ])
        );
        let nothing = get(&world, "status?dataset=AmortizedCost").await;
        assert_eq!(nothing["calendar"]["series"], json!([]));
        assert_eq!(get(&world, "status?period=202309&dataset=actualcost").await["calendar"], status["calendar"]);
        assert_eq!(get(&world, "status?period=202310").await["calendar"]["series"], json!([]));
    }
}

/// A month is restated again and again. Between any two revisions the differences by any words add up to the difference of the exact
/// totals, which the test keeps an account of.
#[tokio::test(flavor = "multi_thread")]
async fn differences_by_day_and_subscription_add_up_to_the_difference_of_the_totals() {
    let world = World::start().await;
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let costs = ["0.000000000000000001", "1.10", "-7.5", "12345678901.123456789", "0"];
    let mut states: Vec<Vec<Row>> = vec![Vec::new()];
    for run in 1..=8_i32 {
        let (first, last) = if next(3) == 0 { (1, 30) } else { (1 + next(15) as i32, 16 + next(15) as i32) };
        let rows: Vec<Row> = (0..1 + next(10))
            .map(|_| {
                let day = first + next((last - first + 1) as u64) as i32;
                (day, SUBSCRIPTIONS[next(2) as usize], costs[next(costs.len() as u64) as usize])
            })
            .collect();
        take(&world, run, &rows, (first, last), 31 + run).await;
        let mut state = states[states.len() - 1].clone();
        state.retain(|(day, ..)| !(first..=last).contains(day));
        state.extend(rows);
        states.push(state);
    }
    for since in 0..states.len() {
        for until in since..states.len() {
            let added = |state: &[Row], keep: &dyn Fn(&Row) -> bool| {
                sum(state.iter().filter(|row| keep(row)).map(|(.., cost)| *cost))
            };
            let difference = |keep: &dyn Fn(&Row) -> bool| {
                let before = format!("-{}", added(&states[since], keep)).replace("--", "");
                sum([added(&states[until], keep).as_str(), &before].into_iter())
            };
            for by in ["", "&by=day", "&by=subscription", "&by=day,subscription"] {
                let told = get(&world, &format!("restatements?since={since}&until={until}{by}")).await;
                assert_eq!((&told["since"], &told["until"]), (&json!(since.to_string()), &json!(until.to_string())));
                let months = told["restatements"].as_array().unwrap();
                let shortest = |text: &str| sum([text].into_iter());
                let whole = sum(months.iter().map(|one| one["difference"].as_str().unwrap()));
                assert_eq!(whole, difference(&|_| true), "{since} to {until}");
                let changes: Vec<&Value> = months.iter().flat_map(|one| one["changes"].as_array().unwrap()).collect();
                if by.is_empty() {
                    assert!(changes.is_empty());
                    continue;
                }
                assert_eq!(sum(changes.iter().map(|one| one["difference"].as_str().unwrap())), whole, "{by}");
                let mut keys = BTreeMap::new();
                for change in changes {
                    let (day, subscription) = (change["day"].as_str(), change["subscription"].as_str());
                    let keep = |row: &Row| {
                        day.is_none_or(|day| day == date(row.0).to_string())
                            && subscription.is_none_or(|own| own == row.1)
                    };
                    assert_eq!(shortest(change["difference"].as_str().unwrap()), difference(&keep), "{change}");
                    let count = |state: &[Row]| state.iter().filter(|row| keep(row)).count();
                    let rows = (&change["rowsBefore"], &change["rows"]);
                    assert_eq!(rows, (&json!(count(&states[since])), &json!(count(&states[until]))), "{change}");
                    assert!(keys.insert((day, subscription), ()).is_none(), "{change}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_refused() {
    let world = World::start().await;
    take(&world, 1, &[(1, OWN_SUBSCRIPTION, "1")], (1, 1), 2).await;
    for (path, expected, reason) in [
        ("status?since=1", (400, "BadRequest"), "since"),
        ("status?dataset=Cost", (400, "BadRequest"), "ActualCost"),
        ("status?period=2023", (400, "BadRequest"), "YYYYMM"),
        ("restatements", (400, "BadRequest"), "since is missing"),
        ("restatements?since=one", (400, "BadRequest"), "'one' is no revision"),
        ("restatements?since=0&until=-1", (400, "BadRequest"), "'-1' is no revision"),
        ("restatements?since=1&until=0", (400, "BadRequest"), "comes after 0"),
        ("restatements?since=0&until=9", (404, "NotFound"), "The revision 9 does not exist; the newest is 1."),
        ("restatements?since=7", (404, "NotFound"), "The revision 7 does not exist"),
        ("restatements?since=0&by=month", (400, "BadRequest"), "is not a dimension"),
        ("restatements?since=0&by=day,day", (400, "BadRequest"), "twice"),
    ] {
        let path = format!("/lazurite/v1/enrollments/{OWN}/{path}");
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        let (status, code, message) = error_of(answer).await;
        assert_eq!((status, code.as_str()), expected, "{path}: {message}");
        assert!(message.contains(reason), "{path}: {message}");
    }
    let other = format!("/lazurite/v1/enrollments/{OTHER}/status");
    let answer = world.ask_with_key(Method::GET, &other).send().await.unwrap();
    assert_eq!(error_of(answer).await.1, "BillingAccessDenied");
    let path = format!("/lazurite/v1/enrollments/{OWN}/status");
    assert_eq!(world.ask_with_key(Method::POST, &path).send().await.unwrap().status(), 405);
}
