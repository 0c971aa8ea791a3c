//! A matrix product, c[i, j] = Σ a[i, l] · b[l, j]: the PTX that the crate `ptoxide` ships, on `ptoxide` and on pipe's
//! executor, and the same sums in Rust compiled for this CPU.

use std::hint::black_box;

use crate::{
    device::{Call, Device, bytes, compiled_for_this_cpu, cores},
    timing::{Candidate, in_turns},
};

/// nvcc's output, from ptoxide's own test kernels: one thread an element of c.
const GEMM: &str = include_str!("gemm.ptx");
/// Threads of a block: `x` walks the rows, so loads of `a` are strided and loads of `b` uniform in a warp.
const BLOCK: [u32; 2] = [32, 8];

/// The kernel's loop, an element of c after the other: each sum waits for its last addition.
#[inline(always)]
fn by_element(a: &[f32], b: &[f32], c: &mut [f32], n: usize) {
    for i in 0..n {
        for j in 0..n {
            let mut sum = 0.0f32;
            for l in 0..n {
                sum = a[i * n + l].mul_add(b[l * n + j], sum);
            }
            c[i * n + j] = sum;
        }
    }
}

/// The same sums in the same order, a row of c at a time, which compilers turn into vector instructions.
#[inline(always)]
fn by_row(a: &[f32], b: &[f32], c: &mut [f32], n: usize) {
    for i in 0..n {
        let row = &mut c[i * n..(i + 1) * n];
        row.fill(0.0);
        for l in 0..n {
            let factor = a[i * n + l];
            for (sum, b) in row.iter_mut().zip(&b[l * n..(l + 1) * n]) {
                *sum = factor.mul_add(*b, *sum);
            }
        }
    }
}

/// The product on `ptoxide`: each call launches the kernel and reads the result.
fn theirs(a: &[f32], b: &[f32], n: usize) -> impl FnMut() -> Vec<f32> {
    use ptoxide::{Argument, Context, LaunchParams};
    let mut context = Context::new_with_module(GEMM).expect("gemm.ptx loads");
    let buffers = [0; 3].map(|_| context.alloc(n * n * 4));
    context.write(buffers[0], a);
    context.write(buffers[1], b);
    move || {
        let blocks = |threads: u32| n.div_ceil(threads as usize) as u32;
        let launch =
            LaunchParams::func_id(0).grid2d(blocks(BLOCK[0]), blocks(BLOCK[1])).block2d(BLOCK[0], BLOCK[1]);
        let [a, b, c] = buffers;
        let size = || Argument::U64(n as u64);
        let arguments = [Argument::ptr(a), Argument::ptr(b), Argument::ptr(c), size(), size(), size()];
        context.run(launch, &arguments).expect("runs");
        let mut out = vec![0.0; n * n];
        context.read(c, &mut out);
        out
    }
}

/// Numbers that round when they are multiplied and added.
pub(crate) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

pub(crate) fn main() {
    for n in [128usize, 256] {
        let (a, b) = (numbers(n * n, 1), numbers(n * n, 2));
        let device = Device::new(GEMM);
        let addresses =
            [&a, &b, &vec![0.0; n * n]].map(|matrix| device.buffer(&bytes(matrix, |x| x.to_le_bytes())));
        let params = bytes(&[addresses, [n as u64; 3]].concat(), |word| word.to_le_bytes());
        let grid = BLOCK.map(|threads| n.div_ceil(threads as usize) as u32);
        let call = Call { kernel: "_Z4gemmPfS_S_mmm", grid, block: BLOCK, params };
        let counts = device.run(&call, 1);
        let mut theirs = theirs(&a, &b, n);
        let (mut element, mut row) = (vec![0.0; n * n], vec![0.0; n * n]);
        let [one, all, ptoxide, by_element, by_row] = in_turns([
            Candidate::here(&mut || device.launch(&call, 1)),
            Candidate::everywhere(&mut || device.launch(&call, cores())),
            Candidate::here(&mut || drop(black_box(theirs()))),
            Candidate::here(&mut || {
                compiled_for_this_cpu(
                    #[inline(always)]
                    || by_element(black_box(&a), black_box(&b), &mut element, n),
                );
            }),
            Candidate::here(&mut || {
                compiled_for_this_cpu(
                    #[inline(always)]
                    || by_row(black_box(&a), black_box(&b), &mut row, n),
                );
            }),
        ]);
        let ours = device.floats(addresses[2], n * n);
        assert!(ours == element && ours == row, "each element is the same sum in the same order");
        let close = |(ours, theirs): (&f32, f32)| (ours - theirs).abs() < 1e-4;
        assert!(ours.iter().zip(theirs()).all(close), "ptoxide, which rounds products too, comes close");
        println!("gemm {n} x {n} x {n}, {} M thread-instructions", counts.thread_instructions / 1_000_000);
        println!("  pipe, one thread            {:9.3} ms", one * 1e3);
        println!("  pipe, {} threads             {:9.3} ms", cores(), all * 1e3);
        println!(
            "  ptoxide                     {:9.3} ms  {:5.0} x one thread of pipe, {:.0} x {}",
            ptoxide * 1e3,
            ptoxide / one,
            ptoxide / all,
            cores()
        );
        println!(
            "  Rust, an element at a time  {:9.3} ms  one thread of pipe takes {:.2} x",
            by_element * 1e3,
            one / by_element
        );
        println!(
            "  Rust, a row at a time       {:9.3} ms  one thread of pipe takes {:.2} x",
            by_row * 1e3,
            one / by_row
        );
    }
}
