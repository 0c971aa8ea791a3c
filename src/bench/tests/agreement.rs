//! pipe's own kernels against the reference and the predecessor's results, over sizes that divide and sizes
//! that do not.

use pipe_kernels::{Overrides, Profile};
use pipe_model::{Metric, Status};
use std::sync::atomic::AtomicBool;

use pipe_bench::{Request, Schedule};

use crate::support::{Kernels, SAMPLING, runner};

#[test]
fn every_f32_implementation_is_right_for_every_size() {
    for groups in [
        "segment_lengths = [32, 64], dilation_rates = [1, 2]",
        "segment_lengths = [64, 96, 192], dilation_rates = [2, 3, 5]",
        "segment_lengths = [48], dilation_rates = [1]",
    ] {
        agree(&["attention", "dilated", "improved-dilated"], &["f32"], 192, groups, HEADS);
    }
}

#[test]
fn every_tensor_core_implementation_is_right_for_every_size() {
    for (seq_len, groups) in [
        (192, "segment_lengths = [64, 96, 192], dilation_rates = [2, 3, 5]"),
        (160, "segment_lengths = [160, 32], dilation_rates = [1, 4]"),
        (384, "segment_lengths = [384], dilation_rates = [1]"),
    ] {
        agree(
            &["flash-attention", "improved-dilated", "ring-dilated"],
            &["f16", "bf16"],
            seq_len,
            groups,
            HEADS,
        );
    }
}

#[test]
fn every_plain_implementation_is_right_in_f16() {
    let groups = "segment_lengths = [32, 96], dilation_rates = [1, 2]";
    agree(&["attention", "dilated"], &["f16"], 96, groups, HEADS);
}

#[test]
fn every_multihead_implementation_is_right_for_every_size() {
    let multihead = ["multihead-dilated", "improved-multihead-dilated", "ring-multihead-dilated"];
    let groups = "segment_lengths = [80, 160], dilation_rates = [1, 3]";
    agree(&multihead, &["f16", "bf16"], 160, groups, "num_heads = [2, 6]");
}

#[test]
fn a_ring_is_right_for_every_size_of_it() {
    let groups = "segment_lengths = [96, 192], dilation_rates = [1, 3]";
    agree(
        &["ring-dilated"],
        &["f16"],
        192,
        groups,
        "num_heads = [1, 5]\nparameters = { ring_size = [1, 2, 5, 192] }",
    );
}

/// One head, and a number that groups do not divide.
const HEADS: &str = "num_heads = [1, 5]";

/// Holds implementations against the reference: batches, heads, head dimensions, causal and not.
fn agree(implementations: &[&str], dtypes: &[&str], seq_len: u64, groups: &str, more: &str) {
    let text = format!(
        "description = \"a test\"\nimplementations = {implementations:?}\nstandard = []\nfull = []\n\
         [[quick]]\nbatch_size = [1, 3]\nseq_len = {seq_len}\nhead_dim = [32, 64, 128]\n\
         dtype = {dtypes:?}\ncausal = [false, true]\ngroups = [{{ {groups} }}]\n{more}"
    );
    let kernels = Kernels::new().benchmark_text("grid", &text);
    let request = Request { profile: Profile::Quick, ..Request::default() };
    let schedule = Schedule::new(&kernels.library(), "grid", &request).unwrap();
    assert!(schedule.jobs.len() >= implementations.len() * dtypes.len() * 24);
    let outcome = runner().run(&schedule, &SAMPLING, &AtomicBool::new(false), &mut ());
    for row in &outcome.measurements {
        let what = || format!("{} {}: {}", row.implementation, row.case.config(), row.message);
        assert_eq!(row.status, Status::Ok, "{}", what());
    }
    let errors = outcome.measurements.iter().filter(|row| row.metric == Metric::RELATIVE_ERROR);
    assert_eq!(errors.count(), schedule.jobs.len());
}

#[test]
fn a_sequence_that_does_not_divide_is_skipped() {
    let kernels = Kernels::new().benchmark("odd", &["dilated", "improved-dilated"], &[24]);
    let request = Request { profile: Profile::Quick, overrides: Overrides::default(), ..Request::default() };
    let schedule = Schedule::new(&kernels.library(), "odd", &request).unwrap();
    let outcome = runner().run(&schedule, &SAMPLING, &AtomicBool::new(false), &mut ());
    assert_eq!(outcome.measurements.len(), 2);
    for row in &outcome.measurements {
        assert_eq!(row.status, Status::Skipped);
        assert!(row.message.contains("24") && row.message.contains("16"), "{}", row.message);
    }
}
