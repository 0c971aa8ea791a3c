//! Files of the history that a statement could not read.

use std::{
    fmt,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// A file that was skipped, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, in a few words.
    pub reason: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; its rows are missing from the answer", self.path.display(), self.reason)
    }
}

impl std::error::Error for Warning {}

/// The warnings of a session, each file once, in the order met.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<Warning>>);

impl Warnings {
    pub(crate) fn add(&self, warning: Warning) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|known| known.path == warning.path) {
            all.push(warning);
        }
    }

    pub(crate) fn all(&self) -> Vec<Warning> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
