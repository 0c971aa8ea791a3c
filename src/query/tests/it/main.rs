//! What the session answers, over histories in temporary folders.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test says what is wrong by panicking, and what it skips on standard error"
)]

mod bad_files;
mod fixture;
mod functions;
mod named;
mod output;
mod sql;
mod summary;
mod tables;
