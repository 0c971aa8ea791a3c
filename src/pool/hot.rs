//! The hot cache: the blocks that were given back last, whole, by size.

use std::collections::BTreeMap;

/// Blocks by size, the last that came in the first to go out.
#[derive(Debug, Default)]
pub(crate) struct HotCache {
    by_size: BTreeMap<u64, Vec<u64>>,
    bytes: u64,
}

impl HotCache {
    /// Takes the block of exactly `bytes` that came in last.
    pub(crate) fn take(&mut self, bytes: u64) -> Option<u64> {
        let address = self.by_size.get_mut(&bytes)?.pop()?;
        self.bytes -= bytes;
        Some(address)
    }

    /// Keeps a block, unless there are `most` of its size already.
    pub(crate) fn keep(&mut self, address: u64, bytes: u64, most: usize) -> bool {
        let blocks = self.by_size.entry(bytes).or_default();
        let has_room = blocks.len() < most;
        if has_room {
            blocks.push(address);
            self.bytes += bytes;
        }
        has_room
    }

    /// Gives up every block: their addresses.
    pub(crate) fn drain(&mut self) -> Vec<u64> {
        self.bytes = 0;
        std::mem::take(&mut self.by_size).into_values().flatten().collect()
    }

    /// Bytes of all blocks.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of the largest block.
    pub(crate) fn largest(&self) -> u64 {
        let kept = self.by_size.iter().rev().find(|(_, blocks)| !blocks.is_empty());
        kept.map_or(0, |(bytes, _)| *bytes)
    }
}
