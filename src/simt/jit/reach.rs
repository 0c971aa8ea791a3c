//! What machine code knows of the memory that its loads reach, learnt from requests that the interpreter did.
//!
//! A uniform load has a [`Window`] of addresses that are inside. Loads of a group whose lanes' addresses come from one
//! register are a [`Stream`]: from one pass to the next its addresses move, but nearly always all by the same, so one
//! comparison with the distances of last time stands for the bounds, alignment, sectors and bank conflicts of all.
//! Whatever is not so is left to the interpreter, and learnt from.

use std::mem::offset_of;

use crate::{
    counts::Traffic,
    exec::{distinct, wavefronts},
    instruction::{Access, Space},
    memory::{Allocation, Snapshot, Spread},
    registers::{FULL, LANES, Registers, Slot},
};

/// Addresses `x` for which `x - first`, without a sign, is below `count`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Window {
    first: u64,
    count: u64,
}

impl Window {
    pub(super) const FIRST: i32 = offset_of!(Window, first) as i32;
    pub(super) const COUNT: i32 = offset_of!(Window, count) as i32;

    fn holds(self, address: u64) -> bool {
        address.wrapping_sub(self.first) < self.count
    }

    /// From `first` to `last`, both of them inside.
    fn new(first: i128, last: i128) -> Self {
        let first = first.max(0);
        let count = (last.min(i128::from(u64::MAX)) - first + 1).max(0);
        match (u64::try_from(first), u64::try_from(count)) {
            (Ok(first), Ok(count)) => Window { first, count },
            _ => Window::default(),
        }
    }
}

/// How the lanes of a register of addresses lay to each other last. Lanes that do not run stand where lane 0 does, or
/// where a row has them.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(crate) struct Stream {
    /// Bytes from lane 0.
    distances: [i64; LANES],
    offsets: [i32; LANES],
    /// All ones in the lanes that ran.
    chosen: [u64; LANES],
    chosen_words: [u32; LANES],
    /// Addresses of lane 0 for which everything is inside.
    window: Window,
    /// The host's address of what lane 0's address names; for machine code alone.
    cursor: u64,
    /// Words from a lane to the next where lanes stand in a row of words or pairs, else 0.
    row: u64,
    /// The lanes that ran.
    mask: u64,
    /// Passes by lane 0's word in its sector.
    passes: [u64; 8],
}

impl Stream {
    pub(super) const SIZE: i32 = size_of::<Stream>() as i32;
    pub(super) const DISTANCES: i32 = offset_of!(Stream, distances) as i32;
    pub(super) const OFFSETS: i32 = offset_of!(Stream, offsets) as i32;
    pub(super) const CHOSEN: i32 = offset_of!(Stream, chosen) as i32;
    pub(super) const CHOSEN_WORDS: i32 = offset_of!(Stream, chosen_words) as i32;
    pub(super) const MASK: i32 = offset_of!(Stream, mask) as i32;
    pub(super) const WINDOW: i32 = offset_of!(Stream, window) as i32;
    pub(super) const CURSOR: i32 = offset_of!(Stream, cursor) as i32;
    pub(super) const ROW: i32 = offset_of!(Stream, row) as i32;
    pub(super) const PASSES: i32 = offset_of!(Stream, passes) as i32;

    /// One that no addresses fit.
    fn none() -> Self {
        Stream {
            distances: [0; LANES],
            offsets: [0; LANES],
            chosen: [0; LANES],
            chosen_words: [0; LANES],
            window: Window::default(),
            cursor: 0,
            row: 0,
            mask: 0,
            passes: [0; 8],
        }
    }
}

/// A load of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    /// Its access.
    pub(super) site: usize,
    /// Added to the address.
    pub(super) offset: i64,
    /// Bytes of a lane: 4, 8 or 16.
    pub(super) size: i64,
}

/// What is known of a stream when it is compiled.
#[derive(Debug, Clone)]
pub(super) struct StreamPlan {
    pub(super) address: Slot,
    pub(super) wide: bool,
    pub(super) space: Space,
    pub(super) requests: Vec<Request>,
}

impl StreamPlan {
    /// One for an access, without requests.
    pub(super) fn of(access: &Access) -> Self {
        let Access { address, wide, space, .. } = *access;
        StreamPlan { address, wide, space, requests: Vec::new() }
    }

    /// Whether an access belongs to it.
    pub(super) fn has(&self, access: &Access) -> bool {
        (self.address, self.wide, self.space) == (access.address, access.wide, access.space)
    }

    /// What lane 0's address has to be a multiple of, in bytes.
    pub(super) fn alignment(&self) -> i64 {
        self.requests.iter().map(|request| request.size).max().unwrap_or(4)
    }

    fn lanes(&self, registers: &Registers) -> [u64; LANES] {
        let slot = usize::from(self.address);
        if self.wide { registers.wide[slot].0 } else { registers.narrow[slot].0.map(u64::from) }
    }

    /// The addresses of lane 0 for which all requests are inside the memory that holds the first of them now.
    fn window(&self, spread: &Spread, lane_0: u64, within: &Within<'_>) -> Window {
        let (lowest, highest) = spread.range();
        let (lowest, highest) = (i128::from(lowest), i128::from(highest));
        let Some(request) = self.requests.first() else { return Window::default() };
        let Some(memory) = within.memory(self.space, lane_0.wrapping_add_signed(request.offset)) else {
            return Window::default();
        };
        // Narrow addresses must not wrap.
        let (mut first, mut last) =
            if self.wide { (0, i128::from(u64::MAX)) } else { (-lowest, i128::from(u32::MAX) - highest) };
        for request in &self.requests {
            let (offset, size) = (i128::from(request.offset), i128::from(request.size));
            first = first.max(i128::from(memory.start) - lowest - offset);
            last = last.min(i128::from(memory.end) - size - highest - offset);
        }
        Window::new(first, last)
    }
}

/// The lanes that run, and the memory that there is.
pub(crate) struct Within<'a> {
    pub(crate) mask: u32,
    pub(crate) allocations: &'a Snapshot,
    pub(crate) shared_bytes: u32,
    pub(crate) param_bytes: u64,
}

impl Within<'_> {
    /// The addresses that go with one.
    fn memory(&self, space: Space, address: u64) -> Option<Allocation> {
        match space {
            Space::Shared => Some(Allocation { start: 0, end: u64::from(self.shared_bytes) }),
            Space::Param => Some(Allocation { start: 0, end: self.param_bytes }),
            _ => self.allocations.find(address),
        }
    }
}

/// How often a block may leave its loads to the interpreter before it takes its second plan: this many times, and once
/// in so many passes.
const PATIENCE: u64 = 32;
const TOLERATED: u64 = 8;

/// What a worker's machine code has learnt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reach {
    pub(super) windows: Vec<Window>,
    pub(super) streams: Vec<Stream>,
    /// By guarded instruction that is compiled, lanes that ran it.
    pub(super) guarded: Vec<u64>,
    /// By exit, how often it was taken.
    pub(super) left: Vec<u64>,
    /// By block, whether its loads are too irregular to be compiled.
    pub(crate) irregular: Vec<bool>,
}

impl Reach {
    pub(super) fn new([windows, streams, guarded, exits, blocks]: [usize; 5]) -> Self {
        Reach {
            windows: vec![Window::default(); windows],
            streams: vec![Stream::none(); streams],
            guarded: vec![0; guarded],
            left: vec![0; exits],
            irregular: vec![false; blocks],
        }
    }

    /// Counts that an exit was taken; says whether that is too often for a block that has been run so often.
    pub(crate) fn leaves(&mut self, exit: usize, runs: u64) -> bool {
        let left = &mut self.left[exit];
        *left += 1;
        *left > PATIENCE && *left * TOLERATED > runs
    }

    /// Learns from a uniform load that the interpreter is about to do.
    pub(super) fn learn_window(
        &mut self,
        index: usize,
        access: &Access,
        registers: &Registers,
        within: &Within<'_>,
    ) {
        let slot = usize::from(access.address);
        let lane_0 =
            if access.wide { registers.wide[slot].0[0] } else { u64::from(registers.narrow[slot].0[0]) };
        let size = i128::from(access.width) * i128::from(access.count);
        let memory = within.memory(access.space, lane_0.wrapping_add(access.offset));
        let window =
            memory.map(|memory| Window::new(i128::from(memory.start), i128::from(memory.end) - size));
        self.windows[index] = window.unwrap_or_default();
    }

    /// Learns from the requests of a stream that the interpreter is about to do for some lanes, 0 among them.
    pub(super) fn learn_stream(
        &mut self,
        index: usize,
        plan: &StreamPlan,
        registers: &Registers,
        within: &Within<'_>,
        traffic: &mut [Traffic],
    ) {
        self.settle(index, plan, traffic);
        let (lanes, mask) = (plan.lanes(registers), within.mask);
        let stream = &mut self.streams[index];
        stream.window = Window::default();
        stream.mask = u64::from(mask);
        let runs = |lane: usize| mask >> lane & 1 != 0;
        for lane in 0..LANES {
            stream.chosen[lane] = if runs(lane) { u64::MAX } else { 0 };
            stream.chosen_words[lane] = stream.chosen[lane] as u32;
        }
        // Words of other lanes are loaded too: those of a row where it is one and there is room, else those of lane 0.
        for others_in_row in [true, false] {
            let apart = if !others_in_row {
                0
            } else if plan.alignment() == 8 {
                8
            } else {
                4
            };
            let others = |lane: usize| lanes[0].wrapping_add(apart * lane as u64);
            let addresses = std::array::from_fn(|lane| if runs(lane) { lanes[lane] } else { others(lane) });
            let Some(spread) = Spread::of(&addresses) else { continue };
            let row =
                spread.stride().map_or(0, |stride| if matches!(stride, 4 | 8) { stride / 4 } else { 0 });
            let missed = others_in_row && mask != FULL && row == 0;
            if !spread.is_aligned(0, plan.alignment() as u64) || missed {
                continue;
            }
            for lane in 0..LANES {
                stream.distances[lane] = spread.distance(lane);
                stream.offsets[lane] = spread.distance(lane) as i32;
            }
            stream.row = row as u64;
            stream.window = plan.window(&spread, lanes[0], within);
            if stream.window.holds(lanes[0]) {
                return;
            }
        }
    }

    /// Adds what a stream's passes moved, but for requests and bytes, which follow from the passes of the block.
    pub(super) fn settle(&mut self, index: usize, plan: &StreamPlan, traffic: &mut [Traffic]) {
        let stream = &mut self.streams[index];
        let mask = stream.mask as u32;
        for (word, passes) in (0i64..).zip(std::mem::take(&mut stream.passes)) {
            if passes == 0 {
                continue;
            }
            for request in &plan.requests {
                // Sectors and banks turn with the first address: any one of its kind that keeps the lanes from wrapping.
                let first = (1i64 << 40) + 4 * word + request.offset % 32;
                let addresses = std::array::from_fn(|lane| {
                    let distance = if mask >> lane & 1 != 0 { stream.distances[lane] } else { 0 };
                    first.wrapping_add(distance) as u64
                });
                let traffic = &mut traffic[request.site];
                if plan.space == Space::Shared {
                    let (wavefronts, conflicts) = wavefronts(&addresses, None, mask, request.size as u64);
                    traffic.wavefronts += passes * wavefronts;
                    traffic.conflicts += passes * conflicts;
                } else {
                    traffic.sectors += passes * distinct(&addresses, 5);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_both_ends_and_nothing_where_there_is_no_room() {
        assert_eq!(Window::new(256, 300), Window { first: 256, count: 45 });
        assert_eq!(Window::new(256, 255), Window { first: 256, count: 0 });
        assert_eq!(Window::new(-5, 7), Window { first: 0, count: 8 });
        assert_eq!(Window::new(0, i128::from(u64::MAX)), Window::default());
        assert_eq!(Window::new(1 << 70, 1 << 71), Window::default());
    }
}
