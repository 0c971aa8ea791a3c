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
//!   after another from barrier to barrier; blocks are spread over the cores.
//! - Only basic blocks and memory requests are counted as they run; instruction counts follow afterwards, exactly.
#![deny(unsafe_code)]

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
mod registers;
mod slots;
mod special;
mod trap;
mod warp;

pub use counts::Counts;
pub use decode::Param;
pub use launch::{LaunchConfig, Options, launch, vector_level};
pub use memory::{GlobalMemory, MemoryError, OutOfMemory};
pub use program::{Instance, Kernel, LoadError, Program};
pub use trap::{Fault, LaunchError, Trap, TrapKind};
