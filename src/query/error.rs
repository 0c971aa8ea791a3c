//! What can go wrong between a statement and its answer.

use std::{fmt, io, path::PathBuf};

use datafusion::error::DataFusionError;

use crate::{ParameterType, Warning, sql::Text};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The statement is wrong.
    #[error(transparent)]
    Sql(#[from] Box<SqlError>),
    /// The statement would change something.
    #[error(
        "'{keyword}' is not possible: the history is only read here; use SELECT, EXPLAIN, SHOW or DESCRIBE"
    )]
    ReadOnly {
        /// The statement's first word.
        keyword: String,
    },
    /// There is no statement, or there is more than one.
    #[error("expected one statement, found {found}; separate answers need separate statements")]
    StatementCount {
        /// How many there are.
        found: usize,
    },
    /// No query has this name.
    #[error("there is no query '{name}'; {}", suggestion(.near, .all))]
    UnknownQuery {
        /// As asked for.
        name: String,
        /// The names it may have been meant for.
        near: Vec<String>,
        /// Every name there is.
        all: Vec<String>,
    },
    /// A parameter that the statement does not have.
    #[error("{} has no parameter '{name}'{}", query_name(.query), declared(.parameters))]
    UnknownParameter {
        /// The named query, where it is one.
        query: Option<String>,
        /// As given.
        name: String,
        /// The parameters it has.
        parameters: Vec<String>,
    },
    /// A placeholder that has no value.
    #[error("{} needs parameter '{name}'{}", query_name(.query), described(.description))]
    MissingParameter {
        /// The named query, where it is one.
        query: Option<String>,
        /// The placeholder, without the `$`.
        name: String,
        /// What the query's header says of it; may be empty.
        description: String,
    },
    /// A placeholder that a named query does not declare.
    #[error(
        "query '{query}' uses ${name} and does not declare it; add a line '-- param {name}: TYPE = DEFAULT'"
    )]
    UndeclaredParameter {
        /// The named query.
        query: String,
        /// The placeholder, without the `$`.
        name: String,
    },
    /// A value that is not of the type the query declares.
    #[error("parameter '{name}' of query '{query}' is not {expected}: '{value}'")]
    ParameterType {
        /// The named query.
        query: String,
        /// The parameter.
        name: String,
        /// As given.
        value: String,
        /// As declared.
        expected: ParameterType,
    },
    /// A command-line argument that is not `NAME=VALUE`.
    #[error("'{argument}' is not a parameter; expected NAME=VALUE")]
    Argument {
        /// As given.
        argument: String,
    },
    /// A query file whose header cannot be read.
    #[error("{}:{line}: {message}", path.display())]
    QueryFile {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong and what is expected.
        message: String,
    },
    /// A folder or file that cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the history that cannot be read, where [`crate::SessionOptions::strict`] asks for an error.
    #[error("{}: {}", .0.path.display(), .0.reason)]
    File(Warning),
    /// The history or its repository cannot be read.
    #[error(transparent)]
    History(Box<dyn std::error::Error + Send + Sync>),
    /// The statement is right and yet could not be answered: a division by zero, a failed cast, too little memory.
    #[error("the query failed: {0}")]
    Execution(String),
    /// The answer could not be written. A reader that went away has kind [`io::ErrorKind::BrokenPipe`].
    #[error("cannot write the answer: {0}")]
    Output(#[source] io::Error),
    /// The answer has a value that the format cannot hold.
    #[error("cannot write the answer as {format}: {message}")]
    Format {
        /// The format's name.
        format: &'static str,
        /// Why.
        message: String,
    },
}

impl Error {
    /// An error met while the answer was computed: one of ours where one lies at the root, else the engine's.
    pub(crate) fn execution(error: DataFusionError) -> Self {
        match Self::ours(error) {
            Ok(ours) => ours,
            Err(error) => Error::Execution(error.find_root().message().trim_end_matches('.').to_owned()),
        }
    }

    /// An error met while `text` was planned: one of ours where one lies at the root, else a mistake in the text.
    pub(crate) fn planning(error: DataFusionError, text: Text<'_>, tables: &[String]) -> Self {
        match Self::ours(error) {
            Ok(ours) => ours,
            Err(error) => SqlError::of(&error, text, tables).into(),
        }
    }

    /// The error of ours that the engine carried, or the engine's own.
    fn ours(error: DataFusionError) -> Result<Self, DataFusionError> {
        match error {
            DataFusionError::External(source) => match source.downcast::<Error>() {
                Ok(ours) => Ok(*ours),
                Err(other) => Ok(Error::Execution(other.to_string())),
            },
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner)
                if matches!(inner.find_root(), DataFusionError::External(_)) =>
            {
                Self::ours(*inner)
            }
            // Where several readers share an error, or an array kernel carried it, only its text can be had.
            other => match other.find_root() {
                DataFusionError::External(source) => Ok(Error::Execution(source.to_string())),
                _ => Err(other),
            },
        }
    }
}

/// An error of ours on its way through the engine; [`Error::execution`] and [`Error::planning`] take it out again.
pub(crate) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// A statement that is wrong, with its text and the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// What is wrong.
    pub message: String,
    /// Line, from 1, where it is known.
    pub line: Option<usize>,
    /// Column in characters, from 1, where it is known.
    pub column: Option<usize>,
    /// A remedy; may be empty.
    pub help: String,
    /// Everything as text, with a caret under the place.
    pub(crate) rendered: String,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

impl std::error::Error for SqlError {}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Error::Sql(Box::new(error))
    }
}

/// `'a'`, `'a' or 'b'`, `'a', 'b' or 'c'`.
pub(crate) fn one_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => format!("'{only}'"),
        [head @ .., last] => {
            let head: Vec<_> = head.iter().map(|name| format!("'{name}'")).collect();
            format!("{} or '{last}'", head.join(", "))
        }
    }
}

fn suggestion(near: &[String], all: &[String]) -> String {
    if near.is_empty() {
        format!("the queries are {}", all.join(", "))
    } else {
        format!("did you mean {}?", one_of(near))
    }
}

fn query_name(query: &Option<String>) -> String {
    query.as_ref().map_or_else(|| "the statement".to_owned(), |name| format!("query '{name}'"))
}

fn declared(parameters: &[String]) -> String {
    if parameters.is_empty() {
        "; it has none".to_owned()
    } else {
        format!("; it has {}", parameters.join(", "))
    }
}

fn described(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(": {description}") }
}
