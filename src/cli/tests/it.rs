//! What users of the command line rely on, against the real binary in real repositories.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test says what is wrong by panicking, and what it skips on standard error"
)]

#[path = "it/adding.rs"]
mod adding;
#[path = "it/bench.rs"]
mod bench;
#[path = "it/check.rs"]
mod check;
#[path = "it/compare.rs"]
mod compare;
#[path = "it/dashboard.rs"]
mod dashboard;
#[path = "it/help.rs"]
mod help;
#[path = "it/kernels_table.rs"]
mod kernels_table;
#[path = "it/profile.rs"]
mod profile;
#[path = "it/query.rs"]
mod query;
#[path = "it/repository.rs"]
mod repository;
#[path = "it/transfer.rs"]
mod transfer;
#[path = "it/types.rs"]
mod types;
