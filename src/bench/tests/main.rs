//! The runner on the embedded device: one process, one device a test, kernels of the tests' own and pipe's.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test says what is wrong by panicking, and what it skips on standard error"
)]

mod agreement;
mod allocations;
mod counts;
mod failures;
mod oracle;
mod procedures;
mod profiles;
mod runs;
mod sanitizer;
mod support;
mod tensor_cores;
