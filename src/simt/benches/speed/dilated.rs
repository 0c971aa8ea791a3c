//! The kernel `improved-dilated` on pipe's executor, and the same algorithm in Rust compiled for this CPU: tiles of
//! queries, tiles of keys and values, scores in registers, the softmax carried along, nothing but the result written.

use std::hint::black_box;

use crate::{
    device::{Call, Device, bytes, compiled_for_this_cpu, cores},
    gemm::numbers,
    timing::{Candidate, in_turns},
};

const KERNEL: &str = include_str!("../../../../kernels-ptx/improved-dilated/kernel.ptx");

/// Queries and keys of a tile, as in the kernel for this head dimension.
const QUERIES: usize = 64;
const KEYS: usize = 32;
const DIM: usize = 64;
/// Threads of a block, as in the kernel.
const THREADS: u32 = 128;

/// One batch; a head has a segment length and a dilation rate.
struct Case {
    seq_len: usize,
    heads: usize,
    /// Segment length and dilation rate; heads are dealt out evenly.
    groups: Vec<(usize, usize)>,
}

impl Case {
    fn heads_of_group(&self) -> usize {
        self.heads / self.groups.len()
    }

    /// Rows of the kernel's group table, and the blocks.
    fn table(&self) -> (Vec<u32>, u32) {
        let mut rows = Vec::new();
        let mut blocks = 0;
        for (index, (length, rate)) in self.groups.iter().enumerate() {
            let kept = (length - index % rate).div_ceil(*rate);
            let tiles = length.div_ceil(*rate).div_ceil(QUERIES);
            let segments = self.seq_len / length;
            let heads = self.heads_of_group();
            let row = [blocks, tiles, segments, heads, index * heads, *length, *rate, kept];
            rows.extend(row.map(|word| word as u32));
            blocks += heads * segments * tiles;
        }
        (rows, blocks as u32)
    }
}

/// 2ˣ for x ≤ 0, within 2 ulp, and 0 below the smallest normal number.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    let x = if x < -126.0 { -126.0 } else { x };
    let whole = x.round_ties_even();
    let f = x - whole;
    let mut sum = 1.535_336_2e-4f32;
    for c in [1.339_887_4e-3, 9.618_437e-3, 5.550_332_6e-2, 2.402_264_7e-1, 6.931_472e-1, 1.0f32] {
        sum = sum.mul_add(f, c);
    }
    sum * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

/// What a block of the kernel does: one tile of queries of one segment of one head.
#[inline(always)]
fn tile(
    case: &Case,
    [q, k, v]: [&[f32]; 3],
    out: &mut [f32],
    head: usize,
    group: usize,
    start: usize,
    first: usize,
) {
    let (length, rate) = case.groups[group];
    let offset = group % rate;
    let kept = (length - offset).div_ceil(rate);
    let at = |j: usize| ((start + offset + rate * j) * case.heads + head) * DIM;
    let scale = std::f32::consts::LOG2_E / (DIM as f32).sqrt();
    let share = 1.0 / case.groups.len() as f32;

    let mut queries = [[0f32; DIM]; QUERIES];
    for (i, query) in queries.iter_mut().enumerate() {
        let row = at((first + i).min(kept - 1));
        for (to, from) in query.iter_mut().zip(&q[row..row + DIM]) {
            *to = from * scale;
        }
    }
    let mut largest = [f32::MIN; QUERIES];
    let mut sum = [0f32; QUERIES];
    let mut result = [[0f32; DIM]; QUERIES];
    for first_key in (0..kept).step_by(KEYS) {
        // The keys' tile with elements outermost, so that neighbouring keys are neighbours in a vector register.
        let mut keys = [[0f32; KEYS]; DIM];
        let mut values = [[0f32; DIM]; KEYS];
        for j in 0..KEYS {
            let row = at((first_key + j).min(kept - 1));
            for c in 0..DIM {
                keys[c][j] = k[row + c];
            }
            values[j].copy_from_slice(&v[row..row + DIM]);
        }
        let seen = KEYS.min(kept - first_key);
        for i in 0..QUERIES {
            let mut scores = [0f32; KEYS];
            for c in 0..DIM {
                for j in 0..KEYS {
                    scores[j] = queries[i][c].mul_add(keys[c][j], scores[j]);
                }
            }
            for score in &mut scores[seen..] {
                *score = f32::NEG_INFINITY;
            }
            let mut most = [largest[i]; 8];
            for part in scores.chunks_exact(8) {
                for (most, score) in most.iter_mut().zip(part) {
                    *most = if *score > *most { *score } else { *most };
                }
            }
            let most = most.into_iter().fold(f32::MIN, f32::max);
            let keep = exp2(largest[i] - most);
            largest[i] = most;
            let mut sums = [0f32; 8];
            for part in scores.chunks_exact_mut(8) {
                for (sum, score) in sums.iter_mut().zip(part) {
                    *score = exp2(*score - most);
                    *sum += *score;
                }
            }
            sum[i] = sum[i].mul_add(keep, sums.iter().sum());
            let row = &mut result[i];
            for element in row.iter_mut() {
                *element *= keep;
            }
            for j in 0..KEYS {
                for c in 0..DIM {
                    row[c] = scores[j].mul_add(values[j][c], row[c]);
                }
            }
        }
    }
    for i in 0..QUERIES.min(kept.saturating_sub(first)) {
        let factor = share / sum[i];
        let row = at(first + i);
        for (to, from) in out[row..row + DIM].iter_mut().zip(&result[i]) {
            *to = from * factor;
        }
    }
    // The block's slots stand for the positions that the group does not keep, too.
    let slots = first * rate..((first + QUERIES) * rate).min(length);
    for position in slots.filter(|position| position % rate != offset) {
        let row = ((start + position) * case.heads + head) * DIM;
        out[row..row + DIM].fill(0.0);
    }
}

/// All tiles of all segments, heads and groups.
#[inline(always)]
fn native(case: &Case, inputs: [&[f32]; 3], out: &mut [f32]) {
    for (group, (length, rate)) in case.groups.iter().enumerate() {
        for head in group * case.heads_of_group()..(group + 1) * case.heads_of_group() {
            for start in (0..case.seq_len).step_by(*length) {
                for first in (0..length.div_ceil(*rate)).step_by(QUERIES) {
                    tile(case, inputs, out, head, group, start, first);
                }
            }
        }
    }
}

pub(crate) fn main() {
    let case = Case { seq_len: 1024, heads: 4, groups: vec![(256, 1), (512, 2)] };
    let count = case.seq_len * case.heads * DIM;
    let inputs = [3, 4, 5].map(|seed| numbers(count, seed));
    let device = Device::new(KERNEL);
    let buffer = |floats: &[f32]| device.buffer(&bytes(floats, |x| x.to_le_bytes()));
    let addresses =
        [buffer(&inputs[0]), buffer(&inputs[1]), buffer(&inputs[2]), buffer(&vec![f32::NAN; count])];
    let (table, blocks) = case.table();
    let mut params = bytes(&addresses, |word| word.to_le_bytes());
    params.extend(device.buffer(&bytes(&table, |word| word.to_le_bytes())).to_le_bytes());
    let causal = 0;
    let words = [case.groups.len() as u32, case.seq_len as u32, case.heads as u32, causal];
    params.extend(bytes(&words, |word| word.to_le_bytes()));
    let floats = [std::f32::consts::LOG2_E / (DIM as f32).sqrt(), 1.0 / case.groups.len() as f32];
    params.extend(bytes(&floats, |x| x.to_le_bytes()));
    let call = Call { kernel: "improved_dilated_f32_d64", grid: [blocks, 1], block: [THREADS, 1], params };

    let counts = device.run(&call, 1);
    let mut out = vec![f32::NAN; count];
    let [one, all, rust] = in_turns([
        Candidate::here(&mut || device.launch(&call, 1)),
        Candidate::everywhere(&mut || device.launch(&call, cores())),
        Candidate::here(&mut || {
            compiled_for_this_cpu(
                #[inline(always)]
                || native(&case, [&inputs[0], &inputs[1], &inputs[2]].map(|x| black_box(&x[..])), &mut out),
            );
        }),
    ]);
    let ours = device.floats(addresses[3], count);
    let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let error = norm(&mut ours.iter().zip(&out).map(|(a, b)| a - b)) / norm(&mut out.iter().copied());
    assert!(error < 1e-6, "both compute the same: {error:e}");
    let Case { seq_len, heads, groups } = &case;
    println!("improved-dilated, seq_len {seq_len}, {heads} heads of {DIM}, segments and rates {groups:?},");
    println!(
        "  {} M thread-instructions, {} M flops",
        counts.thread_instructions / 1_000_000,
        counts.flops / 1_000_000
    );
    println!("  pipe, one thread            {:9.3} ms", one * 1e3);
    println!("  pipe, {} threads             {:9.3} ms", cores(), all * 1e3);
    println!(
        "  Rust, one core              {:9.3} ms  one thread of pipe takes {:.2} x",
        rust * 1e3,
        one / rust
    );
}
