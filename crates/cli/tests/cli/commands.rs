//! import, key, status, verify, sample.

use std::process::Stdio;

use samples::bundled::{EA_ACTUAL, EA_AMORTIZED};

use crate::program::{Bench, Done, lazurite};

#[test]
fn import_prints_one_object_and_the_same_bytes_change_nothing() {
    let bench = Bench::new();
    let file = bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes);
    let done = bench.import(&file, &[]);
    assert_eq!(done.code, 0, "{}", done.errors);
    let expected = serde_json::json!({ "imported": [{
        "enrollment": "8611537", "dataset": "ActualCost", "period": "202309", "rows": 11,
        "total": "8.5450077867419368", "revision": "1", "unchanged": false,
    }], "rejected": 0 });
    assert_eq!(done.json, expected);
    let again = bench.import(&file, &[]);
    assert_eq!((again.code, &again.json["imported"][0]["unchanged"]), (0, &serde_json::json!(true)));
    assert_eq!(again.json["imported"][0]["revision"], "1");
}

#[test]
fn a_refusal_is_exit_2_with_file_line_and_column() {
    let bench = Bench::new();
    let text = String::from_utf8(EA_ACTUAL.bytes.to_vec()).unwrap().replace(",3.25,3.25,3.25,", ",3.25,oops,3.25,");
    let file = bench.file("bad.csv", text);
    let done = bench.import(&file, &[]);
    assert_eq!(done.code, 2);
    let error = &done.json["error"];
    assert_eq!(error["code"], "InvalidRow");
    assert_eq!(error["file"], file.display().to_string());
    assert_eq!((&error["line"], &error["column"]), (&serde_json::json!(2), &serde_json::json!("Cost")));
    assert!(error["message"].as_str().unwrap().contains("oops"));
    let rejects = bench.path("rejects.csv").display().to_string();
    let done = bench.import(&file, &["--dataset", "ActualCost", "--rejects", &rejects]);
    assert_eq!((done.code, &done.json["rejected"]), (3, &serde_json::json!(1)), "{}", done.errors);
    let status = bench.run(&["status", "--json"]);
    assert_eq!(status.json["held"][0]["state"], "incomplete");
    let verified = bench.run(&["verify", "--json"]);
    assert_eq!((verified.code, verified.json["findings"].as_array().unwrap().len()), (0, 1));
}

#[test]
fn charges_of_other_providers_are_left_out_when_asked_for() {
    let bench = Bench::new();
    let header = "BilledCost,EffectiveCost,BillingAccountId,BillingCurrency,BillingPeriodStart,ChargePeriodStart,ChargeCategory,\
                  CommitmentDiscountId,CommitmentDiscountStatus,CommitmentDiscountType,PricingCategory,PricingQuantity,\
                  ProviderName,SubAccountId,x_SkuMeterId";
    let row = |cost: &str, provider: &str| {
        format!(
            "{cost},{cost},100,USD,2024-09-01T00:00Z,2024-09-18T00:00Z,Usage,,,,Standard,1,{provider},/subscriptions/s,m\n"
        )
    };
    let file = bench.file("focus.csv", format!("{header}\n{}{}", row("1.50", "Microsoft"), row("7", "AWS")));
    let refused = bench.import(&file, &[]);
    assert_eq!((refused.code, &refused.json["error"]["column"]), (2, &serde_json::json!("ProviderName")));
    let done = bench.import(&file, &["--skip-other-providers"]);
    assert_eq!((done.code, &done.json["leftOut"]), (0, &serde_json::json!(1)), "{}", done.errors);
    let datasets = ["ActualCost", "AmortizedCost"].map(|dataset| {
        serde_json::json!({
            "enrollment": "100", "dataset": dataset, "period": "202409", "rows": 1, "total": "1.50", "revision": "1",
            "unchanged": false,
        })
    });
    assert_eq!(done.json["imported"], serde_json::json!(datasets));
}

#[test]
fn people_read_sentences() {
    let bench = Bench::new();
    let file = bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes).display().to_string();
    let dry = bench.run(&["import", &file, "--dry-run"]);
    assert!(dry.text.contains("11 rows, total 8.5450077867419368: would be imported"), "{}", dry.text);
    assert!(bench.run(&["status"]).text.contains("nothing is held"));
    let elsewhere = Done::of(&lazurite().args(["verify", "--data", "/nowhere/at/all"]).output().unwrap());
    assert!(elsewhere.code == 2 && elsewhere.errors.contains("no store"), "{}", elsewhere.errors);
    assert!(bench.run(&["import", &file]).text.contains("imported as revision 1"));
    assert!(bench.run(&["status"]).text.contains("Trey Research Demo"));
    assert!(bench.run(&["verify"]).text.contains("everything is as it was written"));
    let missing = bench.run(&["import", "/nowhere/at/all.csv"]);
    assert!(missing.code == 2 && missing.errors.contains("/nowhere/at/all.csv"), "{}", missing.errors);
    let usage = bench.run(&["import", &file, "--json", "--period", "2023"]);
    assert_eq!((usage.code, &usage.json["error"]["code"]), (2, &serde_json::json!("Usage")), "{}", usage.text);
    let wrong = bench.run(&["import", &file, "--days", "2023-02-30..2023-03-01"]);
    assert!(wrong.code == 2 && wrong.errors.contains("2023-02-30"), "{}", wrong.errors);
}

#[test]
fn status_shows_any_earlier_state() {
    let bench = Bench::new();
    bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]);
    bench.import(&bench.file(EA_AMORTIZED.name, EA_AMORTIZED.bytes), &[]);
    let held = |done: Done| done.json["held"].as_array().unwrap().len();
    assert_eq!(held(bench.run(&["status", "--json"])), 2);
    assert_eq!(held(bench.run(&["status", "--json", "--as-of", "1"])), 1);
    assert_eq!(held(bench.run(&["status", "--json", "--as-of", "2999-01-01"])), 2);
    let early = bench.run(&["status", "--json", "--as-of", "2001-01-01T00:00:00Z"]);
    assert_eq!((early.code, &early.json["error"]["code"]), (2, &serde_json::json!("NoSuchRevision")));
    let late = bench.run(&["status", "--json", "--as-of", "9"]);
    assert!(late.code == 2 && late.json["error"]["message"].as_str().unwrap().contains("newest is 2"));
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let bench = Bench::new();
    bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]);
    let mut status = lazurite();
    status.arg("status").arg("--data").arg(bench.data());
    let mut status = status.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(status.stdout.take());
    let ended = status.wait_with_output().unwrap();
    assert_eq!((String::from_utf8(ended.stderr).unwrap().as_str(), ended.status.code()), ("", Some(1)));
}

#[test]
fn keys_are_created_listed_and_revoked() {
    let bench = Bench::new();
    let create = || bench.run(&["key", "create", "--enrollment", "8611537", "--json"]);
    let first = create();
    for member in ["id", "key", "expires"] {
        assert!(first.json[member].is_string(), "{}", first.text);
    }
    assert_eq!(create().code, 0);
    let third = create();
    let id = first.json["id"].as_str().unwrap();
    assert!(third.code == 2 && third.json["error"]["message"].as_str().unwrap().contains(id));
    assert_eq!(bench.run(&["key", "revoke", id, "--json"]).code, 0);
    assert_eq!(bench.run(&["key", "revoke", id, "--json"]).code, 2);
    let list = bench.run(&["key", "list", "--json"]);
    assert_eq!(list.json["keys"].as_array().unwrap().len(), 2);
    assert!(!list.text.contains(first.json["key"].as_str().unwrap()));
}

#[test]
fn verify_finds_a_changed_byte_a_missing_file_and_a_lost_source() {
    let bench = Bench::new();
    bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]);
    assert_eq!(bench.run(&["verify", "--json"]).json["ok"], true);
    let file = find(&bench.data().join("charges"), "parquet");
    let bytes = std::fs::read(&file).unwrap();
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    std::fs::write(&file, damaged).unwrap();
    let done = bench.run(&["verify", "--json"]);
    assert!(done.code == 1 && done.json["violations"][0].as_str().unwrap().contains("checksum"), "{}", done.text);
    std::fs::remove_file(&file).unwrap();
    assert!(bench.run(&["verify", "--json"]).json["violations"][0].as_str().unwrap().contains("missing"));
    std::fs::write(&file, bytes).unwrap();
    std::fs::remove_file(find(&bench.data().join("sources"), "zst")).unwrap();
    assert!(bench.run(&["verify", "--json"]).json["violations"][0].as_str().unwrap().contains("source"));
}

fn find(folder: &std::path::Path, extension: &str) -> std::path::PathBuf {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("_delta_log") {
                    waiting.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                return path;
            }
        }
    }
    panic!("no .{extension} in {}", folder.display());
}

#[test]
fn a_sample_imports_with_the_total_that_it_was_written_with() {
    let bench = Bench::new();
    let out = bench.path("sample.csv");
    let written = Done::of(&lazurite().args(["sample", "--rows", "500", "--out"]).arg(&out).output().unwrap());
    assert_eq!(written.code, 0, "{}", written.errors);
    let done = bench.import(&out, &["--dataset", "ActualCost"]);
    assert_eq!(done.json["imported"][0]["rows"], 500);
    let total = done.json["imported"][0]["total"].as_str().unwrap().trim_end_matches('0').to_owned();
    assert!(written.text.contains(&format!("total {total}")), "{} {total}", written.text);
}

#[test]
fn help_teaches_every_command() {
    let help = Done::of(&lazurite().arg("--help").output().unwrap());
    for command in ["demo", "serve", "import", "key", "report", "status", "explain", "verify", "sample"] {
        assert!(help.text.contains(command));
        let own = Done::of(&lazurite().args([command, "--help"]).output().unwrap());
        assert!(own.code == 0 && own.text.len() > 200, "{command}: {}", own.text);
    }
}

#[test]
fn days_that_were_merged_stay_what_they_were() {
    let bench = Bench::new();
    let month = bench.path("month.csv");
    let sampled = lazurite().args(["sample", "--rows", "3100", "--out"]).arg(&month).output().unwrap();
    assert!(sampled.status.success(), "{}", String::from_utf8_lossy(&sampled.stderr));
    let text = std::fs::read_to_string(&month).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    for day in 2..=11 {
        let of_day = format!(",01/{day:02}/2025,");
        let own: String = rows.split_inclusive('\n').filter(|row| row.contains(&of_day)).collect();
        let file = bench.file(&format!("{day}.csv"), format!("{header}\n{own}"));
        let days = format!("2025-01-{day:02}..2025-01-{day:02}");
        let done = bench.import(&file, &["--dataset", "ActualCost", "--days", &days]);
        assert_eq!((done.code, &done.json["imported"][0]["rows"]), (0, &own.lines().count().into()), "{}", done.errors);
        assert!(done.json["imported"][0].get("replaces").is_none(), "{}", done.json);
    }
    let before = bench.run(&["status", "--json"]).json["held"].clone();
    assert_eq!(before.as_array().unwrap().len(), 10);
    let merged = bench.run(&["compact"]);
    assert!(merged.text.contains("merged 10 files"), "{} {}", merged.text, merged.errors);
    assert_eq!(bench.run(&["status", "--json"]).json["held"], before);
}

#[test]
fn history_ends_when_it_is_asked_for_twice_and_earlier_states_are_refused_by_name() {
    let bench = Bench::new();
    let file = bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes);
    for _ in 0..2 {
        assert_eq!(bench.import(&file, &["--force"]).code, 0);
    }
    let total = |as_of: &str| {
        bench.run(&["total", "--enrollment", "8611537", "--period", "202309", "--as-of", as_of, "--json"])
    };
    let told = bench.run(&["prune", "--keep-from", "2"]);
    assert!(told.code == 0 && told.text.contains("Nothing was removed. The same with --yes"), "{}", told.text);
    assert_eq!(total("1").code, 0);
    for (keep_from, reason) in
        [("2099-01-01T00:00:00Z", "is in the future"), ("9", "has no version 9"), ("2001-01-01", "nothing was held")]
    {
        let refused = bench.run(&["prune", "--keep-from", keep_from, "--yes"]);
        assert!(refused.code == 2 && refused.errors.contains(reason), "{keep_from}: {}", refused.errors);
    }
    let before = total("2");
    let done = bench.run(&["prune", "--keep-from", "2", "--yes", "--json"]);
    assert_eq!((done.code, &done.json["files"], &done.json["left"]), (0, &2.into(), &0.into()), "{}", done.text);
    assert_eq!(total("2").text, before.text);
    let refused = total("1");
    assert_eq!((refused.code, &refused.json["error"]["code"]), (2, &"NoSuchRevision".into()), "{}", refused.text);
    assert!(refused.text.contains("history was ended before revision 2 by lazurite prune"), "{}", refused.text);
    assert!(bench.run(&["audit"]).text.contains("before revision 2"));
    assert_eq!(bench.run(&["verify"]).code, 0);
}

#[test]
fn what_was_restated_is_told_with_its_exact_difference() {
    let bench = Bench::new();
    let text = String::from_utf8(EA_ACTUAL.bytes.to_vec()).unwrap();
    assert_eq!(bench.import(&bench.file("first.csv", &text), &["--taken-at", "2023-10-01"]).code, 0);
    let restated = text.replace(",3.25,3.25,3.25,", ",3.25,3.2500000000000000000000000001,3.25,");
    assert_ne!(restated, text);
    assert_eq!(bench.import(&bench.file("second.csv", restated), &["--taken-at", "2023-10-02"]).code, 0);
    let asked = ["total", "--enrollment", "8611537", "--period", "202309", "--by", "day,subscription"];
    let told = |more: &[&str]| bench.run(&[&asked[..], more].concat());
    let found = told(&["--since", "1", "--json"]);
    let difference = "0.0000000000000000000000000001";
    assert_eq!((found.code, &found.json["difference"]), (0, &difference.into()), "{}", found.text);
    let changes = found.json["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &changes[0]["difference"]), (1, &difference.into()));
    assert_eq!(changes[0]["rows"], changes[0]["rowsBefore"]);
    let text = told(&["--since", "1"]).text;
    assert!(text.ends_with(&format!("difference\t+{difference}\n")), "{text}");
    assert_eq!(told(&["--since", "2"]).text, "nothing changed in rows or money\n");
    // The other way round, and from the time before anything was held.
    let back = told(&["--since", "2", "--as-of", "1", "--json"]);
    assert_eq!(back.json["difference"], format!("-{difference}"));
    let all = told(&["--since", "0", "--as-of", "1", "--json"]);
    assert_eq!(all.json["difference"], "8.5450077867419368");
}
