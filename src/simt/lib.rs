//! Executes PTX on the host, a warp at a time.
//!
//! A [`Program`] is a loaded module: parsed, checked and decoded, with everything that cannot run refused by name and
//! line. [`GlobalMemory`] is a device's memory; [`Program::instantiate`] places the module's variables in it. [`launch`]
//! runs a kernel and gives its [`Counts`], or a [`Trap`] that names kernel, line, block and thread.
//!
//! # How it works
//!
//! - `isa` is the op table: one row an operation. `decode` turns the syntax tree into 16-byte instructions,
//!   `cfg` finds basic blocks and where diverging lanes meet again, `slots` packs registers so that they stay in cache.
//! - A register is 32 lanes side by side; an instruction is a loop over them, which LLVM turns into AVX-512 or AVX2
//!   code: the interpreter is compiled for each, and the CPU's best is taken at run time.
//! - Lanes that diverge wait for each other at the immediate post-dominator of the branch. Warps of a block run one
//!   after another from barrier to barrier; blocks are spread over the cores. Threads that spin give way to others by
//!   rules that `progress` states: a wait between lanes, warps or resident blocks ends, and one that cannot is reported.
//! - Only basic blocks and memory requests are counted as they run; instruction counts follow afterwards, exactly.
//!
//! # Rules where the ISA leaves a choice
//!
//! - Approximate instructions are computed in double precision and rounded once, or correctly rounded: `div.approx` and
//!   `div.full` are `div.rn`. Results are the same on every CPU.
//! - Integer division by zero gives all ones, the remainder the dividend. Registers read before they are written are 0,
//!   and so is shared and local memory at a block's start.
//! - `mma` and `wmma` add products to the addend one after the other in order of the inner index, each fused and rounded
//!   to single precision; `f64` and integers are exact in their own way. The fragments of `wmma`, whose layout is open,
//!   are those of `mma`.
//! - `cp.async` and `cp.async.bulk` land at the wait that must not return without them, and never before: a missing wait
//!   shows. A cluster is one block, so `.shared::cluster` of bulk copies and mbarriers is the block's shared memory.
//! - `%clock` and `%globaltimer` tell the instructions that the warp has issued, and the nanoseconds that it slept.
//!   Memory is always in order, so fences only count. Cache operators and prefetches have no effect.
//! - `bar` and `barrier.aligned` must be reached by a warp's live threads together, or trap; at `barrier` threads arrive
//!   one by one. Lanes wait for those that a member mask names, and those must come to the same instruction; only
//!   `bar.warp.sync` may be another.
//! - Blocks of a kernel that waits on global memory in a loop run on one thread in order, so that what is counted does
//!   not depend on how blocks are spread. A thread has 64 KiB of stack for calls.
//!
//! # Where the time goes
//!
//! Measured with `benches/gemm.rs` and `perf` on AVX-512: on the matrix product that the crate `ptoxide` ships, one
//! thread does 44 times what `ptoxide` does and two threads 88 times. Two thirds of that time is in global loads, 8 of
//! 20 instructions of the inner loop; half of it in the 4 loads that read another row in every lane, where the gather
//! instruction is no faster than 32 moves. Finding out that 32 addresses have one stride costs a fifth, arithmetic on
//! floats and 64-bit integers another, and dispatch, an indirect jump for each instruction, about as much as an integer
//! addition. What would go beyond: values that are the same in all lanes kept once, address arithmetic of a loop folded
//! into its loads.
#![deny(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "a loop over lanes runs over several arrays in step")]

mod barrier;
mod cfg;
mod counts;
mod decode;
mod exec;
mod instruction;
mod isa;
mod lane;
mod launch;
mod level;
mod memory;
mod program;
mod progress;
mod registers;
mod resident;
mod slots;
mod special;
mod trap;
mod warp;
mod worker;

pub use counts::Counts;
pub use decode::Param;
pub use launch::{LaunchConfig, Options, launch, vector_level};
pub use memory::{GlobalMemory, MemoryError, OutOfMemory};
pub use program::{Instance, Kernel, LoadError, Program};
pub use trap::{Fault, LaunchError, Trap, TrapKind};
