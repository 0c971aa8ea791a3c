//! `pipe compare`: revisions, runs, files and baselines side by side.

use std::fs;

use crate::repository::{Repository, attention, stderr, stdout};

const BENCH: [&str; 6] = ["bench", "tiny", "--implementation", "mine", "--device", "embedded"];

/// Two commits of a kernel, the second with 3 instructions a warp more, both measured.
fn two_commits() -> (Repository, String, String) {
    let repository = Repository::new();
    attention(&repository, "mine", 0);
    let base = repository.commit("a kernel");
    attention(&repository, "mine", 3);
    let new = repository.commit("three instructions more");
    for rev in [&base, &new] {
        repository.command(&BENCH).args(["--rev", rev]).assert().success();
    }
    (repository, base, new)
}

/// Without what differs from run to run: times, and with them ratios and verdicts of times.
fn counts_alone(text: &str) -> String {
    let counts = text.split("counts: ").nth(1).expect("a section of counts");
    format!("counts: {}", counts.split("\n\n").next().unwrap())
}

#[test]
fn counts_are_compared_exactly() {
    let (repository, base, new) = two_commits();
    let assert = repository.pipe(&["compare", &base, &new]).success();
    let text = stdout(&assert);
    assert!(text.contains(&base[..10]) && text.contains(&new[..10]), "{text}");
    assert!(text.contains("emulation_time"), "{text}");
    assert!(text.contains("instructions ×"), "the counts beside the time say why: {text}");
    insta::assert_snapshot!(counts_alone(&text));

    let assert = repository.pipe(&["compare", &base, &base]).success();
    assert!(stdout(&assert).contains(" 0 of "), "{}", stdout(&assert));
}

#[test]
fn machines_get_every_row() {
    let (repository, base, new) = two_commits();
    let compare = ["compare", &base, &new, "--metric", "instructions", "--format"];
    let csv = stdout(&repository.command(&compare).arg("csv").assert().success());
    assert_eq!(csv.lines().count(), 2, "a header and a row: {csv}");
    assert!(csv.starts_with("type,device,") && csv.contains(",slower,"), "{csv}");
    let named = [
        "query",
        "compare",
        "--param",
        &format!("base={base}"),
        "--param",
        "metric=instructions",
        "--format",
        "csv",
    ];
    assert_eq!(stdout(&repository.pipe(&named).success()), csv, "the query gives the command's data");

    let json = stdout(&repository.command(&compare).arg("json").assert().success());
    for part in [r#""verdict":"slower""#, r#""exact":true"#, r#""same_kernel":false"#] {
        assert!(json.contains(part), "{part}: {json}");
    }
    let markdown = stdout(&repository.command(&compare).arg("markdown").assert().success());
    assert!(markdown.starts_with("# ") && markdown.contains("| instructions |"), "{markdown}");
}

#[test]
fn a_side_may_be_a_run_a_file_or_a_baseline() {
    let (repository, base, new) = two_commits();
    let runs = repository.runs();
    let of = |commit: &str| runs.iter().find(|run| run.to_str().unwrap().contains(commit)).unwrap();
    let id = |commit: &str| of(commit).file_stem().unwrap().to_str().unwrap().to_owned();
    let changed = |base: &str, new: &str| {
        let assert = repository.pipe(&["compare", base, new, "--metric", "instructions"]).success();
        assert!(stdout(&assert).contains("1 of 1 changed"), "{base} {new}: {}", stdout(&assert));
    };
    changed(&base[..8], "main");
    changed(&id(&base), &id(&new));
    repository.pipe(&["baseline", "set", "before", &base]).success();
    changed("before", &new);

    // A file of another history.
    let elsewhere = repository.path().join("elsewhere.parquet");
    fs::rename(of(&base), &elsewhere).unwrap();
    changed("elsewhere.parquet", &new);
    let assert = repository.pipe(&["compare", &base, &new]).code(2);
    assert!(stderr(&assert).contains("pipe bench --rev"), "{}", stderr(&assert));
}

#[test]
fn without_new_the_uncommitted_kernel_is_compared() {
    let repository = Repository::new();
    attention(&repository, "mine", 0);
    repository.commit("a kernel");
    repository.pipe(&BENCH).success();
    attention(&repository, "mine", 5);
    repository.pipe(&BENCH).success();
    let text = stdout(&repository.pipe(&["compare", "HEAD", "--metric", "instructions"]).success());
    assert!(text.contains("1 of 1 changed"), "{text}");
    let text = stdout(&repository.pipe(&["compare", "HEAD", "HEAD", "--metric", "instructions"]).success());
    assert!(text.contains("0 of 1 changed"), "{text}");
}

#[test]
fn what_is_not_there_is_named() {
    let repository = Repository::new();
    repository.bench().success();
    repository.pipe(&["baseline", "set", "release"]).success();
    for (arguments, expected) in [
        (&["compare", "relaese"][..], "release"),
        (&["compare", "0192d4e0-0000-7000-8000-000000000000"], "no run"),
        (&["compare", "HEAD", "--type", "long-sequences"], "no result"),
        (&["compare", "HEAD", "--threshold", "lots"], "--threshold"),
    ] {
        let assert = repository.pipe(arguments).code(2);
        assert!(stderr(&assert).contains(expected), "{arguments:?}: {}", stderr(&assert));
        assert_eq!(stdout(&assert), "");
    }
}
