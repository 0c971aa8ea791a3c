//! A warp: 32 threads with their registers, the block they are at, and the joins that bring diverged lanes together.
//!
//! Lanes that are at the same place run as one *path*. Where a path diverges, a [`Join`] is made at the branch's immediate
//! post-dominator and each side becomes a path that ends there; when the last lane has arrived, they go on as one. Which
//! path runs first makes no difference to the paths there are, and so none to what is counted. A call is a join too: its
//! lanes meet where the call returns to.

mod calls;
mod waiting;

pub(crate) use calls::Activation;
pub(crate) use waiting::{Reason, Waiting};

use crate::{
    cfg::{BlockId, NO_BLOCK},
    exec::{BulkStores, Copies},
    progress::Watch,
    registers::{LANES, Registers},
};

/// The index of a join of the warp, or [`NO_JOIN`].
type JoinId = u32;

/// No join: the end of the kernel.
const NO_JOIN: JoinId = JoinId::MAX;

/// Lanes that can go on at a block.
#[derive(Debug, Clone, Copy)]
struct Path {
    at: BlockId,
    lanes: u32,
    /// Where they wait for others.
    join: JoinId,
    /// The call they are in.
    call: JoinId,
}

/// Where lanes wait for each other.
#[derive(Debug)]
struct Join {
    /// The block at which they stop; [`NO_BLOCK`] for a call, whose lanes come by returning.
    meet: BlockId,
    /// The block at which they go on together.
    resume: BlockId,
    /// The join, and the call, that they are in from there on.
    parent: JoinId,
    call: JoinId,
    /// Lanes that are to come here, unless they exit.
    expected: u32,
    /// Those that have.
    arrived: u32,
    activation: Activation,
}

/// The state of one warp. The lanes in `active` run at `at`.
#[derive(Debug)]
pub(crate) struct Warp {
    pub(crate) registers: Registers,
    pub(crate) at: BlockId,
    pub(crate) active: u32,
    /// Whether uniform registers are known by lane 0 alone: compiled blocks run.
    pub(crate) is_compiled: bool,
    /// Where the active lanes stop: what their join says.
    reconverge: BlockId,
    join: JoinId,
    call: JoinId,
    /// Lanes that have not exited.
    pub(crate) alive: u32,
    /// Paths that can run besides, the next one last.
    ready: Vec<Path>,
    /// Paths that wait for others.
    pub(crate) waiting: Vec<Waiting>,
    /// Whether lanes were let go from where they waited for others, so that they may be apart where code expects them
    /// together.
    pub(crate) loosened: bool,
    joins: Vec<Join>,
    /// Joins that can be used again.
    free: Vec<JoinId>,
    /// Index in the block.
    pub(crate) index: u32,
    /// Instructions issued.
    pub(crate) issued: u64,
    /// Nanoseconds slept, which clocks show besides.
    pub(crate) slept: u64,
    /// Looks for paths that wait without saying so.
    pub(crate) watch: Watch,
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
            is_compiled: false,
            reconverge: NO_BLOCK,
            join: NO_JOIN,
            call: NO_JOIN,
            alive: 0,
            ready: Vec::new(),
            waiting: Vec::new(),
            loosened: false,
            joins: Vec::new(),
            free: Vec::new(),
            index: 0,
            issued: 0,
            slept: 0,
            watch: Watch::default(),
            local: vec![0; local_bytes * LANES],
            copies: Copies::default(),
            bulk_stores: BulkStores::default(),
        }
    }

    /// Puts the lanes at the kernel's first block.
    pub(crate) fn start(&mut self, index: u32, lanes: u32) {
        self.at = 0;
        self.active = lanes;
        self.is_compiled = false;
        self.alive = lanes;
        self.reconverge = NO_BLOCK;
        self.join = NO_JOIN;
        self.call = NO_JOIN;
        self.ready.clear();
        self.waiting.clear();
        self.loosened = false;
        self.joins.clear();
        self.free.clear();
        self.index = index;
        self.issued = 0;
        self.slept = 0;
        self.watch.start();
        self.local.fill(0);
        self.copies.clear();
        self.bulk_stores.clear();
    }

    /// Moves the active lanes to a block.
    #[inline(always)]
    pub(crate) fn go(&mut self, to: BlockId) {
        self.at = to;
        if to == self.reconverge {
            self.arrive(self.active);
            self.settle();
        }
    }

    /// Whether the active lanes stop at a block, where others wait or will.
    #[inline(always)]
    pub(crate) fn stops_at(&self, block: BlockId) -> bool {
        block == self.reconverge
    }

    /// Sends the lanes of `taken` to `target` and the others to `next`; they meet at `meet`.
    pub(crate) fn diverge(&mut self, taken: u32, target: BlockId, next: BlockId, meet: BlockId) {
        let others = self.active & !taken;
        self.fork(&[(target, taken), (next, others)], meet);
    }

    /// Parts the active lanes: each side goes to its block, the last one first; they meet at `meet`.
    pub(crate) fn fork(&mut self, sides: &[(BlockId, u32)], meet: BlockId) {
        self.meet_at(meet);
        for (at, lanes) in sides.iter().copied().filter(|(_, lanes)| *lanes != 0) {
            if at == self.reconverge {
                self.arrive(lanes);
            } else {
                self.ready.push(Path { at, lanes, join: self.join, call: self.call });
            }
        }
        self.settle();
    }

    /// Has the active lanes meet at a block. Lanes that never meet again still stop where others wait for them.
    fn meet_at(&mut self, meet: BlockId) {
        if meet == NO_BLOCK || meet == self.reconverge {
            return;
        }
        let join = Join {
            meet,
            resume: meet,
            parent: self.join,
            call: self.call,
            expected: self.active,
            arrived: 0,
            activation: Activation::default(),
        };
        self.join = self.new_join(join);
        self.reconverge = meet;
    }

    fn new_join(&mut self, join: Join) -> JoinId {
        match self.free.pop() {
            Some(id) => {
                self.joins[id as usize] = join;
                id
            }
            None => {
                self.joins.push(join);
                self.joins.len() as JoinId - 1
            }
        }
    }

    /// Notes that lanes are where their join is.
    fn arrive(&mut self, lanes: u32) {
        if let Some(join) = self.joins.get_mut(self.join as usize) {
            join.arrived |= lanes;
        }
    }

    /// The active lanes have stopped: goes on with all lanes of their join if they are complete, else with another path.
    fn settle(&mut self) {
        match self.complete(self.join).or_else(|| self.ready.pop()) {
            Some(path) => self.run(path),
            None => self.active = 0,
        }
    }

    /// The path that a join's lanes make, if all that are still alive have arrived.
    fn complete(&mut self, mut id: JoinId) -> Option<Path> {
        loop {
            let join = self.joins.get_mut(id as usize)?;
            let live = join.expected & self.alive;
            let (parent, call, resume) = (join.parent, join.call, join.resume);
            if live != 0 && join.arrived & self.alive != live {
                return None;
            }
            (join.expected, join.arrived) = (0, 0);
            self.free.push(id);
            if live == 0 {
                id = parent;
                continue;
            }
            match self.joins.get_mut(parent as usize) {
                // A call may return to where others wait already.
                Some(outer) if outer.meet == resume => {
                    outer.arrived |= live;
                    id = parent;
                }
                _ => return Some(Path { at: resume, lanes: live, join: parent, call }),
            }
        }
    }

    /// Lets a path go on later, unless it is where it waits for others.
    fn admit(&mut self, path: Path) {
        match self.joins.get_mut(path.join as usize) {
            Some(join) if join.meet == path.at => {
                join.arrived |= path.lanes;
                let whole = self.complete(path.join);
                self.ready.extend(whole);
            }
            _ => self.ready.push(path),
        }
    }

    /// The running path.
    fn path(&self) -> Path {
        Path { at: self.at, lanes: self.active, join: self.join, call: self.call }
    }

    fn next_path(&mut self) {
        match self.ready.pop() {
            Some(path) => self.run(path),
            None => self.active = 0,
        }
    }

    /// What tells apart states of a warp whose registers are the same.
    pub(crate) fn shape(&self) -> u64 {
        let joins = self.joins.iter().map(|join| (join.expected, join.arrived));
        let paths = self.ready.iter().map(|path| (path.lanes, path.at));
        let waiting = self.waiting.iter().map(|waiting| (waiting.lanes(), waiting.at()));
        joins.chain(paths).chain(waiting).fold(u64::from(self.active), |shape, (a, b)| {
            (shape ^ u64::from(a) << 32 ^ u64::from(b)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        })
    }

    /// Makes a path the running one.
    fn run(&mut self, path: Path) {
        self.at = path.at;
        self.active = path.lanes;
        self.join = path.join;
        self.call = path.call;
        self.reconverge = self.joins.get(path.join as usize).map_or(NO_BLOCK, |join| join.meet);
    }

    /// Ends the lanes; the others of the path go on.
    pub(crate) fn exit(&mut self, lanes: u32) {
        self.alive &= !lanes;
        self.active &= !lanes;
        if self.active == 0 {
            self.settle();
        }
    }

    /// Makes room for `bytes` of local memory a lane.
    pub(crate) fn reserve_local(&mut self, bytes: usize) {
        let stride = self.local.len() / LANES;
        if bytes <= stride {
            return;
        }
        let wider = bytes.max(2 * stride).next_multiple_of(16);
        let mut local = vec![0; wider * LANES];
        for lane in 0..LANES {
            local[lane * wider..][..stride].copy_from_slice(&self.local[lane * stride..][..stride]);
        }
        self.local = local;
    }

    /// Whether every lane has exited.
    #[inline(always)]
    pub(crate) fn is_done(&self) -> bool {
        self.alive == 0
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
            assert_eq!((warp.ready.len(), warp.joins.len()), (0, 1));
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

    #[test]
    fn lanes_that_return_early_wait_at_the_call() {
        let mut warp = warp();
        warp.call(vec![(u32::MAX, 10, Activation::default())], 3);
        assert_eq!((warp.at, warp.active), (10, u32::MAX));
        warp.diverge(0xff, 12, 11, 13);
        assert_eq!((warp.at, warp.active), (11, !0xff));
        warp.ret(0xff00);
        assert_eq!((warp.at, warp.active), (11, !0xffff));
        warp.go(13);
        assert_eq!((warp.at, warp.active), (12, 0xff));
        warp.go(13);
        assert_eq!((warp.at, warp.active), (13, !0xff00));
        warp.ret(!0xff00);
        assert_eq!((warp.at, warp.active), (3, u32::MAX));
        assert!(warp.activation().is_none());
    }

    #[test]
    fn a_call_of_several_functions_comes_back_as_one() {
        let mut warp = warp();
        let calls = [(0xf, 10), (0xf0, 20)].map(|(lanes, at)| (lanes, at, Activation::default()));
        warp.call(calls.into(), 3);
        assert_eq!((warp.at, warp.active), (10, 0xf));
        warp.ret(0xf);
        assert_eq!((warp.at, warp.active), (20, 0xf0));
        warp.exit(0x10);
        warp.ret(0xe0);
        assert_eq!((warp.at, warp.active), (3, !0x10));
    }

    #[test]
    fn local_memory_grows_in_place() {
        let mut warp = Warp::new(Registers::default(), 16);
        warp.local[16 * 3] = 7;
        warp.reserve_local(40);
        assert_eq!((warp.local.len(), warp.local[48 * 3]), (48 * LANES, 7));
    }
}
