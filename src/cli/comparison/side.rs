//! What a side of a comparison may be: a file, a run, a baseline or a revision.

use std::path::Path;

use pipe_history::{Baselines, HistoryFile, Stamp, read_run};
use pipe_model::{Commit, RunId};
use pipe_query::{Params, Session, SessionOptions};

use crate::{commands::query_error, error::CommandError, place::Place};

/// One side: the results of a commit, or of one run.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) commit: Commit,
    /// Only this run; the newest of each case where it is `None`.
    pub(crate) run: Option<String>,
    /// Results of kernels that are not committed count, too.
    pub(crate) work_tree: bool,
    /// What the user called it, where that says more than the commit.
    pub(crate) name: Option<String>,
}

impl Side {
    /// All results of a commit.
    pub(crate) fn of(commit: Commit) -> Self {
        Self { commit, run: None, work_tree: false, name: None }
    }

    /// The commit, and what the user called it.
    pub(crate) fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({name})", self.commit.short()),
            None => self.commit.short().to_owned(),
        }
    }
}

/// Finds out what a side is, before the session that reads it is opened.
pub(crate) struct Resolver<'a> {
    place: &'a Place,
    baselines: Baselines,
    /// Files beside the history that a side named.
    files: Vec<HistoryFile>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(place: &'a Place, baselines: Baselines) -> Self {
        Self { place, baselines, files: Vec::new() }
    }

    /// What is checked out: the results at HEAD, those of uncommitted kernels too.
    pub(crate) fn work_tree(&self) -> Result<Side, CommandError> {
        Ok(Side { work_tree: true, ..Side::of(self.place.head()?) })
    }

    /// A file of a run, a run by id, a baseline by name, or a revision; the first of these that it is.
    pub(crate) fn side(&mut self, text: &str) -> Result<Side, CommandError> {
        let named = |commit, run| Side { run, name: Some(text.to_owned()), ..Side::of(commit) };
        let path = self.place.directory().join(text);
        if text.ends_with(".parquet") && path.is_file() {
            let file = history_file(&path)?;
            let side = named(file.commit.clone(), Some(file.run_id.to_string()));
            self.files.push(file);
            return Ok(side);
        }
        if let Ok(run) = text.parse::<RunId>() {
            return Ok(named(self.commit_of(run)?, Some(run.to_string())));
        }
        if let Some(baseline) = self.baselines.get(text).map_err(CommandError::failed)? {
            return Ok(named(baseline.commit, None));
        }
        let commit = self.revision(text)?;
        // The first digits of a hash say no more than the commit.
        let is_hash = commit.as_str().starts_with(text) || commit.as_str() == text;
        Ok(if is_hash { Side::of(commit) } else { named(commit, None) })
    }

    /// The session that reads both sides.
    pub(crate) fn session(self) -> Result<Session, CommandError> {
        let options = SessionOptions { files: self.files, ..self.place.session_options() };
        Session::open(&self.place.history(), options).map_err(query_error)
    }

    fn revision(&self, text: &str) -> Result<Commit, CommandError> {
        let known: Vec<String> = self
            .baselines
            .list()
            .map_err(CommandError::failed)?
            .into_iter()
            .map(|baseline| baseline.name)
            .collect();
        let hint = match pipe_model::near(text, known.iter().map(String::as_str)).as_slice() {
            [] => "name a revision, a run, a run's file or a baseline (`pipe baseline list`)".to_owned(),
            near => format!("did you mean the baseline {}?", near.join(" or ")),
        };
        let commit = self.ask("SELECT revision($text) AS answer", text);
        let commit = commit.map_err(|error| error.into_usage().with_hint(hint))?;
        commit.unwrap_or_default().parse().map_err(CommandError::failed)
    }

    /// The commit of a run: by the name of its file, or where it is archived with others by its rows.
    fn commit_of(&self, run: RunId) -> Result<Commit, CommandError> {
        let files = self.place.history().files().map_err(CommandError::failed)?;
        if let Some(file) = files.files.into_iter().find(|file| file.run_id == run) {
            return Ok(file.commit);
        }
        match self
            .ask("SELECT commit AS answer FROM measurements WHERE run_id = $text LIMIT 1", &run.to_string())?
        {
            Some(commit) => commit.parse().map_err(CommandError::failed),
            None => Err(CommandError::usage(format!("the history has no run {run}"))
                .with_hint("`pipe query \"select run_id, recorded_at from runs\"` lists the runs")),
        }
    }

    fn ask(&self, sql: &str, text: &str) -> Result<Option<String>, CommandError> {
        let session =
            Session::open(&self.place.history(), self.place.session_options()).map_err(query_error)?;
        let answer = session.sql(sql, &Params::new().with("text", text)).map_err(query_error)?;
        let row = answer.rows().map_err(query_error)?.into_iter().next();
        Ok(row.and_then(|row| row.get("answer")?.as_str().map(str::to_owned)))
    }
}

/// A run's file, wherever it is.
fn history_file(path: &Path) -> Result<HistoryFile, CommandError> {
    let run = read_run(path).map_err(CommandError::failed)?;
    let stamp = path.metadata().map(|metadata| Stamp::of(&metadata)).unwrap_or_default();
    Ok(HistoryFile {
        path: path.to_owned(),
        commit: run.commit,
        benchmark_type: run.benchmark_type,
        run_id: run.id,
        size: stamp.size,
        stamp,
        rows: None,
    })
}
