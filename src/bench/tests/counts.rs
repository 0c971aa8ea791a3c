//! Counts are exact: the same on every run and for any number of threads.

use std::{env, process::Command};

use pipe_kernels::Overrides;
use pipe_model::Basis;

use crate::support::{Kernels, run, runner, runner_with};

/// Set for the process that a test starts: how many threads its device has.
const THREADS: &str = "PIPE_BENCH_TEST_THREADS";

fn overrides() -> Overrides {
    Overrides { num_heads: vec![3], causal: vec![false, true], ..Overrides::default() }
}

fn kernels() -> Kernels {
    Kernels::new().benchmark("counts", &["attention", "dilated", "improved-dilated"], &[64])
}

/// Every count of a run, a line each.
fn counts(outcome: &pipe_bench::Outcome) -> Vec<String> {
    let counted = outcome.measurements.iter().filter(|row| row.basis == Basis::Counted);
    counted
        .map(|row| {
            let config = row.case.config();
            format!("count: {} {config} {} {:?}", row.implementation, row.metric, row.samples)
        })
        .collect()
}

#[test]
fn two_runs_count_the_same() {
    let kernels = kernels();
    let library = kernels.library();
    let first = counts(&run(&mut runner(), &library, "counts", overrides()));
    let second = counts(&run(&mut runner(), &library, "counts", overrides()));
    assert!(first.len() > 6 * 20, "{first:#?}");
    assert_eq!(first, second);
}

#[test]
fn the_number_of_threads_changes_no_count() {
    let of = |threads: &str| -> Vec<String> {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "counts::print_the_counts", "--ignored", "--nocapture"])
            .env(THREADS, threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text.lines().filter_map(|line| line.find("count: ").map(|at| line[at..].to_owned())).collect()
    };
    let one = of("1");
    assert!(one.len() > 6 * 20, "{one:#?}");
    for threads in ["2", "3"] {
        assert_eq!(one, of(threads), "{threads} threads");
    }
}

/// Not a test: what the test above runs in processes of its own, because a process configures its devices
/// once.
#[test]
#[ignore = "run by the_number_of_threads_changes_no_count"]
fn print_the_counts() {
    let threads = env::var(THREADS).unwrap().parse().unwrap();
    let outcome = run(&mut runner_with(Some(threads)), &kernels().library(), "counts", overrides());
    for line in counts(&outcome) {
        println!("{line}");
    }
}
