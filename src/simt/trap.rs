//! How a launch fails: a trap is the kernel's doing and a value to report; a fault is the interpreter's own failure.

use std::fmt;

use thiserror::Error;

/// What a kernel did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TrapKind {
    /// An access outside every live allocation, or outside the block's shared or the thread's local memory.
    OutOfBounds,
    /// An access to memory that was freed.
    UseAfterFree,
    /// An address that is not a multiple of the access's size.
    Misaligned,
    /// A `trap` or `brkpt` instruction.
    Trap,
    /// More instructions than the budget: most likely an infinite loop.
    Timeout,
    /// Threads wait for something that cannot happen any more.
    Deadlock,
    /// A barrier that only part of a warp's threads reached.
    DivergentBarrier,
    /// An `mbarrier` that is not initialised, or that counts too far.
    InvalidBarrier,
    /// A warp operation whose member mask does not fit the threads that execute it.
    InvalidMembers,
    /// Calls nested deeper than a thread's stack allows.
    StackOverflow,
    /// A call of something that is no function, or a branch to no label of its list.
    InvalidTarget,
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrapKind::OutOfBounds => "access out of bounds",
            TrapKind::UseAfterFree => "use after free",
            TrapKind::Misaligned => "misaligned access",
            TrapKind::Trap => "trap instruction",
            TrapKind::Timeout => "instruction budget exhausted",
            TrapKind::Deadlock => "deadlock",
            TrapKind::DivergentBarrier => "barrier in divergent code",
            TrapKind::InvalidBarrier => "invalid mbarrier",
            TrapKind::InvalidMembers => "wrong member mask",
            TrapKind::StackOverflow => "stack overflow",
            TrapKind::InvalidTarget => "invalid target",
        })
    }
}

/// A kernel's own fault, and where it happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{kind} in kernel `{kernel}`, line {line}, block ({},{},{}), thread ({},{},{}): {detail}",
    block[0], block[1], block[2], thread[0], thread[1], thread[2]
)]
pub struct Trap {
    /// What happened.
    pub kind: TrapKind,
    /// The kernel's name.
    pub kernel: String,
    /// Line of the instruction in the PTX text, from 1.
    pub line: u32,
    /// `%ctaid` of the block.
    pub block: [u32; 3],
    /// `%tid` of the thread: the first of the warp that the trap concerns.
    pub thread: [u32; 3],
    /// Address, size and neighbouring allocation, or what else there is to say.
    pub detail: String,
}

/// A failure of the interpreter itself: never a kernel's doing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Decoded code contradicts itself.
    #[error("the interpreter is inconsistent: {what}")]
    Inconsistent {
        /// What does not hold.
        what: &'static str,
    },
}

/// Why a launch failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LaunchError {
    /// The kernel's fault.
    #[error(transparent)]
    Trap(#[from] Trap),
    /// The interpreter's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The launch's geometry or parameters do not fit the kernel.
    #[error("invalid launch: {0}")]
    Invalid(String),
}

/// What stops a warp, before kernel, line and block are added.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) cause: Cause,
    /// The instruction, by its index in the kernel's code.
    pub(crate) at: u32,
    /// Lanes it concerns.
    pub(crate) lanes: u32,
}

/// See [`Stop`].
#[derive(Debug)]
pub(crate) enum Cause {
    Trap(TrapKind, String),
    Fault(Fault),
}

impl Stop {
    /// A trap of some lanes; the caller adds the instruction.
    #[cold]
    #[inline(never)]
    pub(crate) fn trap(kind: TrapKind, lanes: u32, detail: String) -> Box<Self> {
        Box::new(Stop { cause: Cause::Trap(kind, detail), at: 0, lanes })
    }

    /// A contradiction in decoded code.
    #[cold]
    #[inline(never)]
    pub(crate) fn fault(what: &'static str) -> Box<Self> {
        Box::new(Stop { cause: Cause::Fault(Fault::Inconsistent { what }), at: 0, lanes: 0 })
    }
}

/// The outcome of an instruction.
pub(crate) type Step<T = ()> = Result<T, Box<Stop>>;
