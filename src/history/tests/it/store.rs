//! Writing: whole files or none, whatever happens.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use pipe_history::{History, WriteError, read_run};
use pipe_model::Commit;

use crate::samples::{commit, run};

/// Every file under `folder`, hidden ones too.
fn everything_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(everything_under(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path().join("deep").join("history"));
    for (commit, benchmark_type) in
        [(commit('a'), "all-implementations"), (Commit::Unversioned, "x"), (Commit::Unknown, "x")]
    {
        let run = run(commit, benchmark_type);
        let path = history.write(&run).unwrap();
        assert_eq!(path, history.path_of(&run.commit, &run.benchmark_type, run.id));
        assert_eq!(read_run(&path).unwrap(), run);
    }
    let listing = history.files().unwrap();
    assert_eq!(listing.skipped, []);
    let commits: Vec<_> = listing.files.iter().map(|file| file.commit.as_str()).collect();
    assert_eq!(commits, [commit('a').as_str(), "unknown", "unversioned"]);
    assert_eq!(everything_under(history.root()).len(), 3, "no temporary file stays behind");
}

#[test]
fn a_run_is_never_overwritten_and_an_empty_one_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path());
    let mut run = run(commit('a'), "x");
    let path = history.write(&run).unwrap();
    let before = fs::read(&path).unwrap();
    run.measurements.truncate(1);
    assert!(matches!(history.write(&run), Err(WriteError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    run.measurements.clear();
    assert!(matches!(history.write(&run), Err(WriteError::Empty)));
}

#[cfg(unix)]
#[test]
fn others_may_read_what_the_umask_lets_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let ordinary = folder.path().join("ordinary");
    fs::write(&ordinary, "").unwrap();
    let path = History::at(folder.path().join("history")).write(&run(commit('a'), "x")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&ordinary));
}

#[test]
fn a_file_in_the_way_of_a_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("history");
    fs::write(&in_the_way, "something else").unwrap();
    let error = History::at(&in_the_way).write(&run(commit('a'), "x")).unwrap_err().to_string();
    assert!(error.contains(in_the_way.to_str().unwrap()), "{error}");
    assert!(error.ends_with("move the file that is in the way of a folder"), "{error}");
    let error = History::at(&in_the_way).files().unwrap_err().to_string();
    assert!(error.contains("name another with --history"), "{error}");
    assert_eq!(fs::read(&in_the_way).unwrap(), b"something else");
}

/// Root may write anywhere, so this needs a file system that refuses even root: one that the kernel keeps.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let error = History::at("/proc/history").write(&run(commit('a'), "x")).unwrap_err().to_string();
    assert!(
        error.contains("/proc/history") && error.contains("name another folder with --history"),
        "{error}"
    );
}

#[test]
fn whether_there_is_a_place_is_known_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path().join("deep/history"));
    history.require_writable().unwrap();
    assert!(everything_under(folder.path()).is_empty() && !history.root().exists(), "it leaves no trace");
    let in_the_way = folder.path().join("deep");
    fs::write(&in_the_way, "something else").unwrap();
    let error = history.require_writable().unwrap_err().to_string();
    assert!(error.contains(in_the_way.to_str().unwrap()), "{error}");
    assert!(error.ends_with("move the file that is in the way of a folder"), "{error}");
    assert_eq!(everything_under(folder.path()), [in_the_way]);
}

#[test]
fn strange_names_are_skipped_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path());
    let written = history.write(&run(commit('a'), "x")).unwrap();
    let partition = written.parent().unwrap();
    let put = |path: PathBuf| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    };
    // Nobody's business: hidden, tools' own, and not Parquet.
    put(folder.path().join("README.md"));
    put(folder.path().join(".cache/x.parquet"));
    put(folder.path().join("_derived/x.parquet"));
    put(partition.join(".pipe-half.tmp"));
    put(partition.join("notes.txt"));
    // Perhaps somebody's results.
    put(folder.path().join("stray.parquet"));
    put(folder.path().join("commit=12345/type=x/y.parquet"));
    put(folder.path().join("old/type=x/y.parquet"));
    put(folder.path().join(format!("commit={}/stray.parquet", commit('a'))));
    put(folder.path().join(format!("commit={}/type=Not A Type/y.parquet", commit('a'))));
    put(partition.join("foreign.parquet"));
    put(partition.join("deeper/y.parquet"));
    fs::create_dir(partition.join("folder.parquet")).unwrap();

    let listing = history.files().unwrap();
    assert_eq!(listing.files.iter().map(|file| &file.path).collect::<Vec<_>>(), [&written]);
    let said: Vec<String> = listing
        .skipped
        .iter()
        .map(|skipped| {
            let path = skipped.path.strip_prefix(folder.path()).unwrap().display();
            format!("{path}: {}", skipped.reason).replace(commit('a').as_str(), "<a>")
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    commit=12345: '12345' is not a commit; expected 40 hexadecimal digits, 'unversioned' or 'unknown'
    commit=<a>/stray.parquet: a run's file lies in commit=…/type=…; move it there
    commit=<a>/type=Not A Type: 'Not A Type' is not a benchmark type; expected lower-case letters, digits and single hyphens
    commit=<a>/type=x/deeper: a folder inside a partition is not read; move its files up
    commit=<a>/type=x/folder.parquet: not a regular file
    commit=<a>/type=x/foreign.parquet: 'foreign' is not a run id; expected a UUID, as the name of a run's file is
    old: not a partition; its name would be commit=…
    stray.parquet: a run's file lies in commit=…/type=…; move it there
    ");
}

#[test]
fn a_history_that_does_not_exist_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let listing = History::at(folder.path().join("none")).files().unwrap();
    assert!(listing.files.is_empty() && listing.skipped.is_empty());
}

#[test]
fn what_crashed_writers_left_goes_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path());
    let partition = history.write(&run(commit('a'), "x")).unwrap().parent().unwrap().to_owned();
    let put = |name: &str, age: Duration| {
        let path = partition.join(name);
        fs::File::create(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        path
    };
    let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(86_400));
    let live = put(".pipe-live.tmp", hour);
    let stale = put(".pipe-stale.tmp", day + hour);
    let others = put(".kept.tmp", 300 * day);
    history.write(&run(commit('a'), "x")).unwrap();
    assert!(live.exists() && others.exists() && !stale.exists());
}

#[test]
fn many_writers_at_once_all_land() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path());
    let mut written: Vec<PathBuf> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let history = &history;
                scope.spawn(move || {
                    (0..5).map(|_| history.write(&run(commit('a'), "x")).unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    written.sort();
    let listing = history.files().unwrap();
    assert_eq!(listing.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(), written);
    assert!(listing.files.iter().all(|file| read_run(&file.path).unwrap().id == file.run_id));
}

const VICTIM: &str = "PIPE_HISTORY_TEST_FOLDER";

/// Not a test of its own: the process that the next test kills.
#[test]
#[ignore = "runs until it is killed"]
fn victim() {
    let history = History::at(std::env::var_os(VICTIM).expect("the folder to write to"));
    loop {
        history.write(&run(commit('a'), "x")).unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path());
    let mut seen = BTreeSet::new();
    for round in 0..12 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::victim", "--ignored", "--test-threads=1"])
            .env(VICTIM, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Long enough for some runs; each round stops it at another moment of a write.
        while history.files().unwrap().files.len() < seen.len() + 2 {
            assert!(victim.try_wait().unwrap().is_none(), "the writer stopped by itself");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(370 * round));
        victim.kill().unwrap();
        victim.wait().unwrap();
        for file in history.files().unwrap().files {
            assert_eq!(read_run(&file.path).unwrap().id, file.run_id);
            seen.insert(file.run_id);
        }
    }
    assert!(seen.len() >= 24);
}

/// A full disk, where the machine lets the test mount a small one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(folder.path())
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a file system of 64 KiB cannot be mounted here");
        return;
    }
    let history = History::at(folder.path());
    let filled = (0..100).find_map(|_| history.write(&run(commit('a'), "x")).err());
    let left = everything_under(folder.path());
    let listed = history.files().unwrap().files;
    let readable = listed.iter().filter(|file| read_run(&file.path).is_ok()).count();
    assert!(Command::new("umount").arg(folder.path()).status().unwrap().success());

    let error = filled.expect("100 runs do not fit into 64 KiB").to_string();
    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    assert!(error.ends_with("free some space or name another folder with --history"), "{error}");
    assert_eq!((left.len(), readable), (listed.len(), listed.len()), "{left:?}");
}
