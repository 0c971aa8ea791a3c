//! Kernels from text to results.

mod arithmetic;
mod control;
mod counting;
mod device;
mod loading;
mod memory;
mod property;
mod traps;
mod warp;
