//! The procedure `allocations`: what each strategy is seen to take and give on the same traces.

use pipe_bench::{Request, Schedule};
use pipe_kernels::{Library, Overrides, Profile};
use pipe_model::{Basis, Measurement, Metric, Status};

use crate::support::{Kernels, SAMPLING, run, runner};

const TYPE: &str = "\
description = \"a test\"
procedure = \"allocations\"
implementations = \"all\"
standard = []
full = []

[[quick]]
trace = [\"varied-sizes\", \"reuse\", \"fragmentation\"]
allocations = 120
smallest_bytes = 1024
largest_bytes = 65536
";

fn value(rows: &[Measurement], strategy: &str, trace: &str, metric: &Metric) -> f64 {
    let row = rows.iter().find(|row| {
        row.implementation == strategy && row.case.parameters["trace"] == trace && row.metric == *metric
    });
    row.unwrap_or_else(|| panic!("{strategy} {trace} {metric}")).samples[0]
}

#[test]
fn every_strategy_passes_and_says_what_it_takes() {
    let kernels = Kernels::new().benchmark_text("pools", TYPE);
    let rows = run(&mut runner(), &kernels.library(), "pools", Overrides::default()).measurements;
    for row in &rows {
        assert_eq!(
            (row.status, row.message.as_str()),
            (Status::Ok, ""),
            "{} {}",
            row.implementation,
            row.metric
        );
        assert_eq!((row.basis, &row.unit), (Basis::Measured, &row.metric.unit()));
        assert!(row.case.seq_len.is_none() && row.kernel_digest.is_empty());
        let times = [Metric::ALLOCATION_TIME, Metric::REUSE_TIME, Metric::FREE_TIME];
        let samples = if times.contains(&row.metric) { SAMPLING.min_samples } else { 1 };
        assert_eq!(row.samples.len(), samples, "{}", row.metric);
    }
    for trace in ["varied-sizes", "reuse", "fragmentation"] {
        let of = |strategy, metric| value(&rows, strategy, trace, &metric);
        let live = of("plain", Metric::LIVE_MEMORY);
        for strategy in ["plain", "driver-pool", "bucketed-pool"] {
            assert_eq!(of(strategy, Metric::LIVE_MEMORY), live, "the trace is the same");
            let (peak, fragmentation) =
                (of(strategy, Metric::PEAK_MEMORY), of(strategy, Metric::FRAGMENTATION));
            assert!((fragmentation - (1.0 - live / peak)).abs() < 1e-12, "{strategy} {trace}");
            assert!((0.0..1.0).contains(&fragmentation), "{strategy} {trace}: {fragmentation}");
            assert!(of(strategy, Metric::ALLOCATION_TIME) > 0.0 && of(strategy, Metric::REUSE_TIME) > 0.0);
        }
        // Every allocation of both passes, against slabs of 2 MiB.
        assert_eq!(of("plain", Metric::DEVICE_ALLOCATIONS), 240.0);
        assert_eq!(of("bucketed-pool", Metric::DEVICE_ALLOCATIONS), 1.0, "{trace}");
    }
    let hits = |trace| value(&rows, "bucketed-pool", trace, &Metric::HOT_CACHE_HITS);
    assert_eq!(hits("reuse"), 240.0 - 8.0, "all but the first of each size");
    assert!(hits("varied-sizes") > 0.0);
}

#[test]
fn a_trace_that_does_not_fit_is_a_row_and_leaves_nothing() {
    let large = TYPE.replace("largest_bytes = 65536", "largest_bytes = [134217728, 65536]");
    let kernels = Kernels::new()
        .benchmark_text("pools", &large.replace("smallest_bytes = 1024", "smallest_bytes = 65536"));
    let rows = run(&mut runner(), &kernels.library(), "pools", Overrides::default()).measurements;
    for strategy in ["plain", "driver-pool", "bucketed-pool"] {
        let of = |largest: &str| {
            rows.iter()
                .filter(|row| {
                    row.implementation == strategy
                        && row.case.parameters["largest_bytes"] == largest
                        && row.case.parameters["trace"] == "reuse"
                })
                .collect::<Vec<_>>()
        };
        let failed = of("134217728");
        assert_eq!(failed.len(), 1, "{strategy}");
        assert_eq!((failed[0].status, &failed[0].metric), (Status::OutOfMemory, &Metric::ALLOCATION_TIME));
        assert!(
            of("65536").iter().all(|row| row.status == Status::Ok),
            "{strategy}: what was held is free again"
        );
    }
}

#[test]
fn strategies_are_chosen_by_name() {
    let library = Library::built_in();
    let request = |name: &str| Request {
        profile: Profile::Quick,
        implementations: vec![name.to_owned()],
        ..Request::default()
    };
    let schedule = Schedule::new(&library, "memory-pool", &request("plain")).unwrap();
    assert!(schedule.jobs.len() >= 3 && schedule.jobs.iter().all(|job| job.implementation == "plain"));
    let error = Schedule::new(&library, "memory-pool", &request("plane")).unwrap_err().to_string();
    assert_eq!(error, "unknown strategy of allocation 'plane'; did you mean 'plain'?");
}
