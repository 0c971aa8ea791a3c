//! The dashboard as programs see it, and the charts beside a report.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use crate::repository::{Repository, stderr, stdout};

const RESULTS: &str = r#"[
    {"implementation": "fast", "metric": "gpu_time", "unit": "us", "samples": [10, 11, 12], "seq_len": 512, "batch_size": 1},
    {"implementation": "fast", "metric": "gpu_time", "unit": "us", "samples": [20, 21, 22], "seq_len": 1024, "batch_size": 1},
    {"implementation": "slow", "metric": "gpu_time", "unit": "us", "samples": [30, 31, 32], "seq_len": 512, "batch_size": 1},
    {"implementation": "slow", "metric": "gpu_time", "unit": "us", "samples": [60, 61, 62], "seq_len": 1024, "batch_size": 1}]"#;

fn imported() -> Repository {
    let repository = Repository::new();
    repository.write("results.json", RESULTS);
    repository.pipe(&["import", "results.json", "--type", "tiny"]).success();
    repository
}

#[test]
fn a_pipe_gets_plain_text() {
    let repository = imported();
    let text = stdout(&repository.pipe(&["dashboard"]).success());
    for part in
        ["types", "commits in git's order", "last runs", "trends", "regressions", "stale", "fast", "16.0 µs"]
    {
        assert!(text.contains(part), "no '{part}' in {text}");
    }
    assert!(!text.contains('\x1b'), "{text:?}");
    let colored = stdout(&repository.pipe(&["dashboard", "--color", "always"]).success());
    assert!(colored.contains('\x1b'), "{colored:?}");
    let empty = Repository::new();
    assert!(stdout(&empty.pipe(&["dashboard"]).success()).contains("`pipe bench` measures"));
}

#[test]
fn watching_shows_what_changed() {
    let repository = imported();
    let mut watching = Command::new(env!("CARGO_BIN_EXE_pipe"))
        .args(["dashboard", "--watch", "--interval", "1"])
        .current_dir(repository.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut headlines = BufReader::new(watching.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .filter(|line| line.contains("last run "));
    let first = headlines.next().unwrap();
    repository.commit("another");
    repository.write("results.json", &RESULTS.replace("[10, 11, 12]", "[13, 14, 15]"));
    repository.pipe(&["import", "results.json", "--type", "tiny"]).success();
    let second = headlines.next().unwrap();
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert!(first.starts_with("1 commit,") && !second.contains('\x1b'), "{first}\n{second}");
}

#[test]
fn charts_stand_beside_a_report_and_only_there() {
    let repository = imported();
    let assert = repository.pipe(&["report", "sequence-lengths", "-o", "lengths.md"]).success();
    assert!(stderr(&assert).contains("1 chart beside it"), "{}", stderr(&assert));
    let text = fs::read_to_string(repository.path().join("lengths.md")).unwrap();
    assert!(text.contains("](<lengths-time.svg>)"), "{text}");
    let svg = fs::read_to_string(repository.path().join("lengths-time.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("slow"), "{svg}");
    for arguments in [&["report", "sequence-lengths"][..], &["report", "sequence-lengths", "-o", "-"]] {
        assert!(!stdout(&repository.pipe(arguments).success()).contains(".svg"));
    }
}
