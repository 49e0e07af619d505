//! What a client is told whose usage is not taken.

use axum::http::StatusCode;
use billing::{BillingError, Ingested};
use imports::RefusedRecord;
use serde::Serialize;

use crate::arm::ApiError;

/// Why usage is not taken.
#[derive(Debug)]
pub(crate) struct UsageRefusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Refused records, the first of them.
    pub(crate) details: Vec<RefusalDetail>,
}

/// A record that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RefusalDetail {
    /// Number of the record in its batch, from 1.
    record: u64,
    /// Line on which it begins, from 1, where there are lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The member or column at fault; blank: the record as a whole.
    field: String,
    /// The value and what is wrong with it.
    reason: String,
}

impl From<RefusedRecord> for RefusalDetail {
    fn from(refused: RefusedRecord) -> Self {
        let RefusedRecord { record, line, field, reason } = refused;
        Self { record, line, field, reason }
    }
}

impl From<BillingError> for ApiError {
    fn from(error: BillingError) -> Self {
        let (status, message) = match &error {
            BillingError::UnknownEnrollment { enrollment } => {
                let message =
                    format!("Enrollment {enrollment} is not billed here, so there is nothing about its billing.");
                return Self::NotFound(message);
            }
            BillingError::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            BillingError::BatchChanged { .. } | BillingError::Mirrored { .. } => {
                (StatusCode::CONFLICT, error.to_string())
            }
            other if !other.is_refusal() => return Self::Internal(error.into()),
            other => (StatusCode::BAD_REQUEST, other.to_string()),
        };
        let code = error.code();
        let details = match error {
            BillingError::RecordsRefused { refusals, .. } => refusals.into_iter().map(RefusalDetail::from).collect(),
            _ => Vec::new(),
        };
        Self::Usage(UsageRefusal { status, code, message: format!("{message}."), details })
    }
}

impl UsageRefusal {
    /// A batch of which no record was accepted. Its id is used up all the same, which 400 would deny: 422.
    pub(super) fn nothing_accepted(taken: Ingested) -> ApiError {
        let message = format!(
            "None of the {} records of batch {} was accepted. Its id is used up: send what you corrected as a new batch.",
            taken.refused, taken.batch
        );
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let details = taken.refusals.into_iter().map(RefusalDetail::from).collect();
        ApiError::Usage(Self { status, code: "NoRecordAccepted", message, details })
    }

    /// A body in a form or encoding that is not understood.
    pub(super) fn media(message: String) -> ApiError {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        ApiError::Usage(Self { status, code: "UnsupportedMediaType", message, details: Vec::new() })
    }

    /// A body that is longer than a batch may be.
    pub(super) fn too_large(bytes_max: u64) -> ApiError {
        let message = format!(
            "The usage is longer than {bytes_max} bytes, the most that one batch may have without compression; send it in \
             several batches."
        );
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        ApiError::Usage(Self { status, code: "RequestEntityTooLarge", message, details: Vec::new() })
    }
}
