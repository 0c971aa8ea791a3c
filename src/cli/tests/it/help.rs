//! The whole help is a snapshot: a change to it is a decision.

use crate::repository::{pipe, stderr, stdout};

fn help(arguments: &[&str]) -> String {
    stdout(&pipe().args(arguments).arg("--help").env("COLUMNS", "100").assert().success())
}

#[test]
fn help_of_pipe() {
    insta::assert_snapshot!(help(&[]));
}

#[test]
fn help_of_bench() {
    insta::assert_snapshot!(help(&["bench"]));
}

#[test]
fn help_of_profile() {
    insta::assert_snapshot!(help(&["profile"]));
}

#[test]
fn help_of_kernels_check() {
    insta::assert_snapshot!(help(&["kernels", "check"]));
}

#[test]
fn help_of_query() {
    insta::assert_snapshot!(help(&["query"]));
}

#[test]
fn help_of_report() {
    insta::assert_snapshot!(help(&["report"]));
}

#[test]
fn help_of_kernels() {
    insta::assert_snapshot!(help(&["kernels"]));
}

#[test]
fn help_of_dashboard() {
    insta::assert_snapshot!(help(&["dashboard"]));
}

#[test]
fn help_of_device() {
    insta::assert_snapshot!(help(&["device"]));
}

#[test]
fn help_of_compare() {
    insta::assert_snapshot!(help(&["compare"]));
}

#[test]
fn help_of_check() {
    insta::assert_snapshot!(help(&["check"]));
}

#[test]
fn help_of_baseline() {
    insta::assert_snapshot!(help(&["baseline"]));
}

#[test]
fn help_of_bisect() {
    insta::assert_snapshot!(help(&["bisect"]));
}

#[test]
fn wrong_usage_ends_with_2_and_names_the_flag() {
    for (arguments, named) in [
        (&["bench", "--seq-len", "0"][..], "--seq-len"),
        (&["bench", "--device", "gpu"], "--device"),
        (&["bench", "--embedded-memory", "lots"], "--embedded-memory"),
        (&["query", "--param", "novalue", "rankings"], "--param"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let assert = pipe().args(arguments).assert().code(2);
        assert!(stderr(&assert).contains(named), "{arguments:?}: {}", stderr(&assert));
    }
}

#[test]
fn completions_and_manual_are_generated() {
    let script = stdout(&pipe().args(["completions", "bash"]).assert().success());
    assert!(script.contains("_pipe()"), "{script}");
    let page = stdout(&pipe().arg("man").assert().success());
    assert!(page.contains(".TH pipe 1"), "{page}");
}

#[test]
fn help_of_import() {
    insta::assert_snapshot!(help(&["import"]));
}

#[test]
fn help_of_export() {
    insta::assert_snapshot!(help(&["export"]));
}

#[test]
fn help_of_archive() {
    insta::assert_snapshot!(help(&["archive"]));
}
