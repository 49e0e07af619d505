//! From paths to runs: which files form one import, which days they cover and when they were made.
//!
//! An export run folder (a manifest beside its parts) is one run. All other files of a command are parts of one
//! import: parts without a manifest are what portals and tools write, and importing them one by one would let each
//! replace the one before. So are recorded pages of usage details. Where that reading could double charges (several files
//! of one export folder without run times, the same file twice) the import is refused instead of guessed. Balance
//! summaries are told by their content.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use calendar::DateRange;
use formats::{BalanceHint, ExportFolder, RunManifest, SheetHint, SourceReader};
use ledger::RunTime;

use crate::error::ImportError;

/// Deepest folder that is looked into, and most files of one command.
const DEPTH_MAX: usize = 12;
const FILES_MAX: usize = 10_000;
/// Largest manifest.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;
/// What is looked at of a JSON file beside exports, and words that only pages of usage details have there.
const PAGE_HEAD_BYTES: u64 = 1 << 16;
const PAGE_WORDS: [&str; 2] = ["microsoft.consumption/usagedetails", "\"consumedquantity\""];
const MICROSECONDS_PER_MINUTE: i64 = 60_000_000;

/// Files that become visible together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunPlan {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) days: Option<DateRange>,
    pub(crate) run_time: Option<RunTime>,
    /// The manifest's own row counts, by position in `files`.
    pub(crate) expected_rows: Vec<Option<u64>>,
    /// The manifest's row count of the whole run.
    pub(crate) expected_total: Option<u64>,
    /// Whether all files are parts of one export, so that one part's rows tell the dataset of all.
    pub(crate) one_export: bool,
    pub(crate) manifest: Option<PathBuf>,
}

impl RunPlan {
    /// Refuses a part, by its position, that has not the rows that the manifest says.
    pub(crate) fn check_part(&self, number: usize, rows: u64) -> Result<(), ImportError> {
        match self.expected_rows.get(number).copied().flatten() {
            Some(expected) if expected != rows => {
                let file = self.files[number].display();
                self.incomplete(format!("{file} has {rows} rows, the manifest says {expected}"))
            }
            _ => Ok(()),
        }
    }

    /// The same for all parts together.
    pub(crate) fn check_total(&self, rows: u64) -> Result<(), ImportError> {
        match self.expected_total {
            Some(expected) if expected != rows => {
                self.incomplete(format!("the parts have {rows} rows, the manifest says {expected}"))
            }
            _ => Ok(()),
        }
    }

    fn incomplete(&self, reason: String) -> Result<(), ImportError> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        Err(ImportError::IncompleteRun { manifest: manifest.display().to_string(), reason })
    }
}

/// What the paths of a command hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Runs of charges, oldest first.
    pub(crate) runs: Vec<RunPlan>,
    /// Files of balance summaries.
    pub(crate) balances: Vec<PathBuf>,
    /// Runs of sheets, likewise: prices and what is said of reservations.
    pub(crate) sheets: Vec<RunPlan>,
}

/// Finds runs of charges and files of balance summaries.
pub(crate) fn plan(paths: &[PathBuf]) -> Result<Plan, ImportError> {
    let Found { mut files, mut manifests, .. } = Found::default();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|source| unreadable(path, source))?;
        if !metadata.is_dir() && !metadata.is_file() {
            let source = std::io::Error::other("it is neither a file nor a folder");
            return Err(unreadable(path, source));
        }
        if metadata.is_dir() {
            let mut found = Found::default();
            walk(path, 0, &mut found)?;
            if found.count() == 0 {
                return Err(ImportError::NothingThere { path: path.display().to_string() });
            }
            // Beside exports lie other JSON files too: settings, metadata. Elsewhere a JSON file is a page or a mistake.
            if found.files.len() + found.manifests.len() > 0 {
                found.pages.retain(|file| begins_like_page(file) || holds_balances(file) || holds_sheets(file));
            }
            files.append(&mut found.files);
            files.append(&mut found.pages);
            manifests.append(&mut found.manifests);
        } else if is_manifest(path) {
            manifests.push(path.clone());
        } else {
            files.push(path.clone());
        }
    }
    let runs = manifests.iter().map(|manifest| manifest_run(manifest)).collect::<Result<Vec<_>, _>>()?;
    let in_runs: BTreeSet<PathBuf> = runs.iter().flat_map(|run| run.files.iter().cloned()).collect();
    files.retain(|file| !in_runs.contains(file));
    refuse_repeated(&files)?;
    let (balances, files): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(|file| holds_balances(file));
    let (mut loose_sheets, files): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|file| holds_sheets(file));
    // An answer without items is a page of charges where there are any, else one of sheets.
    let are_blank = || files.iter().all(|file| hint(file) == SheetHint::Blank);
    let files = match !loose_sheets.is_empty() && runs.is_empty() && are_blank() {
        true => {
            loose_sheets.extend(files);
            Vec::new()
        }
        false => files,
    };
    files.iter().try_for_each(|file| refuse_beside_manifest(file))?;
    refuse_repeated(&manifests)?;
    let folders: BTreeSet<Option<&Path>> = manifests.iter().map(|manifest| manifest.parent()).collect();
    if folders.len() < manifests.len() {
        let reason = "one folder holds several manifests; keep one run in a folder".to_owned();
        return Err(ImportError::Ambiguous { reason });
    }
    let is_of_sheets = |run: &RunPlan| run.files.first().is_some_and(|file| holds_sheets(file));
    let (mut sheets, mut runs): (Vec<RunPlan>, Vec<RunPlan>) = runs.into_iter().partition(is_of_sheets);
    sheets.extend(loose_runs(loose_sheets)?);
    runs.extend(loose_runs(files)?);
    runs.sort_by_key(|run| run.run_time);
    sheets.sort_by_key(|run| run.run_time);
    Ok(Plan { runs, balances, sheets })
}

/// Whether a file holds prices or what is said of reservations.
fn holds_sheets(path: &Path) -> bool {
    hint(path) == SheetHint::Sheet
}

/// What a file says about sheets. What cannot be opened is reported by whoever reads it.
fn hint(path: &Path) -> SheetHint {
    std::fs::File::open(path).map_or(SheetHint::Other, SheetHint::of)
}

/// Whether a file holds balance summaries.
fn holds_balances(path: &Path) -> bool {
    // What cannot be opened is reported by whoever reads it.
    std::fs::File::open(path).is_ok_and(|file| BalanceHint::of(file) == BalanceHint::Balances)
}

fn unreadable(path: &Path, source: std::io::Error) -> ImportError {
    ImportError::Path { path: path.display().to_string(), source }
}

fn is_manifest(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(RunManifest::is_manifest_name)
}

fn is_export(path: &Path) -> bool {
    has_ending(path, &[".csv", ".csv.gz", ".csv.zst", ".csv.zip", ".parquet"])
}

fn is_json(path: &Path) -> bool {
    has_ending(path, &[".json", ".json.gz", ".json.zst"])
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether the beginning of a JSON file looks like a page of usage details.
fn begins_like_page(path: &Path) -> bool {
    let mut head = Vec::new();
    let file = std::fs::File::open(path).ok().and_then(|file| SourceReader::open("", file).ok());
    let read = file.map(|file| file.take(PAGE_HEAD_BYTES).read_to_end(&mut head));
    read.is_some_and(|read| read.is_ok()) && {
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        PAGE_WORDS.iter().any(|word| head.contains(word))
    }
}

/// What a folder holds.
#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    manifests: Vec<PathBuf>,
    pages: Vec<PathBuf>,
}

impl Found {
    fn count(&self) -> usize {
        self.files.len() + self.manifests.len() + self.pages.len()
    }
}

fn walk(folder: &Path, depth: usize, found: &mut Found) -> Result<(), ImportError> {
    let too_much = |what: &str| ImportError::Ambiguous {
        reason: format!("{} has too many {what} to be a folder of exports; name the files to import", folder.display()),
    };
    if depth > DEPTH_MAX {
        return Err(too_much("levels"));
    }
    let mut entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| unreadable(folder, source))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let metadata = std::fs::metadata(&path).map_err(|source| unreadable(&path, source))?;
        if metadata.is_dir() {
            walk(&path, depth + 1, found)?;
        } else if is_manifest(&path) {
            found.manifests.push(path);
        } else if metadata.is_file() && is_export(&path) {
            found.files.push(path);
        } else if metadata.is_file() && is_json(&path) {
            found.pages.push(path);
        }
        if found.count() > FILES_MAX {
            return Err(too_much("files"));
        }
    }
    Ok(())
}

fn manifest_run(path: &Path) -> Result<RunPlan, ImportError> {
    let shown = path.display().to_string();
    let size = std::fs::metadata(path).map_err(|source| unreadable(path, source))?.len();
    if size > MANIFEST_BYTES_MAX {
        let source = std::io::Error::other("a manifest is at most 16 MiB long");
        return Err(ImportError::Path { path: shown, source });
    }
    let json = std::fs::read(path).map_err(|source| unreadable(path, source))?;
    let manifest = RunManifest::parse(&json).map_err(|source| ImportError::Manifest { path: shown.clone(), source })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let incomplete = |reason: String| ImportError::IncompleteRun { manifest: shown.clone(), reason };
    let (mut files, mut expected_rows) = (Vec::new(), Vec::new());
    for part in &manifest.blobs {
        let name = part.file_name().map_err(|source| ImportError::Manifest { path: shown.clone(), source })?;
        let file = folder.join(name);
        let size = match std::fs::metadata(&file) {
            Ok(metadata) => metadata.len(),
            Err(_) => return Err(incomplete(format!("the part {name} is missing"))),
        };
        match part.byte_count {
            Some(stated) if stated != size => {
                return Err(incomplete(format!("the part {name} has {size} bytes, the manifest says {stated}")));
            }
            _ => {}
        }
        files.push(file);
        expected_rows.push(part.data_row_count);
    }
    if files.is_empty() {
        return Err(incomplete("it lists no parts".into()));
    }
    let place = export_folder(path);
    Ok(RunPlan {
        files,
        days: place.days,
        run_time: place.run_minute.map(run_time),
        expected_rows,
        expected_total: manifest.data_row_count,
        one_export: true,
        manifest: Some(path.to_owned()),
    })
}

/// What the folder names say, however the path is spelled.
fn export_folder(path: &Path) -> ExportFolder {
    ExportFolder::of_path(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

fn run_time(minute: i64) -> RunTime {
    RunTime(minute * MICROSECONDS_PER_MINUTE)
}

/// Groups files without a manifest: those in a run folder by run, the rest together.
fn loose_runs(files: Vec<PathBuf>) -> Result<Vec<RunPlan>, ImportError> {
    let mut groups: BTreeMap<(Option<PathBuf>, Option<i64>), Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        // Pages are told by what they say, not by a run folder.
        let place = if is_json(&file) { ExportFolder::default() } else { export_folder(&file) };
        let folder = place.days.and_then(|_| file.parent().map(Path::to_owned));
        groups.entry((folder, place.run_minute)).or_default().push(file);
    }
    let mut runs = Vec::new();
    for ((folder, minute), files) in groups {
        if let (Some(folder), None, true) = (&folder, minute, files.len() > 1) {
            return Err(ImportError::Ambiguous {
                reason: format!(
                    "{} holds {} files and no manifest: they can be parts of one run or several runs of the same days. \
                     Name one file to import, or put each run in a folder named by its time (YYYYMMDDhhmm)",
                    folder.display(),
                    files.len()
                ),
            });
        }
        let days = folder.as_deref().and_then(|folder| export_folder(folder).days);
        let expected_rows = vec![None; files.len()];
        let one_export = days.is_some();
        runs.push(RunPlan {
            files,
            days,
            run_time: minute.map(run_time),
            expected_rows,
            expected_total: None,
            one_export,
            manifest: None,
        });
    }
    Ok(runs)
}

/// Beside a manifest, a file is a part that comes in with its run, or a stray whose place nobody knows.
fn refuse_beside_manifest(file: &Path) -> Result<(), ImportError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    match entries.filter_map(Result::ok).map(|entry| entry.path()).find(|path| is_manifest(path)) {
        Some(manifest) => {
            Err(ImportError::OnePart { path: file.display().to_string(), manifest: manifest.display().to_string() })
        }
        None => Ok(()),
    }
}

fn refuse_repeated(files: &[PathBuf]) -> Result<(), ImportError> {
    let mut seen = BTreeSet::new();
    for file in files {
        let canonical = file.canonicalize().map_err(|source| unreadable(file, source))?;
        if !seen.insert(canonical) {
            return Err(ImportError::Ambiguous { reason: format!("{} is named twice", file.display()) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    const MANIFEST: &str =
        r#"{"blobCount":2,"blobs":[{"blobName":"x/1.csv","byteCount":3},{"blobName":"x/2.csv","byteCount":3}]}"#;

    #[test]
    fn an_export_run_is_one_import_with_days_and_run_time() {
        let run = "e/20230901-20230930/202310010000/g";
        let folder = folder(&[
            (&format!("{run}/manifest.json"), MANIFEST),
            (&format!("{run}/1.csv"), "a,b"),
            (&format!("{run}/2.csv"), "a,b"),
        ]);
        let runs = plan(&[folder.path().to_owned()]).unwrap().runs;
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].files.len(), 2);
        assert_eq!(runs[0].days.unwrap().to_string(), "2023-09-01..2023-09-30");
        assert!(runs[0].run_time.is_some());
    }

    #[test]
    fn a_run_with_a_missing_or_short_part_is_not_complete() {
        for second in [None, Some("a")] {
            let mut files = vec![("manifest.json", MANIFEST), ("1.csv", "a,b")];
            files.extend(second.map(|text| ("2.csv", text)));
            let folder = folder(&files);
            assert!(matches!(plan(&[folder.path().to_owned()]), Err(ImportError::IncompleteRun { .. })));
        }
    }

    #[test]
    fn one_part_of_a_run_is_not_an_import() {
        let folder = folder(&[("manifest.json", MANIFEST), ("1.csv", "a,b"), ("2.csv", "a,b"), ("3.csv", "a,b")]);
        let part = plan(&[folder.path().join("1.csv")]);
        assert!(matches!(part, Err(ImportError::OnePart { .. })), "{part:?}");
        let stray = plan(&[folder.path().to_owned()]);
        assert!(matches!(stray, Err(ImportError::OnePart { .. })), "{stray:?}");
        assert!(plan(&[folder.path().join("manifest.json")]).is_ok());
    }

    #[test]
    fn runs_are_planned_oldest_first_and_loose_files_are_parts_of_one_import() {
        let folder = folder(&[
            ("d/20230901-20230930/202309200000/g/1.csv", "x"),
            ("d/20230901-20230930/202309100000/g/1.csv", "x"),
        ]);
        let runs = plan(&[folder.path().to_owned()]).unwrap().runs;
        assert!(runs.len() == 2 && runs[0].run_time < runs[1].run_time);
        let folder = self::folder(&[("a.csv", "x"), ("b.CSV.gz", "y"), ("notes.txt", "z")]);
        assert_eq!(plan(&[folder.path().to_owned()]).unwrap().runs[0].files.len(), 2);
    }

    #[test]
    fn balance_summaries_are_told_by_their_content() {
        let folder = folder(&[
            ("a.csv", "Date,Cost"),
            ("b.csv", "endingBalance,currency"),
            ("c.json", r#"{"endingBalance": 1"#),
            ("d.json", "{}"),
            ("e/f.JSON", r#"{"type": "Microsoft.Consumption/balances"}"#),
            ("notes.txt", r#"{"endingBalance": 1}"#),
        ]);
        let found = plan(&[folder.path().to_owned()]).unwrap();
        let names = |files: &[PathBuf]| -> Vec<String> {
            files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(&found.balances), ["b.csv", "c.json", "f.JSON"]);
        assert_eq!(names(&found.runs[0].files), ["a.csv"]);
        // A file that is named is read, whatever it is called; other JSON is for the reader of pages to refuse.
        let named = plan(&["d.json", "notes.txt"].map(|name| folder.path().join(name))).unwrap();
        assert_eq!(
            (names(&named.balances), names(&named.runs[0].files)),
            (vec!["notes.txt".into()], vec!["d.json".into()])
        );
    }

    #[test]
    fn pages_are_parts_of_one_import_and_other_json_beside_exports_is_not_looked_at() {
        let page = r#"{"value":[{"type":"Microsoft.Consumption/usageDetails"}]}"#;
        let names = |folder: &tempfile::TempDir| -> Vec<String> {
            let runs = plan(&[folder.path().to_owned()]).unwrap().runs;
            assert_eq!(runs.len(), 1);
            runs[0].files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect()
        };
        let files = folder(&[("1.json", page), ("2.JSON.gz", "anything"), ("20230901-20230930/3.json", page)]);
        assert_eq!(names(&files), ["1.json", "2.JSON.gz", "3.json"]);
        let files = folder(&[("a/e.csv", "x"), ("settings.json", "{}"), ("page.json", page)]);
        assert_eq!(names(&files), ["e.csv", "page.json"]);
    }

    #[test]
    fn what_could_double_charges_is_refused() {
        let folder = folder(&[("20230901-20230930/e_1.csv", "x"), ("20230901-20230930/e_2.csv", "y"), ("a.csv", "z")]);
        assert!(matches!(plan(&[folder.path().to_owned()]), Err(ImportError::Ambiguous { .. })));
        let file = folder.path().join("a.csv");
        assert!(matches!(plan(&[file.clone(), file]), Err(ImportError::Ambiguous { .. })));
        let empty = tempfile::tempdir().unwrap();
        std::fs::write(empty.path().join("notes.txt"), "x").unwrap();
        assert!(matches!(plan(&[empty.path().to_owned()]), Err(ImportError::NothingThere { .. })));
    }
}
