//! A warp: 32 threads with their registers, the block they are at, and the stack that brings diverged lanes together.

use crate::{
    cfg::{BlockId, NO_BLOCK},
    exec::{BulkStores, Copies},
    registers::{LANES, Registers},
};

/// Lanes that wait to go on at a block.
#[derive(Debug, Clone, Copy)]
struct Frame {
    at: BlockId,
    reconverge: BlockId,
    lanes: u32,
}

/// The state of one warp.
///
/// The lanes in `active` run at `at`; when they reach `reconverge` they wait there for the others, whose frames are on
/// the stack. Below the frames of a divergence lies the one that goes on from where they meet, with all their lanes.
#[derive(Debug)]
pub(crate) struct Warp {
    pub(crate) registers: Registers,
    pub(crate) at: BlockId,
    pub(crate) active: u32,
    reconverge: BlockId,
    /// Lanes that have not exited.
    pub(crate) alive: u32,
    stack: Vec<Frame>,
    /// Index in the block.
    pub(crate) index: u32,
    /// Instructions issued.
    pub(crate) issued: u64,
    /// Local memory, lane by lane.
    pub(crate) local: Vec<u8>,
    /// What `cp.async` has not landed yet.
    pub(crate) copies: Copies,
    /// What `cp.async.bulk` has not stored yet.
    pub(crate) bulk_stores: BulkStores,
}

impl Warp {
    /// A warp with registers of these sizes and so much local memory a lane.
    pub(crate) fn new(registers: Registers, local_bytes: usize) -> Self {
        Warp {
            registers,
            at: NO_BLOCK,
            active: 0,
            reconverge: NO_BLOCK,
            alive: 0,
            stack: Vec::new(),
            index: 0,
            issued: 0,
            local: vec![0; local_bytes * LANES],
            copies: Copies::default(),
            bulk_stores: BulkStores::default(),
        }
    }

    /// Puts the lanes at the kernel's first block.
    pub(crate) fn start(&mut self, index: u32, lanes: u32) {
        self.at = 0;
        self.active = lanes;
        self.alive = lanes;
        self.reconverge = NO_BLOCK;
        self.stack.clear();
        self.index = index;
        self.issued = 0;
        self.local.fill(0);
        self.copies.clear();
        self.bulk_stores.clear();
    }

    /// Moves the active lanes to a block.
    #[inline(always)]
    pub(crate) fn go(&mut self, to: BlockId) {
        self.at = to;
        if to == self.reconverge {
            self.resume();
        }
    }

    /// Sends the lanes of `taken` to `target` and the others to `next`; they meet at `meet`.
    pub(crate) fn diverge(&mut self, taken: u32, target: BlockId, next: BlockId, meet: BlockId) {
        // Lanes that never meet again still stop where the frames below wait for them.
        let meet = if meet == NO_BLOCK { self.reconverge } else { meet };
        if meet != self.reconverge {
            self.stack.push(Frame { at: meet, reconverge: self.reconverge, lanes: self.active });
        }
        // A side that is where they meet already waits in the frame below.
        let others = self.active & !taken;
        let sides = [(target, taken), (next, others)];
        self.reconverge = meet;
        self.active = 0;
        for (at, lanes) in sides {
            if at == meet {
                continue;
            }
            if self.active != 0 {
                self.stack.push(Frame { at: self.at, reconverge: meet, lanes: self.active });
            }
            self.at = at;
            self.active = lanes;
        }
        if self.active == 0 {
            self.resume();
        }
    }

    /// Ends the lanes; the others of the warp go on.
    pub(crate) fn exit(&mut self, lanes: u32) {
        self.alive &= !lanes;
        self.active &= !lanes;
        if self.active == 0 {
            self.resume();
        }
    }

    /// Goes on with the next frame that has lanes left.
    fn resume(&mut self) {
        self.active = 0;
        while let Some(frame) = self.stack.pop() {
            let lanes = frame.lanes & self.alive;
            if lanes != 0 {
                self.at = frame.at;
                self.reconverge = frame.reconverge;
                self.active = lanes;
                return;
            }
        }
    }

    /// Whether every lane has exited.
    #[inline(always)]
    pub(crate) fn is_done(&self) -> bool {
        self.active == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warp() -> Warp {
        let mut warp = Warp::new(Registers::default(), 0);
        warp.start(0, u32::MAX);
        warp
    }

    #[test]
    fn both_sides_run_and_meet() {
        let mut warp = warp();
        warp.diverge(0xff, 5, 1, 9);
        assert_eq!((warp.at, warp.active), (1, !0xff));
        warp.go(9);
        assert_eq!((warp.at, warp.active), (5, 0xff));
        warp.go(9);
        assert_eq!((warp.at, warp.active), (9, u32::MAX));
    }

    #[test]
    fn a_loop_with_uneven_trips_keeps_a_shallow_stack() {
        let mut warp = warp();
        // Lane by lane leaves the loop at block 3 for block 4, the meeting point.
        for lane in 0..31u32 {
            warp.diverge(1 << lane, 4, 3, 4);
            assert_eq!((warp.at, warp.active), (3, u32::MAX << (lane + 1)));
            assert!(warp.stack.len() <= 1);
        }
        warp.go(4);
        assert_eq!((warp.at, warp.active), (4, u32::MAX));
    }

    #[test]
    fn exited_lanes_never_come_back() {
        let mut warp = warp();
        warp.diverge(0xff, 5, 1, 9);
        warp.exit(!0xff);
        assert_eq!((warp.at, warp.active, warp.alive), (5, 0xff, 0xff));
        warp.go(9);
        assert_eq!((warp.at, warp.active), (9, 0xff));
        warp.exit(0xff);
        assert!(warp.is_done());
    }
}
