//! The nouns of pipe: commits, benchmark types, cases, metrics, measurements and runs.
//!
//! Plain values that every other crate speaks in. Nothing here does I/O, reads the clock or draws random numbers
//! (except [`RunId::new`], which is a UUIDv7).
#![forbid(unsafe_code)]

mod case;
mod commit;
mod metric;
mod names;
mod near;
mod run;

pub use case::{Case, Dtype};
pub use commit::Commit;
pub use metric::{Basis, Direction, Metric, Unit};
pub use names::{BenchmarkType, DeviceKind, NameError, Status, Verdict};
pub use near::near;
pub use run::{Device, Measurement, Run, RunId};
