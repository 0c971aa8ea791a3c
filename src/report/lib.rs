//! Reports: markdown rendered from templates whose data comes from named queries.
//!
//! A report is a template `reports/<name>.md.j2`, carried inside the binary or found in a folder laid over it. It asks
//! for rows with `query(name, …)`, `queries(name…, …)` and `sql(text, …)` and words them with the filters of the private
//! `filters` module (listed there). Nothing in a report is computed outside a query that a user can read and run.
//!
//! The same history, parameters and templates give the same text: nothing here reads the clock. A report that says
//! when it was written takes the time as its parameter `now`.
#![forbid(unsafe_code)]

pub mod cases;
mod chart;
mod error;
mod filters;
pub mod format;
mod functions;
mod reports;
mod row;
mod session;
mod source;
pub mod sparkline;
mod templates;

pub use chart::Chart;
pub use error::ReportError;
pub use reports::{Parameter, ReportInfo, Reports};
pub use source::{Params, Source, SourceError, Table};
