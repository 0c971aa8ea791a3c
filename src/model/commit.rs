//! What was measured: a commit of the measured repository, or the reason there is none.

use std::{fmt, str::FromStr};

use crate::NameError;

/// The commit a run belongs to; also the value of the `commit=` partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Commit {
    /// A git object id: 40 lower-case hexadecimal digits.
    Hash(String),
    /// Measured outside a git repository, or in one that has no commit yet.
    Unversioned,
    /// Imported results that do not say which commit they measured.
    Unknown,
}

impl Commit {
    /// The partition value: the 40 digits, `unversioned` or `unknown`.
    pub fn as_str(&self) -> &str {
        match self {
            Commit::Hash(hash) => hash,
            Commit::Unversioned => "unversioned",
            Commit::Unknown => "unknown",
        }
    }

    /// The first ten digits of a hash; the other values whole.
    pub fn short(&self) -> &str {
        match self {
            Commit::Hash(hash) => hash.get(..10).unwrap_or(hash),
            other => other.as_str(),
        }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Commit {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "unversioned" => Ok(Commit::Unversioned),
            "unknown" => Ok(Commit::Unknown),
            hash if hash.len() == 40 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
                Ok(Commit::Hash(hash.to_owned()))
            }
            _ => Err(NameError::new("commit", text, "40 hexadecimal digits, 'unversioned' or 'unknown'")),
        }
    }
}
