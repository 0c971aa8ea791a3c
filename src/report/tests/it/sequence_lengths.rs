//! The report over sequence lengths, word for word.

use pipe_model::Status;

use crate::fixture::{Project, failed, measured};

#[test]
fn an_empty_history_says_what_to_do() {
    insta::assert_snapshot!(Project::new().report("sequence-lengths", &[]), @r"
    # Sequence lengths

    Nothing in the history was done right. Measure it first:

        pipe bench long-sequences
        pipe report sequence-lengths
    ");
}

#[test]
fn growth_crossover_and_what_did_not_fit() {
    let mut project = Project::new();
    let commit = project.commit("Kernels", 0);
    let mut run = project.run(&commit, 1);
    run.measurements = [
        // Quadratic and linear, with a crossover between 512 and 1024.
        measured("attention", 256, 0.5, 1.0),
        measured("attention", 512, 2.0, 1.0),
        measured("attention", 1024, 8.0, 1.0),
        measured("dilated", 256, 1.5, 2.0),
        measured("dilated", 512, 3.0, 2.0),
        measured("dilated", 1024, 6.0, 2.0),
        measured("dilated", 2048, 12.0, 2.0),
        vec![failed("attention", 2048, Status::OutOfMemory, "the case needs 16 MiB")],
    ]
    .concat();
    project.record(&run);
    insta::assert_snapshot!(project.report("sequence-lengths", &[]), @r"
    # Sequence lengths

    The latest commit of each type and device; geometric means over the cases of a length that were done right. A token is one position of one sequence.

    ## all-implementations on Embedded (AVX2), emulation_time

    At `f1bdec6d37`.

    - At seq_len 256 to 512 `attention` is fastest; `dilated` takes 1.50× to 3.00× its emulation_time.
    - From seq_len 1024 to 2048 `dilated` is fastest; `attention` takes 1.33× its emulation_time.
    - `dilated` grows as seq_len to the power 1.0 from 256 to 2048.
    - `attention` grows as seq_len to the power 2.0 from 256 to 1024; out of memory from 2048 on.

    emulation_time:

    | seq len | attention | dilated |
    | ------: | --------: | ------: |
    |     256 |    500 µs | 1.50 ms |
    |     512 |   2.00 ms | 3.00 ms |
    |    1024 |   8.00 ms | 6.00 ms |
    |    2048 |         – | 12.0 ms |

    Tokens a second:

    | seq len | attention | dilated |
    | ------: | --------: | ------: |
    |     256 |     512 k |   171 k |
    |     512 |     256 k |   171 k |
    |    1024 |     128 k |   171 k |
    |    2048 |         – |   171 k |

    Peak device memory for a token:

    | seq len | attention |  dilated |
    | ------: | --------: | -------: |
    |     256 |  4.00 KiB | 2.00 KiB |
    |     512 |  4.00 KiB | 2.00 KiB |
    |    1024 |  4.00 KiB | 2.00 KiB |
    |    2048 |         – | 2.00 KiB |

    Every number above comes from a query that can be run by itself: `pipe query report-lengths`, `report-growth`, `report-fastest`.
    ");
}
