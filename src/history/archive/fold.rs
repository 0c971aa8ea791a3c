//! Folding: run files into an archive.

use std::{collections::BTreeMap, fs, sync::Arc};

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch};
use arrow::datatypes::Int32Type;
use jiff::Timestamp;
use parquet::{
    arrow::ArrowWriter,
    file::{
        metadata::{KeyValue, ParquetMetaData},
        statistics::Statistics,
    },
};
use pipe_model::{BenchmarkType, RunId};

use super::{
    ArchiveError, ArchiveFile, Archived, ArchivedRun, RUNS_KEY, State, Step, Watch, list_text, remove,
    rename,
    rows::{Rows, archive_schema, is_of, same},
    step,
};
use crate::{
    History, HistoryFile, ReadError, Skipped, Stamp, WriteError,
    files::{EXTENSION, TEMPORARY_PREFIX, TEMPORARY_SUFFIX},
    read, schema, store,
};

/// Rows after which another archive is begun.
const MAX_ROWS: usize = 4_000_000;
/// Files from which on folding them is worth it.
const MIN_FILES: usize = 2;

/// What is to be folded.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) groups: Vec<Group>,
    pub(super) left: Vec<Skipped>,
}

/// Runs that become one archive.
#[derive(Debug)]
pub(super) struct Group {
    benchmark_type: BenchmarkType,
    files: Vec<HistoryFile>,
    pub(super) runs: Vec<ArchivedRun>,
}

/// Finds the runs that began before `before`.
pub(super) fn plan(history: &History, before: Timestamp) -> Result<Plan, ArchiveError> {
    let mut plan = Plan::default();
    let mut by_type: BTreeMap<BenchmarkType, Vec<(HistoryFile, usize)>> = BTreeMap::new();
    for file in history.files()?.files.into_iter().filter(|file| file.rows.is_none()) {
        match rows_before(&file, before) {
            Ok(Some(rows)) => by_type.entry(file.benchmark_type.clone()).or_default().push((file, rows)),
            Ok(None) => {}
            Err(reason) => plan.left.push(Skipped { path: file.path, reason }),
        }
    }
    for (benchmark_type, mut files) in by_type {
        if files.len() < MIN_FILES {
            continue;
        }
        files.sort_by(|(a, _), (b, _)| (&a.commit, a.run_id).cmp(&(&b.commit, b.run_id)));
        let new = || Group { benchmark_type: benchmark_type.clone(), files: Vec::new(), runs: Vec::new() };
        let mut group = new();
        let mut total = 0;
        for (file, rows) in files {
            if total + rows > MAX_ROWS && !group.files.is_empty() {
                plan.groups.push(std::mem::replace(&mut group, new()));
                total = 0;
            }
            total += rows;
            group.runs.push(ArchivedRun { id: file.run_id, commit: file.commit.clone(), rows });
            group.files.push(file);
        }
        plan.groups.push(group);
    }
    Ok(plan)
}

/// How many rows a file has, where all of them began before `before`.
fn rows_before(file: &HistoryFile, before: Timestamp) -> Result<Option<usize>, String> {
    let (_, metadata) = read::open(&file.path).map_err(|error| error.to_string())?;
    let known = schema::schema();
    if let Some(field) =
        metadata.schema().fields().iter().find(|field| known.column_with_name(field.name()).is_none())
    {
        return Err(format!("its column `{}` is not one that this version of pipe knows", field.name()));
    }
    let metadata = metadata.metadata();
    let rows = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let latest = latest(metadata).ok_or("it does not say when it began")?;
    Ok((rows > 0 && latest < before.as_microsecond()).then_some(rows))
}

/// The greatest `recorded_at` of a file, in microseconds, by its statistics.
fn latest(metadata: &ParquetMetaData) -> Option<i64> {
    let of_group = |group: &parquet::file::metadata::RowGroupMetaData| {
        let column = group.columns().iter().find(|column| column.column_path().string() == "recorded_at")?;
        match column.statistics()? {
            Statistics::Int64(values) => values.max_opt().copied(),
            _ => None,
        }
    };
    metadata.row_groups().iter().map(of_group).try_fold(i64::MIN, |latest, time| Some(latest.max(time?)))
}

pub(super) fn fold(
    history: &History,
    before: Timestamp,
    watch: &mut Watch<'_>,
) -> Result<Archived, ArchiveError> {
    let plan = plan(history, before)?;
    let of = plan.groups.iter().map(|group| group.files.len()).sum();
    let mut done = Archived { left: plan.left, ..Archived::default() };
    for group in plan.groups {
        let archive = write(history, &group, done.runs, of, watch)?;
        finish(history, &archive, watch)?;
        done.archives += 1;
        done.runs += group.runs.len();
        done.rows += group.runs.iter().map(|run| run.rows).sum::<usize>();
    }
    Ok(done)
}

/// Writes the archive of a group, checks it, and puts it in force.
fn write(
    history: &History,
    group: &Group,
    before: usize,
    of: usize,
    watch: &mut Watch<'_>,
) -> Result<ArchiveFile, ArchiveError> {
    let id = RunId::new();
    let folder = history.archive_partition(&group.benchmark_type);
    let io = |source| ArchiveError::Io { path: folder.clone(), source };
    fs::create_dir_all(&folder).map_err(io)?;
    store::remove_stale(&folder);
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(&folder).map_err(io)?;

    let encode =
        |source| ArchiveError::Write(WriteError::Encode { path: temporary.path().to_owned(), source });
    let facts = [
        (schema::VERSION_KEY, schema::VERSION.to_string()),
        (schema::TYPE_KEY, group.benchmark_type.to_string()),
        (RUNS_KEY, list_text(&group.runs)),
    ];
    let facts = facts.map(|(key, value)| KeyValue::new(key.to_owned(), value));
    let properties = store::properties(facts.into()).map_err(encode)?;
    let file = temporary.as_file().try_clone().map_err(io)?;
    let mut writer = ArrowWriter::try_new(file, archive_schema(), Some(properties)).map_err(encode)?;
    for (index, (file, run)) in group.files.iter().zip(&group.runs).enumerate() {
        step(watch, Step::Fold { file: &file.path, number: before + index + 1, of })?;
        let batch = read::read_batch(&file.path)?;
        if batch.num_rows() != run.rows {
            return Err(ArchiveError::Differs {
                archive: temporary.path().to_owned(),
                run: file.path.clone(),
            });
        }
        writer
            .write(&with_commit(&batch, run.commit.as_str()).map_err(|error| encode(error.into()))?)
            .map_err(encode)?;
    }
    writer.close().map_err(encode)?;
    temporary.as_file().sync_all().map_err(io)?;

    let mut rows = Rows::open(temporary.path())?;
    for (file, run) in group.files.iter().zip(&group.runs) {
        let archived = rows.take(run.rows)?;
        if !same(&archived, &read::read_batch(&file.path)?) || !is_of(&archived, run.commit.as_str()) {
            return Err(ArchiveError::Differs {
                archive: temporary.path().to_owned(),
                run: file.path.clone(),
            });
        }
    }
    step(watch, Step::Publish(temporary.path()))?;
    let path = folder.join(format!("{id}.{EXTENSION}{}", State::Folding.suffix()));
    let file = temporary.persist(&path).map_err(|failed| io(failed.error))?;
    let stamp = Stamp::of(&file.metadata().map_err(io)?);
    for folder in folder.ancestors().take(3) {
        store::sync_folder(folder).map_err(io)?;
    }
    Ok(ArchiveFile { path, id, benchmark_type: group.benchmark_type.clone(), state: State::Folding, stamp })
}

fn with_commit(batch: &RecordBatch, commit: &str) -> Result<RecordBatch, arrow::error::ArrowError> {
    let commits: DictionaryArray<Int32Type> = std::iter::repeat_n(commit, batch.num_rows()).collect();
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    columns.push(Arc::new(commits));
    RecordBatch::try_new(archive_schema(), columns)
}

/// Removes the files whose runs an archive speaks for, each only where its rows are the archive's, and gives the archive
/// its last name.
pub(super) fn finish(
    history: &History,
    archive: &ArchiveFile,
    watch: &mut Watch<'_>,
) -> Result<(), ArchiveError> {
    let runs = archive.runs()?;
    let path_of = |run: &ArchivedRun| history.path_of(&run.commit, &archive.benchmark_type, run.id);
    if runs.iter().any(|run| path_of(run).exists()) {
        let mut rows = Rows::open(&archive.path)?;
        for run in &runs {
            let archived = rows.take(run.rows)?;
            let path = path_of(run);
            let own = match read::read_batch(&path) {
                Err(ReadError::Io { .. }) if !path.exists() => continue,
                other => other?,
            };
            if !same(&archived, &own) {
                return Err(ArchiveError::Differs { archive: archive.path.clone(), run: path });
            }
            step(watch, Step::Remove(&path))?;
            remove(&path)?;
        }
    }
    if archive.state == State::Folding {
        step(watch, Step::Finish(&archive.path))?;
        rename(&archive.path, &archive.in_state(State::Whole))?;
    }
    Ok(())
}
