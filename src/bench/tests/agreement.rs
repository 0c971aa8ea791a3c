//! pipe's own kernels against the reference and the predecessor's results, over sizes that divide and sizes
//! that do not.

use pipe_kernels::{Overrides, Profile};
use pipe_model::{Metric, Status};
use std::sync::atomic::AtomicBool;

use pipe_bench::{Request, Sampling, Schedule};

use crate::support::{Kernels, SAMPLING, runner};

#[test]
fn every_f32_implementation_is_right_for_every_size() {
    for groups in [
        "segment_lengths = [32, 64], dilation_rates = [1, 2]",
        "segment_lengths = [64, 96, 192], dilation_rates = [2, 3, 5]",
        "segment_lengths = [48], dilation_rates = [1]",
    ] {
        let f32 = ["attention", "dilated", "flash-attention-scalar", "improved-dilated", "ring-dilated"];
        agree(&f32, &["f32"], 192, groups, HEADS);
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
fn every_plain_implementation_is_right_in_half_precision() {
    let groups = "segment_lengths = [32, 96], dilation_rates = [1, 2]";
    agree(&["attention", "dilated"], &["f16", "bf16"], 96, groups, HEADS);
}

#[test]
fn every_multihead_implementation_is_right_for_every_size() {
    let multihead = [
        "multihead-dilated",
        "improved-multihead-dilated",
        "ring-multihead-dilated",
        "block-sparse-ring-multihead-dilated",
    ];
    // 32 elements wide, and 96: neither fills the tiles of the linear layers.
    let groups = "segment_lengths = [80, 160], dilation_rates = [1, 3]";
    let dtypes = ["f32", "f16", "bf16"];
    hold(&multihead, &dtypes, 160, groups, "batch_size = 3\nhead_dim = 32\nnum_heads = [1, 3]", 4);
    hold(&multihead, &dtypes, 160, groups, "batch_size = 1\nhead_dim = [64, 128]\nnum_heads = 1", 4);
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

#[test]
fn every_block_pattern_is_right_for_every_ring() {
    let patterns = r#"["local-window", "dilated-sparse", "global-local"]"#;
    // 11 blocks of 128, the last not full, or 6 of 256; chunks end within blocks, with rate 2 in the middle of a tile.
    for (groups, ring_size, head_dim) in [
        ("segment_lengths = [1320], dilation_rates = [1]", "[1, 3]", "64"),
        ("segment_lengths = [1320, 660], dilation_rates = [2, 1]", "4", "[32, 128]"),
    ] {
        let more = format!(
            "batch_size = 1\nnum_heads = 2\nhead_dim = {head_dim}\nparameters = {{ ring_size = {ring_size}, \
             block = [128, 256], sparsity = 0.6, pattern = {patterns} }}"
        );
        hold(&["block-sparse-ring-dilated"], &["f32", "f16"], 1320, groups, &more, 24);
    }
}

/// One head, and a number that groups do not divide.
const HEADS: &str = "num_heads = [1, 5]";

/// Holds implementations against the reference: batches, heads, head dimensions, causal and not.
fn agree(implementations: &[&str], dtypes: &[&str], seq_len: u64, groups: &str, more: &str) {
    let sizes = format!("batch_size = [1, 3]\nhead_dim = [32, 64, 128]\n{more}");
    hold(implementations, dtypes, seq_len, groups, &sizes, 24);
}

/// Holds implementations against the reference on so many cases, at least, of each dtype, causal and not.
fn hold(implementations: &[&str], dtypes: &[&str], seq_len: u64, groups: &str, more: &str, cases: usize) {
    let text = format!(
        "description = \"a test\"\nimplementations = {implementations:?}\nstandard = []\nfull = []\n\
         [[quick]]\nseq_len = {seq_len}\ndtype = {dtypes:?}\ncausal = [false, true]\ngroups = [{{ {groups} }}]\n{more}"
    );
    let kernels = Kernels::new().benchmark_text("grid", &text);
    let request = Request { profile: Profile::Quick, ..Request::default() };
    let schedule = Schedule::new(&kernels.library(), "grid", &request).unwrap();
    assert!(schedule.jobs.len() >= implementations.len() * dtypes.len() * cases);
    let once = Sampling { min_samples: 1, max_samples: 1, ..SAMPLING };
    let outcome = runner().run(&schedule, &once, &AtomicBool::new(false), &mut ());
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
