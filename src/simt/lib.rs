//! Executes PTX on the host, a warp at a time.
//!
//! A [`Program`] is a loaded module: parsed, checked and decoded, with everything that cannot run refused by name and
//! line. [`GlobalMemory`] is a device's memory; [`Program::instantiate`] places the module's variables in it. [`launch`]
//! runs a kernel and gives its [`Counts`], or a [`Trap`] that names kernel, line, block and thread.
//!
//! # How it works
//!
//! - `isa` is the op table: one row an operation. `decode` turns the syntax tree into 16-byte instructions,
//!   `cfg` finds basic blocks and where diverging lanes meet again, `neighbours` brings loads of neighbouring words
//!   together, `uniform` finds registers that are the same in every lane, `slots` packs registers so that they stay in
//!   cache.
//! - A register is 32 lanes side by side; an instruction is a loop over them, which LLVM turns into AVX-512 or AVX2
//!   code: the interpreter is compiled for each, and the CPU's best is taken at run time.
//! - Where the CPU has AVX2, `jit` compiles the arithmetic of each block and its loads to machine code when a kernel is
//!   first launched: what is uniform once, in general-purpose registers, the rest eight lanes at a time with values kept in
//!   vector registers. A block that is all compiled and branches to itself goes round without leaving machine code: sums
//!   stay in vector registers, and addresses that move alike are looked at once. Everything else, and warps whose lanes
//!   have parted, is interpreted. Results and counts are the same either way, and [`Options::compile`] turns it off.
//! - A load or store site remembers how the lanes of its last request lay to each other: while they do, bounds,
//!   alignment, sectors and bank conflicts follow from one address.
//! - Lanes that diverge wait for each other at the immediate post-dominator of the branch. Warps of a block run one
//!   after another from barrier to barrier; blocks are spread over the cores. Threads that spin give way to others by
//!   rules that `progress` states: a wait between lanes, warps or resident blocks ends, and one that cannot is reported.
//! - Only basic blocks and memory requests are counted as they run; instruction counts follow afterwards, exactly.
//!
//! - A launch can be watched: each instruction is then seen before it runs, by what counts the bytes that are touched at
//!   all and by `sanitizer`, which finds reads of what nothing wrote, and races. Other launches pay a comparison a block.
//!
//! # Rules where the ISA leaves a choice
//!
//! - Approximate instructions are computed in double precision and rounded once, or correctly rounded: `div.full` is
//!   `div.rn`, and so is `div.approx` up to a divisor of 2¹²⁶. Results are the same on every CPU.
//! - `fma.oob` is `fma`: only tensor copies make the NaN it looks for, and there are none here.
//! - Integer division by zero gives all ones, the remainder the dividend. Registers read before they are written are 0,
//!   and so is shared and local memory at a block's start.
//! - `mma` and `wmma` add products to the addend one after the other in order of the inner index, each fused and rounded
//!   to single precision; `f64` and integers are exact in their own way. The fragments of `wmma`, whose layout is open,
//!   are those of `mma`.
//! - `cp.async` and `cp.async.bulk` land at the wait that must not return without them, and never before: a missing wait
//!   shows. A cluster is one block, so `.shared::cluster` of bulk copies and mbarriers is the block's shared memory.
//! - `griddepcontrol` and `setmaxnreg` do nothing: grids of a stream run one after the other, and warps have the registers
//!   that they name.
//! - `%clock` and `%globaltimer` tell the instructions that the warp has issued, and the nanoseconds that it slept.
//!   Memory is always in order, so fences only count. Cache operators and prefetches have no effect.
//! - `bar` and `barrier.aligned` must be reached by a warp's live threads together, or trap; at `barrier` threads arrive
//!   one by one. Lanes wait for those that a member mask names, and those must come to the same instruction; only
//!   `bar.warp.sync` may be another.
//! - Blocks of a kernel that waits on global memory in a loop run on one thread in order, so that what is counted does
//!   not depend on how blocks are spread. A thread has 64 KiB of stack for calls.
//! - Of CUDA's device runtime there are `vprintf`, `malloc`, `free` and `__assertfail`. Kernels print a megabyte a launch at
//!   most, block by block; the host takes it by [`GlobalMemory::take_printed`]. `malloc` gives from a heap of 8 MiB, whose
//!   bounds are checked as a whole; the sanitizer checks them allocation by allocation.
//!
//! # Where the time goes
//!
//! `cargo bench -p pipe-simt --bench speed` measures it all in one run: against the crate `ptoxide`, against the same
//! loops in Rust compiled for this CPU, kind by kind, and as launches grow. On an otherwise idle machine with two cores of an
//! AMD EPYC with AVX2, in units of one compiled `fma.rn.f32` of a warp in a straight run, which takes 0.9 to 1.4 ns:
//!
//! - Compiled code has no dispatch. A word-sized operation costs 0.5 to 1.5, a 64-bit addition 2, minimum, maximum and
//!   comparisons 3, a load of one word for all lanes 1 with its checks. Guarded, a word-sized operation
//!   costs 3; predicates are combined for 2.5.
//! - A compiled load of a row costs 3 to 5, of two words or four halves a lane in a row 5, of a column, of scattered words
//!   or of four words a lane 15: 32 addresses are compared with those of last time, and the words come one by one. Four
//!   loads of neighbouring words cost as much as one of four words. In a loop whose addresses move by what all lanes share,
//!   only the first lane's is looked at each time.
//! - An interpreted instruction costs 6 to 12 before it does anything: the jump, its operands' slots, the piece around it. A
//!   store of a row costs 14 to 19, a shuffle 60, most of it the end of a block, `ex2` 55 to 80, which is a polynomial in
//!   double precision, arithmetic on pairs of half precision 160 to 200, which goes through single precision lane by lane,
//!   `mma.m16n8k16` 180 for its 4096 flops, `ldmatrix.x4` 130 to 150, `cp.async` with its wait 550, and an atomic on a word
//!   a lane 700.
//! - How many lanes a warp has makes no difference: one alone takes as long as 32 do. Lanes that have parted from others that
//!   go on are interpreted, about ten times slower in a loop of loads and arithmetic; an interpreted operation that some
//!   lanes sit out costs twice what it costs for all.
//!
//! Against the same work in Rust on one core of that machine: a matrix product of 256 x 256 x 256 as nvcc compiles it takes
//! 0.2 times as long as its own loop, an element at a time, and 2.8 to 3.7 times as long as the loop turned round so that
//! compilers make vectors of it; the crate `ptoxide` takes 310 to 330 times as long. At 128 x 128 x 128 the figures are
//! 0.2, 3.2 to 4, and 250 to 290. `improved-dilated` takes 1.2 to 1.3 times as long. What limits the product is its
//! addresses: a warp walks down 32 rows, a cache line each, which the other loop never does, and where matrices are small,
//! the start of each warp, whose special registers are interpreted. What would go beyond is compiled stores and special
//! functions, and shuffles that do not end a block.
//!
//! Time grows in proportion to warps and blocks, less a start-up that a single warp already amortises; blocks are spread
//! over the cores, and a worker shares nothing with another but the number of the next block.
#![deny(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "a loop over lanes runs over several arrays in step")]

mod barrier;
mod cfg;
mod counts;
mod decode;
mod exec;
mod footprint;
mod instruction;
mod isa;
mod jit;
mod lane;
mod launch;
mod level;
mod liveness;
mod memory;
mod neighbours;
mod program;
mod progress;
mod registers;
mod resident;
mod sanitizer;
mod slots;
mod special;
mod trap;
mod uniform;
mod warp;
mod worker;

pub use counts::{Counts, LineCounts};
pub use decode::Param;
pub use launch::{LaunchConfig, Observed, Options, launch, observe, vector_level};
pub use memory::{GlobalMemory, MemoryError, OutOfMemory};
pub use program::{Instance, Kernel, LoadError, Program};
pub use sanitizer::{Finding, FindingKind, ThreadId};
pub use trap::{Fault, LaunchError, Trap, TrapKind};
