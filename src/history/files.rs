//! The files of a history: which names are a run's, and what lies among them that is not.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use pipe_model::{BenchmarkType, Commit, RunId};

use crate::schema::PARTITIONS;

/// Extension of a run's file.
pub(crate) const EXTENSION: &str = "parquet";
/// What the name of a file that is still being written begins with: hidden to people and to readers of
/// partitioned folders.
pub(crate) const TEMPORARY_PREFIX: &str = ".pipe-";
/// What it ends in: not Parquet to those who look at the extension alone.
pub(crate) const TEMPORARY_SUFFIX: &str = ".tmp";

/// A run's file, known by its path alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryFile {
    /// Where it is.
    pub path: PathBuf,
    /// The commit of its partition.
    pub commit: Commit,
    /// The benchmark type of its partition.
    pub benchmark_type: BenchmarkType,
    /// The run its name says.
    pub run_id: RunId,
    /// Bytes.
    pub size: u64,
}

/// Something in a history that no query reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// A file or a folder.
    pub path: PathBuf,
    /// Why it is not read, and what would make it be.
    pub reason: String,
}

/// What a history holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The runs' files, sorted by path.
    pub files: Vec<HistoryFile>,
    /// What looks as if it wanted to be one, sorted by path.
    pub skipped: Vec<Skipped>,
}

/// A folder of the history that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the history in {}: {source}; check the folder or name another with --history", path.display())]
pub struct ListError {
    /// The folder.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

/// Whether a name is that of a file that is still being written, or was when its writer crashed.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX))
}

/// Hidden files and folders, and those that begin with an underscore, belong to tools. Every reader of
/// partitioned folders passes over them.
fn is_hidden(name: &OsStr) -> bool {
    matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_'))
}

/// Lists the history in `root`; a folder that does not exist holds nothing.
pub(crate) fn list(root: &Path) -> Result<Listing, ListError> {
    let mut listing = Listing::default();
    let entries = match entries(root) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(listing),
        other => other?,
    };
    for (commit, commit_folder) in listing.partitions::<Commit>(entries, PARTITIONS[0]) {
        for (benchmark_type, folder) in
            listing.partitions::<BenchmarkType>(self::entries(&commit_folder)?, PARTITIONS[1])
        {
            for entry in self::entries(&folder)? {
                listing.take(entry, &commit, &benchmark_type);
            }
        }
    }
    listing.skipped.sort();
    Ok(listing)
}

/// Something in a folder, hidden things left out.
struct Entry {
    path: PathBuf,
    name: String,
    metadata: fs::Metadata,
}

/// What is in a folder, sorted by name. Follows links. What disappears while it is looked at was never there.
fn entries(folder: &Path) -> Result<Vec<Entry>, ListError> {
    let read = || -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if is_hidden(&entry.file_name()) {
                continue;
            }
            let path = entry.path();
            if let Ok(metadata) = fs::metadata(&path) {
                // A name that is not text cannot be a run's; as text with replacements it is not one either.
                entries.push(Entry {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    path,
                    metadata,
                });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    };
    read().map_err(|source| ListError { path: folder.to_owned(), source })
}

impl Listing {
    fn skip(&mut self, path: PathBuf, reason: impl Into<String>) {
        self.skipped.push(Skipped { path, reason: reason.into() });
    }

    /// The folders `key=value` among `entries`, with their values. Files that are not Parquet may lie beside
    /// them.
    fn partitions<T>(&mut self, entries: Vec<Entry>, key: &str) -> Vec<(T, PathBuf)>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let mut found = Vec::new();
        for Entry { path, name, metadata } in entries {
            if !metadata.is_dir() {
                if path.extension().is_some_and(|extension| extension == EXTENSION) {
                    self.skip(path, "a run's file lies in commit=…/type=…; move it there");
                }
                continue;
            }
            match name.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')).map(str::parse::<T>) {
                Some(Ok(value)) => found.push((value, path)),
                Some(Err(error)) => self.skip(path, error.to_string()),
                None => self.skip(path, format!("not a partition; its name would be {key}=…")),
            }
        }
        found
    }

    /// Sorts an entry of a partition's folder in.
    fn take(
        &mut self,
        Entry { path, name, metadata }: Entry,
        commit: &Commit,
        benchmark_type: &BenchmarkType,
    ) {
        let Some(stem) = name.strip_suffix(".parquet") else {
            if metadata.is_dir() {
                self.skip(path, "a folder inside a partition is not read; move its files up");
            }
            return;
        };
        if !metadata.is_file() {
            return self.skip(path, "not a regular file");
        }
        match stem.parse::<RunId>() {
            Ok(run_id) => self.files.push(HistoryFile {
                path,
                commit: commit.clone(),
                benchmark_type: benchmark_type.clone(),
                run_id,
                size: metadata.len(),
            }),
            Err(error) => self.skip(path, format!("{error}, as the name of a run's file is")),
        }
    }
}
