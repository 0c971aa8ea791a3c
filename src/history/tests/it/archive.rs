//! Archives: nothing is lost, nothing is seen twice, wherever the work stops.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use pipe_history::{
    History,
    archive::{ArchiveError, Step},
};
use pipe_model::{Run, RunId};
use tempfile::TempDir;

use crate::samples::{commit, measurement};

const TYPES: [&str; 2] = ["all-implementations", "long-sequences"];

fn run(digit: char, benchmark_type: &str, day: i64) -> Run {
    let mut run = crate::samples::run(commit(digit), benchmark_type);
    run.recorded_at = Timestamp::from_second(1_700_000_000 + 86_400 * day).unwrap();
    let implementation = format!("of-{digit}-{day}");
    run.measurements = vec![
        measurement(&implementation, 1024, "emulation_time", &[1.5, f64::NAN, day as f64]),
        measurement(&implementation, 2048, "instructions", &[100.0]),
    ];
    run.measurements[1].message = "a message".to_owned();
    run
}

/// Ten runs of five commits and two types, a day apart.
fn history() -> (TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path().join("history"));
    for (number, digit) in ['1', '2', '3', '4', '5'].into_iter().enumerate() {
        for benchmark_type in TYPES {
            history.write(&run(digit, benchmark_type, number as i64)).unwrap();
        }
    }
    (folder, history)
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + 86_400 * day).unwrap()
}

fn go(_: Step<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// What a listing shows: commit, type and run, as often as it is there.
fn seen(history: &History) -> Vec<(String, String, RunId)> {
    let listing = history.files().unwrap();
    assert!(listing.skipped.is_empty(), "{:?}", listing.skipped);
    let mut seen: Vec<_> = listing
        .files
        .iter()
        .map(|file| (file.commit.to_string(), file.benchmark_type.to_string(), file.run_id))
        .collect();
    seen.sort();
    seen
}

/// The Parquet files that a reader that knows nothing of pipe finds, with their bytes.
fn parquet_files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "parquet")
                && !path.file_name().unwrap().to_string_lossy().starts_with('.')
            {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, &mut found);
    found
}

/// How often each run is in the files that any reader finds.
fn visible_runs(root: &Path) -> BTreeMap<String, usize> {
    let mut runs = BTreeMap::new();
    for path in parquet_files(root).into_keys() {
        let batch = pipe_history::read_batch(&path).unwrap();
        let column = batch.column_by_name("run_id").unwrap();
        let ids = column.as_any().downcast_ref::<arrow::array::StringArray>().unwrap();
        let ids: BTreeSet<&str> = ids.iter().flatten().collect();
        ids.into_iter().for_each(|id| *runs.entry(id.to_owned()).or_default() += 1);
    }
    runs
}

#[test]
fn old_runs_are_folded_by_type_and_come_back_byte_for_byte() {
    let (_folder, history) = history();
    let before = parquet_files(history.root());
    let listed = seen(&history);

    let plan = history.archivable(day(3)).unwrap();
    assert_eq!((plan.archives, plan.runs, plan.rows), (2, 6, 12));
    let done = history.archive(day(3), &mut go).unwrap();
    assert_eq!((done.archives, done.runs, done.rows, done.left.len()), (2, 6, 12, 0));
    assert_eq!(seen(&history), listed);
    let files = parquet_files(history.root());
    assert_eq!(files.len(), 2 + 4);
    let in_archive =
        files.keys().filter(|path| path.to_string_lossy().contains("commit=archive/type=")).count();
    assert_eq!(in_archive, 2);
    assert!(
        !history.root().join(format!("commit={}", "1".repeat(40))).exists(),
        "an empty partition is removed"
    );

    // Nothing left to do, and the rest a second time.
    assert_eq!(history.archive(day(3), &mut go).unwrap().runs, 0);
    assert_eq!(history.archive(day(100), &mut go).unwrap().runs, 4);
    assert_eq!(seen(&history), listed);
    assert_eq!(parquet_files(history.root()).len(), 4);

    let done = history.restore(&mut go).unwrap();
    assert_eq!((done.archives, done.runs, done.rows), (4, 10, 20));
    assert_eq!(parquet_files(history.root()), before);
    assert!(!history.root().join("commit=archive").exists());
}

#[test]
fn rows_of_an_archive_are_the_rows_of_the_files() {
    let (_folder, history) = history();
    let originals: BTreeMap<RunId, _> = history
        .files()
        .unwrap()
        .files
        .iter()
        .map(|file| (file.run_id, pipe_history::read_batch(&file.path).unwrap()))
        .collect();
    history.archive(day(100), &mut go).unwrap();
    for file in history.files().unwrap().files {
        let rows = file.rows.clone().unwrap();
        let all = pipe_history::read_batch(&file.path).unwrap();
        let own = all.slice(rows.start, rows.len());
        let original = &originals[&file.run_id];
        for name in ["run_id", "samples", "parameters", "environment", "mean", "message", "recorded_at"] {
            assert_eq!(own.column_by_name(name), original.column_by_name(name), "{name}");
        }
    }
}

/// Stops at every step in turn, both ways; at each stop pipe sees every run once and a stranger none twice, and going on
/// ends where an undisturbed call does.
#[test]
fn stopping_anywhere_loses_nothing_and_the_next_call_goes_on() {
    let mut stops = 0;
    for stop_at in 0.. {
        let (_folder, history) = history();
        let listed = seen(&history);
        let before = parquet_files(history.root());
        let mut step = 0;
        let outcome = history.archive(day(3), &mut |_| {
            // What a reader sees in the middle of the work.
            assert_eq!(seen(&history), listed);
            assert!(visible_runs(history.root()).values().all(|count| *count == 1));
            step += 1;
            if step > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(seen(&history), listed, "stopped at {stop_at}");
        assert!(visible_runs(history.root()).values().all(|count| *count == 1), "stopped at {stop_at}");
        if outcome.is_ok() {
            break;
        }
        assert!(matches!(outcome, Err(ArchiveError::Stopped)));
        stops += 1;

        // Half of the time the other way is taken from here.
        if stop_at % 2 == 0 {
            history.archive(day(3), &mut go).unwrap();
            assert_eq!(seen(&history), listed);
            assert_eq!(visible_runs(history.root()).len(), 10);
        }
        history.restore(&mut go).unwrap();
        assert_eq!(seen(&history), listed);
        assert_eq!(parquet_files(history.root()), before, "stopped at {stop_at}");
    }
    assert!(stops >= 16, "6 reads, 6 removals, 2 publications and 2 ends, and no stop at {stops}");
}

#[test]
fn stopping_a_restoration_anywhere_loses_nothing() {
    for stop_at in 0.. {
        let (_folder, history) = history();
        let listed = seen(&history);
        let before = parquet_files(history.root());
        history.archive(day(100), &mut go).unwrap();
        let mut step = 0;
        let outcome = history.restore(&mut |_| {
            assert_eq!(seen(&history), listed);
            assert!(visible_runs(history.root()).values().all(|count| *count == 1));
            step += 1;
            if step > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(seen(&history), listed, "stopped at {stop_at}");
        if outcome.is_ok() {
            assert_eq!(parquet_files(history.root()), before);
            break;
        }
        // An archiver that comes next finishes the restoration first, then folds anew.
        if stop_at % 2 == 0 {
            history.archive(day(100), &mut go).unwrap();
            assert_eq!(seen(&history), listed);
        }
        history.restore(&mut go).unwrap();
        assert_eq!(parquet_files(history.root()), before, "stopped at {stop_at}");
    }
}

#[test]
fn runs_recorded_while_archiving_stay_in_files_of_their_own() {
    let (_folder, history) = history();
    let mut recorded = 0;
    history
        .archive(day(100), &mut |step| {
            if matches!(step, Step::Fold { .. } | Step::Remove(_)) {
                // Into a partition that is being emptied.
                history.write(&run('1', TYPES[0], 50)).unwrap();
                recorded += 1;
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen(&history).len(), 10 + recorded);
    let own = history.files().unwrap().files.iter().filter(|file| file.rows.is_none()).count();
    assert_eq!(own, recorded);
}

#[test]
fn two_archivers_exclude_each_other() {
    let (_folder, history) = history();
    let mut refused = 0;
    history
        .archive(day(100), &mut |_| {
            let error = history.archive(day(100), &mut go).unwrap_err();
            assert!(matches!(error, ArchiveError::Busy { .. }), "{error}");
            refused += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(refused > 0);
    history.archive(day(100), &mut go).unwrap();
}

#[test]
fn damaged_and_foreign_files_are_left_by_name() {
    let (_folder, history) = history();
    let files = history.files().unwrap().files;
    fs::write(&files[0].path, b"PAR1 and no more").unwrap();
    let done = history.archive(day(100), &mut go).unwrap();
    assert_eq!((done.runs, done.left.len()), (9, 1));
    assert_eq!(done.left[0].path, files[0].path);
    assert_eq!(fs::read(&files[0].path).unwrap(), b"PAR1 and no more");
}

#[test]
fn a_file_that_is_not_what_was_archived_is_never_removed() {
    let (_folder, history) = history();
    let first = history.files().unwrap().files.remove(0);
    let copy = fs::read(&first.path).unwrap();
    history.archive(day(100), &mut go).unwrap();
    // As another import of the same run would put it there, with other contents.
    let mut other = run('1', TYPES[0], 7);
    other.id = first.run_id;
    other.commit = first.commit.clone();
    let path = history.write(&other).unwrap();
    let error = history.archive(day(100), &mut go).unwrap_err();
    assert!(matches!(error, ArchiveError::Differs { .. }), "{error}");
    assert!(path.exists());
    // With the same contents it is removed.
    fs::write(&path, copy).unwrap();
    history.archive(day(100), &mut go).unwrap();
    assert!(!path.exists());
    assert_eq!(seen(&history).len(), 10);
}

#[test]
fn a_damaged_archive_is_named_and_hides_nothing() {
    let (_folder, history) = history();
    history.archive(day(3), &mut go).unwrap();
    let archive =
        history.files().unwrap().files.iter().find(|file| file.rows.is_some()).unwrap().path.clone();
    fs::write(&archive, b"PAR1 and no more").unwrap();
    let listing = history.files().unwrap();
    assert_eq!(listing.skipped.len(), 1);
    assert_eq!(listing.skipped[0].path, archive);
    assert_eq!(listing.files.len(), 7);
}
