//! Where a report's rows come from: the one seam between templates and the query engine.

use std::{collections::BTreeMap, error::Error};

use serde_json::Value;

/// Values for the parameters of a query or a report, by name.
pub type Params = BTreeMap<String, String>;

/// What went wrong in a source; its text is the message the user reads.
pub type SourceError = Box<dyn Error + Send + Sync>;

/// Rows under named columns.
///
/// Every row has as many cells as there are columns. Lists are JSON arrays, times are RFC 3339 text and what is
/// missing is null.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The names of the columns, in the order of the query.
    pub columns: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<Value>>,
}

/// Answers the queries of a template.
pub trait Source: Send + Sync {
    /// Runs the named query. A parameter that is not given takes the query's default.
    fn named(&self, name: &str, params: &Params) -> Result<Table, SourceError>;

    /// Runs a query written in the template.
    fn sql(&self, text: &str, params: &Params) -> Result<Table, SourceError>;
}
