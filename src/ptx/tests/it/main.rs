//! Tests of the crate through its public interface.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod corpus;
mod diagnostics;
mod fuzz;
mod reading;
