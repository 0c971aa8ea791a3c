//! The performance report, word for word.

use pipe_model::{Commit, Device, DeviceKind, Status};

use crate::fixture::{Project, failed, imported, measured};

#[test]
fn an_empty_history_says_what_to_do() {
    insta::assert_snapshot!(Project::new().performance(&[]), @"");
}

#[test]
fn a_type_that_was_never_measured_says_so() {
    let mut project = Project::new();
    let mut run = project.run(&Commit::Unversioned, 1);
    run.measurements = measured("dilated", 1024, 4.0, 1.0);
    project.record(&run);
    insta::assert_snapshot!(project.performance(&[("type", "long-sequences")]), @"");
}

#[test]
fn one_run() {
    let mut project = Project::new();
    let commit = project.commit("Kernels", 0);
    let mut run = project.run(&commit, 1);
    run.measurements = [
        measured("dilated", 1024, 4.0, 1.0),
        measured("dilated", 2048, 8.5, 1.0),
        measured("improved-dilated", 1024, 2.0, 0.6),
        measured("improved-dilated", 2048, 4.0, 0.6),
    ]
    .concat();
    project.record(&run);
    insta::assert_snapshot!(project.performance(&[("now", "2026-11-24T02:40:31Z")]), @"");
}

#[test]
fn several_commits() {
    let mut project = Project::new();
    let first = project.commit("Kernels", 0);
    let second = project.commit("Stage keys through shared memory", 1);
    let third = project.commit("Unroll | the *inner* loop", 2);

    // Recorded out of order: the oldest commit was measured last.
    let mut run = project.run(&second, 2);
    run.measurements = [measured("dilated", 1024, 4.0, 1.0), measured("improved", 1024, 3.0, 0.8)].concat();
    project.record(&run);
    let mut run = project.run(&third, 3);
    run.measurements = [
        measured("dilated", 1024, 5.0, 1.1),
        measured("improved", 1024, 2.0, 0.8),
        vec![failed("ring", 1024, Status::WrongResult, "relative error 0.25 is over the bound 1e-5")],
        vec![failed("ring", 1000, Status::Skipped, "seq_len 1000 is not a multiple of segment length 512")],
    ]
    .concat();
    project.record(&run);
    let mut run = project.run(&first, 4);
    run.measurements = [measured("dilated", 1024, 6.0, 1.5), measured("ring", 1024, 9.0, 2.0)].concat();
    project.record(&run);

    insta::assert_snapshot!(project.performance(&[]), @"");
}

#[test]
fn imported_rows_without_commit() {
    let mut project = Project::new();
    let mut run = project.run(&Commit::Unknown, 1);
    run.device = Device { name: "NVIDIA GeForce GTX 1080".to_owned(), kind: DeviceKind::Imported };
    run.source = "import:nvbench".to_owned();
    run.environment.clear();
    run.measurements = vec![
        imported("RingDilatedAttention", 1024, &[0.66]),
        imported("RingDilatedAttention", 2048, &[0.84]),
        imported("DilatedAttention", 1024, &[0.67]),
        imported("DilatedAttention", 2048, &[0.5]),
    ];
    project.record(&run);
    insta::assert_snapshot!(project.performance(&[]), @"");
}

#[test]
fn failures_only() {
    let mut project = Project::new();
    let mut run = project.run(&Commit::Unversioned, 1);
    run.measurements = vec![
        failed("dilated", 1024, Status::Trap, "out of bounds in dilated_scores, line 41, block (0, 0, 0), thread (3, 0, 0)"),
        failed("dilated", 1 << 20, Status::OutOfMemory, "needs 4.00 GiB, the device has 1.00 GiB"),
    ];
    project.record(&run);
    insta::assert_snapshot!(project.performance(&[]), @"");
}

#[test]
fn a_wrong_result_replaces_an_earlier_right_one() {
    let mut project = Project::new();
    let commit = project.commit("Kernels", 0);
    let mut run = project.run(&commit, 1);
    run.measurements = measured("dilated", 1024, 4.0, 1.0);
    project.record(&run);
    let mut run = project.run(&commit, 2);
    run.measurements = vec![failed("dilated", 1024, Status::WrongResult, "relative error 1")];
    project.record(&run);

    let text = project.performance(&[]);
    assert!(text.contains("**Wrong result**: `dilated` at 1 case"), "{text}");
    assert!(!text.contains("## Rankings"), "a wrong kernel has no rank:\n{text}");
}

#[test]
fn the_same_history_gives_the_same_text() {
    let mut project = Project::new();
    let commit = project.commit("Kernels", 0);
    for day in 1..4 {
        let mut run = project.run(&commit, day);
        run.measurements =
            ["a", "b", "c", "d"].map(|name| measured(name, 1024, day as f64, 1.0)).concat();
        project.record(&run);
    }
    let text = project.performance(&[]);
    for _ in 0..5 {
        assert_eq!(project.performance(&[]), text);
    }
}
