//! Results in, out, and put away: import, export, archive.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::repository::{Repository, stderr, stdout};

/// Two lengths of two implementations, one of which fails at the longer one.
const LEGACY: &str = r#"{"metadata": {"benchmark_type": "all-implementations", "timestamp": "2025-06-27-1719-UTC",
    "git_commit": "0123456789abcdef0123456789abcdef01234567", "hardware": {"gpu_names": ["GPU X"]}},
  "results": {
    "Fast": [{"implementation": "Fast", "seq_len": 1024, "mean_time_ms": 1.5, "samples": [1.0, 2.0], "error": null},
             {"implementation": "Fast", "seq_len": 2048, "mean_time_ms": 3.5, "samples": [3.0, 4.0], "error": null}],
    "Slow": [{"implementation": "Slow", "seq_len": 1024, "mean_time_ms": 5.5, "samples": [5.0, 6.0], "error": null},
             {"implementation": "Slow", "seq_len": 2048, "mean_time_ms": 0, "samples": [], "error": "CUDA out of memory"}]}}"#;

fn real_results(folder: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/legacy-results").join(folder);
    if !folder.is_dir() {
        eprintln!("skipped: {} is missing", folder.display());
        return None;
    }
    Some(folder)
}

fn imported() -> Repository {
    let repository = Repository::new();
    repository.write("results/a-2025-06-27-1719-UTC.json", LEGACY);
    repository.pipe(&["import", "results"]).success();
    repository
}

fn rows(repository: &Repository) -> String {
    let sql =
        "select * exclude (environment) from measurements order by run_id, implementation, config, metric";
    stdout(&repository.pipe(&["query", "--strict", sql, "--format", "json"]).success())
}

#[test]
fn a_folder_comes_in_once() {
    let repository = Repository::new();
    repository.write("results/a-2025-06-27-1719-UTC.json", LEGACY);
    repository.write("results/package.json", r#"{"name": "x", "version": "1"}"#);
    repository.write("results/notes.txt", "not looked at");

    let dry = repository.pipe(&["import", "results", "--dry-run"]).success();
    assert!(
        stdout(&dry).contains("would import 1 run, 4 measurements (1 failure) from 1 file"),
        "{}",
        stdout(&dry)
    );
    assert!(!repository.path().join("history").exists());

    let first = repository.pipe(&["import", "results"]).success();
    insta::assert_snapshot!(stdout(&first), @r"
    results/a-2025-06-27-1719-UTC.json: legacy, 1 run
      all-implementations at 0123456789 on GPU X: 4 measurements, 1 failure
      left out 3 values (results.Fast.0.mean_time_ms …): restates the samples, which are imported
      left out 1 value (results.Slow.1.mean_time_ms): the 0 of a case that failed is no measurement
    imported 1 run, 4 measurements (1 failure) from 1 file; 4 values left out; 1 file of no known format
    ");
    insta::assert_snapshot!(stderr(&first), @"warning: results/package.json has an unknown shape: a JSON object with the keys name, version");
    let before = rows(&repository);
    let again = repository.pipe(&["import", "results/*.json"]).failure().code(1);
    assert!(stdout(&again).contains("imported 0 runs"), "{}", stdout(&again));
    assert!(stdout(&again).contains("1 run already recorded"), "{}", stdout(&again));
    assert!(
        stderr(&again).contains("package.json has an unknown shape"),
        "a named file is a failure: {}",
        stderr(&again)
    );
    assert_eq!(rows(&repository), before);
}

#[test]
fn standard_input_commit_and_type() {
    let repository = Repository::new();
    let head = repository.git(&["rev-parse", "HEAD"]);
    let csv = "implementation,samples,unit,seq_len\na,1;2,ms,128\n";
    repository
        .command(&["import", "-", "--commit", "HEAD", "--type", "mine"])
        .write_stdin(csv)
        .assert()
        .success();
    let sql = "select commit, type, implementation, median, unit, device_kind, source from measurements";
    let assert = repository.pipe(&["query", sql, "--format", "csv"]).success();
    let expected = format!(
        "commit,type,implementation,median,unit,device_kind,source\n{},mine,a,1500000.0,ns,imported,import:csv\n",
        head.trim()
    );
    assert_eq!(stdout(&assert), expected);
}

#[test]
fn what_cannot_come_in_is_named_and_the_rest_comes_in() {
    let repository = Repository::new();
    repository.write("results/good.json", LEGACY);
    repository.write("results/cut.json", &LEGACY[..200]);
    repository.write("results/empty.json", "");
    let assert = repository.pipe(&["import", "results"]).code(1);
    assert!(stdout(&assert).contains("imported 1 run"), "{}", stdout(&assert));
    assert!(stdout(&assert).contains("2 files not imported"), "{}", stdout(&assert));
    assert!(stderr(&assert).contains("cut.json is not valid JSON"), "{}", stderr(&assert));
    assert!(stderr(&assert).contains("empty.json is empty"), "{}", stderr(&assert));
    for (path, expected) in
        [("nothing.json", "'nothing.json' does not exist"), ("x*.json", "'x*.json' matches no file")]
    {
        let assert = repository.pipe(&["import", path]).code(2);
        assert!(stderr(&assert).contains(expected), "{}", stderr(&assert));
    }
    let assert = repository.pipe(&["import", "results", "--commit", "nowhere"]).code(2);
    assert!(stderr(&assert).contains("nowhere"), "{}", stderr(&assert));
}

#[test]
fn failures_come_in_as_failures() {
    let repository = imported();
    let sql = "select implementation, seq_len, status, message, sample_count, mean from measurements where status <> 'ok'";
    let assert = repository.pipe(&["query", sql, "--format", "csv"]).success();
    assert_eq!(
        stdout(&assert),
        "implementation,seq_len,status,message,sample_count,mean\nSlow,2048,out_of_memory,CUDA out of memory,0,\n"
    );
}

/// The ranking of the predecessor's newer run at commit 61cdef7b, in milliseconds.
#[test]
fn the_report_of_the_real_results_ranks_as_the_predecessor_did() {
    let Some(folder) = real_results("by-type/all-implementations") else { return };
    let repository = Repository::new();
    repository.pipe(&["import", folder.to_str().unwrap()]).success();
    let assert = repository.pipe(&["report", "performance", "--param", "type=all-implementations"]).success();
    let report = stdout(&assert);
    let section =
        report.split("\n### ").find(|section| section.lines().next().unwrap().ends_with(", time")).unwrap();
    let expected = [
        ("ImprovedDilatedAttention", "0.68"),
        ("RingDilatedAttention", "0.75"),
        ("DilatedAttention", "0.88"),
        ("MultiheadDilatedAttention", "1.46"),
        ("ImprovedMultiheadDilatedAttention", "2.54"),
    ];
    let header: Vec<&str> = section
        .lines()
        .find(|line| line.starts_with('|') && line.contains("implementation"))
        .unwrap()
        .split('|')
        .map(str::trim)
        .collect();
    let mean = header.iter().position(|name| *name == "mean").unwrap();
    let ranked: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("Attention"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    for (row, (name, milliseconds)) in ranked.iter().zip(expected) {
        assert!(row.contains(&name), "{name} is not in its place: {section}");
        let time: f64 = row[mean].split_whitespace().next().unwrap().parse().unwrap();
        let time = if row[mean].ends_with("µs") { time / 1e3 } else { time };
        assert_eq!(format!("{time:.2}"), milliseconds, "{name}: {section}");
    }
}

#[test]
fn all_real_results_come_in_and_no_failure_is_a_time() {
    let Some(folder) = real_results("") else { return };
    let repository = Repository::new();
    let assert = repository.pipe(&["import", folder.to_str().unwrap()]).success();
    assert!(stdout(&assert).contains("from 13 files"), "{}", stdout(&assert));
    let again = repository.pipe(&["import", folder.to_str().unwrap()]).success();
    assert!(
        stdout(&again)
            .contains("imported 0 runs, 0 measurements (0 failures) from 13 files; 13 runs already recorded"),
        "{}",
        stdout(&again)
    );
    let sql = "select count(*) as zero from measurements where unit = 'ns' and min = 0";
    let assert = repository.pipe(&["query", sql, "--format", "csv"]).success();
    assert_eq!(stdout(&assert), "zero\n0\n");
    repository.pipe(&["report", "performance"]).success();
}

#[test]
fn what_is_exported_comes_back_as_it_was() {
    let repository = imported();
    let before = rows(&repository);
    for format in ["csv", "json", "ndjson", "parquet"] {
        let file = repository.path().join(format!("all.{format}"));
        repository.pipe(&["export", "-o", file.to_str().unwrap()]).success();
        fs::remove_dir_all(repository.path().join("history")).unwrap();
        let assert = repository.pipe(&["import", file.to_str().unwrap()]).success();
        assert_eq!(rows(&repository), before, "{format}: {}", stdout(&assert));
    }
}

#[test]
fn exports_select() {
    let repository = imported();
    let export = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["export", "--format", "csv"].iter().chain(arguments).copied().collect();
        stdout(&repository.pipe(&arguments).success()).lines().count() - 1
    };
    assert_eq!(export(&[]), 4);
    assert_eq!(export(&["--implementation", "Fast"]), 2);
    assert_eq!(export(&["--type", "all-implementations", "--metric", "time"]), 4);
    assert_eq!(export(&["--commit", "0123456789abcdef0123456789abcdef01234567"]), 4);
    assert_eq!(export(&["--commit", "HEAD"]), 0);
    assert_eq!(export(&["--implementation", "it's"]), 0);
}

#[test]
fn google_benchmark_reads_the_export_back() {
    let repository = imported();
    let file = repository.path().join("google.json");
    repository.pipe(&["export", "--format", "google-benchmark", "-o", file.to_str().unwrap()]).success();
    let text = fs::read_to_string(&file).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = document["benchmarks"].as_array().unwrap();
    let told: Vec<String> = entries
        .iter()
        .map(|entry| {
            format!("{} {} {}", entry["name"].as_str().unwrap(), entry["real_time"], entry["error_message"])
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    Fast/seq_len:1024 1000000.0 null
    Fast/seq_len:1024 2000000.0 null
    Fast/seq_len:2048 3000000.0 null
    Fast/seq_len:2048 4000000.0 null
    Slow/seq_len:1024 5000000.0 null
    Slow/seq_len:1024 6000000.0 null
    Slow/seq_len:2048 0.0 "out_of_memory: CUDA out of memory"
    "#);
    repository.pipe(&["import", file.to_str().unwrap(), "--type", "again"]).success();
    let sql = "select implementation, seq_len, metric, mean, status from measurements where type = 'again' and metric = 'real_time' order by implementation, seq_len";
    let assert = repository.pipe(&["query", sql, "--format", "csv"]).success();
    insta::assert_snapshot!(stdout(&assert), @r"
    implementation,seq_len,metric,mean,status
    Fast,1024,real_time,1500000.0,ok
    Fast,2048,real_time,3500000.0,ok
    Slow,1024,real_time,5500000.0,ok
    Slow,2048,real_time,,out_of_memory
    ");
}

#[test]
fn the_predecessors_folders_come_back_too() {
    let repository = imported();
    repository.pipe(&["export", "--format", "legacy"]).code(2);
    repository.pipe(&["export", "--format", "legacy", "-o", "out"]).success();
    let name = "all-implementations-2025-06-27-1719-UTC.json";
    let by_type = repository.path().join("out/by-type/all-implementations/2025-06-27-1719-UTC").join(name);
    let by_date = repository.path().join("out/by-date/2025-06-27").join(name);
    assert_eq!(fs::read(&by_type).unwrap(), fs::read(&by_date).unwrap());
    let sql = "select implementation, seq_len, metric, samples, status, message, commit from measurements order by implementation, seq_len, metric";
    let before = stdout(&repository.pipe(&["query", sql, "--format", "json"]).success());
    fs::remove_dir_all(repository.path().join("history")).unwrap();
    repository.pipe(&["import", "out"]).success();
    assert_eq!(stdout(&repository.pipe(&["query", sql, "--format", "json"]).success()), before);
}

/// What pipe measured itself has other names for its times, several of them sampled, and statuses that the predecessor did not know.
#[test]
fn own_runs_go_through_the_predecessors_folders_too() {
    let repository = imported();
    repository.bench().success();
    repository.pipe(&["export", "--format", "legacy", "-o", "out"]).success();
    let sql = "select type, implementation, seq_len, metric, unit, status, message, round(median, 6) as median, cardinality(samples) as samples
               from measurements where unit in ('ns', 'bytes') or status <> 'ok' order by 1, 2, 3, 4, 5";
    let before = stdout(&repository.pipe(&["query", sql, "--format", "csv"]).success());
    assert!(before.contains("emulation_time"), "{before}");
    fs::remove_dir_all(repository.path().join("history")).unwrap();
    repository.pipe(&["import", "out/by-type"]).success();
    assert_eq!(stdout(&repository.pipe(&["query", sql, "--format", "csv"]).success()), before);
}

#[test]
fn archived_runs_answer_as_before() {
    let repository = imported();
    repository.bench().success();
    let (report, before) =
        (["report", "performance", "--param", "now=2026-01-01T00:00:00Z"], rows(&repository));
    let reported = stdout(&repository.pipe(&report).success());
    repository.write(
        "results/b-2025-06-28-0000-UTC.json",
        &LEGACY.replace("2025-06-27-1719", "2025-06-28-0000").replace("0123", "3210"),
    );
    repository.pipe(&["import", "results/b-2025-06-28-0000-UTC.json"]).success();
    let (two, _) = (rows(&repository), (before, reported));
    let reported = stdout(&repository.pipe(&report).success());
    let by_commit = [
        "query",
        "select commit, implementation, median from measurements where commit like '0123%' order by implementation, median",
        "--format",
        "csv",
    ];
    let of_commit = stdout(&repository.pipe(&by_commit).success());

    let dry = repository.pipe(&["archive", "--older-than", "90d", "--dry-run"]).success();
    assert_eq!(stdout(&dry), "would fold 2 runs (8 rows) into 1 archive\n");
    assert_eq!(
        stdout(&repository.pipe(&["archive", "--older-than", "90d"]).success()),
        "folded 2 runs (8 rows) into 1 archive\n"
    );
    assert_eq!(rows(&repository), two);
    assert_eq!(stdout(&repository.pipe(&report).success()), reported);
    assert_eq!(stdout(&repository.pipe(&by_commit).success()), of_commit);
    let assert = repository.pipe(&["import", "results"]).success();
    assert!(
        stdout(&assert).contains("2 runs already recorded"),
        "an archived run is recorded: {}",
        stdout(&assert)
    );

    assert_eq!(
        stdout(&repository.pipe(&["archive", "--restore"]).success()),
        "unfolded 2 runs (8 rows) from 1 archive\n"
    );
    assert_eq!(rows(&repository), two);
    assert_eq!(
        stdout(&repository.pipe(&["archive", "--restore"]).success()),
        "unfolded 0 runs (0 rows) from 0 archives\n"
    );
    repository.pipe(&["archive"]).code(2);
    repository.pipe(&["archive", "--older-than", "soon"]).code(2);
}
