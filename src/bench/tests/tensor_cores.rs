//! What the tensor-core kernels are fast by, held to exact counts: the same metrics as in the table in `kernels-ptx/README.md`.

use std::{ops::RangeInclusive, sync::Arc};

use pipe_bench::{HotLoop, KernelProfile, Roofline, op, roofline::Resource};
use pipe_kernels::{Library, Op};
use pipe_model::{Case, Dtype};

use crate::support::runner;

/// The share of the tensor cores' flops that the op asks for, at least.
const USEFUL: f64 = 0.85;
/// The share of the inner loop's instructions that are integers, moves and branches, at most.
const OVERHEAD: f64 = 0.15;
/// How many times as long as the tensor cores' any other of a multiprocessor's pipes is busy, at most.
const BOUND: f64 = 1.3;

fn case(seq_len: u64, head_dim: u64, parameters: &[(&str, &str)]) -> Case {
    Case {
        batch_size: Some(1),
        seq_len: Some(seq_len),
        num_heads: Some(2),
        head_dim: Some(head_dim),
        dtype: Some(Dtype::F16),
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

/// What the one kernel of `name` does on `case`, with its bound on `gpu`.
fn profile(name: &str, case: &Case, gpu: &str) -> KernelProfile {
    let library = Library::built_in();
    let mut runner = runner();
    runner.model(Roofline::new(Arc::clone(library.gpu(gpu).unwrap()), None));
    let mut profile = runner.profile(library.implementation(name).unwrap(), case).unwrap();
    assert_eq!(profile.kernels.len(), 1);
    profile.kernels.remove(0)
}

/// The lines of the loop over tiles of keys, by the names that the kernels have: from its label to the branch back.
fn loop_over_keys(kernel: &KernelProfile) -> RangeInclusive<u32> {
    let lines: Vec<&str> = kernel.source.ptx().lines().collect();
    let find = |what: &str| {
        let mut own =
            kernel.extent.clone().filter(|line| lines[*line as usize - 1].trim_start().starts_with(what));
        own.next().unwrap_or_else(|| panic!("no line `{what}` in {}", kernel.entry))
    };
    find("KEYS:")..=find("@%more bra      KEYS;")
}

fn holds(kernel: &KernelProfile, (op, case): (Op, &Case), useful_flops: u64) {
    let counts = &kernel.counts;
    let entry = &kernel.entry;
    assert_eq!(counts.shared_bank_conflicts, 0, "{entry}");
    assert_eq!(counts.global_store_sectors * 32, counts.global_store_bytes, "{entry}");
    // Lanes that read the same word of the group table share its sector, hence no more than, not equal.
    assert!(counts.global_load_sectors * 32 <= counts.global_load_bytes, "{entry}");
    let asked = op::flops(op, case).unwrap().unwrap();
    assert_eq!(asked, useful_flops as f64, "{entry}");
    let useful = asked / counts.tensor_flops_f16 as f64;
    assert!((USEFUL..=1.0).contains(&useful), "{entry}: {useful:.3} of the flops are useful");

    let inner = HotLoop::of(kernel).unwrap();
    assert_eq!(inner.lines, loop_over_keys(kernel), "{entry}");
    let share = inner.overhead() as f64 / inner.counts.instructions as f64;
    assert!(share < OVERHEAD, "{entry}: {share:.3} of the loop's instructions are overhead");

    let bound = kernel.bounds[0].bound.as_ref().unwrap();
    let tensor = bound.of(Resource::Tensor);
    for resource in Resource::ALL.into_iter().filter(|r| !matches!(r, Resource::L2 | Resource::Dram)) {
        let times = bound.of(resource) / tensor;
        assert!(times < BOUND, "{entry}: {} is busy {times:.2} times as long", resource.name());
    }
}

#[test]
fn flash_attention_keeps_the_tensor_cores_busy() {
    for head_dim in [64, 128] {
        let case = case(512, head_dim, &[]);
        let kernel = profile("flash-attention", &case, "a100");
        holds(&kernel, (Op::Attention, &case), 2 * 4 * 512 * 512 * head_dim);
    }
}

#[test]
fn improved_dilated_keeps_the_tensor_cores_busy() {
    let groups = [("segment_lengths", "256,1024"), ("dilation_rates", "1,2")];
    for head_dim in [64, 128] {
        let case = case(1024, head_dim, &groups);
        let kernel = profile("improved-dilated", &case, "a100");
        // A head with four segments of 256, and one with one of 512 kept positions.
        holds(&kernel, (Op::DilatedAttention, &case), 4 * (4 * 256 * 256 + 512 * 512) * head_dim);
    }
}

/// Its tensor cores are twice as fast as an A100's, and its shared memory is not. Long enough that what a block does before and after
/// its keys hardly counts.
#[test]
fn shared_memory_keeps_up_with_the_tensor_cores_of_an_h100() {
    let groups = [("segment_lengths", "2048"), ("dilation_rates", "2")];
    for head_dim in [64, 128] {
        let full = case(1024, head_dim, &[]);
        let kernel = profile("flash-attention", &full, "h100");
        holds(&kernel, (Op::Attention, &full), 2 * 4 * 1024 * 1024 * head_dim);
        let dilated = case(2048, head_dim, &groups);
        let kernel = profile("improved-dilated", &dilated, "h100");
        holds(&kernel, (Op::DilatedAttention, &dilated), 2 * 4 * 1024 * 1024 * head_dim);
    }
}

#[test]
fn causal_flash_attention_computes_little_that_is_masked() {
    let case = case(1024, 64, &[("causal", "true")]);
    let kernel = profile("flash-attention", &case, "a100");
    holds(&kernel, (Op::Attention, &case), 2 * 4 * (1024 * 1025 / 2) * 64);
}

#[test]
fn nine_tenths_of_the_blocks_left_out_are_an_eighth_of_the_flops_at_most() {
    let flops = |pattern: &str, sparsity: &str, causal: &str| {
        let parameters = [
            ("segment_lengths", "2560"),
            ("dilation_rates", "1"),
            ("pattern", pattern),
            ("sparsity", sparsity),
            ("causal", causal),
        ];
        profile("block-sparse-ring-dilated", &case(2560, 32, &parameters), "a100").counts.tensor_flops_f16
    };
    for causal in ["false", "true"] {
        let dense = flops("local-window", "0", causal);
        for pattern in ["local-window", "dilated-sparse", "global-local"] {
            let sparse = flops(pattern, "0.9", causal);
            assert!(sparse > 0 && 8 * sparse <= dense, "{pattern}, causal {causal}: {sparse} of {dense}");
        }
    }
}
