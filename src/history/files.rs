//! The files of a history: which names are a run's, what lies among them that is not, and which runs are in archives.

mod folders;
mod stamp;

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    thread,
};

use pipe_model::{BenchmarkType, Commit, RunId};

use self::folders::Folders;
pub use self::stamp::{Stamp, StampError};
use crate::{
    archive::{self, ArchiveFile},
    schema::PARTITIONS,
};

/// Extension of a run's file.
pub(crate) const EXTENSION: &str = "parquet";
/// What the name of a file that is still being written begins with: hidden to people and to readers of
/// partitioned folders.
pub(crate) const TEMPORARY_PREFIX: &str = ".pipe-";
/// What it ends in: not Parquet to those who look at the extension alone.
pub(crate) const TEMPORARY_SUFFIX: &str = ".tmp";

/// A run of the history: a file, known by its path alone, or rows of an archive, known by its footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryFile {
    /// Where it is.
    pub path: PathBuf,
    /// The commit of its partition.
    pub commit: Commit,
    /// The benchmark type of its partition.
    pub benchmark_type: BenchmarkType,
    /// The run its name says.
    pub run_id: RunId,
    /// Bytes; of a run in an archive its share of them.
    pub size: u64,
    /// Of the file, when it was listed.
    pub stamp: Stamp,
    /// Of a run in an archive the rows it has there, counted from 0; none where the file is the run's alone.
    pub rows: Option<Range<usize>>,
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
    /// The runs, sorted by path, those of an archive in its order. Every run is here once, also while it is being
    /// archived.
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

/// Makes files that are still being written: with such a name, and for everybody, less the umask, as any new file;
/// temporary files are private by default.
pub(crate) fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
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

/// How often a listing begins anew because an archive came or went meanwhile.
const ATTEMPTS: usize = 16;

/// Lists the history in `root`; a folder that does not exist holds nothing.
///
/// An archive is put in force before the files of its runs are removed, and they are written again before it is removed. So a
/// listing during which no archive came or went has every run: in an archive, or in a file that was there all the time.
pub(crate) fn list(root: &Path) -> Result<Listing, ListError> {
    let ids = |archives: &[ArchiveFile]| archives.iter().map(|archive| archive.id).collect::<Vec<_>>();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let folders = Folders::of(root);
        let (archives, mut skipped) = archives(root)?;
        let mut archived = Vec::new();
        let mut unreadable = Vec::new();
        for archive in &archives {
            match archive.entries() {
                Ok(entries) => archived.extend(entries),
                Err(error) => {
                    unreadable.push(Skipped { path: archive.path.clone(), reason: error.to_string() })
                }
            }
        }
        let mut listing = list_runs(&folders, root)?;
        let (after, _) = self::archives(root)?;
        // An archive that another process renames is as unreadable as a damaged one, until the next look.
        let is_settled = ids(&archives) == ids(&after) && (unreadable.is_empty() || attempt > 2);
        if is_settled || attempt == ATTEMPTS {
            skipped.extend(unreadable);
            let in_archive: HashSet<(RunId, &Commit, &BenchmarkType)> =
                archived.iter().map(|file| (file.run_id, &file.commit, &file.benchmark_type)).collect();
            listing
                .files
                .retain(|file| !in_archive.contains(&(file.run_id, &file.commit, &file.benchmark_type)));
            listing.files.extend(archived);
            listing.files.sort_by(|a, b| {
                (&a.path, a.rows.as_ref().map(|rows| rows.start))
                    .cmp(&(&b.path, b.rows.as_ref().map(|rows| rows.start)))
            });
            listing.skipped.extend(skipped);
            listing.skipped.sort();
            folders.keep();
            return Ok(listing);
        }
    }
}

/// The archives, sorted by id, and what lies among them that is none.
pub(crate) fn archives(root: &Path) -> Result<(Vec<ArchiveFile>, Vec<Skipped>), ListError> {
    let mut listing = Listing::default();
    let mut archives = Vec::new();
    let folder = root.join(format!("{}={}", PARTITIONS[0], archive::PARTITION));
    for (benchmark_type, folder) in
        listing.partitions::<BenchmarkType>(entries(None, &folder)?, PARTITIONS[1])
    {
        for Entry { path, name, metadata } in entries(None, &folder.path)? {
            match ArchiveFile::of(&path, &name, &benchmark_type, &metadata) {
                Some(archive) if metadata.is_file() => archives.push(archive),
                _ => listing.skip(path, "not the name of an archive; move it away"),
            }
        }
    }
    archives.sort_by_key(|archive| archive.id);
    Ok((archives, listing.skipped))
}

/// Folders of commits that are worth a thread.
const FOLDERS_A_THREAD: usize = 64;
/// Listing waits for the disk, where its folders are not in memory, rather than for the processor.
const MAX_THREADS: usize = 32;

/// The runs that have a file of their own.
fn list_runs(folders: &Folders, root: &Path) -> Result<Listing, ListError> {
    let mut listing = Listing::default();
    let mut entries = entries(Some(folders), root)?;
    entries.retain(|entry| entry.name != format!("{}={}", PARTITIONS[0], archive::PARTITION));
    let commits = listing.partitions::<Commit>(entries, PARTITIONS[0]);

    let threads = commits.len().div_ceil(FOLDERS_A_THREAD).clamp(1, MAX_THREADS);
    let shares = commits.chunks(commits.len().div_ceil(threads).max(1));
    let listings: Vec<Result<Listing, ListError>> = thread::scope(|scope| {
        let listing = |share| move || list_commits(folders, share);
        let threads: Vec<_> = shares.map(|share| scope.spawn(listing(share))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    for found in listings {
        let found = found?;
        listing.files.extend(found.files);
        listing.skipped.extend(found.skipped);
    }
    Ok(listing)
}

/// The runs of some commits.
fn list_commits(folders: &Folders, commits: &[(Commit, Entry)]) -> Result<Listing, ListError> {
    let mut listing = Listing::default();
    for (commit, folder) in commits {
        for (benchmark_type, folder) in
            listing.partitions::<BenchmarkType>(folder.entries(folders)?, PARTITIONS[1])
        {
            for entry in folder.entries(folders)? {
                listing.take(entry, commit, &benchmark_type);
            }
        }
    }
    Ok(listing)
}

/// Something in a folder, hidden things left out.
#[derive(Debug)]
struct Entry {
    path: PathBuf,
    name: String,
    metadata: fs::Metadata,
}

impl Entry {
    /// What is in it, where it is a folder.
    fn entries(&self, folders: &Folders) -> Result<Vec<Entry>, ListError> {
        entries_of(Some(folders), &self.path, &self.metadata)
    }
}

/// What is in a folder, sorted by name; nothing where it does not exist.
fn entries(folders: Option<&Folders>, folder: &Path) -> Result<Vec<Entry>, ListError> {
    match fs::metadata(folder) {
        Ok(metadata) => entries_of(folders, folder, &metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(ListError { path: folder.to_owned(), source }),
    }
}

/// What is in a folder that has `metadata`, sorted by name, and nothing where it no longer exists. Follows links. What disappears while
/// it is looked at was never there.
fn entries_of(
    folders: Option<&Folders>,
    folder: &Path,
    metadata: &fs::Metadata,
) -> Result<Vec<Entry>, ListError> {
    let names = match folders {
        Some(folders) => folders.names(folder, Stamp::of(metadata)),
        None => folders::read_names(folder),
    };
    let names = match names {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ListError { path: folder.to_owned(), source }),
    };
    let visible = names.into_iter().filter(|name| !is_hidden(name));
    Ok(visible
        .filter_map(|name| {
            let path = folder.join(&name);
            let metadata = fs::metadata(&path).ok()?;
            // A name that is not text cannot be a run's; as text with replacements it is not one either.
            Some(Entry { name: name.to_string_lossy().into_owned(), path, metadata })
        })
        .collect())
}

impl Listing {
    fn skip(&mut self, path: PathBuf, reason: impl Into<String>) {
        self.skipped.push(Skipped { path, reason: reason.into() });
    }

    /// The folders `key=value` among `entries`, with their values. Files that are not Parquet may lie beside
    /// them.
    fn partitions<T>(&mut self, entries: Vec<Entry>, key: &str) -> Vec<(T, Entry)>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let mut found = Vec::new();
        for entry in entries {
            if !entry.metadata.is_dir() {
                if entry.path.extension().is_some_and(|extension| extension == EXTENSION) {
                    self.skip(entry.path, "a run's file lies in commit=…/type=…; move it there");
                }
                continue;
            }
            match entry.name.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')).map(str::parse::<T>) {
                Some(Ok(value)) => found.push((value, entry)),
                Some(Err(error)) => self.skip(entry.path, error.to_string()),
                None => self.skip(entry.path, format!("not a partition; its name would be {key}=…")),
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
                stamp: Stamp::of(&metadata),
                rows: None,
            }),
            Err(error) => self.skip(path, format!("{error}, as the name of a run's file is")),
        }
    }
}
