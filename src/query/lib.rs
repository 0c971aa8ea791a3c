//! SQL over the history: a DataFusion session with its tables, functions, named queries and output formats.
//!
//! ```text
//! Session::open(&history, options)          nothing is read yet
//!   .sql("SELECT …", &params)               one statement, `$name` bound to a typed value
//!   .named("rankings", &params)             a query of `queries/`, or of the folder laid over it
//!     -> Answer                             a stream of Arrow batches
//!          .rows()                          as JSON objects, for templates
//!     write(answer, Format::Table, …)       table, csv, json, ndjson, parquet or markdown
//! ```
//!
//! The API is synchronous; DataFusion's runtime is started by the first statement and stays inside. Every statement
//! sees the files that are in the history when it is planned, so a run that just landed is there at once. A file that
//! cannot be read is skipped and named in [`Session::warnings`], or is an error where [`SessionOptions::strict`] is set.
#![forbid(unsafe_code)]

mod answer;
mod catalog;
mod error;
mod facts;
mod functions;
mod named;
mod output;
mod params;
mod points;
mod session;
mod sql;
mod summary;
mod tables;
mod warnings;

pub use answer::Answer;
pub use error::{Error, SqlError};
pub use functions::FunctionDescription;
pub use named::{NamedQuery, Parameter, ParameterType};
pub use output::{Format, Layout, write};
pub use params::{Params, Value};
pub use session::{Held, Session, SessionOptions};
pub use tables::{ColumnDescription, TableDescription};
pub use warnings::Warning;
