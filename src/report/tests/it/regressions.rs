//! The report of regressions, word for word.

use crate::fixture::{Project, measured};

#[test]
fn an_empty_history_says_what_to_do() {
    insta::assert_snapshot!(Project::new().report("regressions", &[]), @r"
    # Regressions

    The history has nothing. Measure it first:

        pipe bench
        pipe report regressions
    ");
}

/// Ten commits. `dilated` becomes slower at the sixth, with more instructions, and `ring-dilated` at the last, alone; what
/// `attention` lost at the third it had back at the fourth.
pub(crate) fn project() -> Project {
    let mut project = Project::new();
    for number in 0..10_u32 {
        let commit = project.commit(&format!("Commit {number}"), u64::from(number));
        let mut run = project.run(&commit, u64::from(number));
        let noise = 1.0 + 0.004 * f64::from(number * 7 % 3);
        let (slower, more) = if number < 5 { (1.0, 1.0) } else { (1.3, 1.5) };
        let last = if number == 9 { 1.4 } else { 1.0 };
        let lost = if number == 2 { 2.0 } else { 1.0 };
        run.measurements = [
            measured("dilated", 1024, 2.0 * noise * slower, more),
            measured("dilated", 2048, 4.0 * noise * slower, more),
            measured("ring-dilated", 1024, 3.0 * noise * last, 1.0),
            measured("attention", 1024, 20.0 * noise, lost),
        ]
        .concat();
        project.record(&run);
    }
    project
}

#[test]
fn what_is_worse_since_when_and_why() {
    insta::assert_snapshot!(project().report("regressions", &[]), @r"
    # Regressions

    In 10 commits: 5 open, 1 unconfirmed, 0 accepted, each a metric of an implementation that one commit made worse. Counts and memory are exact and compared with the best they were; times are compared by the level of their medians.

    ## Open

    | type                | device          | implementation | metric               | since      | subject  | cases | worse | behind |
    | ------------------- | --------------- | -------------- | -------------------- | ---------- | -------- | ----: | ----: | -----: |
    | all-implementations | Embedded (AVX2) | dilated        | emulation_time       | 76bac82cb9 | Commit 5 |     2 | 1.30× |      0 |
    | all-implementations | Embedded (AVX2) | dilated        | global_load_sectors  | 76bac82cb9 | Commit 5 |     2 | 1.50× |      0 |
    | all-implementations | Embedded (AVX2) | dilated        | global_store_sectors | 76bac82cb9 | Commit 5 |     2 | 1.50× |      0 |
    | all-implementations | Embedded (AVX2) | dilated        | instructions         | 76bac82cb9 | Commit 5 |     2 | 1.50× |      0 |
    | all-implementations | Embedded (AVX2) | attention      | peak_memory          | 8fb03390e1 | Commit 3 |     1 | 2.00× |      0 |

    - `dilated` (all-implementations) takes 1.30× its emulation_time since `76bac82cb9`, at most 2.01 ms → 2.61 ms at `batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`; with it came global load sectors 1.50×, global store sectors 1.50×, instructions 1.50×. `pipe compare cbeabc2d9b 76bac82cb9 --implementation dilated` shows it case by case.

    ## Unconfirmed: only the last commit has it

    | type                | device          | implementation | metric         | since      | subject  | cases | worse | behind |
    | ------------------- | --------------- | -------------- | -------------- | ---------- | -------- | ----: | ----: | -----: |
    | all-implementations | Embedded (AVX2) | ring-dilated   | emulation_time | c1fe104996 | Commit 9 |     1 | 1.39× |      0 |

    - `ring-dilated` (all-implementations) takes 1.39× its emulation_time since `c1fe104996`, at most 3.01 ms → 4.20 ms at `batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`; no count became worse with it. `pipe compare 33e8b7233c c1fe104996 --implementation ring-dilated` shows it case by case.

    Every number above comes from a query that can be run by itself: `pipe query regressions`.
    ");
}

#[test]
fn nothing_worse_says_so() {
    let mut project = Project::new();
    for number in 0..4 {
        let commit = project.commit(&format!("Commit {number}"), number);
        let mut run = project.run(&commit, number);
        run.measurements = measured("dilated", 1024, 2.0, 1.0);
        project.record(&run);
    }
    insta::assert_snapshot!(project.report("regressions", &[]), @r"
    # Regressions

    Of 4 commits, none is known to have made anything worse that still is: no count or memory is above the best it was, and no time is on a higher level.
    ");
}
