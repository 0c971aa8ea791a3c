//! Calls: lanes that run a function, and meet where it returns to.

use super::{Join, Path, Warp};
use crate::{
    cfg::{BlockId, NO_BLOCK},
    registers::Registers,
};

/// A running function: what its call leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Activation {
    /// Where its frame begins in the threads' local memory.
    pub(crate) frame: u32,
    /// Bytes of stack that it and its callers take, saved registers included.
    pub(crate) stack: u32,
    /// The function, by its index in the kernel.
    pub(crate) function: u32,
    /// The function's own registers before the call, where it may have been running already.
    pub(crate) saved: Registers,
}

impl Warp {
    /// The function that the active lanes run, unless it is the kernel.
    pub(crate) fn activation(&self) -> Option<&Activation> {
        self.joins.get(self.call as usize).map(|join| &join.activation)
    }

    /// Lets groups of the active lanes call functions, each at its first block; all go on together at `resume`.
    pub(crate) fn call(&mut self, calls: Vec<(u32, BlockId, Activation)>, resume: BlockId) {
        let calling = calls.iter().fold(0, |lanes, (group, ..)| lanes | group);
        if calls.len() != 1 || calling != self.active {
            self.meet_at(resume);
            self.arrive(self.active & !calling);
        }
        for (lanes, at, activation) in calls.into_iter().rev() {
            let id = self.new_join(Join {
                meet: NO_BLOCK,
                resume,
                parent: self.join,
                call: self.call,
                expected: lanes,
                arrived: 0,
                activation,
            });
            self.ready.push(Path { at, lanes, join: id, call: id });
        }
        self.settle();
    }

    /// Lets lanes return from the function they are in; the others of the path go on.
    pub(crate) fn ret(&mut self, lanes: u32) {
        // They will not come to the joins inside the function any more.
        let mut id = self.join;
        while id != self.call
            && let Some(join) = self.joins.get_mut(id as usize)
        {
            join.expected &= !lanes;
            id = join.parent;
        }
        if let Some(join) = self.joins.get_mut(self.call as usize) {
            join.arrived |= lanes;
        }
        self.active &= !lanes;
        if self.active == 0 {
            self.settle();
        }
    }
}
