//! Asking the history, in good and in bad ways.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Stdio};

use crate::repository::{Repository, stderr, stdout};

#[test]
fn functions_are_listed_with_examples() {
    let repository = Repository::new();
    let list = stdout(&repository.pipe(&["query", "--functions"]).success());
    for part in ["verdict(base, new", "SELECT median_ci(", "change_points(series"] {
        assert!(list.contains(part), "{part}: {list}");
    }
}

#[test]
fn an_empty_history_answers() {
    let repository = Repository::new();
    let assert = repository.pipe(&["query", "select 1 as one", "--format", "csv"]).success();
    assert_eq!(stdout(&assert), "one\n1\n");
    let assert = repository.pipe(&["query", "select * from measurements", "--format", "ndjson"]).success();
    assert_eq!(stdout(&assert), "");
    assert!(!repository.path().join("history").exists(), "asking must not make a history");
}

#[test]
fn what_was_measured_can_be_asked() {
    let repository = Repository::new();
    repository.bench().success();
    let sql = "select implementation, metric, basis, status, sample_count from measurements \
               where metric in ('instructions', 'relative_error') order by metric";
    let assert = repository.pipe(&["query", sql, "--format", "csv"]).success();
    assert_eq!(
        stdout(&assert),
        "implementation,metric,basis,status,sample_count\n\
         attention,instructions,counted,ok,1\n\
         attention,relative_error,measured,ok,1\n"
    );
    for format in ["table", "csv", "json", "ndjson", "markdown"] {
        let assert = repository.pipe(&["query", "rankings", "--format", format]).success();
        assert!(stdout(&assert).contains("attention"), "{format}: {}", stdout(&assert));
    }
    let file = repository.path().join("answer.parquet");
    repository.pipe(&["query", "select * from samples", "-o", file.to_str().unwrap()]).success();
    assert_eq!(&fs::read(&file).unwrap()[..4], b"PAR1", "the ending of the file names the format");
}

#[test]
fn sql_comes_from_standard_input_too() {
    let repository = Repository::new();
    let mut command = repository.command(&["query", "-", "--format", "csv"]);
    let assert = command.write_stdin("select 2 as two").assert().success();
    assert_eq!(stdout(&assert), "two\n2\n");
    let assert = repository.command(&["query"]).write_stdin("").assert().code(2);
    assert!(stderr(&assert).contains("no query given"), "{}", stderr(&assert));
}

#[test]
fn wrong_questions_name_the_place_and_the_remedy() {
    let repository = Repository::new();
    for (query, expected) in [
        ("rankigns", "did you mean 'rankings'"),
        ("select * from measurments", "measurements"),
        ("select\n  metrik from measurements", "metric"),
        ("selec 1", "sql statement"),
        ("drop table runs", "only read"),
    ] {
        let assert = repository.pipe(&["query", query]).code(2);
        let message = stderr(&assert);
        assert!(message.to_lowercase().contains(expected), "{query}: {message}");
        assert_eq!(stdout(&assert), "");
    }
    let assert = repository.pipe(&["query", "rankings", "--param", "typ=x"]).code(2);
    assert!(stderr(&assert).contains("type"), "{}", stderr(&assert));
}

#[test]
fn a_corrupt_file_is_skipped_by_name_and_strict_fails() {
    let repository = Repository::new();
    repository.bench().success();
    let run = repository.runs().remove(0);
    let broken = run.with_file_name("0192d4e0-0000-7000-8000-000000000000.parquet");
    fs::write(&broken, "PAR1 this is not Parquet PAR1").unwrap();

    let assert = repository.pipe(&["query", "select count(*) as n from runs", "--format", "csv"]).success();
    assert_eq!(stdout(&assert), "n\n1\n");
    assert!(stderr(&assert).contains("0192d4e0-0000-7000-8000-000000000000"), "{}", stderr(&assert));

    let assert = repository.pipe(&["query", "select count(*) from runs", "--strict"]).code(1);
    assert!(stderr(&assert).contains("0192d4e0-0000-7000-8000-000000000000"), "{}", stderr(&assert));
}

#[test]
fn an_output_that_cannot_be_written_leaves_what_was_there() {
    let repository = Repository::new();
    repository.write("answer.csv", "precious\n");
    let answer = repository.path().join("answer.csv");
    repository.pipe(&["query", "select nonsense", "-o", answer.to_str().unwrap()]).code(2);
    assert_eq!(fs::read_to_string(&answer).unwrap(), "precious\n");
    let missing = repository.path().join("no/such/folder/answer.csv");
    let assert = repository.pipe(&["query", "select 1", "-o", missing.to_str().unwrap()]).code(1);
    assert!(stderr(&assert).contains("no/such/folder"), "{}", stderr(&assert));

    repository.pipe(&["query", "select 1 as one", "-o", answer.to_str().unwrap()]).success();
    assert_eq!(fs::read_to_string(&answer).unwrap(), "one\n1\n");
    let mode = fs::metadata(&answer).unwrap().permissions().mode();
    assert_ne!(mode & 0o044, 0, "others can read it as any file, not {mode:o}");
}

#[test]
fn a_broken_pipe_ends_quietly() {
    let repository = Repository::new();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_pipe"))
        .args(["query", "select * from range(1000000)", "--format", "csv"])
        .current_dir(repository.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn reports_are_rendered_and_unknown_ones_are_suggested() {
    let repository = Repository::new();
    repository.bench().success();
    let assert = repository.pipe(&["report"]).success();
    let report = stdout(&assert);
    assert!(report.starts_with("# "), "{report}");
    assert!(report.contains("attention"), "{report}");
    assert!(report.contains("embedded"), "the report says what the times are: {report}");

    let assert = repository.pipe(&["report", "performence"]).code(2);
    assert!(stderr(&assert).contains("performance"), "{}", stderr(&assert));

    repository.write("reports/mine.md.j2", "# {{ 1 + }}\n");
    let assert = repository.pipe(&["report", "mine"]).code(1);
    assert!(stderr(&assert).contains("mine.md.j2:1:"), "{}", stderr(&assert));
}
