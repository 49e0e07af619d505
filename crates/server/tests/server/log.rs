//! The log of all tests of this process: which thread logs what is left to the runtimes.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::Value;

/// A log that tests read.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Starts it; to be called before what shall be logged.
    pub(crate) fn start() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            let crates = ["api", "server", "reports", "catalog", "access", "lake"];
            let debug: String = crates.iter().map(|name| format!(",lazurite_{name}=debug")).collect();
            tracing_subscriber::fmt()
                .json()
                .with_env_filter(format!("info{debug}"))
                .with_writer(move || writer.clone())
                .init();
            log
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines about a request.
    pub(crate) fn of_request(&self, id: &str) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["fields"]["request.id"] == id).collect()
    }

    /// Waits for a text.
    pub(crate) async fn wait_for(&self, text: &str) {
        let found = async {
            while !self.text().contains(text) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.unwrap();
    }
}
