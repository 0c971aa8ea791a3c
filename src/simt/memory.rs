//! The memories of a launch: global memory shared by every block, and the spaces that a block or a thread has to itself.

mod global;
mod heap;
mod mapping;
mod raw;
mod spread;
pub(crate) mod window;

pub(crate) use global::{Allocation, Snapshot};
pub use global::{GlobalMemory, MemoryError, OutOfMemory};
pub(crate) use raw::{Bytes, Word};
pub(crate) use spread::Spread;
