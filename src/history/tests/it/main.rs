//! The history as its users see it: files on disk and real git repositories.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

mod archive;
mod git;
mod hostile;
mod read;
mod samples;
mod store;
