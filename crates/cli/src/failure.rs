//! How commands fail: one sentence for people, one object for scripts, one exit code.

use std::process::ExitCode;

use imports::ImportError;
use serde_json::json;

/// A command that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: String,
    message: String,
    file: Option<String>,
    line: Option<u64>,
    column: Option<String>,
    refused: bool,
    /// Nobody is there to be told.
    unread: bool,
}

impl Failure {
    /// What the caller gave was refused; nothing changed. Exit code 2.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self { code, message, file: None, line: None, column: None, refused: true, unread: false }
    }

    /// Something else went wrong. Exit code 1.
    pub(crate) fn other(code: &str, message: impl Into<String>) -> Self {
        Self { refused: false, ..Self::refused(code, message) }
    }

    /// Whoever read the output is gone, as with `| head`. Exit code 1, and not a word.
    pub(crate) fn unread() -> Self {
        Self { unread: true, ..Self::other("Unread", "nobody reads the output any more") }
    }

    /// The same, after something that was done.
    pub(crate) fn after(self, done: &str) -> Self {
        Self { message: format!("{done}: {}", self.message), ..self }
    }

    /// The same, with what to do.
    pub(crate) fn hint(self, hint: &str) -> Self {
        Self { message: format!("{}; {hint}", self.message), ..self }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        self.refused
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.refused { 2 } else { 1 })
    }

    pub(crate) fn print(&self, as_json: bool) {
        if self.unread {
            return;
        }
        if as_json {
            let error = json!({
                "code": self.code, "message": self.message,
                "file": self.file, "line": self.line, "column": self.column,
            });
            println!("{}", json!({ "error": error }));
        } else {
            eprintln!("error: {}", self.message);
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let (file, line, column) = error.place();
        Self {
            code: error.code().to_owned(),
            file: file.map(str::to_owned),
            line,
            column: column.map(String::from),
            refused: error.is_refusal(),
            message: error.to_string(),
            unread: false,
        }
    }
}

impl From<billing::BillingError> for Failure {
    fn from(error: billing::BillingError) -> Self {
        let (file, line, column) = error.place();
        Self {
            code: error.code().to_owned(),
            file: file.map(str::to_owned),
            line,
            column: column.map(str::to_owned),
            refused: error.is_refusal(),
            message: error.to_string(),
            unread: false,
        }
    }
}

impl From<catalog::CatalogError> for Failure {
    fn from(error: catalog::CatalogError) -> Self {
        let refused = matches!(error, catalog::CatalogError::KeySlots { .. });
        let code = if refused { "KeySlots" } else { "StoreFailure" };
        Self { refused, ..Self::refused(code, error.to_string()) }
    }
}

impl From<access::KeyError> for Failure {
    fn from(error: access::KeyError) -> Self {
        let code = match error {
            access::KeyError::Catalog(error) => return error.into(),
            access::KeyError::Role(_) => "Role",
            access::KeyError::Disabled { .. } => "PolicyOff",
            access::KeyError::NoSuchKey { .. } => "NoSuchKey",
        };
        Self::refused(code, error.to_string())
    }
}

impl From<lake::LakeError> for Failure {
    fn from(error: lake::LakeError) -> Self {
        let refused = matches!(error, lake::LakeError::NoSuchVersion { .. } | lake::LakeError::EndedVersion { .. });
        let code = if refused { "NoSuchRevision" } else { "StoreFailure" };
        Self { refused, ..Self::refused(code, error.to_string()) }
    }
}
