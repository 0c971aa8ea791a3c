//! The performance report, word for word.

use pipe_model::{Commit, Device, DeviceKind, Status};

use crate::fixture::{Project, failed, imported, measured};

#[test]
fn an_empty_history_says_what_to_do() {
    insta::assert_snapshot!(Project::new().performance(&[]), @r#"
    # Performance report

    The history is empty. Measure something first, then ask for the report again:

        pipe bench
        pipe report performance
    "#);
}

#[test]
fn a_type_that_was_never_measured_says_so() {
    let mut project = Project::new();
    let mut run = project.run(&Commit::Unversioned, 1);
    run.measurements = measured("dilated", 1024, 4.0, 1.0);
    project.record(&run);
    insta::assert_snapshot!(project.performance(&[("type", "long-sequences")]), @r#"
    # Performance report

    The history has nothing of the type `long-sequences`. Measure it first, or leave the parameter out:

        pipe bench long-sequences
        pipe report performance
    "#);
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
    insta::assert_snapshot!(project.performance(&[("now", "2026-11-24T02:40:31Z")]), @r#"
    # Performance report

    Written 2026-11-24 02:40 UTC.

    ## Overview

    The history holds 1 run of 1 commit: 1 benchmark type, 2 implementations, 2 cases and 32 measurements on 1 device, recorded on 2026-11-02.

    | type                | device          | kind     | time           | runs | commits | implementations | cases | last run             |
    | ------------------- | --------------- | -------- | -------------- | ---: | ------: | --------------: | ----: | -------------------- |
    | all-implementations | Embedded (AVX2) | embedded | emulation_time |    1 |       1 |               2 |     2 | 2026-11-02 13:00 UTC |

    - `emulation_time` is the wall time of the embedded device, which executes PTX on a CPU. It is not a GPU's time; it compares kernels run on the same machine.
    - Counts (instructions, bytes, sectors) are exact: the same on every machine and in every run.

    ## Key findings

    - **Fastest** from seq_len 1024 to 2048: `improved-dilated`; the next, `dilated`, takes 2.00× to 2.13× its emulation_time.
    - **Trade-off**: `dilated` takes 2.06× the emulation_time of `improved-dilated` but 40.0 % less memory, over 2 cases.

    ## Recommendations

    - Use `improved-dilated` from seq_len 1024 to 2048, by emulation_time.
    - Use `dilated` where memory is short: 40.0 % less for 2.06× the emulation_time.

    ## Rankings

    ### all-implementations on Embedded (AVX2), emulation_time

    At `f1bdec6d37`. Times, counts and memory are means over the cases done right; "slower" is the geometric mean against the fastest of each case.

    |   # | implementation   | done |  of |  median |    mean | slower | spread | instructions | global bytes | sectors | peak memory |  error |
    | --: | ---------------- | ---: | --: | ------: | ------: | -----: | -----: | -----------: | -----------: | ------: | ----------: | -----: |
    |   1 | improved-dilated |    2 |   2 | 3.00 ms | 3.00 ms |  1.00× |  2.0 % |       4.61 M |     4.50 MiB |   147 k |    10.0 MiB | 1.5e-7 |
    |   2 | dilated          |    2 |   2 | 6.25 ms | 6.25 ms |  2.06× |  2.0 % |       7.68 M |     7.50 MiB |   246 k |    6.00 MiB | 1.5e-7 |

    Median by case, all with `batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4`:

    | case         | dilated | improved-dilated |
    | ------------ | ------: | ---------------: |
    | seq_len=1024 | 4.00 ms |          2.00 ms |
    | seq_len=2048 | 8.50 ms |          4.00 ms |

    ## Implementations by commit

    Mean over the cases of their medians, in git order, the latest commit last. "Against previous" compares the cases that the commit before measured too; "trend" is the product of those ratios from the first commit on.

    ### all-implementations on Embedded (AVX2), emulation_time by commit

    | implementation   | f1bdec6d37 | since first | trend |
    | ---------------- | ---------: | ----------: | ----- |
    | dilated          |    6.25 ms |       1.00× | ▄     |
    | improved-dilated |    3.00 ms |       1.00× | ▄     |

    ## Commits analysed

    In git order, the latest last.

    | commit     | date       | subject | author | runs | cases | failed | last run             |
    | ---------- | ---------- | ------- | ------ | ---: | ----: | -----: | -------------------- |
    | f1bdec6d37 | 2026-11-01 | Kernels | Ada    |    1 |     4 |      0 | 2026-11-02 13:00 UTC |

    ## How to reproduce

    ### all-implementations on Embedded (AVX2)

    Run `01970000-0000-7000-8000-000000000001` of `f1bdec6d37`, recorded 2026-11-02 13:00 UTC by pipe 0.1.0.

        git checkout f1bdec6d378f61674a961544743d07f668273f5a
        pipe bench --profile quick

    - cpu: Example CPU
    - pipe_version: 0.1.0

    Every number above comes from a query that can be run by itself: `pipe query report-rankings`, `report-cases`, `report-fastest`, `report-tradeoffs`, `report-changes`, `report-failures`, `report-implementations`, `report-trend`, `report-lengths`, `report-commits`, `report-devices`, `report-runs`.
    "#);
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

    insta::assert_snapshot!(project.performance(&[]), @r#"
    # Performance report

    ## Overview

    The history holds 3 runs of 3 commits: 1 benchmark type, 3 implementations, 2 cases and 50 measurements on 1 device, recorded from 2026-11-03 to 2026-11-05.

    | type                | device          | kind     | time           | runs | commits | implementations | cases | last run             |
    | ------------------- | --------------- | -------- | -------------- | ---: | ------: | --------------: | ----: | -------------------- |
    | all-implementations | Embedded (AVX2) | embedded | emulation_time |    3 |       3 |               3 |     2 | 2026-11-05 13:00 UTC |

    - `emulation_time` is the wall time of the embedded device, which executes PTX on a CPU. It is not a GPU's time; it compares kernels run on the same machine.
    - Counts (instructions, bytes, sectors) are exact: the same on every machine and in every run.

    ## Key findings

    - **Wrong result**: `ring` at 1 case: relative error 0.25 is over the bound 1e-5
    - **Slower**: `dilated` takes 1.25× its emulation_time at `d5ab1952b2`, 4.00 ms → 5.00 ms; at 1 of 1 case the samples lie apart.
    - **Faster**: `improved` takes 0.667× its emulation_time at `d5ab1952b2`, 3.00 ms → 2.00 ms; at 1 of 1 case the samples lie apart.
    - **More global store sectors**: `dilated` 32.8 k → 36.0 k since `d5ab1952b2` (+10.0 %), at 1 of 1 case.
    - **More instructions**: `dilated` 5.12 M → 5.63 M since `d5ab1952b2` (+10.0 %), at 1 of 1 case.
    - **Less peak memory**: `dilated` 4.00 MiB → 3.64 MiB since `d5ab1952b2` (-9.1 %), at 1 of 1 case.
    - **More global load sectors**: `dilated` 131 k → 144 k since `d5ab1952b2` (+10.0 %), at 1 of 1 case.
    - **Fastest** at seq_len 1024: `improved`; the next, `dilated`, takes 2.50× its emulation_time.
    - **Trade-off**: `dilated` takes 2.50× the emulation_time of `improved` but 27.3 % less memory, over 1 case.

    ## Recommendations

    - Correct `ring` first: its time counts for nothing where its result is wrong (1 case, for instance `batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`).
    - Look at what `2be93339ed` did to `dilated`: global store sectors +10.0 %, instructions +10.0 %, global load sectors +10.0 %.
    - Use `improved` at seq_len 1024, by emulation_time.
    - Use `dilated` where memory is short: 27.3 % less for 2.50× the emulation_time.

    ## Rankings

    ### all-implementations on Embedded (AVX2), emulation_time

    At `2be93339ed`. Times, counts and memory are means over the cases done right; "slower" is the geometric mean against the fastest of each case.

    |   # | implementation | done |  of |  median |    mean | slower | spread | instructions | global bytes | sectors | peak memory |  error |
    | --: | -------------- | ---: | --: | ------: | ------: | -----: | -----: | -----------: | -----------: | ------: | ----------: | -----: |
    |   1 | improved       |    1 |   2 | 2.00 ms | 2.00 ms |  1.00× |  2.0 % |       4.10 M |     4.00 MiB |   131 k |    5.00 MiB | 1.5e-7 |
    |   2 | dilated        |    1 |   2 | 5.00 ms | 5.00 ms |  2.50× |  2.0 % |       5.63 M |     5.50 MiB |   180 k |    3.64 MiB | 1.5e-7 |

    Median by case:

    | case                                                                     | dilated | improved |
    | ------------------------------------------------------------------------ | ------: | -------: |
    | batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024 | 5.00 ms |  2.00 ms |

    ## Failures

    | type                | device          | implementation | status       | cases | message                                              | for instance                                                             |
    | ------------------- | --------------- | -------------- | ------------ | ----: | ---------------------------------------------------- | ------------------------------------------------------------------------ |
    | all-implementations | Embedded (AVX2) | ring           | wrong_result |     1 | relative error 0.25 is over the bound 1e-5           | batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024 |
    | all-implementations | Embedded (AVX2) | ring           | skipped      |     1 | seq_len 1000 is not a multiple of segment length 512 | batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1000 |

    ## Implementations by commit

    Mean over the cases of their medians, in git order, the latest commit last. "Against previous" compares the cases that the commit before measured too; "trend" is the product of those ratios from the first commit on.

    ### all-implementations on Embedded (AVX2), emulation_time by commit

    | implementation | f1bdec6d37 | d5ab1952b2 | 2be93339ed | against previous | since first | trend |
    | -------------- | ---------: | ---------: | ---------: | ---------------: | ----------: | ----- |
    | dilated        |    6.00 ms |    4.00 ms |    5.00 ms |            1.25× |      0.833× | █▁▄   |
    | improved       |          – |    3.00 ms |    2.00 ms |           0.667× |      0.667× | █▁    |
    | ring           |    9.00 ms |          – |          – |                – |       1.00× | ▄     |

    ## Commits analysed

    In git order, the latest last.

    | commit     | date       | subject                          | author | runs | cases | failed | last run             |
    | ---------- | ---------- | -------------------------------- | ------ | ---: | ----: | -----: | -------------------- |
    | f1bdec6d37 | 2026-11-01 | Kernels                          | Ada    |    1 |     2 |      0 | 2026-11-05 13:00 UTC |
    | d5ab1952b2 | 2026-11-02 | Stage keys through shared memory | Ada    |    1 |     2 |      0 | 2026-11-03 13:00 UTC |
    | 2be93339ed | 2026-11-03 | Unroll \| the \*inner\* loop     | Ada    |    1 |     4 |      1 | 2026-11-04 13:00 UTC |

    ## How to reproduce

    ### all-implementations on Embedded (AVX2)

    Run `01970000-0000-7000-8000-000000000002` of `2be93339ed`, recorded 2026-11-04 13:00 UTC by pipe 0.1.0.

        git checkout 2be93339ed800fd971b0a21b8d70a4f402abd912
        pipe bench --profile quick

    - cpu: Example CPU
    - pipe_version: 0.1.0

    Every number above comes from a query that can be run by itself: `pipe query report-rankings`, `report-cases`, `report-fastest`, `report-tradeoffs`, `report-changes`, `report-failures`, `report-implementations`, `report-trend`, `report-lengths`, `report-commits`, `report-devices`, `report-runs`.
    "#);
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
    insta::assert_snapshot!(project.performance(&[]), @r#"
    # Performance report

    ## Overview

    The history holds 1 run of 1 commit: 1 benchmark type, 2 implementations, 2 cases and 4 measurements on 1 device, recorded on 2026-11-02.

    | type                | device                  | kind     | time         | runs | commits | implementations | cases | last run             |
    | ------------------- | ----------------------- | -------- | ------------ | ---: | ------: | --------------: | ----: | -------------------- |
    | all-implementations | NVIDIA GeForce GTX 1080 | imported | forward_time |    1 |       1 |               2 |     2 | 2026-11-02 13:00 UTC |

    ## Key findings

    - **Fastest** at seq_len 1024: `RingDilatedAttention`; the next, `DilatedAttention`, takes 1.02× its forward_time, though the samples do not tell them apart at every case.
    - **Fastest** at seq_len 2048: `DilatedAttention`; the next, `RingDilatedAttention`, takes 1.68× its forward_time, though the samples do not tell them apart at every case.

    ## Recommendations

    - Use `RingDilatedAttention` at seq_len 1024, by forward_time; `DilatedAttention` may do as well.
    - Use `DilatedAttention` at seq_len 2048, by forward_time; `RingDilatedAttention` may do as well.

    ## Rankings

    ### all-implementations on NVIDIA GeForce GTX 1080, forward_time

    At `unknown`. Times, counts and memory are means over the cases done right; "slower" is the geometric mean against the fastest of each case.

    |   # | implementation       | done |  of | median |   mean | slower |
    | --: | -------------------- | ---: | --: | -----: | -----: | -----: |
    |   1 | DilatedAttention     |    2 |   2 | 585 µs | 585 µs |  1.01× |
    |   2 | RingDilatedAttention |    2 |   2 | 750 µs | 750 µs |  1.30× |

    Median by case, all with `batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4`:

    | case         | DilatedAttention | RingDilatedAttention |
    | ------------ | ---------------: | -------------------: |
    | seq_len=1024 |           670 µs |               660 µs |
    | seq_len=2048 |           500 µs |               840 µs |

    ## Implementations by commit

    Mean over the cases of their medians, in git order, the latest commit last. "Against previous" compares the cases that the commit before measured too; "trend" is the product of those ratios from the first commit on.

    ### all-implementations on NVIDIA GeForce GTX 1080, forward_time by commit

    | implementation       | unknown | since first | trend |
    | -------------------- | ------: | ----------: | ----- |
    | DilatedAttention     |  585 µs |       1.00× | ▄     |
    | RingDilatedAttention |  750 µs |       1.00× | ▄     |

    ## Commits analysed

    In git order, the latest last.

    | commit  | runs | cases | failed | last run             |
    | ------- | ---: | ----: | -----: | -------------------- |
    | unknown |    1 |     4 |      0 | 2026-11-02 13:00 UTC |

    ## How to reproduce

    ### all-implementations on NVIDIA GeForce GTX 1080

    Run `01970000-0000-7000-8000-000000000001` of `unknown`, recorded 2026-11-02 13:00 UTC by import:nvbench.

    Every number above comes from a query that can be run by itself: `pipe query report-rankings`, `report-cases`, `report-fastest`, `report-tradeoffs`, `report-changes`, `report-failures`, `report-implementations`, `report-trend`, `report-lengths`, `report-commits`, `report-devices`, `report-runs`.
    "#);
}

#[test]
fn failures_only() {
    let mut project = Project::new();
    let mut run = project.run(&Commit::Unversioned, 1);
    run.measurements = vec![
        failed(
            "dilated",
            1024,
            Status::Trap,
            "out of bounds in dilated_scores, line 41, block (0, 0, 0), thread (3, 0, 0)",
        ),
        failed("dilated", 1 << 20, Status::OutOfMemory, "needs 4.00 GiB, the device has 1.00 GiB"),
    ];
    project.record(&run);
    insta::assert_snapshot!(project.performance(&[]), @r"
    # Performance report

    ## Overview

    The history holds 1 run of 1 commit: 1 benchmark type, 1 implementation, 2 cases and 2 measurements on 1 device, recorded on 2026-11-02.

    | type                | device          | kind     | time           | runs | commits | implementations | cases | last run             |
    | ------------------- | --------------- | -------- | -------------- | ---: | ------: | --------------: | ----: | -------------------- |
    | all-implementations | Embedded (AVX2) | embedded | emulation_time |    1 |       1 |               1 |     2 | 2026-11-02 13:00 UTC |

    - `emulation_time` is the wall time of the embedded device, which executes PTX on a CPU. It is not a GPU's time; it compares kernels run on the same machine.

    ## Key findings

    - **Trap**: `dilated` at 1 case: out of bounds in dilated_scores, line 41, block (0, 0, 0), thread (3, 0, 0)
    - **Out of memory**: `dilated` at 1 case: needs 4.00 GiB, the device has 1.00 GiB

    ## Recommendations

    - Correct `dilated` first: its time counts for nothing where its result is missing (1 case, for instance `batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024`).

    ## Failures

    | type                | device          | implementation | status        | cases | message                                                                     | for instance                                                                |
    | ------------------- | --------------- | -------------- | ------------- | ----: | --------------------------------------------------------------------------- | --------------------------------------------------------------------------- |
    | all-implementations | Embedded (AVX2) | dilated        | trap          |     1 | out of bounds in dilated_scores, line 41, block (0, 0, 0), thread (3, 0, 0) | batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1024    |
    | all-implementations | Embedded (AVX2) | dilated        | out_of_memory |     1 | needs 4.00 GiB, the device has 1.00 GiB                                     | batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=4 seq_len=1048576 |

    ## Commits analysed

    In git order, the latest last.

    | commit      | runs | cases | failed | last run             |
    | ----------- | ---: | ----: | -----: | -------------------- |
    | unversioned |    1 |     2 |      2 | 2026-11-02 13:00 UTC |

    ## How to reproduce

    ### all-implementations on Embedded (AVX2)

    Run `01970000-0000-7000-8000-000000000001` of `unversioned`, recorded 2026-11-02 13:00 UTC by pipe 0.1.0.

        pipe bench --profile quick

    - cpu: Example CPU
    - pipe_version: 0.1.0

    Every number above comes from a query that can be run by itself: `pipe query report-rankings`, `report-cases`, `report-fastest`, `report-tradeoffs`, `report-changes`, `report-failures`, `report-implementations`, `report-trend`, `report-lengths`, `report-commits`, `report-devices`, `report-runs`.
    ");
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
        run.measurements = ["a", "b", "c", "d"].map(|name| measured(name, 1024, day as f64, 1.0)).concat();
        project.record(&run);
    }
    let text = project.performance(&[]);
    for _ in 0..2 {
        assert_eq!(project.performance(&[]), text);
    }
}

#[test]
fn every_finding_says_its_type_and_device_where_there_are_several() {
    let mut project = Project::new();
    let first = project.commit("Kernels", 0);
    let second = project.commit("Tune", 1);

    let mut stale = project.run(&first, 1);
    stale.benchmark_type = "long-sequences".parse().unwrap();
    stale.measurements = [measured("a", 4096, 9.0, 1.0), measured("b", 4096, 3.0, 1.0)].concat();
    project.record(&stale);
    let mut dirty = project.run(&second, 2);
    dirty.measurements = [measured("a", 1024, 1.0, 1.0), measured("b", 1024, 2.0, 1.0)].concat();
    dirty.measurements.iter_mut().for_each(|row| row.dirty = true);
    project.record(&dirty);

    let text = project.performance(&[]);
    for expected in [
        "- **Fastest** at seq_len 1024: `a`; the next, `b`, takes 2.00× its emulation_time (all-implementations, Embedded (AVX2)).",
        "- **Fastest** at seq_len 4096: `b`; the next, `a`, takes 3.00× its emulation_time (long-sequences, Embedded (AVX2)).",
        "- Commit the kernels and measure again:",
        "- Measure long-sequences on Embedded (AVX2) at the latest commit: 1 newer commit in the history lacks it.",
        "### all-implementations on Embedded (AVX2), emulation_time",
        "### long-sequences on Embedded (AVX2), emulation_time",
    ] {
        assert!(text.contains(expected), "missing: {expected}\n\n{text}");
    }

    let one = project.performance(&[("type", "long-sequences")]);
    assert!(!one.contains("all-implementations"), "a type that was not asked for:\n{one}");
}

#[test]
fn the_fastest_may_change_with_the_length() {
    let mut project = Project::new();
    let mut run = project.run(&Commit::Unversioned, 1);
    let times = [(1024, 1.0, 2.0), (2048, 3.0, 4.0), (4096, 9.0, 8.0)];
    run.measurements = times
        .map(|(length, a, b)| [measured("a", length, a, 1.0), measured("b", length, b, 1.0)].concat())
        .concat();
    project.record(&run);

    let text = project.performance(&[]);
    for expected in [
        "- Use `a` from seq_len 1024 to 2048, by emulation_time.",
        "- Use `b` at seq_len 4096, by emulation_time.",
    ] {
        assert!(text.contains(expected), "missing: {expected}\n\n{text}");
    }
}

#[test]
fn noisy_samples_are_pointed_out() {
    let mut project = Project::new();
    let mut run = project.run(&Commit::Unversioned, 1);
    run.measurements = measured("a", 1024, 1.0, 1.0);
    run.measurements[0].samples = vec![1e6, 2e6, 3e6, 4e6, 5e6];
    project.record(&run);
    let text = project.performance(&[]);
    assert!(text.contains("the middle half of its samples spans 66.7 % of the median"), "{text}");
}
