//! Why a file is not imported, and what of a file is not.

use std::{fmt, io, path::PathBuf};

/// Why nothing of a file is imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It has no byte, or nothing but white space.
    #[error("{} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is beyond a limit that keeps a hostile file from taking all memory.
    #[error("{} has {what}; the limit is {limit}, so split it", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// What there is too much of.
        what: String,
        /// The most that is read.
        limit: usize,
    },
    /// It is neither UTF-8 nor UTF-16 with a byte order mark.
    #[error("{} is not text: {reason}; save it as UTF-8", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Where it stops being text.
        reason: String,
    },
    /// It is not well-formed.
    #[error("{} is not valid {what}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// `JSON`, `CSV`, `Parquet`.
        what: &'static str,
        /// What the parser says, with the line where it knows it.
        reason: String,
    },
    /// It is well-formed and nothing that is known.
    #[error("{} has an unknown shape: {found}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// It is of a known format and lacks what every file of it has.
    #[error("{} is not {format} as it should be: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What is missing or wrong, and where.
        reason: String,
    },
    /// It belongs to another file, with which it is read.
    #[error("{} {reason}", path.display())]
    Companion {
        /// The file.
        path: PathBuf,
        /// What it belongs to.
        reason: &'static str,
    },
}

impl ImportError {
    /// Whether the file is only left out because another one speaks for it.
    pub fn is_companion(&self) -> bool {
        matches!(self, ImportError::Companion { .. })
    }
}

/// A value of a file that is not in the history, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Where it is in the file: `results.DilatedAttention.0.mean_time_ms`, `line 7`.
    pub place: String,
    /// Why it is left out.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}
