//! Running the program and a server of it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) text: String,
    pub(crate) errors: String,
}

/// The program, without any setting of the caller's environment.
pub(crate) fn lazurite() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazurite"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LAZURITE_")) {
        command.env_remove(name);
    }
    command
}

impl Done {
    pub(crate) fn of(output: &Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs a command over the bench's store.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        Done::of(&lazurite().args(arguments).arg("--data").arg(self.data()).output().unwrap())
    }

    pub(crate) fn import(&self, file: &Path, more: &[&str]) -> Done {
        let file = file.display().to_string();
        self.run(&[&["import", &file, "--json"], more].concat())
    }

    /// The same, by a program that ends at a named write point.
    #[cfg(unix)]
    pub(crate) fn import_dying(&self, file: &Path, more: &[&str], at: &str) {
        let died = Command::new("sh")
            .args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""])
            .arg(lazurite().get_program())
            .args(["import", "--json", "--data"])
            .arg(self.data())
            .arg(file)
            .args(more)
            .env("LAZURITE_CRASH_AT", at)
            .output()
            .unwrap();
        assert!(!died.status.success(), "{at}: {died:?}");
    }

    pub(crate) fn key(&self, enrollment: &str) -> String {
        let done = self.run(&["key", "create", "--enrollment", enrollment, "--json"]);
        assert_eq!(done.code, 0, "{}", done.errors);
        done.json["key"].as_str().unwrap().to_owned()
    }

    pub(crate) fn serve(&self, more: &[&str]) -> Server {
        self.serve_with(lazurite(), more)
    }

    /// Serves with a program that was given its environment.
    pub(crate) fn serve_with(&self, mut program: Command, more: &[&str]) -> Server {
        let mut child = program
            .args(["serve", "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--retry-after", "0", "--json"])
            .args(more)
            .arg("--data")
            .arg(self.data())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str(&line) else {
            let mut errors = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut errors).unwrap();
            panic!("no ready line but {line:?}: {errors}");
        };
        Server { child, ready }
    }
}

/// A running server; it ends with its value.
pub(crate) struct Server {
    child: Child,
    pub(crate) ready: Value,
}

impl Server {
    pub(crate) fn http(&self) -> &str {
        self.ready["http"].as_str().unwrap()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and gives its exit code and log.
    pub(crate) fn terminate(mut self) -> (i32, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut log = String::new();
        self.child.stderr.as_mut().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
