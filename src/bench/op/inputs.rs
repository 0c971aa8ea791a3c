//! Deterministic inputs: the same case gives the same numbers on every machine, in any order of generation.
//!
//! Every element is a hash (the SplitMix64 finaliser) of the seed, the tensor and the element's index, mapped
//! to a uniform value in [-1, 1). Unrelated queries and keys alone would make every softmax nearly flat, and
//! a kernel that averages the values would look almost right. So each position also has one of sixteen
//! *topics*, and queries and keys carry half of their topic's ±1 vector: a query attends most to the keys of
//! its own topic.

use pipe_model::Dtype;
use rayon::prelude::*;

use super::round_to;

/// Topics that positions are dealt to.
const TOPICS: u64 = 16;
/// How much of its topic's vector a query or key carries.
const TOPIC_WEIGHT: f32 = 0.5;

/// Hash streams: they keep what is drawn for different purposes apart.
const STREAM_TOPIC_OF: u64 = 100;
const STREAM_TOPIC_VECTOR: u64 = 101;
const STREAM_TENSOR: u64 = 200;

/// The finaliser of SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn draw(seed: u64, stream: u64, index: u64) -> u64 {
    mix(mix(seed ^ stream.rotate_left(48)).wrapping_add(index))
}

/// A hash as a value in [-1, 1), exact in f32: 24 bits.
fn uniform(hash: u64) -> f32 {
    (hash >> 40) as f32 / (1u32 << 23) as f32 - 1.0
}

/// A seed that depends on the sizes alone: element type, mask and grouping leave the numbers as they are, so
/// that cases which differ in those can be compared.
pub(super) fn seed(sizes: [usize; 4]) -> u64 {
    sizes.iter().fold(0, |seed, size| mix(seed ^ *size as u64))
}

/// The seed of slice `number` of a longer sequence; slice 0 is a sequence of its own.
fn slice_seed(sizes: [usize; 4], number: u64) -> u64 {
    seed(sizes) ^ if number == 0 { 0 } else { mix(number) }
}

/// `q`, `k` and `v` of `[batch_size, seq_len, num_heads, head_dim]`, rounded to `dtype`; those of slice `number` of a longer
/// sequence.
pub(super) fn attention(sizes: [usize; 4], dtype: Dtype, number: u64) -> [Vec<f32>; 3] {
    let seed = slice_seed(sizes, number);
    let [batch_size, seq_len, num_heads, head_dim] = sizes;
    let tensor = |stream, weight: f32| {
        let mut values = vec![0.0; batch_size * seq_len * num_heads * head_dim];
        values.par_chunks_mut(head_dim).enumerate().for_each(|(row, vector)| {
            let topic = draw(seed, STREAM_TOPIC_OF + stream, row as u64) % TOPICS;
            for (element, value) in vector.iter_mut().enumerate() {
                let noise = uniform(draw(seed, stream, (row * head_dim + element) as u64));
                let sign = draw(seed, STREAM_TOPIC_VECTOR, topic * head_dim as u64 + element as u64) & 1;
                let pull = if sign == 0 { weight } else { -weight };
                *value = round_to(dtype, noise + pull);
            }
        });
        values
    };
    [tensor(0, TOPIC_WEIGHT), tensor(1, TOPIC_WEIGHT), tensor(2, 0.0)]
}

/// Unrelated numbers between -`bound` and `bound`, rounded to `dtype`; `stream` keeps tensors apart.
pub(super) fn uniform_tensor(
    sizes: [usize; 4],
    stream: u64,
    elements: usize,
    bound: f32,
    dtype: Dtype,
) -> Vec<f32> {
    uniform_slice(sizes, 0, stream, elements, bound, dtype)
}

/// As [`uniform_tensor`], those of slice `number` of a longer sequence.
pub(super) fn uniform_slice(
    sizes: [usize; 4],
    number: u64,
    stream: u64,
    elements: usize,
    bound: f32,
    dtype: Dtype,
) -> Vec<f32> {
    let seed = slice_seed(sizes, number);
    (0..elements as u64)
        .into_par_iter()
        .map(|index| round_to(dtype, uniform(draw(seed, STREAM_TENSOR + stream, index)) * bound))
        .collect()
}

/// Unrelated numbers in [-1, 1); `stream` keeps tensors apart.
pub(super) fn uniform_numbers(elements: u64, stream: u64) -> impl Iterator<Item = f32> {
    (0..elements).map(move |index| uniform(draw(0, STREAM_TENSOR + stream, index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_depend_on_the_sizes_alone() {
        let of = |sizes| attention(sizes, Dtype::F32, 0);
        assert_eq!(of([1, 8, 2, 4]), of([1, 8, 2, 4]));
        assert_ne!(of([1, 8, 2, 4]), of([1, 8, 4, 2]), "same count, different sizes");
        assert_ne!(attention([1, 8, 2, 4], Dtype::F32, 1), of([1, 8, 2, 4]), "slices differ");
        // The first numbers are part of what the history compares: changing the generator is a change of
        // every case.
        assert_eq!(of([1, 8, 2, 4])[0][..3], [0.61102057, 0.24847054, -0.38878024]);
    }

    #[test]
    fn noise_is_centred_and_fills_its_range() {
        let values: Vec<f32> = (0..100_000).map(|i| uniform(draw(7, 1, i))).collect();
        let mean = values.iter().sum::<f32>() / 1e5;
        let square = values.iter().map(|v| v * v).sum::<f32>() / 1e5;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((square - 1.0 / 3.0).abs() < 0.01, "{square}");
        assert!(values.iter().all(|v| (-1.0..1.0).contains(v)));
    }
}
