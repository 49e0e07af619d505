//! One module per command.

use catalog::AuditEntry;
use imports::{ImportError, ImportOptions};
use ledger::EnrollmentId;

use crate::instant::now_ms;

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod bill;
pub(crate) mod compact;
pub(crate) mod demo;
pub(crate) mod enrollment;
pub(crate) mod explain;
mod held_days;
pub(crate) mod holder;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod key;
mod local_report;
pub(crate) mod moment;
pub(crate) mod native_status;
pub(crate) mod prune;
pub(crate) mod report;
mod report_file;
mod restated;
pub(crate) mod sample;
pub(crate) mod serve;
pub(crate) mod status;
mod status_details;
pub(crate) mod total;
pub(crate) mod verify;

/// This program in the audit log: with the name of the user, where the system tells it.
pub(crate) fn actor() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_default();
    let user: String = user.chars().filter(|letter| !letter.is_control()).take(64).collect();
    if user.is_empty() { "command line".to_owned() } else { format!("command line ({user})") }
}

/// An entry of the audit log about an enrollment.
pub(crate) fn audit_entry(action: &str, enrollment: &EnrollmentId, target: String, detail: String) -> AuditEntry {
    AuditEntry {
        at_ms: now_ms(),
        actor: actor(),
        action: action.to_owned(),
        enrollment: Some(enrollment.clone()),
        target,
        detail,
        times: 1,
    }
}

/// An import that was refused, for the audit log. Of paths only the file names are kept.
pub(crate) fn refused_import(options: &ImportOptions, error: &ImportError) -> AuditEntry {
    let names =
        options.paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let names: Vec<String> = names.take(10).collect();
    AuditEntry {
        at_ms: now_ms(),
        actor: options.actor.clone(),
        action: "import.refused".to_owned(),
        enrollment: options.fill.enrollment.clone(),
        target: names.join(", "),
        detail: error.code().to_owned(),
        times: 1,
    }
}
