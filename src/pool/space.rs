//! The slabs cut into blocks, in the order of their addresses.

use std::collections::{BTreeMap, BTreeSet};

/// A block of a slab.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) bytes: u64,
    /// Where its slab begins: neighbours of another slab are not merged, for they go back on their own.
    pub(crate) slab: u64,
    pub(crate) state: State,
}

/// Who has a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody; its neighbours of the same slab are not free.
    Free,
    /// Nobody; the hot cache keeps it whole.
    Hot,
    /// A caller who asked for so many bytes.
    Live { requested: u64 },
}

/// All slabs.
#[derive(Debug, Default)]
pub(crate) struct Space {
    pieces: BTreeMap<u64, Piece>,
    /// The free pieces: bytes, then address, so that the smallest that is large enough is the lowest of its size.
    free: BTreeSet<(u64, u64)>,
    slabs: BTreeMap<u64, u64>,
}

impl Space {
    /// Adds a slab, all of it free.
    pub(crate) fn add(&mut self, slab: u64, bytes: u64) {
        self.slabs.insert(slab, bytes);
        self.pieces.insert(slab, Piece { bytes, slab, state: State::Free });
        self.free.insert((bytes, slab));
    }

    /// Cuts `bytes` off the smallest free piece that has them, for a caller who asked for `requested`.
    pub(crate) fn cut(&mut self, bytes: u64, requested: u64) -> Option<u64> {
        let (found, address) = *self.free.range((bytes, 0)..).next()?;
        self.free.remove(&(found, address));
        let piece = self.pieces.get_mut(&address)?;
        piece.state = State::Live { requested };
        let rest = piece.bytes - bytes;
        if rest > 0 {
            piece.bytes = bytes;
            let rest = Piece { bytes: rest, slab: piece.slab, state: State::Free };
            self.pieces.insert(address + bytes, rest);
            self.free.insert((rest.bytes, address + bytes));
        }
        Some(address)
    }

    /// Takes a free piece of exactly `bytes`, for a caller who asked for all of them.
    pub(crate) fn take(&mut self, bytes: u64) -> Option<u64> {
        let (_, address) = *self.free.range((bytes, 0)..=(bytes, u64::MAX)).next()?;
        self.free.remove(&(bytes, address));
        self.mark(address, State::Live { requested: bytes });
        Some(address)
    }

    /// The piece that begins at `address`.
    pub(crate) fn get(&self, address: u64) -> Option<Piece> {
        self.pieces.get(&address).copied()
    }

    /// Says who has a piece that is not free.
    pub(crate) fn mark(&mut self, address: u64, state: State) {
        if let Some(piece) = self.pieces.get_mut(&address) {
            piece.state = state;
        }
    }

    /// Frees a piece and merges it with its free neighbours.
    pub(crate) fn release(&mut self, address: u64) {
        let Some(mut piece) = self.pieces.remove(&address) else { return };
        let mut start = address;
        let before = self.pieces.range(..address).next_back().map(|(start, piece)| (*start, *piece));
        if let Some((neighbour, other)) = before
            && other.slab == piece.slab
            && other.state == State::Free
        {
            self.remove_free(neighbour, other.bytes);
            (start, piece.bytes) = (neighbour, piece.bytes + other.bytes);
        }
        let after = start + piece.bytes;
        if let Some(other) = self.get(after)
            && other.slab == piece.slab
            && other.state == State::Free
        {
            self.remove_free(after, other.bytes);
            piece.bytes += other.bytes;
        }
        self.pieces.insert(start, Piece { state: State::Free, ..piece });
        self.free.insert((piece.bytes, start));
    }

    fn remove_free(&mut self, address: u64, bytes: u64) {
        self.pieces.remove(&address);
        self.free.remove(&(bytes, address));
    }

    /// The slabs that nothing is held of, the largest first.
    pub(crate) fn unused(&self) -> Vec<u64> {
        let whole = |(bytes, address): &&(u64, u64)| self.slabs.get(address) == Some(bytes);
        self.free.iter().rev().filter(whole).map(|(_, address)| *address).collect()
    }

    /// Takes an unused slab out; its bytes.
    pub(crate) fn remove(&mut self, slab: u64) -> Option<u64> {
        let bytes = self.slabs.remove(&slab)?;
        self.remove_free(slab, bytes);
        Some(bytes)
    }

    /// Where the slabs begin.
    pub(crate) fn slabs(&self) -> impl Iterator<Item = u64> {
        self.slabs.keys().copied()
    }

    /// Bytes of the largest free piece.
    pub(crate) fn largest_free(&self) -> u64 {
        self.free.last().map_or(0, |(bytes, _)| *bytes)
    }
}
