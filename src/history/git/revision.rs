//! Revisions: what a user writes to name commits.

use std::fmt;

use gix::bstr::BStr;
use pipe_model::Commit;

use super::{GitError, Repository, commit, object_id, order::Graph, reason};

/// "; did you mean …" for the names near one that was not found; nothing where there is none.
pub(super) struct Near<'a>(pub(super) &'a [String]);

impl fmt::Display for Near<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            write!(f, "{}'{name}'", if index == 0 { "; did you mean " } else { " or " })?;
        }
        if self.0.is_empty() { Ok(()) } else { f.write_str("?") }
    }
}

impl Repository {
    /// The commit a revision names: a branch, a tag, a hash or the beginning of one, `HEAD~2` and so on.
    pub fn resolve(&self, revision: &str) -> Result<Commit, GitError> {
        self.resolve_id(revision).map(commit)
    }

    /// The commits of `A..B` (in B and not in A), oldest first, in the sense of [`order`](Self::order); `A..`
    /// and `..B` take HEAD for the other end. A single revision is a range of one.
    pub fn range(&self, range: &str) -> Result<Vec<Commit>, GitError> {
        let (old, new) = match range.split_once("..") {
            None => return Ok(vec![self.resolve(range)?]),
            Some((_, new)) if new.starts_with('.') => {
                return Err(self.refuse(range, "three dots are not a range of commits, write A..B"));
            }
            Some(ends) => ends,
        };
        let end = |revision: &str| self.resolve_id(if revision.is_empty() { "HEAD" } else { revision });
        let (old, new) = (end(old)?, end(new)?);
        // The whole past of both ends: stopping earlier would have to trust the commits' dates, which lie.
        let graph = Graph::reachable(self, [old, new])?;
        let mut past = vec![false; graph.ids.len()];
        graph.post_order([old]).into_iter().for_each(|node| past[node] = true);
        let commits = graph.post_order([new]).into_iter().filter(|node| !past[*node]);
        Ok(commits.map(|node| commit(graph.ids[node])).collect())
    }

    /// The best common ancestor of two commits; `None` where they share none or the repository lacks one of
    /// them.
    pub fn merge_base(&self, one: &Commit, other: &Commit) -> Result<Option<Commit>, GitError> {
        let (Some(one), Some(other)) = (object_id(one), object_id(other)) else { return Ok(None) };
        if !self.git.has_object(one) || !self.git.has_object(other) {
            return Ok(None);
        }
        let base = self.git.merge_base(one, other).map_err(|error| self.unreadable(&error))?;
        Ok(base.map(|id| commit(id.detach())))
    }

    fn resolve_id(&self, revision: &str) -> Result<gix::ObjectId, GitError> {
        if revision.contains("..") {
            return Err(self.refuse(revision, "it is a range, and a single commit is wanted"));
        }
        let unknown = |error: gix::Error| GitError::Revision {
            revision: revision.to_owned(),
            path: self.root.clone(),
            reason: reason(&error),
            near: self.near(revision),
        };
        let id = self.git.rev_parse_single(BStr::new(revision)).map_err(unknown)?;
        let object = id.object().map_err(unknown)?;
        Ok(object.peel_to_commit().map_err(unknown)?.id)
    }

    fn refuse(&self, revision: &str, reason: &str) -> GitError {
        let (revision, reason) = (revision.to_owned(), reason.to_owned());
        GitError::Revision { revision, path: self.root.clone(), reason, near: Vec::new() }
    }

    /// Branches and tags with a name like `revision`, the most alike first.
    fn near(&self, revision: &str) -> Vec<String> {
        let Ok(references) = self.git.references() else { return Vec::new() };
        let Ok(all) = references.all() else { return Vec::new() };
        let names: Vec<String> =
            all.flatten().map(|reference| reference.name().shorten().to_string()).collect();
        pipe_model::near(revision, names.iter().map(String::as_str))
    }
}
