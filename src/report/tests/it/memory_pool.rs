//! The report over strategies of allocation, word for word.

use std::collections::BTreeMap;

use pipe_model::{Basis, BenchmarkType, Case, Measurement, Metric, Status};

use crate::fixture::Project;

/// What one strategy gave on one trace: times in ns, memory in KiB.
fn traced(
    strategy: &str,
    trace: &str,
    [first, reuse, free]: [f64; 3],
    [peak, live]: [f64; 2],
) -> Vec<Measurement> {
    let parameters =
        [("allocations", "240"), ("largest_bytes", "1048576"), ("smallest_bytes", "4096"), ("trace", trace)];
    let case = Case {
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Case::default()
    };
    let row = |metric: Metric, samples: Vec<f64>| Measurement {
        implementation: strategy.to_owned(),
        case: case.clone(),
        unit: metric.unit(),
        metric,
        basis: Basis::Measured,
        samples,
        status: Status::Ok,
        message: String::new(),
        dirty: false,
        kernel_digest: String::new(),
    };
    let noisy = |time: f64| [1.0, 0.99, 1.01, 1.02, 0.98].map(|noise| time * noise).to_vec();
    vec![
        row(Metric::ALLOCATION_TIME, noisy(first)),
        row(Metric::REUSE_TIME, noisy(reuse)),
        row(Metric::FREE_TIME, noisy(free)),
        row(Metric::FRAGMENTATION, vec![1.0 - live / peak]),
        row(Metric::PEAK_MEMORY, vec![peak * 1024.0]),
        row(Metric::LIVE_MEMORY, vec![live * 1024.0]),
    ]
}

/// A pool that is faster and takes more, and a trace where it takes no more.
fn project() -> Project {
    let mut project = Project::new();
    let commit = project.commit("Kernels", 0);
    let mut run = project.run(&commit, 1);
    run.benchmark_type = "memory-pool".parse::<BenchmarkType>().unwrap();
    run.environment = BTreeMap::new();
    run.measurements = [
        traced("plain", "reuse", [900.0, 800.0, 500.0], [1024.0, 1024.0]),
        traced("driver-pool", "reuse", [950.0, 400.0, 300.0], [1024.0, 1024.0]),
        traced("bucketed-pool", "reuse", [1000.0, 40.0, 30.0], [2048.0, 1024.0]),
        traced("plain", "varied-sizes", [900.0, 900.0, 500.0], [4096.0, 4096.0]),
        traced("bucketed-pool", "varied-sizes", [800.0, 90.0, 60.0], [4096.0, 4096.0]),
    ]
    .concat();
    project.record(&run);
    project
}

#[test]
fn an_empty_history_says_what_to_do() {
    insta::assert_snapshot!(Project::new().report("memory-pool", &[("device", "GPU")]), @r"
    # Memory pools

    No strategy of allocation did a trace right in the history on the device `GPU`. Measure them first:

        pipe bench memory-pool
        pipe report memory-pool
    ");
}

#[test]
fn time_is_set_against_memory_trace_by_trace() {
    insta::assert_snapshot!(project().report("memory-pool", &[]), @r"
    # Memory pools

    The latest commit of each type and device. A trace is taken twice by an allocator that begins with nothing: `first` is the mean host time of an allocation in the first pass, `reuse` in the second, which asks for what the first gave back, `free` that of giving a buffer back in both; medians over the samples. Every buffer was written and read back before anything was timed. Fragmentation is the share of the memory reserved at the peak that nothing asked for.

    ## memory-pool on Embedded (AVX2)

    `allocations=240 largest_bytes=1048576 smallest_bytes=4096`, at `f1bdec6d37`.

    - `reuse`: to ask for memory that was given back and to give it back again takes least with `bucketed-pool`, 70 ns; `driver-pool` takes 10.0× that, `plain` takes 18.6× that. `bucketed-pool` reserves 2.00 MiB where `driver-pool` reserves 1.00 MiB, +100.0 %.
    - `varied-sizes`: to ask for memory that was given back and to give it back again takes least with `bucketed-pool`, 150 ns; `plain` takes 9.33× that. Nothing reserves 1 % less than its 4.00 MiB.

    | trace        | strategy      | requests |   first |  reuse |   free | reuse and free | reserved | asked for | fragmentation |
    | ------------ | ------------- | -------: | ------: | -----: | -----: | -------------: | -------: | --------: | ------------: |
    | reuse        | bucketed-pool |      480 | 1.00 µs |  40 ns |  30 ns |          70 ns | 2.00 MiB |  1.00 MiB |        50.0 % |
    | reuse        | driver-pool   |      480 |  950 ns | 400 ns | 300 ns |         700 ns | 1.00 MiB |  1.00 MiB |         0.0 % |
    | reuse        | plain         |      480 |  900 ns | 800 ns | 500 ns |        1.30 µs | 1.00 MiB |  1.00 MiB |         0.0 % |
    | varied-sizes | bucketed-pool |      480 |  800 ns |  90 ns |  60 ns |         150 ns | 4.00 MiB |  4.00 MiB |         0.0 % |
    | varied-sizes | plain         |      480 |  900 ns | 900 ns | 500 ns |        1.40 µs | 4.00 MiB |  4.00 MiB |         0.0 % |

    Every number above comes from a query that can be run by itself: `pipe query report-memory-pool`.
    ");
}

#[test]
fn reuse_is_drawn_against_plain() {
    let (text, charts) = project().report_with_charts("memory-pool");
    assert!(text.contains("](<report-reuse.svg>)"), "{text}");
    let svg = &charts[0].svg;
    for part in ["reuse  driver-pool", "varied-sizes  bucketed-pool", "faster", "1×"] {
        assert!(svg.contains(part), "no '{part}' in {svg}");
    }
    assert_eq!(charts.len(), 1);
}

#[test]
fn other_types_have_no_traces() {
    assert!(
        project()
            .report("memory-pool", &[("type", "all-implementations")])
            .contains("pipe bench memory-pool")
    );
}
