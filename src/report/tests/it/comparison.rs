//! The report of two commits.

use pipe_model::{Measurement, Status};

use crate::fixture::{Project, failed, measured, op_flops};

#[test]
fn fewer_than_two_commits_say_what_to_do() {
    insta::assert_snapshot!(Project::new().report("comparison", &[]), @r"
    # Comparison

    The history has fewer than two commits. Measure another one first:

        pipe bench --rev HEAD~1
        pipe report comparison
    ");
}

/// The rows of a commit, with samples enough for an interval.
fn rows(rows: Vec<Vec<Measurement>>) -> Vec<Measurement> {
    let mut rows = rows.concat();
    for row in rows.iter_mut().filter(|row| row.samples.len() > 1) {
        let more: Vec<f64> = row.samples.iter().map(|sample| sample * 1.001).collect();
        row.samples.extend(more);
    }
    rows
}

/// `improved-dilated` overtakes `dilated`, for more memory; `attention` stays as it is.
pub(crate) fn project() -> Project {
    let mut project = Project::new();
    let before = project.commit("Kernels", 0);
    let mut run = project.run(&before, 1);
    run.measurements = rows(vec![
        measured("attention", 1024, 20.0, 2.0),
        measured("dilated", 1024, 4.0, 1.0),
        measured("improved-dilated", 1024, 6.0, 1.0),
    ]);
    project.record(&run);
    let commit = project.commit("Improved: tiles", 2);
    let mut run = project.run(&commit, 3);
    run.measurements = rows(vec![
        measured("attention", 1024, 20.0, 2.0),
        measured("dilated", 1024, 4.8, 1.25),
        measured("improved-dilated", 1024, 2.0, 0.5),
        vec![failed("improved-dilated", 2048, Status::Trap, "an access out of bounds")],
    ]);
    for row in run.measurements.iter_mut().filter(|row| row.implementation != "attention") {
        row.kernel_digest = "cd".repeat(32);
    }
    project.record(&run);
    project
}

#[test]
fn what_became_faster_slower_and_wrong() {
    let text = project().report("comparison", &[]);
    for line in [
        "- base: `",
        "seq_len=2048`): trap, not measured at `",
        "Of 3 times: 1 slower, 1 faster, 1 same, 0 unclear.",
        "- **Slower**: `dilated` takes 1.20× the emulation_time of before, over 1 case, with +25.0 % global load sectors",
        "- **Trade-off**: `dilated` takes 1.20× the emulation_time of before but 20.0 % less memory.",
        "- **Faster**: `improved-dilated` takes 0.333× the emulation_time of before, over 1 case",
        "- **Trade-off**: `improved-dilated` takes 0.333× the emulation_time of before but 100.0 % more memory.",
        "- **Overtaken**: at seq_len 1024 `improved-dilated` is fastest now, the next takes 2.40× its emulation_time; it was `dilated`.",
        "5.12 M → 2.56 M (-50.0 %)",
    ] {
        assert!(text.contains(line), "no '{line}' in {text}");
    }
    assert!(!text.contains("`attention` takes"), "{text}");
}

#[test]
fn the_sides_may_be_named() {
    let project = project();
    let text = project.report("comparison", &[("base", "HEAD"), ("new", "HEAD~1")]);
    assert!(text.contains("- **Slower**: `improved-dilated`"), "{text}");
    assert!(text.contains("`dilated` is fastest now"), "{text}");
}

#[test]
fn only_implementations_of_one_op_are_set_against_each_other() {
    let mut project = Project::new();
    for (day, dilated, improved) in [(0, 4.0, 6.0), (2, 4.8, 2.0)] {
        let commit = project.commit("Kernels", day);
        let mut run = project.run(&commit, day + 1);
        run.measurements = rows(vec![
            measured("attention", 1024, 0.5, 1.0),
            measured("flash-attention", 1024, 0.25, 1.0),
            measured("dilated", 1024, dilated, 1.0),
            measured("improved-dilated", 1024, improved, 1.0),
            op_flops("attention", 1024, "attention"),
            op_flops("flash-attention", 1024, "attention"),
            op_flops("dilated", 1024, "dilated-attention"),
            op_flops("improved-dilated", 1024, "dilated-attention"),
        ]);
        project.record(&run);
    }
    let text = project.report("comparison", &[]);
    for line in [
        "- **Overtaken**: at seq_len 1024 `improved-dilated` is fastest of `dilated-attention` now, the next takes 2.40× its emulation_time; it was `dilated`.",
        "- **Still fastest** of `attention`: `flash-attention` at seq_len 1024 (the next takes 2.00×).",
    ] {
        assert!(text.contains(line), "no '{line}' in {text}");
    }
}
