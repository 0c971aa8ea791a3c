//! The report of one commit, word for word.

use pipe_model::Status;

use crate::fixture::{Project, failed, measured};

#[test]
fn an_empty_history_says_what_to_do() {
    insta::assert_snapshot!(Project::new().report("commit", &[]), @r"
    # Commit

    The history has nothing of any commit. Measure it first:

        pipe bench
    ");
}

#[test]
fn a_commit_is_held_against_what_each_case_was_before() {
    let mut project = Project::new();
    let before = project.commit("Kernels", 0);
    let mut run = project.run(&before, 1);
    run.measurements =
        [measured("dilated", 1024, 4.0, 1.0), measured("improved-dilated", 1024, 2.0, 0.5)].concat();
    project.record(&run);
    let commit = project.commit("Improved: fewer instructions", 2);
    let mut run = project.run(&commit, 3);
    run.measurements = [
        measured("dilated", 1024, 4.4, 1.0),
        measured("improved-dilated", 1024, 1.5, 0.25),
        vec![failed("improved-dilated", 2048, Status::Trap, "an access out of bounds")],
    ]
    .concat();
    project.record(&run);
    insta::assert_snapshot!(project.report("commit", &[]), @r#"
    # Commit `f6dd366530`

    Improved: fewer instructions. Ada, 2026-11-03.

    ## all-implementations on Embedded (AVX2)

    Median by case; "spread" is the middle half of the samples over the median, "against before" the median over that of the last commit that measured the case:

    | case                                                                     | implementation   | metric         |  median | spread | samples |  before | against before |
    | ------------------------------------------------------------------------ | ---------------- | -------------- | ------: | -----: | ------: | ------: | -------------: |
    | batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024 | dilated          | emulation_time | 4.40 ms |  2.0 % |       5 | 4.00 ms |          1.10× |
    | batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024 | improved-dilated | emulation_time | 1.50 ms |  2.0 % |       5 | 2.00 ms |         0.750× |

    Counts that changed, exactly:

    - global load bytes of `improved-dilated` (`batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`): 2.00 MiB → 1.00 MiB (-50.0 %)
    - global load sectors of `improved-dilated` (`batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`): 65.5 k → 32.8 k (-50.0 %)
    - global store bytes of `improved-dilated` (`batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`): 512 KiB → 256 KiB (-50.0 %)
    - global store sectors of `improved-dilated` (`batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`): 16.4 k → 8.19 k (-50.0 %)
    - instructions of `improved-dilated` (`batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`): 2.56 M → 1.28 M (-50.0 %)

    Not measured, or wrong:

    - `improved-dilated` (`batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=2048`): trap, an access out of bounds

    Every number above comes from a query that can be run by itself: `pipe query report-commit --param commit=f6dd366530`.
    "#);
    let first = project.report("commit", &[("commit", "HEAD~1")]);
    assert!(first.contains("with no earlier commit to hold them against"), "{first}");
}
