//! Where a command works: the repository being measured, its history, and the folders laid over the built-in ones.

use std::path::{Path, PathBuf};

use pipe_history::{Baselines, History, git::Repository};
use pipe_kernels::Library;
use pipe_model::Commit;
use pipe_query::SessionOptions;

use crate::{args::Global, config::Config, error::CommandError};

/// The repository around the working folder, or the folder itself where there is none.
pub(crate) struct Place {
    repository: Option<Repository>,
    directory: PathBuf,
    root: PathBuf,
    history: PathBuf,
}

impl Place {
    /// Finds the repository around `-C`, without opening the history.
    pub(crate) fn find(global: &Global) -> Result<Self, CommandError> {
        let directory = global.directory.canonicalize().map_err(|error| {
            CommandError::usage(format!("-C {}: {error}", global.directory.display()))
                .with_hint("name a folder that exists")
        })?;
        let repository = Repository::discover(&directory).map_err(CommandError::failed)?;
        let root = repository.as_ref().map_or(directory.as_path(), Repository::root).to_owned();
        let history = match &global.history {
            Some(history) => directory.join(history),
            None => root.join("history"),
        };
        Ok(Self { repository, directory, root, history })
    }

    pub(crate) fn repository(&self) -> Option<&Repository> {
        self.repository.as_ref()
    }

    /// The folder the command was started in, or that -C names.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The repository's root; the working folder outside of any.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// How the history is opened for questions.
    pub(crate) fn session_options(&self) -> SessionOptions {
        SessionOptions {
            repository: self.repository().map(|repository| repository.root().to_owned()),
            queries: self.overlay("queries"),
            ..SessionOptions::default()
        }
    }

    /// The baselines beside the history, or in the folder that `pipe.toml` names.
    pub(crate) fn baselines(&self, config: &Config) -> Baselines {
        match &config.baselines {
            Some(folder) => Baselines::at(self.root.join(folder)),
            None => Baselines::of_history(&self.history),
        }
    }

    pub(crate) fn history(&self) -> History {
        History::at(&self.history)
    }

    /// `folder` at the repository's root, where it is there.
    pub(crate) fn overlay(&self, folder: &str) -> Option<PathBuf> {
        Some(self.root.join(folder)).filter(|path| path.is_dir())
    }

    /// The commit checked out; `unversioned` outside a repository or before its first commit.
    pub(crate) fn head(&self) -> Result<Commit, CommandError> {
        let head = match &self.repository {
            Some(repository) => repository.head().map_err(CommandError::failed)?,
            None => None,
        };
        Ok(head.unwrap_or(Commit::Unversioned))
    }

    /// The repository, for what cannot be done without one.
    pub(crate) fn require_repository(&self, flag: &str) -> Result<&Repository, CommandError> {
        self.repository.as_ref().ok_or_else(|| {
            CommandError::usage(format!(
                "{flag} needs a git repository, and {} is in none",
                self.root.display()
            ))
            .with_hint("run inside the repository that holds the kernels, or name it with -C")
        })
    }

    /// The kernels of the work tree, over the built-in ones.
    pub(crate) fn work_tree_library(&self) -> Result<Library, CommandError> {
        let library = Library::built_in();
        match self.overlay("kernels-ptx") {
            Some(folder) => library.overlay_folder(&folder).map_err(CommandError::failed),
            None => Ok(library),
        }
    }

    /// The kernels of a commit, over the built-in ones; nothing is checked out.
    pub(crate) fn commit_library(&self, commit: &Commit) -> Result<Library, CommandError> {
        let library = Library::built_in();
        match (&self.repository, commit) {
            (Some(repository), Commit::Hash(_)) => {
                library.overlay_commit(repository.root(), commit).map_err(CommandError::failed)
            }
            _ => Ok(library),
        }
    }
}
