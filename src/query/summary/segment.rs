//! One segment of the summary: two files, held open.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    ops::Range,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, OnceLock},
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    compute::concat_batches,
    datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit},
};
use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{
        ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelector,
    },
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use pipe_history::Stamp;
use pipe_model::{BenchmarkType, Commit, RunId};

use crate::tables::measurements_schema;

/// Extension of the file of runs, which puts a segment in force.
pub(super) const RUNS: &str = "runs";
/// Extension of the file of rows.
pub(super) const ROWS: &str = "rows";
/// The column that no segment has.
pub(crate) const SAMPLES: &str = "samples";
/// Key of the version in the metadata of the file of runs.
pub(super) const VERSION_KEY: &str = "pipe.summary";
/// Key of the length of the file of rows.
pub(super) const LENGTH_KEY: &str = "pipe.summary_rows_bytes";
/// Key of the benchmark type.
pub(super) const TYPE_KEY: &str = "pipe.type";

/// What a segment must have been written by: this layout, and the history's columns as this version has them.
pub(super) fn version() -> String {
    format!("1, history {}", pipe_history::schema::VERSION)
}

/// The columns of the rows.
pub(super) fn rows_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let table = measurements_schema();
        let kept = table.fields().iter().filter(|field| field.name() != SAMPLES).cloned();
        Arc::new(Schema::new(kept.collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

/// The columns of the table `runs`.
pub(crate) fn runs_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name: &str| Field::new(name, DataType::Utf8View, false);
        let number = |name: &str| Field::new(name, DataType::Int64, false);
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            text("run_id"),
            Field::new("recorded_at", time, false),
            text("commit"),
            text("type"),
            text("device"),
            text("device_kind"),
            text("source"),
            Field::new("dirty", DataType::Boolean, false),
            number("rows"),
            number("failures"),
        ]))
    });
    Arc::clone(&SCHEMA)
}

/// The columns of the file of runs: those of the table, then where the rows are and what the run's file was.
pub(super) fn stored_runs_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let mut fields: Vec<Field> =
            runs_schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.extend(
            ["row_group", "start", "size", "modified", "changed"]
                .map(|name| Field::new(name, DataType::Int64, false)),
        );
        fields.push(Field::new("archived_at", DataType::Int64, true));
        Arc::new(Schema::new(fields))
    });
    Arc::clone(&SCHEMA)
}

/// Where a run's rows are, and what its file was when they were taken from it.
#[derive(Debug)]
pub(crate) struct SummarisedRun {
    pub(super) id: RunId,
    pub(super) commit: Commit,
    pub(super) stamp: Stamp,
    /// Its first row in an archive, where it is in one.
    pub(super) archived_at: Option<usize>,
    /// Its row group in the file of rows.
    pub(super) group: usize,
    /// Its rows in the row group.
    pub(super) rows: Range<usize>,
}

/// A segment.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Of the file of runs.
    path: PathBuf,
    benchmark_type: BenchmarkType,
    batch: RecordBatch,
    runs: Vec<SummarisedRun>,
    rows: SharedFile,
    metadata: OnceLock<Option<ArrowReaderMetadata>>,
}

impl Segment {
    /// Opens a segment by its file of runs; none where anything about it is not as this version writes it.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(fs::read(path).ok()?)).ok()?;
        let facts = builder.metadata().file_metadata().key_value_metadata()?;
        let fact = |key: &str| facts.iter().find(|fact| fact.key == key)?.value.clone();
        let (length, benchmark_type) = (fact(LENGTH_KEY)?, fact(TYPE_KEY)?.parse().ok()?);
        if fact(VERSION_KEY)? != version() || builder.schema().fields() != stored_runs_schema().fields() {
            return None;
        }
        let batches = builder.build().ok()?.collect::<Result<Vec<_>, _>>().ok()?;
        let batch = concat_batches(&stored_runs_schema(), &batches).ok()?;
        let runs = runs_of(&batch)?;
        let file = File::open(path.with_extension(ROWS)).ok()?;
        let rows = SharedFile { length: file.metadata().ok()?.len(), file: Arc::new(file) };
        (length.parse() == Ok(rows.length)).then(|| Self {
            path: path.to_owned(),
            benchmark_type,
            batch,
            runs,
            rows,
            metadata: OnceLock::new(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn benchmark_type(&self) -> &BenchmarkType {
        &self.benchmark_type
    }

    /// In the order of their rows.
    pub(super) fn runs(&self) -> &[SummarisedRun] {
        &self.runs
    }

    /// The file of runs.
    pub(super) fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// The file of rows, and its footer.
    pub(crate) fn source(&self) -> Option<(SharedFile, ArrowReaderMetadata)> {
        let load = || {
            let metadata = ArrowReaderMetadata::load(&self.rows, ArrowReaderOptions::new()).ok()?;
            (metadata.schema().fields() == rows_schema().fields()).then_some(metadata)
        };
        Some((self.rows.clone(), self.metadata.get_or_init(load).clone()?))
    }

    /// Takes the segment out of force. It is written again when it is next missed.
    pub(crate) fn remove(&self) {
        // What cannot be removed is passed over again.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.path.with_extension(ROWS));
    }
}

/// None where a value is not one that a segment is written with.
fn runs_of(batch: &RecordBatch) -> Option<Vec<SummarisedRun>> {
    let number = |name: &str| batch.column_by_name(name).map(|column| column.as_primitive::<Int64Type>());
    let text = |name: &str| batch.column_by_name(name).map(|column| column.as_string_view());
    let (ids, commits) = (text("run_id")?, text("commit")?);
    let [counts, groups, starts] = [number("rows")?, number("row_group")?, number("start")?];
    let [sizes, modified, changed] = [number("size")?, number("modified")?, number("changed")?];
    let archived_at = number("archived_at")?;
    let run = |row: usize| {
        let start = usize::try_from(starts.value(row)).ok()?;
        Some(SummarisedRun {
            id: ids.value(row).parse().ok()?,
            commit: commits.value(row).parse().ok()?,
            stamp: Stamp {
                size: u64::try_from(sizes.value(row)).ok()?,
                modified: modified.value(row),
                changed: changed.value(row),
            },
            archived_at: match archived_at.is_valid(row) {
                true => Some(usize::try_from(archived_at.value(row)).ok()?),
                false => None,
            },
            group: usize::try_from(groups.value(row)).ok()?,
            rows: start..start.checked_add(usize::try_from(counts.value(row)).ok()?)?,
        })
    };
    (0..batch.num_rows()).map(run).collect()
}

/// Runs of one row group of a segment.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) segment: Arc<Segment>,
    pub(crate) group: usize,
    /// Their rows in the row group, neighbours joined.
    ranges: Vec<Range<usize>>,
}

impl Part {
    /// The runs with these numbers, which ascend and are all of the row group.
    pub(super) fn new(segment: Arc<Segment>, group: usize, runs: impl Iterator<Item = usize>) -> Self {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for rows in runs.map(|run| segment.runs[run].rows.clone()) {
            match ranges.last_mut() {
                Some(last) if last.end == rows.start => last.end = rows.end,
                _ => ranges.push(rows),
            }
        }
        Self { segment, group, ranges }
    }

    /// Which rows of a row group of `size` rows they are.
    pub(crate) fn selection(&self, size: usize) -> Vec<RowSelector> {
        let (mut selectors, mut at) = (Vec::new(), 0);
        for range in &self.ranges {
            selectors.push(RowSelector::skip(range.start.saturating_sub(at)));
            selectors.push(RowSelector::select(range.len()));
            at = range.end;
        }
        selectors.push(RowSelector::skip(size.saturating_sub(at)));
        selectors.retain(|selector| selector.row_count > 0);
        selectors
    }
}

/// An open file that several threads read at places of their own, and that stays readable when its name is gone.
#[derive(Debug, Clone)]
pub(crate) struct SharedFile {
    file: Arc<File>,
    length: u64,
}

impl Length for SharedFile {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for SharedFile {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(From { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// Reads a file from a place on.
#[derive(Debug)]
pub(crate) struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
