//! Imports of real files of every format, of files shaped like the predecessor's, and of files nobody should have written.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test says what is wrong by panicking, and what it skips on standard error"
)]

mod accounting;
mod formats;
mod hostile;
mod legacy;
mod support;
mod tables;
