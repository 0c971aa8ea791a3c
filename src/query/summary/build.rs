//! Writing segments.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanBuilder, Int64Builder, RecordBatch, StringViewBuilder,
        TimestampMicrosecondBuilder,
    },
    compute::concat_batches,
    datatypes::TimestampMicrosecondType,
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
};
use pipe_history::HistoryFile;
use pipe_model::{BenchmarkType, RunId};
use tempfile::NamedTempFile;

use super::{
    Summarised,
    segment::{
        LENGTH_KEY, Part, ROWS, RUNS, Segment, TYPE_KEY, VERSION_KEY, rows_schema, stored_runs_schema,
        version,
    },
};
use crate::tables::reader::Reading;

const LOCK: &str = ".lock";
/// What the names of files that are being written begin with.
const TEMPORARY: &str = ".writing-";
/// Rows of a row group, which is what a thread reads in one go. A run is never divided.
const GROUP_ROWS: usize = 64 * 1024;
/// Runs of a segment, from which on it is left as it is.
const MAX_RUNS: usize = 50_000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Keeps other writers out until it is dropped; none where another one is at work.
pub(super) fn lock(folder: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A segment to be: runs of one type from their files, and from segments that it takes the place of.
struct Order {
    benchmark_type: BenchmarkType,
    files: Vec<HistoryFile>,
    /// Segments with the runs that are still as they were.
    merged: Vec<(Arc<Segment>, Vec<usize>)>,
}

/// Writes `new` into segments and removes those that these, or nothing, take the place of. What fails is left undone. The caller
/// has the lock.
pub(super) fn update(folder: &Path, found: &Summarised, new: Vec<HistoryFile>, threads: usize) {
    remove_leftovers(folder, found);
    let mut orders: BTreeMap<BenchmarkType, Vec<HistoryFile>> = BTreeMap::new();
    for file in new {
        orders.entry(file.benchmark_type.clone()).or_default().push(file);
    }
    let orders = orders.into_iter().map(|(benchmark_type, files)| {
        let merged = merged(found, &benchmark_type, files.len());
        Order { benchmark_type, files, merged }
    });
    let orders = Mutex::new(orders.collect::<Vec<_>>());
    let next = || orders.lock().unwrap_or_else(PoisonError::into_inner).pop();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(order) = next() {
                    if write(folder, &order).is_ok() {
                        order.merged.iter().for_each(|(segment, _)| segment.remove());
                    }
                }
            });
        }
    });
}

/// The segments of a type that one of `runs` new runs takes in: those that are not much larger, and those of which little is left.
fn merged(
    found: &Summarised,
    benchmark_type: &BenchmarkType,
    mut runs: usize,
) -> Vec<(Arc<Segment>, Vec<usize>)> {
    let mut candidates: Vec<_> = found
        .summary
        .segments
        .iter()
        .zip(&found.live)
        .filter(|(segment, _)| segment.benchmark_type() == benchmark_type)
        .collect();
    candidates.sort_by_key(|(_, live)| live.len());
    let mut merged = Vec::new();
    for (segment, live) in candidates {
        let small = live.len() <= 2 * runs && live.len() + runs <= MAX_RUNS;
        if small || 2 * live.len() < segment.runs().len() {
            runs += live.len();
            let mut live = live.clone();
            live.sort_unstable();
            merged.push((Arc::clone(segment), live));
        }
    }
    merged
}

/// Removes what a writer that crashed left, what cannot be read, and segments that nothing is left of.
fn remove_leftovers(folder: &Path, found: &Summarised) {
    for (segment, live) in found.summary.segments.iter().zip(&found.live) {
        if live.is_empty() {
            segment.remove();
        }
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is = |extension: &str| path.extension().is_some_and(|found| found == extension);
        let is_known =
            found.summary.segments.iter().any(|segment| segment.path() == path.with_extension(RUNS));
        let is_temporary = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        if is_temporary || ((is(RUNS) || is(ROWS)) && !is_known) {
            let _ = fs::remove_file(path);
        }
    }
}

fn write(folder: &Path, order: &Order) -> Result<(), Failure> {
    let mut writer = Writer::new(folder)?;
    for (segment, live) in &order.merged {
        for group in live.chunk_by(|one, other| segment.runs()[*one].group == segment.runs()[*other].group) {
            let part = Part::new(Arc::clone(segment), segment.runs()[group[0]].group, group.iter().copied());
            let batches = Reading::all(rows_schema()).read_part(&part)?;
            let rows = concat_batches(&rows_schema(), &batches)?;
            let mut start = 0;
            for run in group {
                let count = segment.runs()[*run].rows.len();
                writer.add(&rows.slice(start, count), Run::of_segment(segment, *run))?;
                start += count;
            }
        }
    }
    let reading = Reading::all(rows_schema());
    for file in &order.files {
        // What cannot be read has no place here, and is named by whoever reads it from its file.
        let Ok(batches) = reading.read_run(file) else { continue };
        let rows = concat_batches(&rows_schema(), &batches)?;
        if let Some(run) = Run::of_file(file, &rows) {
            writer.add(&rows, run)?;
        }
    }
    writer.finish(folder, &order.benchmark_type)
}

/// A row of the file of runs, but for the place of its rows.
struct Run {
    /// The columns of the table `runs`, one row.
    text: [String; 6],
    recorded_at: i64,
    dirty: bool,
    failures: i64,
    stamp: [i64; 3],
    archived_at: Option<i64>,
}

/// The texts of [`Run`], in the order of the columns.
const TEXTS: [&str; 6] = ["run_id", "commit", "type", "device", "device_kind", "source"];

impl Run {
    /// What the rows of a file say of its run; none where they are not those of one run on one device, so that a row cannot say it.
    fn of_file(file: &HistoryFile, rows: &RecordBatch) -> Option<Self> {
        let same = |name: &str| {
            let column = rows.column_by_name(name)?.as_string_view();
            let first = (!column.is_empty()).then(|| column.value(0))?;
            column.iter().all(|value| value == Some(first)).then(|| first.to_owned())
        };
        let text = |index: usize| same(TEXTS[index]);
        let text = [text(0)?, text(1)?, text(2)?, text(3)?, text(4)?, text(5)?];
        let times = rows.column_by_name("recorded_at")?.as_primitive::<TimestampMicrosecondType>();
        let recorded_at = times.value(0);
        let is_one = text[0].parse::<RunId>() == Ok(file.run_id) && text[0] == file.run_id.to_string();
        if !is_one || times.iter().any(|time| time != Some(recorded_at)) {
            return None;
        }
        let status = rows.column_by_name("status")?.as_string_view();
        let failures = status.iter().flatten().filter(|status| !["ok", "skipped"].contains(status)).count();
        let signed = |number: u64| i64::try_from(number).ok();
        Some(Self {
            text,
            recorded_at,
            dirty: rows.column_by_name("dirty")?.as_boolean().true_count() > 0,
            failures: i64::try_from(failures).ok()?,
            stamp: [signed(file.stamp.size)?, file.stamp.modified, file.stamp.changed],
            archived_at: match &file.rows {
                Some(rows) => Some(i64::try_from(rows.start).ok()?),
                None => None,
            },
        })
    }

    /// What a segment says of a run.
    fn of_segment(segment: &Segment, run: usize) -> Self {
        let batch = segment.batch();
        let number = |name: &str| batch[name].as_primitive::<arrow::datatypes::Int64Type>();
        let archived_at = number("archived_at");
        Self {
            text: TEXTS.map(|name| batch[name].as_string_view().value(run).to_owned()),
            recorded_at: batch["recorded_at"].as_primitive::<TimestampMicrosecondType>().value(run),
            dirty: batch["dirty"].as_boolean().value(run),
            failures: number("failures").value(run),
            stamp: ["size", "modified", "changed"].map(|name| number(name).value(run)),
            archived_at: archived_at.is_valid(run).then(|| archived_at.value(run)),
        }
    }
}

/// A segment that is being written.
struct Writer {
    rows: ArrowWriter<File>,
    file: NamedTempFile,
    group: i64,
    in_group: usize,
    runs: Vec<PlacedRun>,
}

fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY).permissions(fs::Permissions::from_mode(0o666));
    builder.tempfile_in(folder)
}

impl Writer {
    fn new(folder: &Path) -> Result<Self, Failure> {
        let file = temporary(folder)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(None)
            .build();
        let rows = ArrowWriter::try_new(file.as_file().try_clone()?, rows_schema(), Some(properties))?;
        Ok(Self { rows, file, group: 0, in_group: 0, runs: Vec::new() })
    }

    fn add(&mut self, rows: &RecordBatch, run: Run) -> Result<(), Failure> {
        let count = rows.num_rows();
        if self.in_group > 0 && self.in_group + count > GROUP_ROWS {
            self.rows.flush()?;
            self.group += 1;
            self.in_group = 0;
        }
        self.rows.write(rows)?;
        self.runs.push((run, [i64::try_from(count)?, self.group, i64::try_from(self.in_group)?]));
        self.in_group += count;
        Ok(())
    }

    /// Puts the segment in force.
    fn finish(self, folder: &Path, benchmark_type: &BenchmarkType) -> Result<(), Failure> {
        if self.runs.is_empty() {
            return Ok(());
        }
        self.rows.close()?;
        let length = self.file.as_file().metadata()?.len();
        let batch = runs_batch(&self.runs)?;
        let facts = [
            (VERSION_KEY, version()),
            (LENGTH_KEY, length.to_string()),
            (TYPE_KEY, benchmark_type.to_string()),
        ];
        let facts = facts.map(|(key, value)| KeyValue::new(key.to_owned(), value));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_key_value_metadata(Some(facts.into()))
            .build();
        let runs = temporary(folder)?;
        let mut writer = ArrowWriter::try_new(runs.as_file().try_clone()?, batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        writer.close()?;
        // After a loss of power either file may be there without its contents; a length that is not the one written down
        // or a footer that is none then tells.
        let path = folder.join(RunId::new().to_string());
        self.file.persist(path.with_extension(ROWS))?;
        runs.persist(path.with_extension(RUNS))?;
        Ok(())
    }
}

/// A run and its place: how many rows it has, in which row group, and from which row of that on.
type PlacedRun = (Run, [i64; 3]);

/// The file of runs.
fn runs_batch(runs: &[PlacedRun]) -> Result<RecordBatch, ParquetError> {
    let texts = |index: usize| -> ArrayRef {
        let mut builder = StringViewBuilder::new().with_deduplicate_strings();
        runs.iter().for_each(|(run, _)| builder.append_value(&run.text[index]));
        Arc::new(builder.finish())
    };
    let numbers = |of: &dyn Fn(&PlacedRun) -> Option<i64>| -> ArrayRef {
        let mut builder = Int64Builder::new();
        runs.iter().for_each(|run| builder.append_option(of(run)));
        Arc::new(builder.finish())
    };
    let (mut times, mut dirty) = (TimestampMicrosecondBuilder::new(), BooleanBuilder::new());
    runs.iter().for_each(|(run, _)| {
        times.append_value(run.recorded_at);
        dirty.append_value(run.dirty);
    });
    let columns: Vec<ArrayRef> = vec![
        texts(0),
        Arc::new(times.finish().with_timezone("UTC")),
        texts(1),
        texts(2),
        texts(3),
        texts(4),
        texts(5),
        Arc::new(dirty.finish()),
        numbers(&|(_, place)| Some(place[0])),
        numbers(&|(run, _)| Some(run.failures)),
        numbers(&|(_, place)| Some(place[1])),
        numbers(&|(_, place)| Some(place[2])),
        numbers(&|(run, _)| Some(run.stamp[0])),
        numbers(&|(run, _)| Some(run.stamp[1])),
        numbers(&|(run, _)| Some(run.stamp[2])),
        numbers(&|(run, _)| run.archived_at),
    ];
    Ok(RecordBatch::try_new(stored_runs_schema(), columns)?)
}
