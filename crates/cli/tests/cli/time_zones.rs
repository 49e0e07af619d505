//! The time zone of the machine decides nothing: the same input as of the same instant gives the same bytes.

use std::process::Command;

use serde_json::Value;

use crate::program::{Bench, Done, lazurite};

/// East and west of Greenwich, up to where it is another day; the last two need no zone files.
const ZONES: [&str; 5] = ["UTC", "Pacific/Kiritimati", "America/St_Johns", "<+14>-14", "<-12>12"];
const SUBSCRIPTION: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
/// Usage about midnight, and usage that arrives about the closing of its month, in several notations.
const WHEN: [&str; 6] = [
    r#""date":"2025-01-31","receivedAt":"2025-02-04T23:59:59Z""#,
    r#""date":"2025-01-31","receivedAt":"2025-02-05T00:00:00Z""#,
    r#""date":"2025-01-31","receivedAt":"2025-02-05T13:30:00+14:00""#,
    r#""date":"2025-01-31","receivedAt":"2025-02-04T21:00:00-03:30""#,
    r#""date":"2025-01-01","receivedAt":"2025-01-01T00:00:00Z""#,
    r#""date":"2025-02-01","receivedAt":"2025-02-01T00:00:00Z""#,
];
/// Instants of asking: about the end of the month, and behind its closing.
const ASKED: [&str; 2] = ["2025-01-31T22:30:00-03:30", "2025-02-06T10:00:00+14:00"];

fn program(zone: &str) -> Command {
    let mut command = lazurite();
    command.env("TZ", zone);
    command
}

/// What the program says in a time zone, by what it was asked.
fn answers(input: &Bench, zone: &str) -> Vec<(String, String)> {
    let bench = Bench::new();
    let (example, more) =
        (input.path("example").display().to_string(), input.path("more.ndjson").display().to_string());
    let run = |arguments: &[&str]| {
        let done = Done::of(&program(zone).args(arguments).arg("--data").arg(bench.data()).output().unwrap());
        assert_eq!(done.code, 0, "{zone} {arguments:?}: {}{}", done.text, done.errors);
        done
    };
    let mut found = Vec::new();
    let mut tell = |what: &str, text: String| found.push((what.to_owned(), text));
    for as_of in ASKED {
        tell(as_of, run(&["bill", &example, &more, "--as-of", as_of, "--json"]).text);
    }
    for period in ["202501", "202502"] {
        tell(period, run(&["explain", period, "--json"]).text);
        tell(period, run(&["explain", period]).text);
    }
    tell("status", without_clock(run(&["status", "--json"]).json).to_string());
    let key = bench.key("7000001");
    let server = bench.serve_with(program(zone), &["--clock", "fixed 2025-02-06T00:00:00Z"]);
    for (period, metric) in
        [("202501", "ActualCost"), ("202501", "AmortizedCost"), ("202502", "ActualCost"), ("202502", "AmortizedCost")]
    {
        let asked = ["report", "--server", server.http(), "--enrollment", "7000001", "--period", period];
        let output = program(zone).args(asked).args(["--metric", metric]).env("LAZURITE_KEY", &key).output().unwrap();
        let done = Done::of(&output);
        assert_eq!(done.code, 0, "{zone} {period} {metric}: {}", done.errors);
        assert!(done.text.lines().count() > 5, "{zone} {period} {metric}: {}", done.text);
        tell(&format!("{period} {metric}"), done.text);
    }
    found
}

/// Leaves out when this program ran.
fn without_clock(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.retain(|name, _| !["importedAt", "billedAt"].contains(&name.as_str()));
            members.values_mut().for_each(|member| *member = without_clock(member.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_clock(item.take())),
        _ => {}
    }
    value
}

#[test]
fn the_time_zone_of_the_machine_changes_no_byte() {
    let input = Bench::new();
    let folder = input.path("example").display().to_string();
    let made = lazurite().args(["init", "--native", &folder, "--month", "202501"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let record = |when: &&str| {
        format!("{{\"subscriptionId\":\"{SUBSCRIPTION}\",\"meterId\":\"vm-small\",\"quantity\":\"1.5\",{when}}}\n")
    };
    input.file("more.ndjson", WHEN.iter().map(record).collect::<String>());
    let here = answers(&input, ZONES[0]);
    for zone in &ZONES[1..] {
        for (own, other) in here.iter().zip(answers(&input, zone)) {
            assert_eq!(*own, other, "{zone}");
        }
    }
    // Two of the records were late: they stand in February with their own time, added up.
    let (_, february) = here.iter().find(|(what, _)| what == "202502 ActualCost").unwrap();
    let late: Vec<_> = february.lines().filter(|line| line.contains("ConsumptionBeginTime")).collect();
    assert!(late.len() == 1 && late[0].contains(",02/05/2025,") && late[0].contains(",1 Hour,3,"), "{february}");
}
