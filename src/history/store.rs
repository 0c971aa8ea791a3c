//! The folder of Parquet files: writing a run so that no reader ever sees half of it, and finding what is
//! there.
//!
//! `<history>/commit=<40 hex>/type=<type>/<run_id>.parquet`. A run is written to a hidden temporary file in
//! the folder it goes to, synced, and renamed; then the folders are synced. A crash at any moment leaves at
//! most a temporary file, whose name no reader takes; the next write into the same folder removes it once it
//! is a day old, which no live writer's is. Writers need no lock: every run has a name of its own.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use arrow::array::RecordBatch;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    },
    schema::types::ColumnPath,
};
use pipe_model::{BenchmarkType, Commit, Run, RunId};

use crate::{
    archive,
    files::{self, Listing},
    rows::{self, RowError, Stated},
    schema,
};

/// Why a run was not recorded. Whatever the reason, nothing half-written stays behind.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The run has no measurement, so a file would say nothing.
    #[error("the run has no measurement to record")]
    Empty,
    /// A value that does not fit its column.
    #[error("the run cannot be stored: {0}")]
    Rows(#[from] RowError),
    /// A file of that run is already there; the files of a history are never changed.
    #[error("{} is already recorded; a recorded run is never overwritten", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// The folder cannot be made or written.
    #[error("cannot write the history to {}: {source}; {}", path.display(), remedy(source))]
    Io {
        /// What could not be made or written.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The Parquet writer refused the rows.
    #[error("cannot encode {}: {source}", path.display())]
    Encode {
        /// The file that was to be.
        path: PathBuf,
        /// The writer's reason.
        source: ParquetError,
    },
}

/// What to do about a failed write.
fn remedy(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::PermissionDenied => "make it writable or name another folder with --history",
        Kind::ReadOnlyFilesystem => "the file system is read-only, name another folder with --history",
        Kind::StorageFull | Kind::QuotaExceeded => "free some space or name another folder with --history",
        Kind::NotADirectory | Kind::AlreadyExists => "move the file that is in the way of a folder",
        _ => "name another folder with --history",
    }
}

/// The age from which a temporary file is a crashed writer's. A writer holds one for well under a second.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// Rows of a row group. A run is far smaller; a file that holds many runs is cut so that a reader can skip
/// parts of it.
const ROW_GROUP_ROWS: usize = 64 * 1024;

/// How often a write is tried whose folder is removed beneath it.
const ATTEMPTS: usize = 8;

/// A history: a folder of runs. The folder need not exist; the first write makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    root: PathBuf,
}

impl History {
    /// The history in the folder `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that the runs of one benchmark type on one commit are in.
    pub fn partition(&self, commit: &Commit, benchmark_type: &BenchmarkType) -> PathBuf {
        self.root.join(format!("commit={commit}")).join(format!("type={benchmark_type}"))
    }

    /// The file of a run.
    pub fn path_of(&self, commit: &Commit, benchmark_type: &BenchmarkType, id: RunId) -> PathBuf {
        self.partition(commit, benchmark_type).join(format!("{id}.{}", files::EXTENSION))
    }

    /// Every run's file, sorted by path, and what else lies where a run's file should.
    ///
    /// A history that does not exist yet is empty. Looks at names only: whether a file can be read is for
    /// [`check`](crate::check) to say.
    pub fn files(&self) -> Result<Listing, files::ListError> {
        files::list(&self.root)
    }

    /// Fails where [`write`](Self::write) would for want of a place, so that nothing is measured in vain.
    /// Leaves no trace.
    pub fn require_writable(&self) -> Result<(), WriteError> {
        // The history's folder, or the nearest one above it that is there and will hold it.
        let nearest = self.root.ancestors().find(|folder| folder.symlink_metadata().is_ok());
        let nearest = nearest.unwrap_or(Path::new("."));
        files::temporary()
            .tempfile_in(nearest)
            .map(drop)
            .map_err(|source| WriteError::Io { path: nearest.to_owned(), source })
    }

    /// Records a run and answers its file, which is complete and on disk when this returns. Times are kept to
    /// the microsecond.
    pub fn write(&self, run: &Run) -> Result<PathBuf, WriteError> {
        self.write_stated(run, &[])
    }

    /// As [`write`](Self::write), with the statistics that the source of an import states for measurements of which it
    /// gives no more than one sample, by their index.
    pub fn write_stated(&self, run: &Run, stated: &[Stated]) -> Result<PathBuf, WriteError> {
        if run.measurements.is_empty() {
            return Err(WriteError::Empty);
        }
        let batch = rows::to_batch(run, stated)?;
        self.write_batch(&batch, &run.commit, &run.benchmark_type, run.id)
    }

    /// Records the rows of a run.
    pub(crate) fn write_batch(
        &self,
        batch: &RecordBatch,
        commit: &Commit,
        benchmark_type: &BenchmarkType,
        id: RunId,
    ) -> Result<PathBuf, WriteError> {
        let path = self.path_of(commit, benchmark_type, id);
        let facts = [
            (schema::VERSION_KEY, schema::VERSION.to_string()),
            (schema::RUN_ID_KEY, id.to_string()),
            (schema::COMMIT_KEY, commit.to_string()),
            (schema::TYPE_KEY, benchmark_type.to_string()),
        ];
        let facts = facts.map(|(key, value)| KeyValue::new(key.to_owned(), value));
        let bytes = encode(batch, facts.into(), &path)?;

        let folder = self.partition(commit, benchmark_type);
        let mut attempt = 1;
        loop {
            let there_before =
                folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("")).to_owned();
            fs::create_dir_all(&folder).map_err(|source| WriteError::Io { path: folder.clone(), source })?;
            remove_stale(&folder);
            if path.exists() {
                return Err(WriteError::Exists { path });
            }
            match place(&bytes, &path, &folder, &there_before) {
                // An archiver that had emptied the folder removed it in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => attempt += 1,
                Err(source) => return Err(WriteError::Io { path: folder, source }),
                Ok(()) => return Ok(path),
            }
        }
    }

    /// The folder that the archives of one benchmark type are in.
    pub(crate) fn archive_partition(&self, benchmark_type: &BenchmarkType) -> PathBuf {
        self.root.join(format!("commit={}", archive::PARTITION)).join(format!("type={benchmark_type}"))
    }
}

/// Writes `path` in `folder` in one step: temporary file, sync, rename, then sync of the folders up to the
/// one that was `there_before`. Removes what it made where a step fails.
fn place(bytes: &[u8], path: &Path, folder: &Path, there_before: &Path) -> io::Result<()> {
    let mut file = files::temporary().tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;

    let new = folder.ancestors().take_while(|folder| *folder != there_before);
    for folder in new.chain([there_before]) {
        if let Err(error) = sync_folder(folder) {
            let _ = fs::remove_file(path);
            return Err(error);
        }
    }
    Ok(())
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    use io::ErrorKind as Kind;
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // A folder one may write to but not list, and those of some network file systems, cannot be synced.
        Err(error)
            if matches!(error.kind(), Kind::PermissionDenied | Kind::InvalidInput | Kind::Unsupported) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Removes what writers that crashed over a day ago left in `folder`. That this works is nobody's concern but
/// the disk's.
pub(crate) fn remove_stale(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| files::is_temporary(&entry.file_name())) {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .map(|at| SystemTime::now().duration_since(at));
        if matches!(age, Ok(Ok(age)) if age > STALE) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The Parquet file of a run, in memory: a run is some hundred rows.
fn encode(batch: &RecordBatch, facts: Vec<KeyValue>, path: &Path) -> Result<Vec<u8>, WriteError> {
    let write = || -> Result<Vec<u8>, ParquetError> {
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties(facts)?))?;
        writer.write(batch)?;
        writer.into_inner()
    };
    write().map_err(|source| WriteError::Encode { path: path.to_owned(), source })
}

/// How every file of a history is encoded, and what it says of itself.
pub(crate) fn properties(facts: Vec<KeyValue>) -> Result<WriterProperties, ParquetError> {
    let writer = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(concat!("pipe version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(facts));
    // Times rarely repeat but share their leading bytes: split into streams of bytes they take a third less
    // than in a dictionary.
    let split = |writer: WriterPropertiesBuilder, path: ColumnPath| {
        writer
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT)
    };
    Ok(schema::float_columns().into_iter().fold(writer, split).build())
}
