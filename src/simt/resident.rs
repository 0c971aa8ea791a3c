//! A block that is running: its warps, one after another until each waits or has exited, and its barriers.

use crate::{
    barrier::{Barriers, Opened},
    decode::BarrierMode,
    exec::{self, Context, Pause, Room},
    instruction::Constant,
    level::Level,
    program::{Instance, Kernel},
    registers::{FULL, LANES, Registers},
    trap::{Stop, TrapKind},
    warp::{Reason, Warp},
};

/// How running a block came to an end, for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All threads have exited.
    Done,
    /// Its threads wait for something outside the block; `forever` if they do exactly the same until memory changes.
    Stuck { forever: bool },
}

/// Why a block stopped.
#[derive(Debug)]
pub(crate) struct BlockStop {
    pub(crate) stop: Box<Stop>,
    pub(crate) warp: u32,
}

/// The state of a block. Where warps never wait for each other, one [`Warp`] serves them all in turn.
#[derive(Debug)]
pub(crate) struct Resident {
    warps: Vec<Warp>,
    /// For each warp whether it waits at a barrier as a whole.
    parked: Vec<bool>,
    barriers: Barriers,
    /// Warps of the block.
    count: u32,
    started: bool,
}

/// A warp with the kernel's constants in place.
fn make_warp(kernel: &Kernel, instance: &Instance) -> Warp {
    let [narrow, wide, predicates] = kernel.slots.counts;
    let mut registers = Registers::new(narrow, wide, predicates);
    for (place, constant) in &kernel.tables.constants {
        let value = match constant {
            Constant::Bits(bits) => *bits,
            Constant::Address(index, offset) => instance.address(*index).wrapping_add(*offset),
        };
        registers.splat(place.file, place.slot, value);
    }
    Warp::new(registers, kernel.local_bytes().next_multiple_of(16) as usize)
}

impl Resident {
    /// Room for a block's warps.
    pub(crate) fn new(context: &Context<'_>, instance: &Instance) -> Self {
        let threads: u32 = context.config.block.iter().product();
        let count = threads.div_ceil(LANES as u32);
        let stored = if context.kernel.has_barriers { count as usize } else { 1 };
        Resident {
            warps: (0..stored).map(|_| make_warp(context.kernel, instance)).collect(),
            parked: vec![false; count as usize],
            barriers: Barriers::default(),
            count,
            started: false,
        }
    }

    /// Makes it ready for another block.
    pub(crate) fn restart(&mut self) {
        self.started = false;
    }

    /// Runs the block until it ends or is stuck.
    pub(crate) fn run<L: Level>(
        &mut self,
        level: L,
        context: &Context<'_>,
        instance: &Instance,
        room: &mut Room,
    ) -> Result<Outcome, BlockStop> {
        if !std::mem::replace(&mut self.started, true) {
            self.parked.fill(false);
            self.barriers = Barriers::default();
            let mut first = 0;
            if self.warps.len() < self.count as usize {
                // Warp after warp with the same registers, until one waits for another.
                while first < self.count {
                    self.start(context, room, 0, first);
                    first += 1;
                    if self.run_warp(level, context, room, 0)? != Pause::Done {
                        break;
                    }
                }
                if first == self.count && self.warps[0].is_done() {
                    return Ok(Outcome::Done);
                }
                let done = first as usize - 1;
                self.warps.resize_with(self.count as usize, || make_warp(context.kernel, instance));
                self.warps.swap(0, done);
                self.warps[..done].iter_mut().for_each(|warp| warp.start(0, 0));
            }
            for index in first..self.count {
                self.start(context, room, index as usize, index);
            }
        }
        self.run_all(level, context, room)
    }

    fn run_all<L: Level>(
        &mut self,
        level: L,
        context: &Context<'_>,
        room: &mut Room,
    ) -> Result<Outcome, BlockStop> {
        loop {
            let before = room.seen(context.kernel).changes;
            let mut moved = false;
            let mut spins = false;
            let mut forever = true;
            for slot in 0..self.count as usize {
                if self.parked[slot] || self.warps[slot].is_done() {
                    continue;
                }
                match self.run_warp(level, context, room, slot)? {
                    Pause::Done => moved = true,
                    Pause::Waiting => self.parked[slot] = true,
                    Pause::Spinning { forever: this } => {
                        spins = true;
                        forever &= this;
                    }
                    Pause::Barrier(arrival) => {
                        moved = true;
                        self.parked[slot] = self.warps[slot].waits_at_barriers();
                        if let Some(watch) = &mut room.watch {
                            let mode = context.kernel.code[arrival.at as usize].m;
                            watch.arrives(arrival.id, self.warps[slot].index, BarrierMode::numbered(mode));
                        }
                        self.barriers.arrive(&arrival).map_err(|mut stop| {
                            stop.at = arrival.at;
                            BlockStop { stop, warp: slot as u32 }
                        })?;
                    }
                }
                self.open(context, room);
            }
            if self.warps.iter().all(Warp::is_done) {
                return Ok(Outcome::Done);
            }
            if moved || room.seen(context.kernel).changes != before {
                continue;
            }
            if let Some(slot) = self.warps.iter_mut().position(|warp| warp.release(0)) {
                self.parked[slot] = false;
                continue;
            }
            if spins {
                return Ok(Outcome::Stuck { forever });
            }
            return Err(self.deadlock(context));
        }
    }

    fn start(&mut self, context: &Context<'_>, room: &mut Room, slot: usize, index: u32) {
        if let Some(watch) = &mut room.watch {
            watch.warp_starts(index);
        }
        let threads: u32 = context.config.block.iter().product();
        let lanes = FULL >> (LANES as u32 - (threads - index * LANES as u32).min(LANES as u32));
        let warp = &mut self.warps[slot];
        warp.start(index, lanes);
        for place in &context.kernel.slots.uninitialised {
            warp.registers.splat(place.file, place.slot, 0);
        }
    }

    fn run_warp<L: Level>(
        &mut self,
        level: L,
        context: &Context<'_>,
        room: &mut Room,
        slot: usize,
    ) -> Result<Pause, BlockStop> {
        let warp = &mut self.warps[slot];
        let outcome = level.vectorize(
            #[inline(always)]
            || exec::run(level, context, room, warp),
        );
        outcome.map_err(|stop| BlockStop { stop, warp: warp.index })
    }

    /// Opens the barriers at which everyone has arrived.
    fn open(&mut self, context: &Context<'_>, room: &mut Room) {
        let opened = self.barriers.open(context.kernel, &mut self.warps);
        for Opened { id, first } in &opened {
            room.tally.barriers[*first as usize] += 1;
            if let Some(watch) = &mut room.watch {
                watch.opens(*id);
            }
        }
        if !opened.is_empty() {
            for (parked, warp) in self.parked.iter_mut().zip(&self.warps) {
                *parked = warp.waits_at_barriers();
            }
        }
    }

    /// The trap for a block of which no thread can go on.
    fn deadlock(&self, context: &Context<'_>) -> BlockStop {
        let waits = |warp: &&Warp| !warp.is_done();
        let Some(warp) = self.warps.iter().find(waits) else {
            return BlockStop { stop: Stop::fault("a block that neither runs nor waits"), warp: 0 };
        };
        let at_barrier = warp.waiting.iter().find_map(|waiting| match waiting.reason {
            Reason::Barrier(id) => Some((id, waiting)),
            Reason::Lanes => None,
        });
        let stop = match at_barrier {
            Some((id, waiting)) => {
                let detail = self.barriers.describe(id);
                let mut stop = Stop::trap(TrapKind::Deadlock, waiting.lanes(), detail);
                stop.at = context.kernel.blocks[waiting.at() as usize].end;
                stop
            }
            None => exec::never(context, warp),
        };
        BlockStop { stop, warp: warp.index }
    }

    /// The trap for a block that waits for a change of memory that will not come.
    pub(crate) fn spins_forever(&self, context: &Context<'_>) -> BlockStop {
        let spins = |warp: &&Warp| warp.active != 0 && !warp.is_done();
        let Some(warp) = self.warps.iter().find(spins) else { return self.deadlock(context) };
        let detail = "every thread waits or spins, and nobody changes memory".to_owned();
        let mut stop = Stop::trap(TrapKind::Deadlock, warp.active, detail);
        stop.at = context.kernel.blocks.get(warp.at as usize).map_or(0, |block| block.first);
        BlockStop { stop, warp: warp.index }
    }

    /// Instructions that its warps have issued.
    pub(crate) fn issued(&self) -> u64 {
        self.warps.iter().map(|warp| warp.issued).sum()
    }
}
