//! The summary: it changes no answer, whatever happens to the history and to itself.

use std::{
    fs,
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use oorandom::Rand32;
use pipe_history::SUMMARY_FOLDER;
use pipe_model::{Commit, Status};
use pipe_query::{Session, SessionOptions};

use crate::fixture::{ALL, Fixture, LONG, counted, csv, embedded, failed, gpu, gpu_time, time};

/// A commit by number.
fn commit(number: u32) -> Commit {
    format!("{number:040x}").parse().unwrap()
}

fn record(fixture: &mut Fixture, number: u32) -> PathBuf {
    let value = f64::from(number % 17 + 1);
    let (kind, device) = if number.is_multiple_of(3) { (LONG, gpu()) } else { (ALL, embedded()) };
    let measurements = vec![
        time("dilated", 1024, &[value, value + 1.0]),
        gpu_time("dilated", 2048, &[value * 2.0]),
        counted("improved-dilated", 1024, "instructions", value * 1e6),
        failed("ring-dilated", u64::from(number) + 1, Status::Trap, "out of bounds"),
    ];
    fixture.record(commit(number % 50), kind, device, measurements)
}

/// Statements, each twice: over the table, and over the rows of the files, which alone have samples.
const DIRECT: &str = "(SELECT * FROM measurements WHERE coalesce(array_length(samples), 0) >= 0)";

fn answers(session: &Session, measurements: &str) -> Vec<String> {
    let columns = "run_id, recorded_at, commit, type, dirty, implementation, config, batch_size, seq_len, num_heads, head_dim, dtype, \
                   parameters, metric, unit, basis, sample_count, mean, std_dev, min, q1, median, q3, max, status, message, device, \
                   device_kind, kernel_digest, environment, source";
    [
        format!("SELECT {columns} FROM {measurements} ORDER BY run_id, metric, implementation, config"),
        format!("SELECT implementation, max(median) AS m FROM {measurements} WHERE metric = 'gpu_time' AND type = '{LONG}' GROUP BY 1 ORDER BY 1"),
        format!("SELECT commit, count(*) AS n FROM {measurements} WHERE commit > '{}' AND seq_len > 1024 GROUP BY 1 ORDER BY 1", commit(7)),
        format!("SELECT count(*) AS n FROM {measurements}"),
    ]
    .map(|statement| csv(session, &statement))
    .into()
}

/// What the tables `runs` and `commits` say, and what the rows of the files say instead.
fn of_runs(session: &Session) -> [String; 2] {
    let runs = "SELECT run_id, recorded_at, commit, type, device, device_kind, source, dirty, rows, failures FROM runs ORDER BY run_id";
    let rows = format!(
        "SELECT run_id, recorded_at, commit, type, device, device_kind, source, bool_or(dirty) AS dirty, count(*) AS rows, \
         count(*) FILTER (WHERE status NOT IN ('ok', 'skipped')) AS failures FROM {DIRECT} \
         GROUP BY run_id, recorded_at, commit, type, device, device_kind, source ORDER BY run_id"
    );
    [csv(session, runs), csv(session, &rows)]
}

fn check(fixture: &Fixture, what: &str) {
    let session = fixture.session();
    assert_eq!(answers(&session, "measurements"), answers(&session, DIRECT), "{what}");
    let [runs, rows] = of_runs(&session);
    assert_eq!(runs, rows, "{what}");
    // A session of its own sees the same.
    assert_eq!(answers(&fixture.session(), "measurements"), answers(&session, DIRECT), "{what}, again");
}

fn summary_files(fixture: &Fixture) -> Vec<PathBuf> {
    let entries = fs::read_dir(fixture.history().root().join(SUMMARY_FOLDER)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn segments(fixture: &Fixture) -> usize {
    summary_files(fixture).iter().filter(|path| path.extension().is_some_and(|e| e == "runs")).count()
}

#[test]
fn no_change_of_the_history_is_missed() {
    let mut fixture = Fixture::empty();
    let mut random = Rand32::new(7);
    let mut number = 0;
    for round in 0..14 {
        let action = random.rand_range(0..8);
        let files = fixture.history().files().unwrap().files;
        let own: Vec<&PathBuf> =
            files.iter().filter(|file| file.rows.is_none()).map(|file| &file.path).collect();
        let some = own.len().min(random.rand_range(1..40) as usize);
        match action {
            0..=2 => {
                for _ in 0..random.rand_range(1..80) {
                    record(&mut fixture, number);
                    number += 1;
                }
            }
            3 => own[..some].iter().for_each(|path| fs::remove_file(path).unwrap()),
            // In place, so that the folder does not change.
            4 => own[..some].iter().for_each(|path| fs::write(path, "not Parquet").unwrap()),
            5 => {
                let all = jiff::Timestamp::MAX;
                // Files that this test has damaged are left as they are.
                fixture.history().archive(all, &mut |_| ControlFlow::Continue(())).unwrap();
            }
            6 => drop(fixture.history().restore(&mut |_| ControlFlow::Continue(())).unwrap()),
            _ => {
                for path in summary_files(&fixture) {
                    let bytes = fs::read(&path).unwrap();
                    match random.rand_range(0..4) {
                        0 => fs::remove_file(&path).unwrap(),
                        1 => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                        2 => fs::write(&path, "").unwrap(),
                        _ => {}
                    }
                }
            }
        }
        check(&fixture, &format!("round {round}, action {action}"));
    }
    assert!(segments(&fixture) > 0);
}

#[test]
fn a_few_runs_need_none_and_many_keep_few_segments() {
    let mut fixture = Fixture::empty();
    for number in 0..40 {
        record(&mut fixture, number);
    }
    check(&fixture, "few");
    assert_eq!(segments(&fixture), 0);
    for number in 40..400 {
        record(&mut fixture, number);
        if number.is_multiple_of(70) {
            csv(&fixture.session(), "SELECT count(*) AS n FROM measurements WHERE median > 0");
        }
    }
    check(&fixture, "many");
    // Two types, and a logarithm of the runs.
    assert!((2..=12).contains(&segments(&fixture)), "{}", segments(&fixture));
    // Safe to delete, and back at the next question.
    fs::remove_dir_all(fixture.history().root().join(SUMMARY_FOLDER)).unwrap();
    check(&fixture, "deleted");
    assert_eq!(segments(&fixture), 2);
    // What a writer that crashed left is removed by the next one.
    let left = fixture.history().root().join(SUMMARY_FOLDER).join(".writing-x");
    fs::write(&left, "half").unwrap();
    for number in 400..500 {
        record(&mut fixture, number);
    }
    check(&fixture, "more");
    assert!(!left.exists());
}

#[test]
fn a_commit_is_read_from_its_own_files() {
    let mut fixture = Fixture::empty();
    let mut others = Vec::new();
    for number in 0..200 {
        let path = record(&mut fixture, number);
        if number % 50 != 7 {
            others.push(path);
        }
    }
    check(&fixture, "whole");
    let of_one =
        format!("SELECT count(*) AS n, sum(median) AS m FROM measurements WHERE commit = '{}'", commit(7));
    let before = csv(&fixture.session(), &of_one);
    others.iter().for_each(|path| fs::write(path, "not Parquet").unwrap());
    fs::remove_dir_all(fixture.history().root().join(SUMMARY_FOLDER)).unwrap();
    let session = fixture.session();
    assert_eq!(csv(&session, &of_one), before);
    assert_eq!(session.warnings(), [], "no other file was opened");
    assert_eq!(segments(&fixture), 0);
}

#[test]
fn readers_see_every_run_while_others_write_and_archive() {
    let mut fixture = Fixture::empty();
    for number in 0..150 {
        record(&mut fixture, number);
    }
    let history = fixture.history();
    let open = || Session::open(&history, SessionOptions::default()).unwrap();
    let done = AtomicBool::new(false);
    let written = AtomicUsize::new(150);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let least = written.load(Ordering::SeqCst);
                    let session = open();
                    let rows = csv(
                        &session,
                        "SELECT count(*) AS n FROM measurements WHERE coalesce(median, 0) >= 0",
                    );
                    let rows: usize = rows.lines().nth(1).unwrap().parse().unwrap();
                    assert!(rows >= 4 * least, "{rows} rows of {least} runs");
                    assert_eq!(rows % 4, 0, "half a run");
                    assert_eq!(session.warnings(), []);
                }
            });
        }
        // The writer is this thread: what it makes is the test's.
        {
            let until = SystemTime::now() + Duration::from_secs(4);
            let mut number = 150;
            while SystemTime::now() < until {
                for _ in 0..30 {
                    record(&mut fixture, number);
                    number += 1;
                    written.fetch_add(1, Ordering::SeqCst);
                }
                if number.is_multiple_of(4) {
                    history.archive(jiff::Timestamp::MAX, &mut |_| ControlFlow::Continue(())).unwrap();
                } else if number.is_multiple_of(3) {
                    history.restore(&mut |_| ControlFlow::Continue(())).unwrap();
                }
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    check(&fixture, "at the end");
}
