//! The history: plain Parquet files in hive partitions, and the git facts that put them in order.
//!
//! [`History`] writes runs and lists their files, [`read_run`] and [`check`] read them, [`schema`] is their
//! columns, and [`git`] answers what pipe asks of a repository.
#![forbid(unsafe_code)]

pub mod archive;
mod baselines;
mod files;
pub mod git;
mod read;
mod rows;
pub mod schema;
mod store;

pub use baselines::{Acceptance, AcceptedChange, Baseline, BaselineError, Baselines};
pub use files::{HistoryFile, ListError, Listing, Skipped, Stamp, StampError};
pub use read::{Incompatible, ReadError, adapt, check, compatible, read_batch, read_run};
pub use rows::{RowError, Stated};
pub use store::{History, WriteError};

/// The folder, beside the runs, of what is derived from them to read them fast. It may be removed at any time, and comes
/// back by itself. Readers of partitioned folders pass over what begins with an underscore.
pub const SUMMARY_FOLDER: &str = "_summary";
