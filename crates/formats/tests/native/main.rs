//! What the readers of native input promise of any bytes, checked on the corpus of the fuzz targets and on much that
//! looks like it.

#![allow(clippy::unwrap_used, missing_docs)]

mod checks;
mod corpus;
