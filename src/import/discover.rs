//! The files in a folder that may hold results.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{ImportError, Skipped};

/// Endings of files that may hold results.
const ENDINGS: &[&str] = &["json", "jsonl", "ndjson", "csv", "parquet"];

/// Every file in `folder` and the folders in it that may hold results, sorted by path, and what could not be looked at.
///
/// Hidden files and folders are passed over, as are files of other endings (plots, logs, binary samples, which are read with
/// what refers to them). Links to folders are not followed, so that a circle of them ends.
///
/// # Errors
/// Where `folder` itself cannot be read.
pub fn discover(folder: &Path) -> Result<(Vec<PathBuf>, Vec<Skipped>), ImportError> {
    let cannot = |source| ImportError::Io { path: folder.to_owned(), source };
    std::fs::read_dir(folder).map_err(cannot)?;
    let mut files = Vec::new();
    let mut skipped = Vec::new();
    let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name())) {
        match entry {
            Ok(entry) => {
                let ending = entry.path().extension().and_then(|ending| ending.to_str()).unwrap_or_default();
                if !entry.file_type().is_dir() && ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) {
                    files.push(entry.into_path());
                }
            }
            Err(error) => skipped.push(Skipped {
                place: error.path().unwrap_or(folder).display().to_string(),
                reason: error.to_string(),
            }),
        }
    }
    Ok((files, skipped))
}
