//! What was found, once a place, with a count.

use std::fmt;

use crate::trap::{Trap, TrapKind};

/// What kind of fault was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// What stopped the launch: an access out of bounds or misaligned, a divergent barrier …
    Trap(TrapKind),
    /// A read of global memory that nothing wrote.
    UninitialisedGlobal,
    /// A read of shared memory that nothing wrote.
    UninitialisedShared,
    /// A read of local memory that nothing wrote.
    UninitialisedLocal,
    /// A read of a register that nothing wrote.
    UninitialisedRegister,
    /// Threads of a block use the same shared memory in no order.
    SharedRace,
    /// Threads use the same global memory in no order.
    GlobalRace,
    /// An access of the heap that `malloc` gives from, outside of what it gave or after that was freed.
    OutsideAllocation,
    /// Memory that was never freed.
    Leak,
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FindingKind::Trap(kind) => return kind.fmt(f),
            FindingKind::UninitialisedGlobal => "uninitialised read of global memory",
            FindingKind::UninitialisedShared => "uninitialised read of shared memory",
            FindingKind::UninitialisedLocal => "uninitialised read of local memory",
            FindingKind::UninitialisedRegister => "uninitialised read of a register",
            FindingKind::SharedRace => "race in shared memory",
            FindingKind::GlobalRace => "race in global memory",
            FindingKind::OutsideAllocation => "access outside of what `malloc` gave",
            FindingKind::Leak => "leak",
        })
    }
}

/// A thread of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId {
    /// `%ctaid` of its block.
    pub block: [u32; 3],
    /// `%tid`.
    pub thread: [u32; 3],
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ThreadId { block: [bx, by, bz], thread: [tx, ty, tz] } = self;
        write!(f, "block ({bx},{by},{bz}), thread ({tx},{ty},{tz})")
    }
}

/// A fault, where it was found first, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The kernel; empty where no kernel is to blame.
    pub kernel: String,
    /// Line of the instruction in the PTX text, from 1; 0 where no kernel is to blame.
    pub line: u32,
    /// Whose access was found first.
    pub thread: Option<ThreadId>,
    /// In a race, the line and the thread of the use before.
    pub other: Option<(u32, ThreadId)>,
    /// Address, size, and what else there is to say.
    pub detail: String,
    /// Threads and times that the same was found, at the same line, with the same other line.
    pub count: u64,
}

impl Finding {
    /// Memory of `bytes` bytes at `address` that was never freed.
    pub fn leak(address: u64, bytes: u64) -> Self {
        Finding {
            kind: FindingKind::Leak,
            kernel: String::new(),
            line: 0,
            thread: None,
            other: None,
            detail: format!("{bytes} bytes allocated at {address:#x} were never freed"),
            count: 1,
        }
    }

    /// What stopped a launch.
    pub(crate) fn trap(trap: &Trap) -> Self {
        Finding {
            kind: FindingKind::Trap(trap.kind),
            kernel: trap.kernel.clone(),
            line: trap.line,
            thread: Some(ThreadId { block: trap.block, thread: trap.thread }),
            other: None,
            detail: trap.detail.clone(),
            count: 1,
        }
    }

    /// Whether another finding is the same fault.
    fn is_same(&self, other: &Finding) -> bool {
        let lines = |finding: &Finding| (finding.line, finding.other.map(|(line, _)| line));
        self.kind == other.kind
            && self.kernel == other.kernel
            && lines(self) == lines(other)
            && (self.line != 0 || self.detail == other.detail)
    }

    /// Adds a finding to a list, where the same fault stands once.
    pub fn merge_into(self, list: &mut Vec<Finding>) {
        match list.iter_mut().find(|known| known.is_same(&self)) {
            Some(known) => known.count += self.count,
            None => list.push(self),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.line != 0 {
            write!(f, " in kernel `{}`, line {}", self.kernel, self.line)?;
        }
        if let Some(thread) = &self.thread {
            write!(f, ", {thread}")?;
        }
        write!(f, ": {}", self.detail)?;
        if let Some((line, thread)) = &self.other {
            write!(f, " at line {line} by {thread}")?;
        }
        if self.count > 1 { write!(f, " ({} times)", self.count) } else { Ok(()) }
    }
}
