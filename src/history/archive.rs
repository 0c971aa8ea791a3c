//! Archives: old runs folded into few large files, and unfolded again.
//!
//! # Layout
//!
//! `<history>/commit=archive/type=<type>/<archive id>.parquet`: a hive partition like any other, so that every reader of partitioned
//! folders reads it in one glob with the rest. Its rows are the folded files' rows, untouched, run after run in the order of commit and run
//! id; one column more, `archived_commit`, says what the partition no longer can. Elsewhere that is `coalesce(archived_commit, commit)`,
//! as in DuckDB:
//!
//! ```sql
//! SELECT * REPLACE (coalesce(archived_commit, commit) AS commit)
//! FROM read_parquet('history/**/*.parquet', hive_partitioning = true, hive_types_autocast = false, union_by_name = true)
//! ```
//!
//! The file's own metadata lists its runs under [`RUNS_KEY`]: run id, commit and number of rows, a line each, in order. So a listing of the history
//! has every archived run as a [`HistoryFile`](crate::HistoryFile) with the range of its rows, and nothing else need know.
//!
//! # Folding, and what can happen meanwhile
//!
//! 1. The archive is written under a hidden name, synced, read back and held against the files row by row.
//! 2. It is renamed to `<archive id>.parquet.folding`. From here on it speaks for its runs: pipe passes over a run's own file where an
//!    archive has the run.
//! 3. The runs' files are removed, each only where its rows are the archive's.
//! 4. The archive is renamed to `<archive id>.parquet`.
//!
//! Unfolding is the same backwards: `.restoring`, the files written and checked, the archive removed. pipe sees every row exactly once at
//! every moment; another reader, which knows no such names, misses rows between 2 and 4 and never sees one twice. Whatever stops the work
//! in between, the next [`archive`](History::archive) or [`restore`](History::restore) goes on where it stood. Writers of runs need not
//! know: a run that appears meanwhile is in no archive. Two archivers exclude each other by a lock on `<history>/.pipe-archive.lock`.

mod fold;
mod restore;
mod rows;

use std::{
    fs::{self, File, TryLockError},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use parquet::file::metadata::ParquetMetaData;
use pipe_model::{BenchmarkType, Commit, RunId};

use crate::{
    History, ListError, ReadError, WriteError,
    files::{EXTENSION, HistoryFile, Skipped, Stamp},
};

/// Key of the list of runs in an archive's own metadata.
pub const RUNS_KEY: &str = "pipe.archived_runs";
/// The column that says the commit of a row of an archive.
pub const COMMIT_COLUMN: &str = "archived_commit";
/// The value of the partition that archives are in, where a commit would stand.
pub const PARTITION: &str = "archive";

const LOCK: &str = ".pipe-archive.lock";

/// Why the work stopped. What was done stays done, and doing it again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Another archiver is at work.
    #[error("{} is being archived by another process; wait for it to end", path.display())]
    Busy {
        /// The history.
        path: PathBuf,
    },
    /// A file or folder cannot be changed.
    #[error("cannot change {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// What was written is not what was read. Nothing has been removed.
    #[error("{} does not hold the rows of {}; both are left as they are", archive.display(), run.display())]
    Differs {
        /// The archive.
        archive: PathBuf,
        /// The run's file.
        run: PathBuf,
    },
    /// The watcher asked to stop.
    #[error("stopped; do it again to go on from here")]
    Stopped,
    /// The history cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What is about to be done. A watcher that breaks stops the work there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// A run's file is about to be read into an archive, the `number`th of `of`.
    Fold {
        /// The file.
        file: &'a Path,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// An archive is written and not yet in force.
    Publish(&'a Path),
    /// A file whose rows are elsewhere by now is about to be removed.
    Remove(&'a Path),
    /// A run's file is about to be written again.
    Restore(&'a Path),
    /// An archive is about to become what it is called: in force, or gone.
    Finish(&'a Path),
}

/// Sees every step.
pub type Watch<'a> = dyn FnMut(Step<'_>) -> ControlFlow<()> + 'a;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Archived {
    /// Archives written or unfolded.
    pub archives: usize,
    /// Runs folded or unfolded.
    pub runs: usize,
    /// Rows of these runs.
    pub rows: usize,
    /// Files left as they are although they are old enough, and why.
    pub left: Vec<Skipped>,
}

/// How far an archive is, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Whole,
    Folding,
    Restoring,
}

impl State {
    const ALL: [State; 3] = [State::Whole, State::Folding, State::Restoring];

    const fn suffix(self) -> &'static str {
        match self {
            State::Whole => "",
            State::Folding => ".folding",
            State::Restoring => ".restoring",
        }
    }
}

/// A run in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArchivedRun {
    pub(crate) id: RunId,
    pub(crate) commit: Commit,
    pub(crate) rows: usize,
}

/// An archive, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArchiveFile {
    pub(crate) path: PathBuf,
    pub(crate) id: RunId,
    pub(crate) benchmark_type: BenchmarkType,
    pub(crate) state: State,
    pub(crate) stamp: Stamp,
}

impl ArchiveFile {
    /// The archive that a file of the partition is, where its name is one's.
    pub(crate) fn of(
        path: &Path,
        name: &str,
        benchmark_type: &BenchmarkType,
        metadata: &fs::Metadata,
    ) -> Option<Self> {
        let ends = |state: &State| {
            name.strip_suffix(state.suffix())?.strip_suffix(EXTENSION)?.strip_suffix('.')?.parse().ok()
        };
        let (state, id) = State::ALL.into_iter().find_map(|state| Some((state, ends(&state)?)))?;
        let (benchmark_type, stamp) = (benchmark_type.clone(), Stamp::of(metadata));
        Some(Self { path: path.to_owned(), id, benchmark_type, state, stamp })
    }

    fn in_state(&self, state: State) -> PathBuf {
        self.path.with_file_name(format!("{}.{EXTENSION}{}", self.id, state.suffix()))
    }

    /// Its runs, from its footer.
    pub(crate) fn runs(&self) -> Result<Vec<ArchivedRun>, ReadError> {
        let (_, metadata) = crate::read::open(&self.path)?;
        listed(metadata.metadata()).ok_or_else(|| ReadError::Corrupt {
            path: self.path.clone(),
            reason: "it does not say which runs it holds".to_owned(),
        })
    }

    /// Its runs as files of the history, each with the rows it has there.
    pub(crate) fn entries(&self) -> Result<Vec<HistoryFile>, ReadError> {
        let mut start = 0;
        let runs = self.runs()?;
        let all: usize = runs.iter().map(|run| run.rows).sum();
        let share = |rows: usize| self.stamp.size.saturating_mul(rows as u64) / all.max(1) as u64;
        Ok(runs
            .into_iter()
            .map(|run| {
                let rows = start..start + run.rows;
                start = rows.end;
                HistoryFile {
                    path: self.path.clone(),
                    commit: run.commit,
                    benchmark_type: self.benchmark_type.clone(),
                    run_id: run.id,
                    size: share(run.rows),
                    stamp: self.stamp,
                    rows: Some(rows),
                }
            })
            .collect())
    }
}

/// The runs that an archive's metadata lists; none where it is no archive's, or does not fit the rows.
fn listed(metadata: &ParquetMetaData) -> Option<Vec<ArchivedRun>> {
    let facts = metadata.file_metadata().key_value_metadata()?;
    let text = facts.iter().find(|fact| fact.key == RUNS_KEY)?.value.as_deref()?;
    let run = |line: &str| {
        let mut words = line.split(' ');
        let run = ArchivedRun {
            id: words.next()?.parse().ok()?,
            commit: words.next()?.parse().ok()?,
            rows: words.next()?.parse().ok()?,
        };
        Some(run)
    };
    let runs: Vec<ArchivedRun> = text.lines().map(run).collect::<Option<_>>()?;
    let rows = runs.iter().try_fold(0_usize, |sum, run| sum.checked_add(run.rows))?;
    (i64::try_from(rows) == Ok(metadata.file_metadata().num_rows())).then_some(runs)
}

/// The text of the list of runs.
fn list_text(runs: &[ArchivedRun]) -> String {
    runs.iter().map(|run| format!("{} {} {}\n", run.id, run.commit, run.rows)).collect()
}

impl History {
    /// Folds the files of all runs that began before `before`, type by type, after finishing what an earlier call left.
    ///
    /// A type with fewer than two such files is left as it is, and so is a file that cannot be read or has columns that this version does not
    /// know; [`Archived::left`] names them.
    ///
    /// # Errors
    /// As [`ArchiveError`]; nothing is lost and no row is read twice, whatever happens.
    pub fn archive(&self, before: Timestamp, watch: &mut Watch<'_>) -> Result<Archived, ArchiveError> {
        let Some(_lock) = self.lock()? else { return Ok(Archived::default()) };
        self.finish_what_was_begun(watch)?;
        fold::fold(self, before, watch)
    }

    /// Which files [`archive`](Self::archive) would fold, and which it would leave.
    ///
    /// # Errors
    /// Where the history cannot be listed.
    pub fn archivable(&self, before: Timestamp) -> Result<Archived, ArchiveError> {
        let plan = fold::plan(self, before)?;
        let runs: Vec<_> = plan.groups.iter().flat_map(|group| &group.runs).collect();
        Ok(Archived {
            archives: plan.groups.len(),
            runs: runs.len(),
            rows: runs.iter().map(|run| run.rows).sum(),
            left: plan.left,
        })
    }

    /// Unfolds every archive.
    ///
    /// # Errors
    /// As [`archive`](Self::archive).
    pub fn restore(&self, watch: &mut Watch<'_>) -> Result<Archived, ArchiveError> {
        let Some(_lock) = self.lock()? else { return Ok(Archived::default()) };
        let mut done = Archived::default();
        for archive in crate::files::archives(self.root())?.0 {
            if archive.state == State::Folding {
                fold::finish(self, &archive, watch)?;
            }
        }
        for archive in crate::files::archives(self.root())?.0 {
            let (runs, rows) = restore::restore(self, &archive, watch)?;
            done.archives += 1;
            done.runs += runs;
            done.rows += rows;
        }
        Ok(done)
    }

    fn finish_what_was_begun(&self, watch: &mut Watch<'_>) -> Result<(), ArchiveError> {
        for archive in crate::files::archives(self.root())?.0 {
            match archive.state {
                State::Restoring => drop(restore::restore(self, &archive, watch)?),
                // A run that was imported again while it was being archived has a file beside a whole archive.
                State::Folding | State::Whole => fold::finish(self, &archive, watch)?,
            }
        }
        Ok(())
    }

    /// Keeps other archivers out until it is dropped, which the end of the process does too. None where there is no history.
    fn lock(&self) -> Result<Option<File>, ArchiveError> {
        if !self.root().is_dir() {
            return Ok(None);
        }
        let path = self.root().join(LOCK);
        let failed = |source| ArchiveError::Io { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(ArchiveError::Busy { path: self.root().to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Asks the watcher whether to go on.
fn step(watch: &mut Watch<'_>, step: Step<'_>) -> Result<(), ArchiveError> {
    match watch(step) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ArchiveError::Stopped),
    }
}

/// Renames a file within its folder, for good.
fn rename(from: &Path, to: &Path) -> Result<(), ArchiveError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::rename(from, to)
        .and_then(|()| crate::store::sync_folder(folder))
        .map_err(|source| ArchiveError::Io { path: from.to_owned(), source })
}

/// Removes a file, and the folders of its partition where they are empty now.
fn remove(path: &Path) -> Result<(), ArchiveError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(ArchiveError::Io { path: path.to_owned(), source });
        }
        _ => {}
    }
    for folder in path.ancestors().skip(1).take(2) {
        // Fails where a writer has put something in, which is as it should be.
        if fs::remove_dir(folder).is_err() {
            let _ = crate::store::sync_folder(folder);
            break;
        }
    }
    Ok(())
}
