//! What can go wrong between a report's name and its text, and where in the template it did.

use std::{error::Error, io, path::PathBuf};

use crate::source::SourceError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No report has this name.
    #[error("there is no report '{name}'; {}", suggestion(near, known))]
    Unknown {
        /// The name asked for.
        name: String,
        /// Known names close to it.
        near: Vec<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// The report declares no such parameter.
    #[error("the report '{report}' has no parameter '{name}'; {}", suggestion(near, known))]
    UnknownParameter {
        /// The report.
        report: String,
        /// The parameter asked for.
        name: String,
        /// Parameters close to it.
        near: Vec<String>,
        /// All parameters of the report.
        known: Vec<String>,
    },
    /// The folder of the user's own templates cannot be read.
    #[error(
        "cannot read the report templates at {path}: {source}; check that it is a folder of UTF-8 text that you may read"
    )]
    Folder {
        /// The folder or the file in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A template is broken: a syntax error, an unknown filter, an undefined value.
    #[error("{file}:{line}:{column}: {message}; {help}")]
    Template {
        /// The template's file, or its name and that it is built in.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: String,
    },
    /// A query that a template asked for failed.
    #[error("{file}:{line}:{column}: the query '{query}' failed: {source}")]
    Query {
        /// The template's file, or its name and that it is built in.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The named query, or the first line of the SQL text.
        query: String,
        /// What the query engine said.
        source: SourceError,
    },
}

fn suggestion(near: &[String], known: &[String]) -> String {
    match (near, known) {
        ([], []) => "it has none".to_owned(),
        ([], known) => format!("known: {}", known.join(", ")),
        (near, _) => format!("did you mean {}?", near.join(" or ")),
    }
}

/// The failure of a query on its way through the template engine.
#[derive(Debug, thiserror::Error)]
#[error("the query '{query}' failed")]
pub(crate) struct QueryFailure {
    pub(crate) query: String,
    // Shared, because the engine hands out its errors by reference only.
    pub(crate) source: std::sync::Arc<dyn Error + Send + Sync>,
}
