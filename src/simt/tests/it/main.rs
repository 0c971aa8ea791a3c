//! Kernels from text to results.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

mod arithmetic;
mod async_copy;
mod atomics;
mod builtins;
mod calls;
mod compiled;
mod control;
mod counting;
mod device;
mod evaluator;
mod files;
mod flow;
mod loading;
mod matrix;
mod mbarrier;
mod memory;
mod numbers;
mod progress;
mod property;
mod sanitizer;
mod spaces;
mod straight_lines;
mod traps;
mod warp;
mod wmma;
