//! What a pool holds, and held at most.

/// Figures of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Bytes that callers asked for and hold.
    pub live_bytes: u64,
    /// Most of [`Stats::live_bytes`] so far.
    pub peak_live_bytes: u64,
    /// Bytes of the blocks that callers hold: what they asked for, rounded up.
    pub block_bytes: u64,
    /// Bytes of all slabs.
    pub reserved_bytes: u64,
    /// Most of [`Stats::reserved_bytes`] so far.
    pub peak_reserved_bytes: u64,
    /// Bytes of the largest block that nobody holds.
    pub largest_free_bytes: u64,
    /// Allocations so far.
    pub allocations: u64,
    /// Those that the hot cache served.
    pub hot_cache_hits: u64,
    /// Slabs taken from the source so far.
    pub source_allocations: u64,
}

impl Stats {
    /// Bytes of the slabs that nobody holds.
    pub fn free_bytes(&self) -> u64 {
        self.reserved_bytes - self.block_bytes
    }

    /// External fragmentation, 0 to 1: the share of the free bytes that is not in the largest free block. 0 where all free
    /// memory is one piece, or there is none.
    pub fn fragmentation(&self) -> f64 {
        match self.free_bytes() {
            0 => 0.0,
            free => 1.0 - self.largest_free_bytes as f64 / free as f64,
        }
    }
}
