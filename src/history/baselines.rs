//! Baselines and accepted changes: small TOML files beside the runs.
//!
//! ```text
//! <history>/_baselines/NAME.toml            a name for a commit to compare with
//! <history>/_baselines/accepted/<id>.toml   changes that somebody accepted, and why
//! ```
//!
//! One file a thing, written whole and renamed into place, so that two folders merge by copying one over the other. Readers of
//! partitioned folders pass over what begins with an underscore.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pipe_model::{Commit, RunId};
use serde::{Deserialize, Serialize};

/// The folder's name within a history.
const FOLDER: &str = "_baselines";
/// The folder of accepted changes within it.
const ACCEPTED: &str = "accepted";

/// What goes wrong with a baseline's file.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// A name that cannot be a file's.
    #[error(
        "'{name}' cannot name a baseline; use letters, digits, '-', '_' and '.', a letter or digit first"
    )]
    Name {
        /// As given.
        name: String,
    },
    /// There is no baseline of that name.
    #[error("there is no baseline '{name}'{}", known(.all))]
    Unknown {
        /// As asked for.
        name: String,
        /// The names there are.
        all: Vec<String>,
    },
    /// The file cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// `read`, `write` or `remove`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is there and says something else.
    #[error("{}: {reason}; correct it or remove it", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        reason: String,
    },
}

fn known(all: &[String]) -> String {
    if all.is_empty() { "; there is none yet".to_owned() } else { format!("; there are {}", all.join(", ")) }
}

/// A name for a commit to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The name.
    pub name: String,
    /// The commit.
    pub commit: Commit,
    /// When it was set, RFC 3339.
    pub set_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineFile {
    commit: String,
    set_at: String,
}

/// Changes that somebody accepted, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Why the changes are right.
    pub reason: String,
    /// When, RFC 3339.
    pub accepted_at: String,
    /// The commit that the changes were measured against.
    pub base: String,
    /// The commit that has them.
    pub commit: String,
    /// The changes.
    #[serde(rename = "change")]
    pub changes: Vec<AcceptedChange>,
}

/// One accepted change of one metric of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedChange {
    /// Benchmark type.
    #[serde(rename = "type")]
    pub benchmark_type: String,
    /// Device by name.
    pub device: String,
    /// Implementation.
    pub implementation: String,
    /// All parameters of the case, as the history has them.
    pub config: String,
    /// Metric.
    pub metric: String,
    /// Median before, in the metric's unit.
    pub base: f64,
    /// Median after: accepted up to here.
    pub value: f64,
}

/// The baselines in one folder, which need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baselines {
    folder: PathBuf,
}

impl Baselines {
    /// Those beside the runs of the history in `root`.
    pub fn of_history(root: &Path) -> Self {
        Self { folder: root.join(FOLDER) }
    }

    /// Those in a folder of their own, in a repository for instance.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Every baseline, by name.
    ///
    /// # Errors
    /// Where the folder or one of its files cannot be read.
    pub fn list(&self) -> Result<Vec<Baseline>, BaselineError> {
        let baseline = |path: PathBuf| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let file: BaselineFile = read(&path)?;
            let commit = file.commit.parse::<Commit>();
            let commit =
                commit.map_err(|error| BaselineError::Content { path, reason: error.to_string() })?;
            Ok(Baseline { name, commit, set_at: file.set_at })
        };
        toml_files(&self.folder)?.into_iter().map(baseline).collect()
    }

    /// The baseline of a name; `None` where there is none.
    ///
    /// # Errors
    /// Where its file cannot be read.
    pub fn get(&self, name: &str) -> Result<Option<Baseline>, BaselineError> {
        Ok(self.list()?.into_iter().find(|baseline| baseline.name == name))
    }

    /// Sets a baseline, in the place of one of the same name.
    ///
    /// # Errors
    /// A name that cannot be a file's, or a folder that cannot be written.
    pub fn set(&self, baseline: &Baseline) -> Result<PathBuf, BaselineError> {
        let name = &baseline.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
            return Err(BaselineError::Name { name: name.clone() });
        }
        let file = BaselineFile { commit: baseline.commit.to_string(), set_at: baseline.set_at.clone() };
        let path = self.folder.join(format!("{name}.toml"));
        write(&path, &file)?;
        Ok(path)
    }

    /// Removes a baseline.
    ///
    /// # Errors
    /// [`BaselineError::Unknown`], or a file that cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), BaselineError> {
        let all: Vec<String> = self.list()?.into_iter().map(|baseline| baseline.name).collect();
        if !all.iter().any(|other| other == name) {
            return Err(BaselineError::Unknown { name: name.to_owned(), all });
        }
        let path = self.folder.join(format!("{name}.toml"));
        fs::remove_file(&path).map_err(|source| BaselineError::Io { doing: "remove", path, source })
    }

    /// Records accepted changes in a file of their own.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn accept(&self, acceptance: &Acceptance) -> Result<PathBuf, BaselineError> {
        let path = self.folder.join(ACCEPTED).join(format!("{}.toml", RunId::new()));
        write(&path, acceptance)?;
        Ok(path)
    }

    /// Everything that was accepted, the earliest first.
    ///
    /// # Errors
    /// Where the folder or one of its files cannot be read.
    pub fn accepted(&self) -> Result<Vec<Acceptance>, BaselineError> {
        toml_files(&self.folder.join(ACCEPTED))?.iter().map(|path| read(path)).collect()
    }
}

/// The TOML files of a folder, by name; none where it is not there.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, BaselineError> {
    let failed = |source| BaselineError::Io { doing: "read", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, BaselineError> {
    let text = fs::read_to_string(path).map_err(|source| BaselineError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| BaselineError::Content {
        path: path.to_owned(),
        reason: error.to_string().trim_end().to_owned(),
    })
}

/// Writes a file whole or not at all.
fn write(path: &Path, content: &impl Serialize) -> Result<(), BaselineError> {
    let failed = |source| BaselineError::Io { doing: "write", path: path.to_owned(), source };
    let text = toml::to_string(content)
        .map_err(|error| BaselineError::Content { path: path.to_owned(), reason: error.to_string() })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = crate::files::temporary().tempfile_in(folder).map_err(failed)?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(name: &str) -> Baseline {
        Baseline {
            name: name.to_owned(),
            commit: Commit::Unversioned,
            set_at: "2026-11-24T12:00:00Z".to_owned(),
        }
    }

    #[test]
    fn what_is_set_is_listed_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let baselines = Baselines::of_history(folder.path());
        assert_eq!(baselines.list().unwrap(), []);
        for name in ["v1.0", "release"] {
            baselines.set(&baseline(name)).unwrap();
        }
        assert_eq!(baselines.get("v1.0").unwrap(), Some(baseline("v1.0")));
        let names = |baselines: &Baselines| -> Vec<String> {
            baselines.list().unwrap().into_iter().map(|baseline| baseline.name).collect()
        };
        assert_eq!(names(&baselines), ["release", "v1.0"]);
        baselines.remove("release").unwrap();
        assert_eq!(names(&baselines), ["v1.0"]);
        let error = baselines.remove("relaese").unwrap_err().to_string();
        assert_eq!(error, "there is no baseline 'relaese'; there are v1.0");
    }

    #[test]
    fn odd_names_and_odd_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let baselines = Baselines::at(folder.path());
        for name in ["", "../x", ".hidden", "a b", "-x"] {
            assert!(baselines.set(&baseline(name)).is_err(), "{name:?} must be refused");
        }
        fs::write(folder.path().join("broken.toml"), "commit = 1").unwrap();
        let error = baselines.list().unwrap_err().to_string();
        assert!(error.contains("broken.toml") && error.contains("line 1"), "{error}");
    }

    #[test]
    fn folders_merge_by_copying() {
        let folder = tempfile::tempdir().unwrap();
        let baselines = Baselines::at(folder.path());
        let acceptance = |reason: &str| Acceptance {
            reason: reason.to_owned(),
            accepted_at: "2026-11-24T12:00:00Z".to_owned(),
            base: "unknown".to_owned(),
            commit: "unversioned".to_owned(),
            changes: vec![AcceptedChange {
                benchmark_type: "tiny".to_owned(),
                device: "embedded".to_owned(),
                implementation: "attention".to_owned(),
                config: "seq_len=64".to_owned(),
                metric: "instructions".to_owned(),
                base: 1.0,
                value: 2.5,
            }],
        };
        let paths = [acceptance("one"), acceptance("two \"quoted\"\nlines")]
            .map(|acceptance| baselines.accept(&acceptance).unwrap());
        assert_ne!(paths[0], paths[1]);
        assert_eq!(baselines.accepted().unwrap(), [acceptance("one"), acceptance("two \"quoted\"\nlines")]);
    }
}
