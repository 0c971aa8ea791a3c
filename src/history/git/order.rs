//! The order of commits: topology, never dates or arrival.
//!
//! The line that leads to HEAD stands in the order that following first parents first gives: a merged branch
//! comes right before its merge, so that merging moves nothing that was there. A branch that HEAD does not
//! contain comes right after the commit it forks from, and HEAD's own line goes on after it. A history
//! without a common ancestor comes first. A parent is always before its children.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;
use pipe_model::Commit;

use super::{GitError, Repository, commit, object_id};

/// Places commits in the order of their repository.
///
/// A commit without a place (the repository does not have it any more, or it is `unversioned` or `unknown`)
/// belongs before all that have one: it is part of the past that cannot be traced, and must not pass for the
/// latest. In SQL that is `NULLS FIRST`.
#[derive(Debug, Clone, Default)]
pub struct Order {
    commits: Vec<Commit>,
    places: HashMap<Commit, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    position: usize,
    on_head: bool,
}

impl Order {
    /// Position of a commit, from 0, parents before children.
    pub fn position(&self, of: &Commit) -> Option<usize> {
        self.places.get(of).map(|place| place.position)
    }

    /// Whether HEAD contains the commit: it is HEAD or one of its ancestors.
    pub fn on_head(&self, commit: &Commit) -> bool {
        self.places.get(commit).is_some_and(|place| place.on_head)
    }

    /// All placed commits, in order.
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }
}

impl Repository {
    /// Places every commit that HEAD or one of `tips` (the commits of a history, usually) leads back to.
    ///
    /// The same repository and tips give the same order, whatever the order of `tips`.
    pub fn order<'a>(&self, tips: impl IntoIterator<Item = &'a Commit>) -> Result<Order, GitError> {
        let mut tips: Vec<ObjectId> = tips.into_iter().filter_map(object_id).collect();
        tips.sort_unstable();
        let head = self.head_id()?;
        let graph = Graph::reachable(self, head.into_iter().chain(tips))?;
        let head_line = head.map_or_else(Vec::new, |head| graph.post_order([head]));
        let ordered = graph.weave(&head_line);

        let mut on_head = vec![false; graph.ids.len()];
        head_line.iter().for_each(|node| on_head[*node] = true);
        let commits: Vec<Commit> = ordered.iter().map(|node| commit(graph.ids[*node])).collect();
        let places = commits.iter().zip(&ordered).enumerate();
        let places = places
            .map(|(position, (commit, node))| (commit.clone(), Place { position, on_head: on_head[*node] }))
            .collect();
        Ok(Order { commits, places })
    }
}

/// Commits as numbers, with the numbers of their parents.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) ids: Vec<ObjectId>,
    parents: Vec<Vec<usize>>,
    numbers: HashMap<ObjectId, usize>,
}

impl Graph {
    /// Everything the tips lead back to. Commits the repository lacks (tips it never had, parents beyond the
    /// edge of a shallow clone) are left out.
    pub(super) fn reachable(
        repository: &Repository,
        tips: impl IntoIterator<Item = ObjectId>,
    ) -> Result<Self, GitError> {
        let unreadable = |error: gix::Error| repository.unreadable(&error);
        let cache = repository.git.commit_graph_if_enabled().map_err(unreadable)?;
        let mut objects = repository.git.revision_graph::<()>(cache.as_ref());
        let mut parents_of: Vec<(ObjectId, Vec<ObjectId>)> = Vec::new();
        let mut seen = HashSet::new();
        let mut pending: Vec<ObjectId> = tips.into_iter().collect();
        while let Some(id) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(commit) = objects.try_lookup(&id).map_err(unreadable)? else { continue };
            let parents = commit.iter_parents().collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
            pending.extend(&parents);
            parents_of.push((id, parents));
        }

        let numbers: HashMap<ObjectId, usize> =
            parents_of.iter().enumerate().map(|(number, (id, _))| (*id, number)).collect();
        let known =
            |parents: &Vec<ObjectId>| parents.iter().filter_map(|id| numbers.get(id).copied()).collect();
        let parents = parents_of.iter().map(|(_, parents)| known(parents)).collect();
        Ok(Self { ids: parents_of.into_iter().map(|(id, _)| id).collect(), parents, numbers })
    }

    /// The commits that `tips` lead back to, first parents first, each after its parents.
    pub(super) fn post_order(&self, tips: impl IntoIterator<Item = ObjectId>) -> Vec<usize> {
        let mut done = Vec::new();
        let mut entered = vec![false; self.ids.len()];
        for tip in tips.into_iter().filter_map(|tip| self.numbers.get(&tip).copied()) {
            // A node and how many of its parents have been looked at. On the heap: a line of commits is as
            // deep as it is long.
            let mut path = Vec::new();
            if !entered[tip] {
                entered[tip] = true;
                path.push((tip, 0));
            }
            while let Some((node, looked_at)) = path.last_mut() {
                match self.parents[*node].get(*looked_at) {
                    Some(&parent) => {
                        *looked_at += 1;
                        if !entered[parent] {
                            entered[parent] = true;
                            path.push((parent, 0));
                        }
                    }
                    None => {
                        done.push(*node);
                        path.pop();
                    }
                }
            }
        }
        done
    }

    /// All commits: those of `line` in its order, every other as soon as its last parent stands.
    fn weave(&self, line: &[usize]) -> Vec<usize> {
        let mut on_line = vec![false; self.ids.len()];
        line.iter().for_each(|node| on_line[*node] = true);
        // Numbered by id, so that the order of branches that fork from one commit is nobody's choice.
        let mut beside: Vec<usize> = (0..self.ids.len()).filter(|node| !on_line[*node]).collect();
        beside.sort_unstable_by_key(|node| std::cmp::Reverse(self.ids[*node]));

        let mut missing: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.ids.len()];
        for &node in &beside {
            self.parents[node].iter().for_each(|parent| children[*parent].push(node));
        }

        let mut ordered = Vec::with_capacity(self.ids.len());
        let roots = beside.iter().copied().filter(|node| self.parents[*node].is_empty());
        for start in roots.rev().chain(line.iter().copied()) {
            // Depth first, so that a branch stays in one piece.
            let mut ready = vec![start];
            while let Some(node) = ready.pop() {
                ordered.push(node);
                for &child in &children[node] {
                    missing[child] -= 1;
                    if missing[child] == 0 {
                        ready.push(child);
                    }
                }
            }
        }
        ordered
    }
}
