//! Measures kernels: which cases, whether the results are right, how long they take and what they do.
//!
//! A [`Schedule`] says what will be measured: every implementation of a benchmark type on every case. A
//! [`Runner`] takes it through one [`Device`], always through `cust`: each job's plan is allocated, run once
//! and held against the [`op`]'s f64 reference, and only what is right is timed. On a GPU events time cold
//! runs of the plan; on the embedded device everything that a kernel does is counted besides, and a
//! [`Roofline`] bounds its time on a named GPU from those counts. Every job ends in rows, a failed one in a row that says why.
//!
//! Nothing here prints, reads the environment or writes a file.
#![deny(unsafe_code)]

mod allocation;
mod device;
mod failure;
mod hot_loop;
mod modelled;
mod observer;
pub mod op;
mod profile;
mod ptxas;
pub mod roofline;
mod runner;
mod sampling;
mod schedule;
mod small;

pub use allocation::{Strategy, UnknownStrategy};
pub use device::{Device, DeviceError};
pub use failure::Failure;
pub use hot_loop::HotLoop;
pub use modelled::{BoundLaunch, Roofline};
pub use observer::Observer;
pub use profile::{KernelProfile, Profile};
pub use ptxas::{Assembled, Ptxas, PtxasError};
pub use runner::{Outcome, PairedOutcome, Runner, TimeSpent};
pub use sampling::{CONFIDENCE, Sampling};
pub use schedule::{Job, Request, Schedule};
pub use small::small_cases;
