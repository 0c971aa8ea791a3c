//! Paths that wait: for lanes of their warp or at barriers of their block, and how they go on.

use super::{Join, JoinId, Path, Warp};
use crate::cfg::BlockId;

/// What a path waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Other lanes of the warp, at a block that only all of them can execute.
    Lanes,
    /// A barrier of the block, by its number. The path goes on behind it.
    Barrier(u32),
}

/// A path that cannot run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    path: Path,
    pub(crate) reason: Reason,
}

impl Waiting {
    /// The block it waits at.
    pub(crate) fn at(&self) -> BlockId {
        self.path.at
    }

    pub(crate) fn lanes(&self) -> u32 {
        self.path.lanes
    }
}

impl Warp {
    /// The active lanes wait; another path goes on.
    pub(crate) fn wait(&mut self, reason: Reason) {
        self.waiting.push(Waiting { path: self.path(), reason });
        self.next_path();
    }

    /// Lets another path run before this one goes on; `false` if there is none.
    pub(crate) fn rotate(&mut self) -> bool {
        if self.ready.is_empty() {
            return false;
        }
        self.ready.insert(0, self.path());
        self.next_path();
        true
    }

    /// Paths that can run besides the running one.
    pub(crate) fn others(&self) -> usize {
        self.ready.len()
    }

    /// Lanes in a path that waits for lanes, and where, for those that `fits` accepts.
    pub(crate) fn lanes_waiting(&self, fits: impl Fn(BlockId) -> bool) -> u32 {
        let waiting =
            self.waiting.iter().filter(|waiting| waiting.reason == Reason::Lanes && fits(waiting.at()));
        waiting.fold(0, |lanes, waiting| lanes | waiting.lanes())
    }

    /// Makes a waiting path the running one; none must be running.
    pub(crate) fn wake(&mut self, index: usize) {
        let waiting = self.waiting.remove(index);
        self.run(waiting.path);
    }

    /// Lets those that wait for lanes at a block wait for a barrier there.
    pub(crate) fn hold(&mut self, at: BlockId, barrier: u32) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.at() == at) {
            waiting.reason = Reason::Barrier(barrier);
        }
    }

    /// Whether it can only go on when a barrier opens.
    pub(crate) fn waits_at_barriers(&self) -> bool {
        self.active == 0
            && !self.waiting.is_empty()
            && self.waiting.iter().all(|waiting| matches!(waiting.reason, Reason::Barrier(_)))
    }

    /// Lets the waiting lanes of `lanes` go on where `to` says for the block they wait at: another block, or for another
    /// reason. Paths of one join at one place become one.
    pub(crate) fn let_go(&mut self, lanes: u32, mut to: impl FnMut(&Waiting) -> Option<BlockId>) {
        if let [waiting] = self.waiting[..]
            && waiting.path.lanes == lanes
            && let Some(at) = to(&waiting)
        {
            // As is usual: the warp has waited as a whole.
            self.waiting.clear();
            self.admit(Path { at, ..waiting.path });
            if self.active == 0 {
                self.next_path();
            }
            self.loosened &= self.active != self.alive;
            return;
        }
        let mut going: Vec<Path> = Vec::new();
        self.waiting.retain_mut(|waiting| {
            let leaving = waiting.path.lanes & lanes;
            let Some(at) = (if leaving == 0 { None } else { to(waiting) }) else { return true };
            waiting.path.lanes &= !leaving;
            let path = Path { at, lanes: leaving, ..waiting.path };
            match going
                .iter_mut()
                .find(|other| (other.at, other.join, other.call) == (at, path.join, path.call))
            {
                Some(other) => other.lanes |= leaving,
                None => going.push(path),
            }
            waiting.path.lanes != 0
        });
        for path in going.into_iter().rev() {
            self.admit(path);
        }
        if self.active == 0 {
            self.next_path();
        }
        self.loosened &= self.active != self.alive;
    }

    /// Lets lanes go that wait where paths meet: some of `wanted` if there are any, else those that the paths which
    /// can run would meet next. Gives whether there were any.
    pub(crate) fn release(&mut self, wanted: u32) -> bool {
        let waits_here = |join: &Join| join.arrived & self.alive & wanted != 0;
        let found = self.joins.iter().position(waits_here).map(|id| id as JoinId);
        let paths = [self.path()];
        let running = paths.iter().filter(|path| path.lanes != 0).chain(&self.ready);
        let met = || {
            running.chain(self.waiting.iter().map(|waiting| &waiting.path)).find_map(|path| {
                let mut id = path.join;
                while let Some(join) = self.joins.get(id as usize) {
                    if join.arrived & self.alive != 0 {
                        return Some(id);
                    }
                    id = join.parent;
                }
                None
            })
        };
        let Some(mut id) = found.or_else(met) else { return false };
        while let Some(join) = self.joins.get_mut(id as usize) {
            let lanes = join.arrived & self.alive;
            join.expected &= !lanes;
            join.arrived = 0;
            let (parent, call, resume) = (join.parent, join.call, join.resume);
            match self.joins.get_mut(parent as usize) {
                // The next place to meet is the same one.
                Some(outer) if outer.meet == resume => {
                    outer.arrived |= lanes;
                    id = parent;
                }
                _ => {
                    let path = Path { at: resume, lanes, join: parent, call };
                    // What can run already goes on after it: it is what waits.
                    self.ready.push(path);
                    break;
                }
            }
        }
        self.loosened = true;
        if self.active == 0 {
            self.next_path();
        } else {
            self.rotate();
        }
        true
    }
}
