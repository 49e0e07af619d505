//! The first five minutes: what the demo prints works when it is pasted.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use samples::bundled::EA_ACTUAL;

use crate::program::{Bench, lazurite};

/// Ends with its value, whatever the test does.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn the_printed_lines_download_the_bundled_export() {
    let bench = Bench::new();
    let demo = lazurite()
        .args(["demo", "--rows", "1300", "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--data"])
        .arg(bench.data())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut demo = Running(demo);
    let mut printed = Vec::new();
    for line in BufReader::new(demo.0.stdout.as_mut().unwrap()).lines() {
        let line = line.unwrap();
        let end = line.starts_with("Stop with");
        printed.push(line);
        if end {
            break;
        }
    }
    let text = printed.join("\n");
    assert!(text.contains("8611537 ActualCost    202309: 11 rows, total 8.5450077867419368"), "{text}");
    assert!(text.contains("8611001 ActualCost    202409 to 202509: 1,300 rows"), "{text}");
    assert!(text.contains("8633001 ActualCost    202509: "), "{text}");
    for expected in ["   client id ", "\n  tenant           ", "az login --service-principal --username "] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    let own = printed.iter().find(|line| line.trim_start().starts_with("LAZURITE_KEY=")).unwrap();
    let pasted = Command::new("sh").args(["-c", own]).current_dir(bench.folder.path()).output().unwrap();
    drop(demo);
    assert!(pasted.status.success(), "{pasted:?}");
    let report = std::fs::read_to_string(bench.path("report.csv")).unwrap();
    assert_eq!(report.lines().count() as u64, EA_ACTUAL.rows + 1);
}
