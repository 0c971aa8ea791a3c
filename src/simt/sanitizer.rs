//! Finds what a kernel does wrong without a trap: reads of what nothing wrote, and races.
//!
//! A memory made by [`GlobalMemory::sanitized`](crate::GlobalMemory::sanitized) knows of each byte whether anything wrote
//! it, and does not hand out again what was freed while there is other room. A launch with
//! [`Options::sanitize`](crate::Options::sanitize) looks at each instruction before it runs; it runs on one thread, so that
//! what is found, and in which order, is the same every time. Findings gather in the memory, each once with a count.
//!
//! # What counts as a race
//!
//! Two threads use the same bytes, at least one of them writes, not both strongly, and nothing orders the two:
//!
//! - a barrier of the block that both warps take part in, between the two uses;
//! - within a warp, a `bar.warp.sync` that both lanes take part in. That lanes of a warp often run in step orders nothing,
//!   and neither do shuffles and votes;
//! - a fence and then an atomic or a strong store (volatile, relaxed or releasing) by the first, of a word that the second
//!   uses an atomic or a strong load on before its own use. What releases is its own fence; what takes needs none. Between
//!   blocks it can be any word of global memory;
//! - an mbarrier that the first uses after its own use, and the second before.
//!
//! Threads that write the same value to the same bytes do not race with each other. A word remembers its last write and
//! its last two reads by different threads, so that of many threads that race over a word one pair is named, and a race
//! with an earlier reader can go unseen where two later ones are ordered. An asynchronous copy counts as done by the thread
//! that issues it, where it is issued. What is found is one schedule's: threads that
//! race only if they run differently are not seen to.

mod clocks;
mod findings;
mod registers;
mod run;
mod shadow;
mod words;

pub use findings::{Finding, FindingKind, ThreadId};
pub(crate) use run::{Request, Sanitizer};
pub(crate) use shadow::Shadow;
pub(crate) use words::Access;
