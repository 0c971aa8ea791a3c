//! A launch under the sanitizer: what it asks of each instruction, barrier, warp and block.

use std::collections::HashMap;

use super::{
    Finding, FindingKind, Shadow, ThreadId,
    clocks::{BlockOrder, Clocks},
    registers::{Suspects, Written},
    words::{Access, Use, Word, Words, words_of},
};
use crate::{
    exec,
    instruction::{self, NO_SLOT, Space},
    isa::Code,
    launch::LaunchConfig,
    memory::{Allocation, Snapshot},
    program::Kernel,
    registers::{File, LANES},
    warp::Warp,
};

/// What is known of a launch.
#[derive(Debug)]
pub(crate) struct Sanitizer {
    kernel: String,
    lines: Vec<u32>,
    grid: [u32; 3],
    block: [u32; 3],
    shadow: Shadow,
    /// Instructions seen so far.
    time: u64,
    global: Words,
    order: BlockOrder,
    /// The allocation used last.
    recent: Allocation,
    suspects: Suspects,
    here: Block,
    /// Blocks that wait for others, by number.
    aside: HashMap<u64, Block>,
}

/// What is known of the block at work.
#[derive(Debug, Default)]
struct Block {
    number: u64,
    clocks: Clocks,
    shared: Vec<Word>,
    /// By byte, whether something wrote it.
    shared_written: Vec<bool>,
    /// By warp.
    local: Vec<Lanes>,
    written: Vec<Written>,
}

impl Block {
    fn new(shared_bytes: usize, warps: usize) -> Self {
        Block {
            number: 0,
            clocks: Clocks::default(),
            shared: vec![Word::default(); shared_bytes.div_ceil(4)],
            shared_written: vec![false; shared_bytes.next_multiple_of(4)],
            local: std::iter::repeat_with(|| vec![Vec::new(); LANES]).take(warps).collect(),
            written: std::iter::repeat_with(Written::default).take(warps).collect(),
        }
    }
}

/// By lane, and byte of its local memory, whether something wrote it.
type Lanes = Vec<Vec<bool>>;

/// What the lanes of an instruction want of memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// The instruction.
    pub(crate) at: u32,
    pub(crate) access: Access,
    /// Bytes a lane.
    pub(crate) size: u64,
    /// Whether what the thread did before is passed on with it, as if a fence stood before it.
    pub(crate) releases: bool,
    /// Where the registers that are stored are named.
    pub(crate) stored: Option<&'a instruction::Access>,
}

/// An access of one lane.
struct LaneAccess {
    at: u32,
    warp: usize,
    lane: usize,
    address: u64,
    access: Access,
}

impl Sanitizer {
    /// A launch starts.
    pub(crate) fn new(kernel: &Kernel, config: &LaunchConfig<'_>, shadow: Shadow) -> Self {
        let shared = (kernel.static_shared_bytes() + config.dynamic_shared_bytes) as usize;
        let warps = config.block.iter().product::<u32>().div_ceil(LANES as u32) as usize;
        Sanitizer {
            kernel: kernel.name().to_owned(),
            lines: kernel.lines.clone(),
            grid: config.grid,
            block: config.block,
            shadow,
            time: 0,
            global: Words::default(),
            order: BlockOrder::default(),
            recent: Allocation { start: 1, end: 0 },
            suspects: Suspects::of(kernel),
            here: Block::new(shared, warps),
            aside: HashMap::new(),
        }
    }

    /// The launch has ended: what is known beyond it.
    pub(crate) fn finish(self) -> Shadow {
        self.shadow
    }

    /// A block starts.
    pub(crate) fn block_starts(&mut self, block: u64) {
        self.here.number = block;
        self.here.clocks.start(self.here.local.len());
        self.here.shared_written.fill(false);
    }

    /// The block at work waits for others.
    pub(crate) fn block_waits(&mut self) {
        let next = Block::new(self.here.shared_written.len(), self.here.local.len());
        let block = std::mem::replace(&mut self.here, next);
        self.aside.insert(block.number, block);
    }

    /// A block that waited goes on.
    pub(crate) fn block_goes_on(&mut self, block: u64) {
        if let Some(block) = self.aside.remove(&block) {
            self.here = block;
        }
    }

    /// A warp of it starts.
    pub(crate) fn warp_starts(&mut self, warp: u32) {
        if let Some(lanes) = self.here.local.get_mut(warp as usize) {
            lanes.iter_mut().for_each(|bytes| bytes.fill(false));
        }
        if let Some(written) = self.here.written.get_mut(warp as usize) {
            written.clear();
        }
    }

    /// A warp arrives at a barrier, to wait for it or not.
    pub(crate) fn arrives(&mut self, barrier: u32, warp: u32, waits: bool) {
        self.here.clocks.arrive(barrier as usize, warp as usize, waits);
    }

    /// A barrier opens.
    pub(crate) fn opens(&mut self, barrier: u32) {
        self.here.clocks.open(barrier as usize);
    }

    /// A lane uses an mbarrier at an offset of shared memory: it passes on what it did, and takes what others passed on.
    pub(crate) fn mbarrier(&mut self, warp: u32, offset: u64) {
        self.here.clocks.fence(warp as usize);
        self.here.clocks.strong(warp as usize, shared_word(offset), Access::Atomic);
    }

    /// The lanes of `mask` are about to run the instruction `at`; `members` is a warp barrier's mask.
    pub(crate) fn before(&mut self, warp: &Warp, mask: u32, at: u32, code: Code, members: u32) {
        self.time += 1;
        let index = warp.index as usize;
        if let Some(written) = self.here.written.get_mut(index) {
            let unwritten = written.before(&self.suspects, at, mask);
            if unwritten != 0 {
                let lane = unwritten.trailing_zeros() as usize;
                let count = u64::from(unwritten.count_ones());
                let detail = "reads a register that it has not written".to_owned();
                self.found(FindingKind::UninitialisedRegister, at, (index, lane), None, count, || detail);
            }
        }
        match code {
            // Lanes that come one after another wait for each other here: all that take part are ordered.
            Code::WarpBarrier => self.here.clocks.warp_sync(index, members & warp.alive),
            Code::Fence => self.fence(index),
            _ => {}
        }
    }

    fn fence(&mut self, warp: usize) {
        self.here.clocks.fence(warp);
        self.order.fence(self.here.number, self.time);
    }

    /// The lanes of `mask` are about to use memory of one space.
    pub(crate) fn request(
        &mut self,
        context: &exec::Context<'_>,
        warp: &Warp,
        mask: u32,
        space: Space,
        addresses: &[u64; LANES],
        request: &Request<'_>,
    ) {
        let size = request.size;
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            let address = addresses[lane];
            let this = LaneAccess {
                at: request.at,
                warp: warp.index as usize,
                lane,
                address,
                access: request.access,
            };
            // What is out of bounds or misaligned traps when it runs.
            if !address.is_multiple_of(size.max(1)) {
                continue;
            }
            let end = address.saturating_add(size);
            match space {
                Space::Global | Space::Generic if self.holds(context.allocations, address, size) => {
                    match context.memory.misses_heap(address, size) {
                        Some(place) => self.outside(&this, size, &place),
                        None => self.global(&this, request, warp),
                    }
                }
                Space::Shared if end <= self.here.shared_written.len() as u64 => {
                    self.shared(&this, request, warp);
                }
                Space::Local => self.local(&this, size),
                _ => {}
            }
        }
    }

    /// The call `at` of `malloc` has given a thread so many bytes: nothing is known of them any more. Gives what they are if
    /// nothing frees them.
    pub(crate) fn allocated(
        &mut self,
        at: u32,
        (warp, lane): (u32, u32),
        address: u64,
        bytes: u64,
    ) -> Finding {
        self.shadow.undefine(address, bytes);
        (address / 4..(address + bytes).div_ceil(4)).for_each(|number| self.global.forget(number));
        Finding {
            kernel: self.kernel.clone(),
            line: self.lines.get(at as usize).copied().unwrap_or_default(),
            thread: Some(self.thread(self.here.number, warp as usize, lane as usize)),
            detail: format!("{bytes} bytes that `malloc` gave were never freed"),
            ..Finding::leak(address, bytes)
        }
    }

    fn holds(&mut self, allocations: &Snapshot, address: u64, size: u64) -> bool {
        if self.recent.holds(address, address, size) {
            return true;
        }
        let found = allocations.find(address).filter(|found| found.holds(address, address, size));
        found.is_some_and(|found| {
            self.recent = found;
            true
        })
    }

    fn global(&mut self, this: &LaneAccess, request: &Request<'_>, warp: &Warp) {
        let size = request.size;
        if this.access.reads() && !self.shadow.is_defined(this.address, size) {
            self.uninitialised(FindingKind::UninitialisedGlobal, this, size);
        }
        if request.releases {
            self.fence(this.warp);
        }
        if this.access.is_strong() {
            self.here.clocks.strong(this.warp, this.address / 4, this.access);
            self.order.strong(self.here.number, self.time, this.access);
        }
        for (number, bytes, value) in elements(request, warp, this, self.time) {
            let new = self.a_use(this, bytes, value);
            let (order, clocks) = (&self.order, &self.here.clocks);
            let is_before = |earlier: &Use| {
                if earlier.block == new.block {
                    in_block(clocks, earlier, &new)
                } else {
                    order.is_before(earlier.block, earlier.time, new.block)
                }
            };
            if let Some(earlier) = self.global.word(number).enter(new, is_before) {
                self.race(FindingKind::GlobalRace, this, size, &earlier);
            }
        }
        if this.access.writes() {
            self.shadow.define(this.address, size);
        }
    }

    fn shared(&mut self, this: &LaneAccess, request: &Request<'_>, warp: &Warp) {
        let size = request.size;
        let range = this.address as usize..(this.address + size) as usize;
        let written = self.here.shared_written.get(range.clone()).unwrap_or_default();
        if this.access.reads() && written.contains(&false) {
            self.uninitialised(FindingKind::UninitialisedShared, this, size);
        }
        if request.releases {
            self.fence(this.warp);
        }
        if this.access.is_strong() {
            self.here.clocks.strong(this.warp, shared_word(this.address), this.access);
        }
        for (number, bytes, value) in elements(request, warp, this, self.time) {
            let new = self.a_use(this, bytes, value);
            let clocks = &self.here.clocks;
            let Some(word) = self.here.shared.get_mut(number as usize) else { continue };
            // Shared memory of another block is another memory.
            let is_before = |earlier: &Use| earlier.block != new.block || in_block(clocks, earlier, &new);
            if let Some(earlier) = word.enter(new, is_before) {
                self.race(FindingKind::SharedRace, this, size, &earlier);
            }
        }
        if this.access.writes()
            && let Some(written) = self.here.shared_written.get_mut(range)
        {
            written.fill(true);
        }
    }

    fn local(&mut self, this: &LaneAccess, size: u64) {
        let Some(bytes) = self.here.local.get_mut(this.warp).and_then(|lanes| lanes.get_mut(this.lane))
        else {
            return;
        };
        let Some(end) = this.address.checked_add(size).and_then(|end| usize::try_from(end).ok()) else {
            return;
        };
        // The stack of calls grows as it is used; what is out of bounds traps when it runs.
        if end > bytes.len() {
            if end > 1 << 24 {
                return;
            }
            bytes.resize(end, false);
        }
        let range = &mut bytes[this.address as usize..end];
        if this.access.writes() {
            range.fill(true);
        } else if range.contains(&false) {
            self.uninitialised(FindingKind::UninitialisedLocal, this, size);
        }
    }

    fn a_use(&self, this: &LaneAccess, bytes: u8, value: u32) -> Use {
        let (epoch, syncs) = self.here.clocks.now(this.warp);
        Use {
            block: self.here.number,
            thread: (this.warp * LANES + this.lane) as u16,
            access: this.access,
            bytes,
            at: this.at,
            time: self.time,
            epoch,
            syncs,
            value,
        }
    }

    fn uninitialised(&mut self, kind: FindingKind, this: &LaneAccess, size: u64) {
        let address = this.address;
        let detail = || format!("{size} bytes at {address:#x}, of which nothing wrote all");
        self.found(kind, this.at, (this.warp, this.lane), None, 1, detail);
    }

    fn outside(&mut self, this: &LaneAccess, size: u64, place: &str) {
        let address = this.address;
        let detail = || format!("{size} bytes at {address:#x}; {place}");
        self.found(FindingKind::OutsideAllocation, this.at, (this.warp, this.lane), None, 1, detail);
    }

    fn race(&mut self, kind: FindingKind, this: &LaneAccess, size: u64, earlier: &Use) {
        let verb = |access| match access {
            Access::Read | Access::StrongRead => "reads",
            Access::Write | Access::StrongWrite => "writes",
            Access::Atomic => "atomically updates",
        };
        let past = match earlier.access {
            Access::Read | Access::StrongRead => "read",
            Access::Write | Access::StrongWrite => "written",
            Access::Atomic => "atomically updated",
        };
        let (verb, address) = (verb(this.access), this.address);
        let between = if self.here.number != earlier.block {
            "with nothing that orders blocks"
        } else if usize::from(earlier.thread) / LANES == this.warp {
            "with no bar.warp.sync"
        } else {
            "with no barrier"
        };
        let detail = || format!("{verb} {size} bytes at {address:#x}, {between} since they were {past}");
        self.found(kind, this.at, (this.warp, this.lane), Some(earlier), 1, detail);
    }

    /// Enters a finding of a lane of a warp; `detail` is asked for where it is the first of its kind.
    fn found(
        &mut self,
        kind: FindingKind,
        at: u32,
        (warp, lane): (usize, usize),
        other: Option<&Use>,
        count: u64,
        detail: impl FnOnce() -> String,
    ) {
        let line_of = |at: u32| self.lines.get(at as usize).copied().unwrap_or_default();
        let (line, other_line) = (line_of(at), other.map(|other| line_of(other.at)));
        let known = self.shadow.findings.iter_mut().find(|known| {
            known.kind == kind
                && known.line == line
                && known.other.map(|(line, _)| line) == other_line
                && known.kernel == self.kernel
        });
        if let Some(known) = known {
            known.count += count;
            return;
        }
        let thread = self.thread(self.here.number, warp, lane);
        let other = other.map(|other| {
            let thread = usize::from(other.thread);
            (line_of(other.at), self.thread(other.block, thread / LANES, thread % LANES))
        });
        let (kernel, detail) = (self.kernel.clone(), detail());
        self.shadow.findings.push(Finding { kind, kernel, line, thread: Some(thread), other, detail, count });
    }

    fn thread(&self, block: u64, warp: usize, lane: usize) -> ThreadId {
        let [x, y, _] = self.grid.map(u64::from);
        ThreadId {
            block: [(block % x) as u32, (block / x % y) as u32, (block / x / y) as u32],
            thread: exec::thread_of(self.block, warp as u32, lane as u32),
        }
    }
}

/// A number for a word of shared memory that no word of global memory has.
fn shared_word(offset: u64) -> u64 {
    u64::MAX - offset / 4
}

/// Whether a use is over for another one of the same block.
fn in_block(clocks: &Clocks, earlier: &Use, new: &Use) -> bool {
    let place = |used: &Use| (usize::from(used.thread) / LANES, usize::from(used.thread) % LANES);
    let ((other, other_lane), (warp, lane)) = (place(earlier), place(new));
    if other == warp {
        clocks.is_before_in_warp(warp, other_lane, earlier.epoch, earlier.syncs, lane)
    } else {
        clocks.is_before(other, earlier.epoch, warp)
    }
}

/// The words that a lane's access is to, with the bytes of each and what is written; the time where that is not looked
/// at, so that it is never what another instruction writes.
fn elements(request: &Request<'_>, warp: &Warp, this: &LaneAccess, time: u64) -> Vec<(u64, u8, u32)> {
    let address = this.address;
    let Some(stored) = request.stored else {
        let width = request.size.min(8);
        let parts = (0..request.size).step_by(width.max(1) as usize);
        return parts
            .flat_map(|part| words_of(address + part, width, time << 32 | time & 0xffff_ffff))
            .collect();
    };
    let width = u64::from(stored.width);
    let element = |k: usize| {
        let place = stored.places[k];
        let slot = usize::from(place.slot);
        let value = match place.file {
            _ if place.slot == NO_SLOT => 0,
            File::Wide => warp.registers.wide[slot].0[this.lane],
            _ => u64::from(warp.registers.narrow[slot].0[this.lane]),
        };
        let unused = 64 - 8 * width.min(8);
        words_of(address + k as u64 * width, width, value << unused >> unused)
    };
    (0..usize::from(stored.count).min(4)).flat_map(element).collect()
}
