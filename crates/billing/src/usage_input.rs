//! Usage as it is given: a file, or the body of a request.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use formats::SourceReader;
use formats::native::{NativeError, UsageForm, UsageOrigin, UsageReader};
use sha2::{Digest, Sha256};

use crate::documents::usage_form;
use crate::error::BillingError;

const COPY_BYTES: usize = 1 << 20;

/// Usage that can be read more than once, because it may have to be judged again.
#[derive(Debug, Clone)]
pub struct UsageInput {
    name: String,
    form: UsageForm,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Upload(PathBuf),
    Request(Bytes),
}

impl UsageInput {
    /// A file of the operator; plain or, but for Parquet, compressed with gzip. Its records may say when they were
    /// received.
    ///
    /// # Errors
    /// [`BillingError`] for a file that cannot be read and for one that is no usage.
    pub fn file(path: &Path) -> Result<Self, BillingError> {
        let form = usage_form(path)?;
        Ok(Self { name: path.display().to_string(), form, source: Source::File(path.to_owned()) })
    }

    /// The body of a request; `name` names it in messages. The service's clock says when its records were received.
    pub fn request(name: &str, form: UsageForm, body: Bytes) -> Self {
        Self { name: name.to_owned(), form, source: Source::Request(body) }
    }

    /// The body of a request that was written to a file, without compression, as the request says its form; `name` names
    /// it in messages. The service's clock says when its records were received.
    pub fn upload(name: &str, form: UsageForm, path: &Path) -> Self {
        Self { name: name.to_owned(), form, source: Source::Upload(path.to_owned()) }
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its bytes, in lower-case hexadecimal. Blocking.
    pub(crate) fn content(&self) -> Result<String, BillingError> {
        let mut hash = Sha256::new();
        match &self.source {
            Source::Request(body) => hash.update(body),
            Source::File(path) | Source::Upload(path) => {
                let failed = |source| BillingError::Path { path: self.name.clone(), source };
                let mut file = File::open(path).map_err(failed)?;
                let mut part = vec![0; COPY_BYTES];
                loop {
                    match file.read(&mut part).map_err(failed)? {
                        0 => break,
                        read => hash.update(&part[..read]),
                    }
                }
            }
        }
        Ok(hex::encode(hash.finalize()))
    }

    /// Reads it from the beginning on. Blocking.
    pub(crate) fn reader(&self) -> Result<UsageReader, BillingError> {
        let name = self.name.as_str();
        let failed = |source| BillingError::Path { path: self.name.clone(), source };
        let origin = match self.source {
            Source::File(_) => UsageOrigin::File,
            Source::Upload(_) | Source::Request(_) => UsageOrigin::Request,
        };
        let reader = match (&self.source, self.form) {
            (Source::File(path) | Source::Upload(path), UsageForm::Parquet) => {
                UsageReader::parquet(name, File::open(path).map_err(failed)?, origin)?
            }
            (Source::File(path) | Source::Upload(path), form) => {
                let text = SourceReader::open(name, File::open(path).map_err(failed)?).map_err(NativeError::from)?;
                match form {
                    UsageForm::Csv => UsageReader::csv(name, text, origin)?,
                    _ => UsageReader::ndjson(name, text, origin),
                }
            }
            (Source::Request(body), UsageForm::Parquet) => UsageReader::parquet(name, body.clone(), origin)?,
            (Source::Request(body), UsageForm::Csv) => UsageReader::csv(name, Cursor::new(body.clone()), origin)?,
            (Source::Request(body), UsageForm::Ndjson) => UsageReader::ndjson(name, Cursor::new(body.clone()), origin),
        };
        Ok(reader)
    }
}
