//! What can be wrong with a library, one of its files, a lookup or a plan.

use std::{fmt, path::PathBuf};

use pipe_model::NameError;

/// Something wrong in a file of `kernels-ptx`, with its place where one is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file as a user knows it: a path, or a path and a commit.
    pub file: String,
    /// Line and column, both counted from 1.
    pub position: Option<(u32, u32)>,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl FileError {
    /// An error about a file as a whole.
    pub(crate) fn whole(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), position: None, message: message.into() }
    }

    /// An error at byte `offset` of `text`, the file's content.
    pub(crate) fn at(file: impl Into<String>, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let position = u32::try_from(line).ok().zip(u32::try_from(column).ok());
        Self { file: file.into(), position, message: message.into() }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for FileError {}

/// An implementation, a benchmark type or a GPU that cannot be used. Everything else of the library still can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Of the implementation, the type or the GPU.
    pub name: String,
    /// Everything that was found, at least one.
    pub errors: Vec<FileError>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Broken {}

/// A layer of the library cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The folder is there and cannot be listed.
    #[error("cannot read the kernels folder {}: {source}; make it readable or move it away", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The commit is not one of a repository: `unversioned` or `unknown`.
    #[error("no kernels can be read from commit '{commit}'; give a commit of the repository")]
    NotACommit {
        /// As given.
        commit: String,
    },
    /// The object database does not give what the commit names.
    #[error("cannot read the kernels of commit {commit} in {}: {message}", repository.display())]
    Git {
        /// Where the repository is.
        repository: PathBuf,
        /// Its hash.
        commit: String,
        /// What gix says.
        message: String,
    },
}

/// A name that the library does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No folder or file of that name.
    #[error("unknown {what} '{name}'; {}", hint(near, known))]
    Unknown {
        /// `implementation`, `benchmark type` or `GPU`.
        what: &'static str,
        /// As asked for.
        name: String,
        /// Names that look like it, the nearest first.
        near: Vec<String>,
        /// All there are.
        known: Vec<String>,
    },
    /// It is there, but broken.
    #[error(transparent)]
    Broken(#[from] Broken),
}

fn hint(near: &[String], known: &[String]) -> String {
    match (near, known) {
        ([], []) => "there are none".to_owned(),
        ([], known) => format!("there are {}", known.join(", ")),
        (near, _) => format!("did you mean '{}'?", near.join("' or '")),
    }
}

/// Why a case has no launch plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The implementation cannot do the case; the reason is for the user. Becomes a `skipped` row.
    #[error("{0}")]
    Unsupported(String),
    /// The case says too little, or something that makes no sense.
    #[error("{parameter}: {message}")]
    Case {
        /// The dimension or parameter.
        parameter: String,
        /// What is wrong with it.
        message: String,
    },
    /// An expression of the manifest has no usable value for the case.
    #[error("{error} (implementation {implementation}, {config})")]
    Expression {
        /// Whose manifest.
        implementation: String,
        /// The case, as [`pipe_model::Case::config`] writes it.
        config: String,
        /// Where and why.
        error: FileError,
    },
}

impl PlanError {
    pub(crate) fn case(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Case { parameter: parameter.into(), message: message.into() }
    }
}

impl From<NameError> for PlanError {
    fn from(error: NameError) -> Self {
        Self::case("case", error.to_string())
    }
}
