//! What a check compares with where nobody says: the merge base with the default branch.

use pipe_history::git::Repository;
use pipe_model::Commit;
use pipe_query::{Params, Session};

use crate::{commands::query_error, comparison::Side, config::Config, error::CommandError, place::Place};

/// Where the default branch is looked for, in this order: as the remote has it, then as it is here.
const DEFAULT_BRANCHES: [&str; 5] = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];

/// The merge base of `new` and the default branch. Where that is `new` itself, on the default branch that is, kernels that are
/// not committed are held against their commit, and a commit against its first parent.
pub(super) fn of(place: &Place, config: &Config, new: &Side) -> Result<Side, CommandError> {
    let repository = place.require_repository("pipe check without --baseline")?;
    let (branch, tip) = default_branch(repository, config)?;
    let named = |commit: Commit, what: &str| Side { name: Some(what.to_owned()), ..Side::of(commit) };
    let base = repository.merge_base(&new.commit, &tip).map_err(CommandError::failed)?;
    let Some(base) = base else {
        return Err(CommandError::usage(format!(
            "{} and {branch} have no commit in common",
            new.commit.short()
        ))
        .with_hint("name the base with --baseline, or fetch more of the history of a shallow clone"));
    };
    if base != new.commit {
        return Ok(named(base, &format!("merge base with {branch}")));
    }
    if new.work_tree && measured_dirty(place, &base)? {
        return Ok(named(base, "HEAD"));
    }
    let parents = repository.info(&base).map_err(CommandError::failed)?.map(|info| info.parents);
    match parents.and_then(|parents| parents.into_iter().next()) {
        Some(parent) => Ok(named(parent, "first parent")),
        None => Err(CommandError::usage(format!("{} is the first commit of {branch}", base.short()))
            .with_hint("name what to compare with: --baseline NAME|REV")),
    }
}

fn default_branch(repository: &Repository, config: &Config) -> Result<(String, Commit), CommandError> {
    let candidates = match &config.default_branch {
        Some(branch) => vec![format!("origin/{branch}"), branch.clone()],
        None => DEFAULT_BRANCHES.map(str::to_owned).into(),
    };
    for branch in &candidates {
        if let Ok(tip) = repository.resolve(branch) {
            return Ok((branch.clone(), tip));
        }
    }
    Err(CommandError::usage(format!("there is no default branch: none of {} is here", candidates.join(", ")))
        .with_hint("fetch it, set default_branch in pipe.toml, or name the base with --baseline"))
}

/// Whether the newest results of a commit are of kernels that are not committed.
fn measured_dirty(place: &Place, commit: &Commit) -> Result<bool, CommandError> {
    let session = Session::open(&place.history(), place.session_options()).map_err(query_error)?;
    let sql = "SELECT coalesce(bool_or(dirty), false) AS answer FROM measurements WHERE commit = $commit \
               AND run_id IN (SELECT max(run_id) FROM measurements WHERE commit = $commit GROUP BY type, device)";
    let answer = session.sql(sql, &Params::new().with("commit", commit.as_str())).map_err(query_error)?;
    let row = answer.rows().map_err(query_error)?.into_iter().next();
    Ok(row.and_then(|row| row.get("answer")?.as_bool()).unwrap_or_default())
}
