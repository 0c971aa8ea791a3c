//! The pool: where a request is served from, and what becomes of a block that is given back.

use crate::{
    Stats,
    class::round_up,
    hot::HotCache,
    space::{Space, State},
};

/// Where slabs come from.
pub trait Source {
    /// Why there is no slab.
    type Error;

    /// Gives `bytes` of memory: their address, a multiple of [`crate::ALIGNMENT`] unless the layout is [`Layout::Dedicated`].
    ///
    /// # Errors
    /// There is no memory left, or the device does not work any more.
    fn allocate(&mut self, bytes: u64) -> Result<u64, Self::Error>;

    /// Takes back what [`Source::allocate`] gave.
    fn free(&mut self, address: u64);
}

/// How blocks lie in slabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Many in one: slabs of this many bytes, or of what is asked for where that is more.
    Slabs {
        /// Bytes of a slab.
        bytes: u64,
    },
    /// Each alone in a slab of exactly its bytes, so that whoever reaches beyond it is seen. Only requests of the same
    /// bytes are served from what was given back.
    Dedicated,
}

/// How a pool behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// How blocks lie in slabs.
    pub layout: Layout,
    /// Most blocks of one size in the hot cache.
    pub hot_blocks: usize,
    /// The [`Stats::fragmentation`], 0 to 1, over which the hot cache is given up.
    pub fragmentation_threshold: f64,
    /// Most bytes that are kept for later; slabs without a live block go back beyond it.
    pub keep_bytes: u64,
}

impl Default for Config {
    /// Slabs of 2 MiB, the granularity of device memory; 4 hot blocks a size; merged at a fragmentation of 0.3, as the
    /// pool of the Python scripts did; everything kept.
    fn default() -> Self {
        Self {
            layout: Layout::Slabs { bytes: 2 << 20 },
            hot_blocks: 4,
            fragmentation_threshold: 0.3,
            keep_bytes: u64::MAX,
        }
    }
}

/// A piece of a pool's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Block {
    /// Where it begins.
    pub address: u64,
    /// What the caller asked for; at least so many bytes are the caller's alone.
    pub bytes: u64,
}

/// A block cannot be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{address:#x} is no block of the pool, or was given back before")]
pub struct FreeError {
    /// Where it would begin.
    pub address: u64,
}

/// Memory from a source, cut into blocks and kept for reuse. Everything goes back to the source when it is dropped.
#[derive(Debug)]
pub struct Pool<S: Source> {
    source: S,
    config: Config,
    space: Space,
    hot: HotCache,
    stats: Stats,
}

impl<S: Source> Pool<S> {
    /// An empty pool.
    pub fn new(source: S, config: Config) -> Self {
        Self { source, config, space: Space::default(), hot: HotCache::default(), stats: Stats::default() }
    }

    /// A block of at least `bytes`, 0 of which are treated as 1. Its content is undefined.
    ///
    /// # Errors
    /// The source's, where it has no memory left even after everything unused went back to it.
    pub fn allocate(&mut self, bytes: u64) -> Result<Block, S::Error> {
        let bytes = bytes.max(1);
        let size = match self.config.layout {
            Layout::Slabs { .. } => round_up(bytes).unwrap_or(u64::MAX),
            Layout::Dedicated => bytes,
        };
        let address = match self.hot.take(size) {
            Some(address) => {
                self.stats.hot_cache_hits += 1;
                self.space.mark(address, State::Live { requested: bytes });
                address
            }
            None => self.find(size, bytes)?,
        };
        let taken = self.space.get(address).map_or(size, |piece| piece.bytes);
        self.stats.allocations += 1;
        self.stats.block_bytes += taken;
        self.stats.live_bytes += bytes;
        self.stats.peak_live_bytes = self.stats.peak_live_bytes.max(self.stats.live_bytes);
        Ok(Block { address, bytes })
    }

    /// Looks in the free pieces, then in those that the hot cache holds apart, then asks the source.
    fn find(&mut self, size: u64, requested: u64) -> Result<u64, S::Error> {
        if let Some(address) = self.cut(size, requested) {
            return Ok(address);
        }
        if self.hot.bytes() >= size {
            self.merge();
            if let Some(address) = self.cut(size, requested) {
                return Ok(address);
            }
        }
        let slab = match self.config.layout {
            Layout::Slabs { bytes } => size.max(bytes),
            Layout::Dedicated => size,
        };
        let (address, slab) = match self.source.allocate(slab) {
            Ok(address) => (address, slab),
            Err(_) => {
                self.trim();
                (self.source.allocate(size)?, size)
            }
        };
        self.stats.source_allocations += 1;
        self.stats.reserved_bytes += slab;
        self.stats.peak_reserved_bytes = self.stats.peak_reserved_bytes.max(self.stats.reserved_bytes);
        self.space.add(address, slab);
        // A free piece that is smaller than the slab would have been found before.
        Ok(self.cut(size, requested).unwrap_or(address))
    }

    fn cut(&mut self, size: u64, requested: u64) -> Option<u64> {
        match self.config.layout {
            Layout::Slabs { .. } => self.space.cut(size, requested),
            Layout::Dedicated => self.space.take(size),
        }
    }

    /// Gives a block back.
    ///
    /// # Errors
    /// `address` is not where a block begins that somebody has.
    pub fn free(&mut self, address: u64) -> Result<(), FreeError> {
        let Some((piece, requested)) = self.space.get(address).and_then(|piece| match piece.state {
            State::Live { requested } => Some((piece, requested)),
            State::Free | State::Hot => None,
        }) else {
            return Err(FreeError { address });
        };
        self.stats.live_bytes -= requested;
        self.stats.block_bytes -= piece.bytes;
        if self.hot.keep(address, piece.bytes, self.config.hot_blocks) {
            self.space.mark(address, State::Hot);
        } else {
            self.space.release(address);
        }
        let is_slabs = matches!(self.config.layout, Layout::Slabs { .. });
        if is_slabs
            && self.hot.bytes() > 0
            && self.stats().fragmentation() > self.config.fragmentation_threshold
        {
            self.merge();
        }
        if self.stats.free_bytes() > self.config.keep_bytes {
            self.merge();
            self.give_back(self.config.keep_bytes);
        }
        Ok(())
    }

    /// Gives up the hot cache: its blocks become one with their free neighbours.
    pub fn merge(&mut self) {
        for address in self.hot.drain() {
            self.space.release(address);
        }
    }

    /// Gives every slab without a live block back to the source.
    pub fn trim(&mut self) {
        self.merge();
        self.give_back(0);
    }

    /// Gives unused slabs back, the largest first, until `keep` bytes are free.
    fn give_back(&mut self, keep: u64) {
        for slab in self.space.unused() {
            if self.stats.free_bytes() <= keep {
                return;
            }
            if let Some(bytes) = self.space.remove(slab) {
                self.source.free(slab);
                self.stats.reserved_bytes -= bytes;
            }
        }
    }

    /// What the pool holds.
    pub fn stats(&self) -> Stats {
        Stats { largest_free_bytes: self.space.largest_free().max(self.hot.largest()), ..self.stats }
    }

    /// Where slabs come from.
    pub fn source(&self) -> &S {
        &self.source
    }
}

impl<S: Source> Drop for Pool<S> {
    fn drop(&mut self) {
        for slab in self.space.slabs() {
            self.source.free(slab);
        }
    }
}
