//! Finding threads that spin: that wait for others in a loop of their own making.
//!
//! A GPU runs every thread sooner or later. Here a path of a warp runs until it has to stop, so one that spins must be
//! told from one that works. The rules depend on nothing but the warp's own instructions, so they are the same on every
//! run, and kernels that do not spin are never interrupted, or interrupted without a difference to what is counted:
//! which paths there are does not depend on their order.
//!
//! - A path spins if the warp comes back to a state it was in, all registers and local memory included, and no thread of
//!   the block has changed memory in between. The state is looked at after [`FIRST_LOOK`] instructions and then less and
//!   less often, for [`PATIENCE`] blocks of code each time.
//! - A path also spins if for [`WINDOW`] instructions it polled, with atomics, volatile or acquiring loads, or slept, and
//!   no thread of the block changed memory: it counts its attempts, or waits longer each time.
//! - A path that has polled for [`LONG`] instructions spins whatever else it does.
//!
//! A path that spins lets the other paths of its warp run, then the other warps of the block. When all of them spin or
//! wait, the lanes that wait for spinning ones where their paths meet go on without them (a thread that holds a lock
//! must get to where it gives it back), one meeting at a time. When that is of no use either, other blocks run.

use crate::{
    exec::{Context, Room},
    instruction::Space,
    isa::{Class, Code},
    program::Kernel,
    registers::Registers,
    warp::Warp,
};

/// Instructions that a warp issues before its state is first looked at.
const FIRST_LOOK: u64 = 1 << 14;

/// Instructions between looks at a warp that was found to spin before, at first.
const NEXT_LOOK: u64 = 1 << 7;

/// Most instructions between two looks.
const LONGEST_PAUSE: u64 = 1 << 17;

/// Blocks of code after which a look ends without a finding.
const PATIENCE: u32 = 128;

/// Instructions without a change of memory after which polling is spinning.
const WINDOW: u64 = 1 << 16;

/// Instructions after which polling is spinning in any case.
const LONG: u64 = 1 << 26;

/// What a look at a warp found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Works,
    /// It spins; `forever` if it does exactly the same until someone else changes memory.
    Spins {
        forever: bool,
    },
}

/// The state of a warp at some moment.
#[derive(Debug, Default)]
struct State {
    at: u32,
    shape: u64,
    registers: Registers,
    local: Vec<u8>,
    changes: u64,
}

/// Watches one warp.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The warp is not looked at before it has issued so many instructions.
    pub(crate) due: u64,
    /// Instructions between looks, at present.
    pause: u64,
    /// While looking: blocks that are left.
    left: u32,
    state: State,
    /// Since when no change of memory was seen, and what had been counted then.
    quiet_since: u64,
    changes: u64,
    polls: u64,
    /// Since when the path at hand has been running, and the polls then.
    running_since: u64,
    running_polls: u64,
    /// Findings in a row, without a change of memory, that paths spin; and whether all do so forever.
    pub(crate) spinning: usize,
    pub(crate) forever: bool,
    spinning_changes: u64,
}

impl Watch {
    /// For a warp that starts.
    pub(crate) fn start(&mut self) {
        self.due = FIRST_LOOK;
        self.pause = FIRST_LOOK;
        self.left = 0;
        (self.quiet_since, self.changes, self.polls) = (0, 0, 0);
        (self.running_since, self.running_polls) = (0, 0);
        (self.spinning, self.forever, self.spinning_changes) = (0, true, 0);
    }

    /// For a path that goes on after a finding: it is looked at again at once.
    pub(crate) fn resume(&mut self, issued: u64, seen: &Seen) {
        self.due = issued;
        self.pause = NEXT_LOOK;
        self.left = 0;
        (self.quiet_since, self.changes, self.polls) = (issued, seen.changes, seen.polls);
        (self.running_since, self.running_polls) = (issued, seen.polls);
    }

    /// Counts a finding; gives how many there were in a row.
    pub(crate) fn found(&mut self, forever: bool, seen: &Seen) -> usize {
        if seen.changes != self.spinning_changes {
            (self.spinning, self.forever, self.spinning_changes) = (0, true, seen.changes);
        }
        self.spinning += 1;
        self.forever &= forever;
        self.spinning
    }
}

/// What a block has done that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Lanes' stores, and atomics that changed memory.
    pub(crate) changes: u64,
    /// Warps' atomics, strong loads and sleeps.
    polls: u64,
}

/// Instructions of a kernel that change memory, and those that poll it: block and instruction.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    stores: Vec<(u32, u32)>,
    polls: Vec<(u32, u32)>,
}

impl Sites {
    /// Finds them.
    pub(crate) fn of(kernel: &Kernel) -> Self {
        let mut sites = Sites::default();
        for (b, block) in kernel.blocks.iter().enumerate() {
            for at in block.first..block.limit() {
                if kernel.changes_memory(at) {
                    sites.stores.push((b as u32, at));
                }
                if kernel.polls(at) {
                    sites.polls.push((b as u32, at));
                }
            }
        }
        sites
    }
}

impl Kernel {
    /// Whether an instruction changes memory that others can see. Atomics and generic stores tell when they run.
    fn changes_memory(&self, at: u32) -> bool {
        let instruction = &self.code[at as usize];
        match instruction.code {
            Code::Store => {
                let space = self.tables.accesses[usize::from(instruction.m)].space;
                matches!(space, Space::Global | Space::Shared)
            }
            Code::Load | Code::LoadMatrix | Code::Prefetch | Code::CheckAlignment | Code::Atomic => false,
            code => code.class() == Class::Memory,
        }
    }

    /// Whether an instruction is one that a thread waits for others with.
    fn polls(&self, at: u32) -> bool {
        let instruction = &self.code[at as usize];
        match instruction.code {
            Code::Atomic => self.tables.accesses[usize::from(instruction.m)].returns,
            Code::Load => self.tables.accesses[usize::from(instruction.m)].strong,
            Code::Sleep | Code::BarrierTest => true,
            _ => false,
        }
    }

    /// Whether a loop, or a function, waits on global memory: how long it does so depends on other blocks, which then run
    /// one after another.
    pub(crate) fn waits_on_global(&self) -> bool {
        let first_function = self.functions.iter().map(|function| function.entry).min().unwrap_or(u32::MAX);
        let global = |at: u32| {
            let instruction = &self.code[at as usize];
            matches!(instruction.code, Code::Atomic | Code::Load)
                && matches!(
                    self.tables.accesses[usize::from(instruction.m)].space,
                    Space::Global | Space::Generic
                )
        };
        self.sites
            .polls
            .iter()
            .any(|(block, at)| global(*at) && (*block >= first_function || self.reaches(*block, *block)))
    }

    /// Whether a path leads from the end of a block to another.
    fn reaches(&self, from: u32, to: u32) -> bool {
        let mut seen = vec![false; self.blocks.len()];
        let mut rest = vec![from];
        while let Some(block) = rest.pop() {
            let lists = &self.tables.branch_lists;
            for next in self.blocks[block as usize].successors(&self.code, lists) {
                if next == to {
                    return true;
                }
                if !std::mem::replace(&mut seen[next as usize], true) {
                    rest.push(next);
                }
            }
        }
        false
    }
}

impl Room {
    /// What the blocks that ran here have done.
    pub(crate) fn seen(&self, kernel: &Kernel) -> Seen {
        let lanes = |(block, at): &(u32, u32)| {
            if kernel.code[*at as usize].guard.is_none() {
                self.tally.lanes[*block as usize]
            } else {
                self.tally.guarded_lanes[*at as usize]
            }
        };
        Seen {
            changes: self.changes + kernel.sites.stores.iter().map(lanes).sum::<u64>(),
            polls: kernel.sites.polls.iter().map(|(block, _)| self.tally.runs[*block as usize]).sum(),
        }
    }
}

/// Looks at a warp that is due.
#[cold]
#[inline(never)]
pub(crate) fn look(context: &Context<'_>, room: &Room, warp: &mut Warp) -> Finding {
    let seen = room.seen(context.kernel);
    let mut watch = std::mem::take(&mut warp.watch);
    let finding = watch.look(warp, &seen);
    if finding == Finding::Works && watch.left == 0 {
        watch.begin(warp, &seen);
    }
    warp.watch = watch;
    finding
}

impl Watch {
    fn look(&mut self, warp: &Warp, seen: &Seen) -> Finding {
        let issued = warp.issued;
        if self.left > 0 {
            let state = &self.state;
            if state.changes == seen.changes && state.is_of(warp) {
                self.left = 0;
                return Finding::Spins { forever: true };
            }
            self.left = if state.changes == seen.changes { self.left - 1 } else { 0 };
            if self.left > 0 {
                self.due = issued;
                return Finding::Works;
            }
            self.due = issued + self.pause;
            self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        }
        self.polling(issued, seen)
    }

    /// Whether the path has polled for long enough to be spinning.
    fn polling(&mut self, issued: u64, seen: &Seen) -> Finding {
        if seen.changes != self.changes {
            (self.quiet_since, self.changes, self.polls) = (issued, seen.changes, seen.polls);
        }
        let quietly = issued - self.quiet_since >= WINDOW && seen.polls > self.polls;
        let long = issued - self.running_since >= LONG && seen.polls > self.running_polls;
        if quietly || long { Finding::Spins { forever: false } } else { Finding::Works }
    }

    /// Notes the state, to see whether the warp comes back to it.
    fn begin(&mut self, warp: &Warp, seen: &Seen) {
        if self.due > warp.issued {
            return;
        }
        self.state.note(warp, seen.changes);
        self.left = PATIENCE;
        self.due = warp.issued;
    }
}

impl State {
    fn note(&mut self, warp: &Warp, changes: u64) {
        self.at = warp.at;
        self.shape = warp.shape();
        self.registers.clone_from(&warp.registers);
        self.local.clone_from(&warp.local);
        self.changes = changes;
    }

    fn is_of(&self, warp: &Warp) -> bool {
        self.at == warp.at
            && self.shape == warp.shape()
            && self.registers.is_same(&warp.registers)
            && self.local == warp.local
    }
}
