//! Export run folders: `…/{first day}-{last day}/{run time}/{run id}/` with a manifest beside the parts
//! (contract `cost-details-fields.md` section 5). The folder names give days and run time, the manifest the parts.

use std::path::{Component, Path};

use calendar::{Date, DateRange};
use serde::Deserialize;

/// Names under which Azure writes the manifest of a run.
const MANIFEST_NAMES: [&str; 2] = ["manifest.json", "_manifest.json"];
/// Most parts of a run; Azure splits at about 1 GB.
const PARTS_MAX: usize = 10_000;

/// What an export folder's path says about the files in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportFolder {
    /// The days that the run covers.
    pub days: Option<DateRange>,
    /// When the run was made, in minutes since 1970-01-01T00:00Z.
    pub run_minute: Option<i64>,
}

impl ExportFolder {
    /// Reads the folder names above a file or of a folder; names that say nothing are skipped. The innermost wins.
    pub fn of_path(path: &Path) -> Self {
        let mut folder = Self::default();
        for component in path.components() {
            let Component::Normal(name) = component else { continue };
            let Some(name) = name.to_str() else { continue };
            if let Some(days) = day_range(name) {
                folder = Self { days: Some(days), run_minute: None };
            } else if folder.days.is_some()
                && let Some(minute) = run_minute(name)
            {
                folder.run_minute = Some(minute);
            }
        }
        folder
    }
}

fn day_range(name: &str) -> Option<DateRange> {
    let (first, last) = name.split_once('-')?;
    let date = |text: &str| (text.len() == 8).then(|| Date::parse_any(text.as_bytes()).ok()).flatten();
    DateRange::inclusive(date(first)?, date(last)?).ok()
}

/// `YYYYMMDDhhmm` as minutes since 1970.
fn run_minute(name: &str) -> Option<i64> {
    if name.len() != 12 || !name.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let date = Date::parse_any(&name.as_bytes()[..8]).ok()?;
    let (hour, minute): (i64, i64) = (name[8..10].parse().ok()?, name[10..].parse().ok()?);
    (hour < 24 && minute < 60).then(|| i64::from(date.days()) * 1440 + hour * 60 + minute)
}

/// The manifest of an export run.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunManifest {
    /// Number of parts.
    #[serde(default)]
    pub blob_count: Option<usize>,
    /// Rows of all parts, without headers.
    #[serde(default)]
    pub data_row_count: Option<u64>,
    /// The parts.
    pub blobs: Vec<ManifestPart>,
}

/// A part of an export run.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestPart {
    /// Path in the container; its last segment is the file name beside the manifest.
    pub blob_name: String,
    /// Size of the part, in bytes.
    #[serde(default)]
    pub byte_count: Option<u64>,
    /// Rows of the part, without header.
    #[serde(default)]
    pub data_row_count: Option<u64>,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not the JSON of a manifest.
    #[error("not an export manifest: {reason}; expected an object with a list named blobs")]
    Syntax {
        /// What the JSON reader said.
        reason: String,
    },
    /// Its own numbers disagree.
    #[error("blobCount is {stated}, but {listed} blobs are listed")]
    Count {
        /// The stated number.
        stated: usize,
        /// The number of list entries.
        listed: usize,
    },
    /// A part's name is not a plain file name.
    #[error("the blob name {name:?} does not end in a file name")]
    PartName {
        /// The refused name.
        name: String,
    },
    /// There are more parts than any run has.
    #[error("{listed} parts are listed, expected at most {PARTS_MAX}")]
    TooMany {
        /// The number of list entries.
        listed: usize,
    },
}

impl RunManifest {
    /// Whether a file of this name is a manifest.
    pub fn is_manifest_name(name: &str) -> bool {
        MANIFEST_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Reads a manifest and checks its own consistency.
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
        let manifest: Self =
            serde_json::from_slice(json).map_err(|error| ManifestError::Syntax { reason: error.to_string() })?;
        let listed = manifest.blobs.len();
        if listed > PARTS_MAX {
            return Err(ManifestError::TooMany { listed });
        }
        match manifest.blob_count {
            Some(stated) if stated != listed => return Err(ManifestError::Count { stated, listed }),
            _ => {}
        }
        for part in &manifest.blobs {
            part.file_name()?;
        }
        Ok(manifest)
    }
}

impl ManifestPart {
    /// The part's file name beside the manifest.
    pub fn file_name(&self) -> Result<&str, ManifestError> {
        let name = self.blob_name.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || name == "." || name == ".." || name.contains('\\') {
            return Err(ManifestError::PartName { name: self.blob_name.clone() });
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_run_time_are_read_off_the_folder_names() {
        let folder = ExportFolder::of_path(Path::new("/x/cost/20230101-20230131/202301041442/run/000001.csv"));
        assert_eq!(folder.days.unwrap().to_string(), "2023-01-01..2023-01-31");
        let day = Date::new(2023, 1, 4).unwrap();
        assert_eq!(folder.run_minute, Some(i64::from(day.days()) * 1440 + 14 * 60 + 42));
        assert_eq!(ExportFolder::of_path(Path::new("a/20230230-20230301/202301041442/x.csv")), ExportFolder::default());
    }

    #[test]
    fn the_published_manifest_is_read() {
        let json = br#"{"manifestVersion":"2021-01-01","dataFormat":"csv","blobCount":1,"byteCount":423869,"dataRowCount":490,
            "blobs":[{"blobName":"cost/partitioned/20230101-20230131/202301041442/g/000001.csv","byteCount":423869,"dataRowCount":490,"headerRowCount":1}]}"#;
        let manifest = RunManifest::parse(json).unwrap();
        assert_eq!(manifest.blobs[0].file_name().unwrap(), "000001.csv");
        assert_eq!(manifest.data_row_count, Some(490));
    }

    #[test]
    fn manifests_that_contradict_themselves_are_refused() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"blobs":[],"blobCount":2}"#,
            r#"{"blobs":[{"blobName":"a/.."}]}"#,
            r#"{"blobs":[{"blobName":""}]}"#,
        ] {
            assert!(RunManifest::parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
