//! Kernels from text to results.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

mod arithmetic;
mod async_copy;
mod control;
mod counting;
mod device;
mod loading;
mod matrix;
mod memory;
mod property;
mod traps;
mod warp;
