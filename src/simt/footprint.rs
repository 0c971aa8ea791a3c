//! Which 32-byte sectors of global memory a launch touches at all, and which each of its blocks: its compulsory
//! traffic, what even a cache without limits would have to move, behind all blocks and behind each.
//!
//! It costs a look at every address of every request, so it is counted only where [`Options`](crate::Options) ask for
//! it. A worker marks bitmaps of its own while a block runs and adds them to those of the launch when it ends; the sums
//! do not depend on who ran what.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{counts::Counts, memory::Snapshot, registers::LANES, sanitizer::Access};

/// Bytes of a sector, the unit in which GPUs move memory.
const SECTOR: u64 = 32;

/// The sectors that a launch loads from and those that it stores to, a bit each.
#[derive(Debug)]
pub(crate) struct Footprint {
    /// Address of the first sector.
    base: u64,
    loads: Vec<AtomicU64>,
    stores: Vec<AtomicU64>,
    /// Sectors loaded, each once a block.
    block_loads: AtomicU64,
}

impl Footprint {
    /// Nothing touched yet of these allocations.
    pub(crate) fn new(allocations: &Snapshot) -> Self {
        let (base, end) = allocations.span().unwrap_or_default();
        let base = base / SECTOR * SECTOR;
        let words = (end - base).div_ceil(SECTOR * 64) as usize;
        let bitmap = || std::iter::repeat_with(|| AtomicU64::new(0)).take(words).collect();
        Footprint { base, loads: bitmap(), stores: bitmap(), block_loads: AtomicU64::new(0) }
    }

    /// Bitmaps for the blocks of one worker.
    pub(crate) fn of_block(&self) -> BlockFootprint {
        let marks = || Marks { words: vec![0; self.loads.len()], touched: Vec::new() };
        BlockFootprint { base: self.base, loads: marks(), stores: marks() }
    }

    /// Adds what a block touched, which is forgotten.
    pub(crate) fn add(&self, block: &mut BlockFootprint) {
        let loads = block.loads.drain_into(&self.loads);
        self.block_loads.fetch_add(loads, Relaxed);
        block.stores.drain_into(&self.stores);
    }

    /// Enters the sums.
    pub(crate) fn count(&self, counts: &mut Counts) {
        let bytes = |bitmap: &[AtomicU64]| {
            SECTOR * bitmap.iter().map(|word| u64::from(word.load(Relaxed).count_ones())).sum::<u64>()
        };
        counts.unique_load_bytes = bytes(&self.loads);
        counts.unique_store_bytes = bytes(&self.stores);
        counts.block_unique_load_bytes = SECTOR * self.block_loads.load(Relaxed);
    }
}

/// What the block touched that a worker runs.
#[derive(Debug)]
pub(crate) struct BlockFootprint {
    base: u64,
    loads: Marks,
    stores: Marks,
}

impl BlockFootprint {
    /// Marks what the lanes of `mask` touch. Elements are aligned and no larger than a sector, so each lies in one.
    pub(crate) fn mark(&mut self, access: Access, addresses: &[u64; LANES], mask: u32) {
        let mut last = u64::MAX;
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            let sector = addresses[lane].wrapping_sub(self.base) / SECTOR;
            if sector == last {
                continue;
            }
            last = sector;
            if access.reads() {
                self.loads.set(sector);
            }
            if access.writes() {
                self.stores.set(sector);
            }
        }
    }
}

/// A bitmap that is cheap to empty.
#[derive(Debug)]
struct Marks {
    words: Vec<u64>,
    /// The words that are not 0.
    touched: Vec<usize>,
}

impl Marks {
    fn set(&mut self, sector: u64) {
        // What lies outside every allocation traps; it need not be counted.
        let Ok(at) = usize::try_from(sector / 64) else { return };
        let Some(word) = self.words.get_mut(at) else { return };
        if *word == 0 {
            self.touched.push(at);
        }
        *word |= 1 << (sector % 64);
    }

    /// Moves all marks to another bitmap and says how many they were.
    fn drain_into(&mut self, bitmap: &[AtomicU64]) -> u64 {
        let mut marks = 0;
        for at in self.touched.drain(..) {
            let word = std::mem::take(&mut self.words[at]);
            marks += u64::from(word.count_ones());
            bitmap[at].fetch_or(word, Relaxed);
        }
        marks
    }
}
