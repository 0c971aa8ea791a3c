//! A pool of device memory: what is asked for is carved out of few large allocations, and what is given back is kept.
//!
//! A [`Pool`] gets *slabs* from a [`Source`], `cuMemAlloc` for instance, and cuts them into blocks.
//!
//! - **Size classes.** A request is rounded up to one of eight sizes between one power of two and the next, so that
//!   what was given back fits what is asked for next, at a waste of less than an eighth.
//! - **Hot cache.** The blocks of a class that were given back last stay whole and are the first to be handed out again.
//! - **Coalescing.** Every other free block is one with its free neighbours, and the smallest that is large enough is cut.
//! - **Fragment-aware.** The hot cache is given up, and its blocks with it merged, before a new slab is taken and
//!   whenever free memory falls into pieces: when [`Stats::fragmentation`] is over [`Config::fragmentation_threshold`].
//!   Slabs without a live block go back to the source when the device is out of memory, and beyond [`Config::keep_bytes`].
//!
//! The pool does not touch the memory that it manages and knows nothing of CUDA. It is for one thread; work that is
//! enqueued on a block must be done, or be in the same stream as what uses the block next, when the block is given back.
#![forbid(unsafe_code)]

mod class;
mod hot;
mod pool;
mod space;
mod stats;

pub use class::ALIGNMENT;
pub use pool::{Block, Config, FreeError, Layout, Pool, Source};
pub use stats::Stats;
