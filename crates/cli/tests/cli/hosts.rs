//! `docs/HOSTS.md` and certificates: the guide's lines work as they stand.

use std::process::Command;

use samples::bundled::EA_ACTUAL;

use crate::program::{Bench, Done, lazurite};

const GUIDE: &str = include_str!("../../../../docs/HOSTS.md");

/// The words behind each `--tls-name` of the guide.
fn names() -> Vec<&'static str> {
    let serve = GUIDE.split("lazurite serve").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    serve.split("--tls-name ").skip(1).map(|rest| rest.split_whitespace().next().unwrap()).collect()
}

#[test]
fn the_guides_lines_reach_a_server_under_its_names() {
    let bench = Bench::new();
    bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]);
    let key = bench.key("8611537");
    let names = names();
    assert!(names.contains(&"consumption.azure.com") && names.contains(&"management.azure.com"), "{names:?}");
    let options: Vec<&str> = names.iter().flat_map(|name| ["--tls-name", name]).collect();
    let server = bench.serve(&options);
    let port = server.ready["https"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
    let answers: Vec<String> = GUIDE
        .lines()
        .filter(|line| line.starts_with("curl ") && line.contains("--resolve"))
        .map(|line| {
            // Only the port and the folder differ from the guide.
            let data = bench.data().display().to_string();
            let line = line.replace(":443", &format!(":{port}")).replace("./lazurite-data", &data);
            let mut shell = Command::new("sh");
            let done = shell.args(["-c", &line]).env("LAZURITE_KEY", &key).env("no_proxy", "*").output().unwrap();
            assert!(done.status.success(), "{line}: {done:?}");
            String::from_utf8(done.stdout).unwrap()
        })
        .collect();
    let [health, order] = answers.try_into().unwrap();
    assert_eq!(health, "{\"status\":\"ok\"}");
    assert!(order.starts_with("HTTP/1.1 202 Accepted"), "{order}");
    assert!(order.contains(&format!("\nlocation: https://management.azure.com:{port}/providers/")), "{order}");
}

#[test]
fn the_owners_certificate_is_served_or_refused_by_name() {
    let bench = Bench::new();
    // Any certificate will do: that of another store.
    let other = Bench::new();
    drop(other.serve(&["--tls-name", "billing.example"]));
    let file = |bench: &Bench, name: &str| bench.data().join("tls").join(name).display().to_string();
    let (certificate, key) = (file(&other, "server.pem"), file(&other, "server.key"));
    let server = bench.serve(&["--tls-certificate", &certificate, "--tls-key", &key]);
    // Who trusts it is the owner's affair.
    assert_eq!(server.ready["ca"], serde_json::Value::Null);
    let ask = lazurite()
        .args(["report", "--server", server.ready["https"].as_str().unwrap(), "--ca", &file(&other, "ca.pem")])
        .args(["--enrollment", "8611537", "--key", "lzk_wrong", "--out", "-"])
        .output()
        .unwrap();
    let refused = Done::of(&ask).errors;
    assert!(refused.contains("access token"), "the connection is trusted, the key is not: {refused}");
    drop(server);

    let ca_key = file(&other, "ca.key");
    let wrong = bench.run(&["serve", "--json", "--tls-certificate", &certificate, "--tls-key", &ca_key]);
    assert_eq!((wrong.code, &wrong.json["error"]["code"]), (2, &serde_json::json!("Certificate")));
    let message = wrong.json["error"]["message"].as_str().unwrap();
    assert!(message.contains(&certificate) && message.contains(&ca_key), "{message}");
    let half = bench.run(&["serve", "--tls-certificate", &certificate]);
    assert!(half.code == 2 && half.errors.contains("tls_certificate needs tls_key"), "{}", half.errors);
}
