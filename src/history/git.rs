//! What pipe asks of a git repository: where it is, what a revision names, what a commit says, and how
//! commits follow one another.
//!
//! Facts only, read through gix; nothing here runs git, writes, or looks at the work tree. User and system
//! configuration and the environment are left alone, so that the facts depend on the repository and nothing
//! else. A repository that belongs to somebody else is read like any other (a container's root reading a
//! mounted checkout is the usual case): git refuses those because their configuration can start programs, and
//! none is started here.

mod order;
mod revision;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use gix::{ObjectId, discover::upwards, sec::trust::Mapping};
use pipe_model::Commit;

pub use order::Order;

/// Memory for the objects of a walk, which looks at neighbours again and again.
const OBJECT_CACHE_BYTES: usize = 8 * 1024 * 1024;

/// What a repository cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is a repository, and it cannot be read.
    #[error("cannot read the git repository at {}: {reason}", path.display())]
    Repository {
        /// Its root, or where it was looked for.
        path: PathBuf,
        /// What gix says.
        reason: String,
    },
    /// A revision names no commit.
    #[error("revision '{revision}' names no commit of {}: {reason}{}", path.display(), revision::Near(near))]
    Revision {
        /// As given.
        revision: String,
        /// The repository's root.
        path: PathBuf,
        /// What gix says.
        reason: String,
        /// Branches and tags with a name like it.
        near: Vec<String>,
    },
}

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// First line of its message.
    pub subject: String,
    /// Name of its author.
    pub author: String,
    /// When it was committed (not when it was first written, which a rebase keeps).
    pub time: jiff::Timestamp,
    /// Its parents, the first being the line it continues; none for a root.
    pub parents: Vec<Commit>,
}

/// A git repository.
pub struct Repository {
    git: gix::Repository,
    root: PathBuf,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Repository {
    /// The repository that `folder` is in: a work tree, a folder of one, or a bare repository. `None` outside
    /// of any.
    pub fn discover(folder: &Path) -> Result<Option<Self>, GitError> {
        let unreadable =
            |error: gix::Error| GitError::Repository { path: folder.to_owned(), reason: reason(&error) };
        let options = || gix::open::Options::isolated().strict_config(false);
        let trust = Mapping { full: options(), reduced: options() };
        let found = gix::ThreadSafeRepository::discover_opts(folder, upwards::Options::default(), trust);
        let mut git = match found {
            Ok(repository) => repository.to_thread_local(),
            Err(error) if is_no_repository(&error) => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        git.object_cache_size_if_unset(OBJECT_CACHE_BYTES);
        let root = git.workdir().unwrap_or_else(|| git.path());
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        Ok(Some(Self { git, root }))
    }

    /// The top folder of the work tree; of a bare repository the repository's own folder. Absolute, links
    /// resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit checked out; `None` in a repository that has no commit yet.
    pub fn head(&self) -> Result<Option<Commit>, GitError> {
        Ok(self.head_id()?.map(commit))
    }

    /// What a commit says of itself; `None` where the repository does not have it (any more): rebased away
    /// and collected, beyond the edge of a shallow clone, of another repository, or no hash at all.
    pub fn info(&self, of: &Commit) -> Result<Option<CommitInfo>, GitError> {
        let Some(id) = object_id(of) else { return Ok(None) };
        let Some(object) = self.git.try_find_object(id).map_err(|error| self.unreadable(&error))? else {
            return Ok(None);
        };
        let Ok(object) = object.try_into_commit() else { return Ok(None) };
        let decoded = object.decode().map_err(|error| self.unreadable(&error))?;
        let author = decoded.author().map_err(|error| self.unreadable(&error))?;
        let seconds = decoded.time().map_err(|error| self.unreadable(&error))?.seconds;
        Ok(Some(CommitInfo {
            subject: decoded.message().summary().to_string(),
            author: author.name.to_string(),
            // A date outside of jiff's years −9999 to 9999 is nonsense that no order depends on.
            time: jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            parents: decoded.parents().map(commit).collect(),
        }))
    }

    fn head_id(&self) -> Result<Option<ObjectId>, GitError> {
        let head = self.git.head().map_err(|error| self.unreadable(&error))?;
        let id = head.try_into_peeled_id().map_err(|error| self.unreadable(&error))?;
        Ok(id.map(gix::Id::detach))
    }

    fn unreadable(&self, error: &gix::Error) -> GitError {
        GitError::Repository { path: self.root.clone(), reason: reason(error) }
    }
}

fn commit(id: ObjectId) -> Commit {
    Commit::Hash(id.to_string())
}

fn object_id(commit: &Commit) -> Option<ObjectId> {
    match commit {
        Commit::Hash(hash) => ObjectId::from_hex(hash.as_bytes()).ok(),
        Commit::Unversioned | Commit::Unknown => None,
    }
}

fn is_no_repository(error: &gix::Error) -> bool {
    error.iter_errors().any(|error| {
        matches!(
            error.downcast_ref(),
            Some(
                upwards::Error::NoGitRepository { .. }
                    | upwards::Error::NoGitRepositoryWithinCeiling { .. }
                    | upwards::Error::NoGitRepositoryWithinFs { .. }
            )
        )
    })
}

/// What is at the bottom of an error, as the end of a sentence.
fn reason(error: &gix::Error) -> String {
    // The classes that gix puts beneath some errors ("NotFound") say nothing to a reader.
    let causes = error.iter_errors().filter(|cause| !cause.is::<gix::error::ClassificationMarker>());
    let text = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
    let mut rest = text.chars();
    match (rest.next(), rest.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(rest).collect(),
        _ => text,
    }
}
