//! What one thread does for a launch: it runs blocks, and sets those aside that wait for other blocks.
//!
//! A GPU promises progress to the blocks that are resident, and starts them in order. Here a block that waits for others
//! is set aside, up to [`RESIDENT_BLOCKS`] of them, and gets its turn again whenever no new block can be started: blocks
//! may wait for earlier ones, and for any of a grid that fits.

use crate::{
    counts::Tally,
    exec::{Context, Landings, Room, Shape, SharedMemory},
    jit::Compiled,
    launch::Grid,
    level::Level,
    memory::Allocation,
    program::Instance,
    resident::{BlockStop, Outcome, Resident},
    trap::Stop,
};

/// Blocks that may be under way at once: what 16 multiprocessors hold.
const RESIDENT_BLOCKS: usize = 512;

/// Instructions that waiting blocks may issue while nothing changes, unless they are sure to wait forever.
const LAST_HOPE: u64 = 1 << 28;

/// A block that waits for others.
struct Aside {
    block: u64,
    resident: Resident,
    shared: SharedMemory,
    landings: Landings,
}

/// What one thread needs to run blocks.
pub(crate) struct Worker<'a> {
    context: &'a Context<'a>,
    instance: &'a Instance,
    pub(crate) room: Room,
    resident: Resident,
    aside: Vec<Aside>,
}

impl<'a> Worker<'a> {
    /// `None` if there is no shared memory of that size.
    pub(crate) fn new(context: &'a Context<'a>, instance: &'a Instance) -> Option<Self> {
        let kernel = context.kernel;
        Some(Worker {
            context,
            instance,
            room: Room {
                block: [0; 3],
                shared: SharedMemory::new(shared_bytes(context))?,
                tally: Tally::new(kernel, context.compiled),
                recent: vec![Allocation { start: 1, end: 0 }; kernel.tables.accesses.len()],
                landings: Landings::default(),
                shapes: vec![Shape::none(); kernel.tables.accesses.len()],
                reach: std::array::from_fn(|_| context.compiled.map(Compiled::reach).unwrap_or_default()),
                changes: 0,
                watch: None,
            },
            resident: Resident::new(context, instance),
            aside: Vec::new(),
        })
    }

    /// Runs blocks until none is left.
    pub(crate) fn work<L: Level>(&mut self, level: L, grid: &Grid) {
        loop {
            while self.aside.len() < RESIDENT_BLOCKS
                && let Some(block) = grid.take()
            {
                self.room.block = grid.coordinates(block);
                self.room.shared.clear();
                self.room.landings.clear();
                self.resident.restart();
                if let Some(watch) = &mut self.room.watch {
                    watch.block_starts(block);
                }
                let outcome = self.resident.run(level, self.context, self.instance, &mut self.room);
                if let Some(watch) = &mut self.room.watch {
                    watch.block_leaves(matches!(outcome, Ok(Outcome::Stuck { .. })));
                }
                match outcome {
                    Ok(Outcome::Done) => grid.progress(),
                    Ok(Outcome::Stuck { .. }) => self.set_aside(block, grid),
                    Err(stop) => grid.stop(block, Box::new(stop)),
                }
            }
            if self.aside.is_empty() || !self.go_round(level, grid) {
                return;
            }
        }
    }

    /// Puts the block at hand aside.
    fn set_aside(&mut self, block: u64, grid: &Grid) {
        let Some(shared) = SharedMemory::new(shared_bytes(self.context)) else {
            let stop = Stop::fault("shared memory has another size");
            return grid.stop(block, Box::new(BlockStop { stop, warp: 0 }));
        };
        self.aside.push(Aside {
            block,
            resident: std::mem::replace(&mut self.resident, Resident::new(self.context, self.instance)),
            shared: std::mem::replace(&mut self.room.shared, shared),
            landings: std::mem::take(&mut self.room.landings),
        });
    }

    /// Gives each block that waits its turn, until one has ended or nothing moves any more; `false` if the launch is
    /// over for this thread.
    fn go_round<L: Level>(&mut self, level: L, grid: &Grid) -> bool {
        let mut spent = 0;
        loop {
            let progress = grid.progress_so_far();
            let before = self.room.seen(self.context.kernel).changes;
            let mut ended = false;
            let mut forever = true;
            let mut kept = Vec::new();
            for mut aside in std::mem::take(&mut self.aside) {
                if !grid.wants(aside.block) {
                    continue;
                }
                self.room.block = grid.coordinates(aside.block);
                std::mem::swap(&mut self.room.shared, &mut aside.shared);
                std::mem::swap(&mut self.room.landings, &mut aside.landings);
                let issued = aside.resident.issued();
                if let Some(watch) = &mut self.room.watch {
                    watch.block_goes_on(aside.block);
                }
                let outcome = aside.resident.run(level, self.context, self.instance, &mut self.room);
                if let Some(watch) = &mut self.room.watch {
                    watch.block_leaves(matches!(outcome, Ok(Outcome::Stuck { .. })));
                }
                std::mem::swap(&mut self.room.shared, &mut aside.shared);
                std::mem::swap(&mut self.room.landings, &mut aside.landings);
                match outcome {
                    Ok(Outcome::Done) => ended = true,
                    Ok(Outcome::Stuck { forever: this }) => {
                        forever &= this;
                        spent += aside.resident.issued() - issued;
                        kept.push(aside);
                    }
                    Err(stop) => grid.stop(aside.block, Box::new(stop)),
                }
            }
            self.aside = kept;
            if ended || self.room.seen(self.context.kernel).changes != before {
                grid.progress();
                spent = 0;
            }
            if ended || self.aside.is_empty() {
                return true;
            }
            if self.room.seen(self.context.kernel).changes != before {
                continue;
            }
            if !grid.wait_for_others(progress) {
                continue;
            }
            if forever || spent > LAST_HOPE {
                self.give_up(grid);
                return false;
            }
        }
    }

    /// Nothing moves any more: the first block that waits is the one that is reported.
    fn give_up(&mut self, grid: &Grid) {
        for aside in self.aside.drain(..) {
            let stop: BlockStop = aside.resident.spins_forever(self.context);
            grid.stop(aside.block, Box::new(stop));
        }
    }
}

fn shared_bytes(context: &Context<'_>) -> u32 {
    context.kernel.static_shared_bytes() + context.config.dynamic_shared_bytes
}
