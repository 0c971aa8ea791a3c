//! What the bench itself costs: the share of a quick run that is neither launches nor checks, and what a
//! check costs.
//!
//! `cargo bench -p pipe-bench --bench overhead`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a report for a person")]

use std::{sync::atomic::AtomicBool, time::Instant};

use pipe_bench::{Device, Request, Runner, Sampling, Schedule, op};
use pipe_driver::{Choice, Config};
use pipe_kernels::{Library, Op, Profile};
use pipe_model::{Case, Dtype};

fn main() {
    pipe_driver::configure(Config { choice: Choice::Embedded, ..Config::default() }).unwrap();
    let mut runner = Runner::new(Device::open(0).unwrap());
    let request = Request { profile: Profile::Quick, ..Request::default() };
    let schedule = Schedule::new(&Library::built_in(), "all-implementations", &request).unwrap();
    let sampling = Sampling::of(runner.device().kind(), Profile::Quick);
    let outcome = runner.run(&schedule, &sampling, &AtomicBool::new(false), &mut ());
    let spent = outcome.spent;
    println!(
        "all-implementations, quick: {} jobs in {:.2?}: launches {:.2?}, checks {:.2?}, overhead {:.2} %",
        schedule.jobs.len(),
        spent.total,
        spent.launches,
        spent.checks,
        100.0 * spent.overhead()
    );

    for seq_len in [512, 1024, 2048] {
        let case = Case {
            batch_size: Some(1),
            seq_len: Some(seq_len),
            num_heads: Some(4),
            head_dim: Some(64),
            dtype: Some(Dtype::F32),
            ..Case::default()
        };
        let begin = Instant::now();
        let problem = op::problem(Op::Attention, &case).unwrap();
        let took = begin.elapsed();
        println!(
            "attention's inputs and reference, {}: {took:.2?}, {} elements",
            case.config(),
            problem.outputs[0].values.len()
        );
    }
}
