//! The built-in reports over small histories, through the real query engine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test says what is wrong by panicking, and what it skips on standard error"
)]

mod charts;
mod commit;
mod comparison;
mod fixture;
mod memory_pool;
mod performance;
mod queries;
mod regressions;
mod sequence_lengths;
