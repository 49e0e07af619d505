//! `POST /lazurite/v1/enrollments/{enrollment}/usage/{batchId}`: a batch of usage of a native enrollment.
//!
//! The id of a batch is the client's. The same batch again, compressed or not, changes nothing and gets the same answer;
//! other content under the same id is refused. Records are refused one by one, unless the request is strict; a batch of
//! which none is left is an error, though its id is used up. When records were received is what the server's system clock
//! says, whatever clock it answers by.

use access::permit_usage;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use billing::Ingested;
use formats::native::UsageForm;
use serde::Serialize;

use super::intake::Batch;
use super::upload::{Encoding, Upload};
use super::{RefusalDetail, UsageRefusal};
use crate::arm::{ApiError, authenticate, excerpt, json, refused};
use crate::dispatch::Call;
use crate::enterprise_reporting::enrollment_scope;

/// The right that sending usage needs.
const WRITE_ACTION: &str = "Lazurite.Billing/usage/write";
/// Media types of the forms.
const FORMS: [(&str, UsageForm); 6] = [
    ("application/x-ndjson", UsageForm::Ndjson),
    ("application/ndjson", UsageForm::Ndjson),
    ("application/jsonl", UsageForm::Ndjson),
    ("text/csv", UsageForm::Csv),
    ("application/vnd.apache.parquet", UsageForm::Parquet),
    ("application/x-parquet", UsageForm::Parquet),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    enrollment: String,
    batch_id: String,
    /// Records in the batch.
    received: u64,
    accepted: u64,
    refused: u64,
    /// Whether the batch had been taken before.
    unchanged: bool,
    refusals: Vec<RefusalDetail>,
    /// Refused records that are not told one by one.
    more: u64,
}

/// Takes a batch of usage.
pub(crate) async fn post_usage(
    call: &Call<'_>,
    enrollment: &str,
    batch: &str,
    body: &mut Body,
) -> Result<Response, ApiError> {
    let intake = call.state.intake.as_ref().ok_or_else(ApiError::no_such_path)?;
    let caller = authenticate(call).await?;
    call.query.refuse_others(&["strict"])?;
    let is_strict = strict(call.query.get("strict"))?;
    let (form, encoding) = (form(&call.parts.headers)?, encoding(&call.parts.headers)?);
    let (scope, text) = enrollment_scope(enrollment)?;

    let permit = permit_usage(&call.state.catalog, &caller, &scope).await;
    let permit = permit.map_err(|refusal| refused(refusal, &caller, &text, WRITE_ACTION))?;

    let upload = Upload::receive(intake.store(), body, encoding, intake.bytes_max()).await?;
    let batch = Batch { id: batch.to_owned(), form, upload, is_strict, actor: caller.id().to_owned() };
    let taken = intake.take(&permit, batch).await?;
    // The same batch again gets the same answer: the counts are those that are held.
    if taken.accepted == 0 && taken.refused > 0 {
        return Err(UsageRefusal::nothing_accepted(taken));
    }
    Ok(json(StatusCode::OK, &render(taken)))
}

fn render(taken: Ingested) -> Answer {
    let more = taken.refused.saturating_sub(taken.refusals.len() as u64);
    Answer {
        enrollment: taken.enrollment.to_string(),
        batch_id: taken.batch,
        received: taken.accepted.saturating_add(taken.refused),
        accepted: taken.accepted,
        refused: taken.refused,
        unchanged: taken.is_unchanged,
        refusals: taken.refusals.into_iter().map(RefusalDetail::from).collect(),
        more,
    }
}

fn strict(text: Option<&str>) -> Result<bool, ApiError> {
    match text.map(str::trim) {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => Err(ApiError::BadRequest(format!("strict: '{}' is neither true nor false.", excerpt(text)))),
    }
}

/// The form that the headers name; NDJSON if they name none.
fn form(headers: &HeaderMap) -> Result<UsageForm, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(UsageForm::Ndjson) };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let found = FORMS.iter().find(|(name, _)| name.eq_ignore_ascii_case(media_type));
    found.map(|(_, form)| *form).ok_or_else(|| {
        UsageRefusal::media(format!(
            "The content type '{}' is no form of usage; expected application/x-ndjson, text/csv or \
             application/vnd.apache.parquet.",
            excerpt(media_type)
        ))
    })
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        other => {
            let other = excerpt(other);
            Err(UsageRefusal::media(format!(
                "The content encoding '{other}' is not understood; expected gzip or none."
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn forms_and_encodings_are_named_by_headers() {
        let with = |name, value: &'static str| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        assert_eq!(form(&HeaderMap::new()).ok(), Some(UsageForm::Ndjson));
        for (value, expected) in [
            ("Application/X-NDJSON; charset=utf-8", Some(UsageForm::Ndjson)),
            ("text/csv;header=present", Some(UsageForm::Csv)),
            ("application/vnd.apache.parquet", Some(UsageForm::Parquet)),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(form(&with(header::CONTENT_TYPE, value)).ok(), expected, "{value}");
        }
        assert_eq!(encoding(&HeaderMap::new()).ok(), Some(Encoding::Identity));
        for (value, expected) in
            [("GZIP", Some(Encoding::Gzip)), ("identity", Some(Encoding::Identity)), ("br", None), ("gzip, gzip", None)]
        {
            assert_eq!(encoding(&with(header::CONTENT_ENCODING, value)).ok(), expected, "{value}");
        }
    }

    #[test]
    fn strict_is_true_or_false() {
        assert_eq!(
            [strict(None).ok(), strict(Some("TRUE")).ok(), strict(Some("1")).ok()],
            [Some(false), Some(true), None]
        );
    }
}
