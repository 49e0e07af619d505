//! serve and report.

use samples::bundled::{EA_ACTUAL, EA_AMORTIZED};

use crate::program::{Bench, Done, Server, lazurite};

fn report(bench: &Bench, server: &Server, key: &str, more: &[&str]) -> Done {
    let out = bench.path("report.csv");
    let output = lazurite()
        .args(["report", "--server", server.http(), "--out"])
        .arg(&out)
        .args(["--json"])
        .args(more)
        .env("LAZURITE_KEY", key)
        .output()
        .unwrap();
    Done::of(&output)
}

fn lines(bench: &Bench) -> usize {
    String::from_utf8(std::fs::read(bench.path("report.csv")).unwrap()).unwrap().lines().count()
}

fn loaded() -> (Bench, String) {
    let bench = Bench::new();
    bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]);
    let key = bench.key("8611537");
    (bench, key)
}

#[test]
fn a_report_is_downloaded_over_http_and_https_and_at_an_earlier_revision() {
    let (bench, key) = loaded();
    let server = bench.serve(&[]);
    let september = ["--enrollment", "8611537", "--period", "202309"];
    let done = report(&bench, &server, &key, &september);
    assert_eq!(done.code, 0, "{} {}", done.text, done.errors);
    assert_eq!((lines(&bench), &done.json["blobs"]), (12, &serde_json::json!(1)));
    let (https, ca) = (server.ready["https"].as_str().unwrap(), server.ready["ca"].as_str().unwrap());
    let secure = lazurite()
        .args(["report", "--server", https, "--ca", ca, "--enrollment", "8611537", "--days", "2023-09-01..2023-09-30"])
        .env("LAZURITE_KEY", &key)
        .output()
        .unwrap();
    assert_eq!(Done::of(&secure).text.lines().count(), 12, "{:?}", secure);
    // The period is emptied while the server runs; it sees that, and still answers the state before.
    bench.import(
        &bench.file("empty.csv", samples::bundled::EA_NO_ROWS.bytes),
        &["--enrollment", "8611537", "--period", "202309", "--dataset", "ActualCost"],
    );
    assert_eq!(report(&bench, &server, &key, &september).json["error"]["code"], "NoDataFound");
    let before = report(&bench, &server, &key, &[&september[..], &["--as-of", "1"]].concat());
    assert_eq!((before.code, lines(&bench)), (0, 12));
    let (code, log) = server.terminate();
    assert_eq!(code, 0);
    assert!(!log.contains(&key) && !log.contains("sig="), "no secret in the log");
}

#[test]
fn an_equal_question_reuses_the_blobs_until_the_charges_change() {
    let (bench, key) = loaded();
    let jobs_with_blobs = || std::fs::read_dir(bench.data().join("reports")).unwrap().count();
    let ask = ["--enrollment", "8611537", "--period", "202309"];
    let server = bench.serve(&[]);
    for _ in 0..2 {
        assert_eq!(report(&bench, &server, &key, &ask).code, 0);
        assert_eq!(jobs_with_blobs(), 1);
    }
    assert_eq!(report(&bench, &server, &key, &["--enrollment", "8611537", "--days", "2023-09-01..2023-09-30"]).code, 0);
    assert_eq!(jobs_with_blobs(), 2, "another question");
    let text = String::from_utf8(EA_ACTUAL.bytes.to_vec()).unwrap().replace(",3.25,3.25,3.25,", ",3.25,3.26,3.25,");
    assert_eq!(bench.import(&bench.file("changed.csv", text), &[]).code, 0);
    assert_eq!(report(&bench, &server, &key, &ask).code, 0);
    assert_eq!(jobs_with_blobs(), 3, "other charges");
    assert!(std::fs::read_to_string(bench.path("report.csv")).unwrap().contains(",3.26,"));
}

#[test]
fn what_is_not_held_is_not_zero() {
    let (bench, key) = loaded();
    let server = bench.serve(&[]);
    let ask = |more: &[&str]| report(&bench, &server, &key, &[&["--enrollment", "8611537"], more].concat());
    let other = ask(&["--period", "202309", "--metric", "AmortizedCost"]);
    assert_eq!((other.code, &other.json["error"]["code"]), (2, &serde_json::json!("ReportFailed")));
    assert!(other.json["error"]["message"].as_str().unwrap().contains("held is ActualCost"), "{}", other.text);
    assert_eq!(ask(&["--period", "202001"]).json["error"]["code"], "NoDataFound");
    let stranger = report(&bench, &server, "lzk_wrong", &["--enrollment", "8611537"]);
    assert_eq!(stranger.json["error"]["code"], "InvalidAuthenticationToken");
}

#[test]
fn small_blobs_join_to_the_same_table() {
    let (bench, key) = loaded();
    bench.import(&bench.file(EA_AMORTIZED.name, EA_AMORTIZED.bytes), &[]);
    let ask = ["--enrollment", "8611537", "--period", "202309", "--metric", "AmortizedCost"];
    let whole = bench.serve(&[]);
    assert_eq!(report(&bench, &whole, &key, &ask).json["blobs"], 1);
    let expected = std::fs::read(bench.path("report.csv")).unwrap();
    whole.kill();
    let split = bench.serve(&["--blob-bytes-max", "5000"]);
    let done = report(&bench, &split, &key, &ask);
    assert!(done.json["blobs"].as_u64().unwrap() > 5, "{}", done.text);
    assert_eq!(std::fs::read(bench.path("report.csv")).unwrap(), expected);
    for job in std::fs::read_dir(bench.data().join("reports")).unwrap() {
        for blob in std::fs::read_dir(job.unwrap().path()).unwrap() {
            let bytes = std::fs::read(blob.unwrap().path()).unwrap();
            assert!(bytes.starts_with(b"\xEF\xBB\xBFInvoiceSectionName,"), "each blob has mark and header");
        }
    }
}

#[test]
fn a_report_survives_the_death_of_its_server() {
    let (bench, key) = loaded();
    // Nobody works in the first process, so the job is certainly unfinished when it dies.
    let config = bench.file("lazurite.toml", "workers = 0\n").display().to_string();
    let first = bench.serve(&["--config", &config]);
    let scope = "providers/Microsoft.Billing/billingAccounts/8611537";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(async { plain_client() });
    let created = runtime
        .block_on(
            client
                .post(format!(
                    "{}/{scope}/providers/Microsoft.CostManagement/generateCostDetailsReport?api-version=2024-08-01",
                    first.http()
                ))
                .bearer_auth(&key)
                .json(&serde_json::json!({ "billingPeriod": "202309" }))
                .send(),
        )
        .unwrap();
    assert_eq!(created.status(), 202);
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    let path = location.strip_prefix(first.http()).unwrap().to_owned();
    first.kill();
    let second = bench.serve(&[]);
    for _ in 0..600 {
        let polled = runtime.block_on(client.get(format!("{}{path}", second.http())).bearer_auth(&key).send()).unwrap();
        if polled.status() == 200 {
            let result: serde_json::Value = runtime.block_on(polled.json()).unwrap();
            assert_eq!((&result["status"], &result["manifest"]["blobCount"]), (&"Completed".into(), &1.into()));
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the report was not resumed");
}

pub(crate) fn plain_client() -> reqwest::Client {
    server::install_crypto_provider();
    reqwest::Client::new()
}

#[test]
fn a_server_says_what_is_wrong_with_its_start() {
    let bench = Bench::new();
    let running = bench.serve(&[]);
    let address = running.http().strip_prefix("http://").unwrap().to_owned();
    let taken = bench.run(&["serve", "--listen", &address]);
    assert!(taken.code == 1 && taken.errors.contains("another program"), "{}", taken.errors);
    let config = bench.file("wrong.toml", "retry_afer = 3\n").display().to_string();
    let wrong = bench.run(&["serve", "--config", &config]);
    assert!(wrong.code == 2 && wrong.errors.contains("retry_afer"), "{}", wrong.errors);
}

fn local(bench: &Bench, more: &[&str]) -> Done {
    let output = lazurite().args(["report", "--data"]).arg(bench.data()).args(more).output().unwrap();
    Done::of(&output)
}

#[test]
fn a_report_from_the_folder_is_the_one_of_the_server_in_every_form() {
    let (bench, key) = loaded();
    let server = bench.serve(&[]);
    let september = ["--enrollment", "8611537", "--period", "202309"];
    assert_eq!(report(&bench, &server, &key, &september).code, 0);
    let expected = std::fs::read(bench.path("report.csv")).unwrap();
    let out = bench.path("local");
    let written = |more: &[&str]| {
        let done = local(&bench, &[&september[..], &["--json", "--out", out.to_str().unwrap()], more].concat());
        assert_eq!((done.code, &done.json["rows"]), (0, &serde_json::json!(11)), "{} {}", done.text, done.errors);
        std::fs::read(&out).unwrap()
    };
    for more in [&[][..], &["--no-segments"], &["--threads", "1"]] {
        assert!(written(more) == expected, "{more:?}");
    }
    let packed = written(&["--format", "csv.gz"]);
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&packed[..]), &mut text).unwrap();
    assert!(text == expected);
    assert_eq!(local(&bench, &september).text.as_bytes(), expected, "standard output");
    let days = local(&bench, &["--enrollment", "8611537", "--days", "2023-09-01..2023-09-30"]);
    assert_eq!(days.text.lines().count(), 12);
}

#[test]
fn a_report_takes_its_form_from_the_name_of_its_file() {
    let (bench, _) = loaded();
    let september = ["--enrollment", "8611537", "--period", "202309"];
    let expected = local(&bench, &september).text;
    let file = bench.path("report.csv.gz");
    assert_eq!(local(&bench, &[&september[..], &["--out", file.to_str().unwrap()]].concat()).code, 0);
    let packed = std::fs::read(&file).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&packed[..]), &mut text).unwrap();
    assert_eq!(text, expected);
    // A server sends plain text: that is said before it is asked.
    let asked =
        lazurite().args(["report", "--enrollment", "8611537", "--key", "x", "--out"]).arg(&file).output().unwrap();
    let asked = Done::of(&asked);
    assert_eq!(asked.code, 2);
    assert!(asked.errors.contains("a server sends csv"), "{}", asked.errors);
    // A folder that is not there is named, and what stands for it is not.
    let nowhere = local(&bench, &[&september[..], &["--out", bench.path("none/r.csv").to_str().unwrap()]].concat());
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.errors.trim_end().ends_with("none"), "{}", nowhere.errors);
    let early = local(&bench, &[&september[..], &["--as-of", "2001-01-01"]].concat());
    assert!(early.errors.contains("nothing was held at 2001-01-01"), "{}", early.errors);
}

#[cfg(unix)]
#[test]
fn a_report_leaves_links_as_they_are_and_is_silent_when_nobody_reads() {
    let (bench, _) = loaded();
    let september = ["--enrollment", "8611537", "--period", "202309"];
    let expected = local(&bench, &september).text;
    let (file, link) = (bench.path("file.csv"), bench.path("link.csv"));
    std::fs::write(&file, "before").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(local(&bench, &[&september[..], &["--out", link.to_str().unwrap()]].concat()).code, 0);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);

    let mut command = lazurite();
    command.args(["report", "--data"]).arg(bench.data()).args(september);
    let mut unread = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(unread.stdout.take());
    let done = unread.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap()), (Some(1), String::new()));
}

#[test]
fn a_report_from_the_folder_says_what_is_not_there() {
    let (bench, _) = loaded();
    let code = |more: &[&str]| {
        let done = local(&bench, &[more, &["--json", "--out", bench.path("none").to_str().unwrap()]].concat());
        assert_eq!(done.code, 2, "{} {}", done.text, done.errors);
        assert!(!bench.path("none").exists());
        done.json["error"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&["--enrollment", "8611537"]), "Usage");
    assert_eq!(code(&["--enrollment", "8611537", "--period", "202308"]), "NoDataFound");
    assert_eq!(code(&["--enrollment", "999", "--period", "202309"]), "UnknownScope");
    assert_eq!(code(&["--enrollment", "8611537", "--department", "77", "--period", "202309"]), "UnknownScope");
    let amortized = ["--enrollment", "8611537", "--period", "202309", "--metric", "AmortizedCost"];
    assert_eq!(code(&amortized), "NotHeld");
}

#[test]
fn totals_are_exact_and_told_apart_by_what_is_asked() {
    let (bench, _) = loaded();
    let total = |more: &[&str]| {
        let output = lazurite()
            .args(["total", "--data"])
            .arg(bench.data())
            .args(["--enrollment", "8611537", "--period", "202309", "--json"])
            .args(more)
            .output()
            .unwrap();
        Done::of(&output)
    };
    let whole = total(&[]).json["totals"][0].clone();
    let status = Done::of(&lazurite().args(["status", "--json", "--data"]).arg(bench.data()).output().unwrap());
    assert!(status.text.contains(whole["total"].as_str().unwrap()), "{whole} {}", status.text);
    assert_eq!(whole["rows"], 11);
    let by_day = total(&["--by", "day,charge-type"]).json["totals"].as_array().unwrap().clone();
    assert_eq!(by_day.iter().map(|sum| sum["rows"].as_u64().unwrap()).sum::<u64>(), 11);
    assert!(by_day.iter().all(|sum| sum["day"].is_string() && sum["charge-type"].is_string()));
    assert_eq!(total(&["--by", "colour"]).code, 2);
    assert_eq!(total(&["--by", "day,day"]).json["error"]["code"], "Usage");
    assert_eq!(total(&["--metric", "AmortizedCost"]).json["error"]["code"], "NoDataFound");
}
