//! Shared memory of a block, and what bank conflicts cost.

use crate::{
    level::{Extent, Level},
    registers::LANES,
    trap::{Step, Stop, TrapKind},
};

/// Words of the largest shared memory: a power of two, so that a 16-bit index needs no check.
const WORDS: usize = 1 << 16;

/// Banks of shared memory, 4 bytes wide each.
const BANKS: usize = 32;

/// A block's shared memory. The block runs on one thread, so this is plain memory.
pub(crate) struct SharedMemory {
    words: Box<[u32; WORDS]>,
    bytes: u32,
}

impl SharedMemory {
    /// Most bytes a block can have: what the largest GPUs give.
    pub(crate) const LIMIT: u32 = 227 << 10;

    /// So many zero bytes.
    pub(crate) fn new(bytes: u32) -> Option<Self> {
        let words = vec![0; WORDS].into_boxed_slice().try_into().ok()?;
        Some(SharedMemory { words, bytes })
    }

    /// Where its first byte is, for machine code: [`SharedMemory::LIMIT`] bytes are there, whatever its size.
    pub(crate) fn host_address(&self) -> u64 {
        self.words.as_ptr().expose_provenance() as u64
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Zeroes it for the next block, so that what a kernel reads before writing is the same on every run.
    pub(crate) fn clear(&mut self) {
        let used = (self.bytes as usize).div_ceil(4).min(WORDS);
        self.words[..used].fill(0);
    }

    /// Checks that every lane's access is inside and aligned.
    #[inline(always)]
    pub(super) fn check(
        &self,
        level: impl Level,
        what: &'static str,
        addresses: &[u64; LANES],
        mask: u32,
        size: u64,
    ) -> Step {
        let Extent { highest, bits, .. } = level.extent(addresses);
        if self.holds(highest, size) && bits & (size - 1) == 0 {
            return Ok(());
        }
        let copy = *addresses;
        Err(self.trap(what, &copy, mask, size))
    }

    #[cold]
    #[inline(never)]
    fn trap(&self, what: &'static str, addresses: &[u64; LANES], mask: u32, size: u64) -> Box<Stop> {
        for (lane, address) in addresses.iter().enumerate() {
            if mask >> lane & 1 == 0 {
                continue;
            }
            if address % size != 0 {
                let detail = format!(
                    "shared {what} of {size} bytes at {address:#x}, which is not a multiple of {size}"
                );
                return Stop::trap(TrapKind::Misaligned, 1 << lane, detail);
            }
            if address.checked_add(size).is_none_or(|end| end > u64::from(self.bytes)) {
                let detail = format!(
                    "shared {what} of {size} bytes at {address:#x}; the block has {} bytes of shared memory",
                    self.bytes
                );
                return Stop::trap(TrapKind::OutOfBounds, 1 << lane, detail);
            }
        }
        Stop::fault("a shared access was refused for no reason")
    }

    /// Whether `size` bytes at an address are inside.
    #[inline(always)]
    pub(super) fn holds(&self, address: u64, size: u64) -> bool {
        u64::from(self.bytes) >= size && address <= u64::from(self.bytes) - size
    }

    /// The word that holds a checked address.
    #[inline(always)]
    pub(super) fn word(&self, address: u64) -> u32 {
        self.words[usize::from((address >> 2) as u16)]
    }

    /// The word that holds a checked address, to change it.
    #[inline(always)]
    pub(super) fn word_mut(&mut self, address: u64) -> &mut u32 {
        &mut self.words[usize::from((address >> 2) as u16)]
    }

    /// The `COUNT` words of a checked element: a power of two of them, and aligned to their size.
    #[inline(always)]
    pub(super) fn element<const COUNT: usize>(&self, address: u64) -> [u32; COUNT] {
        // The number of elements is known when this is compiled, and with it that the index is inside.
        let elements = self.words.as_chunks::<COUNT>().0;
        elements[(address as usize / (4 * COUNT)) & (WORDS / COUNT - 1)]
    }

    /// As [`SharedMemory::element`], to change it.
    #[inline(always)]
    pub(super) fn element_mut<const COUNT: usize>(&mut self, address: u64) -> &mut [u32; COUNT] {
        let elements = self.words.as_chunks_mut::<COUNT>().0;
        &mut elements[(address as usize / (4 * COUNT)) & (WORDS / COUNT - 1)]
    }

    /// `COUNT` words from a checked address on, if they are all there.
    #[inline(always)]
    pub(super) fn row<const COUNT: usize>(&self, address: u64) -> Option<&[u32; COUNT]> {
        let first = usize::from((address >> 2) as u16);
        self.words.get(first..first + COUNT)?.try_into().ok()
    }

    /// As [`SharedMemory::row`], to change them.
    #[inline(always)]
    pub(super) fn row_mut<const COUNT: usize>(&mut self, address: u64) -> Option<&mut [u32; COUNT]> {
        let first = usize::from((address >> 2) as u16);
        self.words.get_mut(first..first + COUNT)?.try_into().ok()
    }

    /// Loads `width` ≤ 8 bytes, little-endian, from a checked address.
    #[inline(always)]
    pub(super) fn load(&self, address: u64, width: u8) -> u64 {
        let word = u64::from(self.word(address));
        let shift = 8 * (address & 3);
        match width {
            1 => word >> shift & 0xff,
            2 => word >> shift & 0xffff,
            4 => word,
            _ => word | u64::from(self.word(address + 4)) << 32,
        }
    }

    /// Stores the low `width` ≤ 8 bytes of `value` at a checked address.
    #[inline(always)]
    pub(super) fn store(&mut self, address: u64, width: u8, value: u64) {
        let shift = 8 * (address & 3);
        let word = self.word_mut(address);
        match width {
            1 => *word = *word & !(0xff << shift) | (value as u32 & 0xff) << shift,
            2 => *word = *word & !(0xffff << shift) | (value as u32 & 0xffff) << shift,
            4 => *word = value as u32,
            _ => {
                *word = value as u32;
                *self.word_mut(address + 4) = (value >> 32) as u32;
            }
        }
    }
}

/// Wavefronts of a request, and how many of them are conflicts.
///
/// Lanes that want different words of one bank take turns; lanes that want the same word share it. Requests of 8 and
/// 16 bytes a lane are served in halves and quarters of the warp, one wavefront each at least.
#[inline(always)]
pub(crate) fn wavefronts(addresses: &[u64; LANES], stride: Option<i64>, mask: u32, size: u64) -> (u64, u64) {
    if mask == u32::MAX
        && let Some(stride) = stride
        && (stride == 0 || stride.unsigned_abs() == size)
    {
        let phases = (size / 4).max(1);
        return (phases, 0);
    }
    if mask == u32::MAX {
        let clear = match size {
            4 => is_conflict_free::<32>(addresses),
            8 => is_conflict_free::<16>(addresses),
            16 => is_conflict_free::<8>(addresses),
            _ => false,
        };
        if clear {
            return (size / 4, 0);
        }
    }
    let copy = *addresses;
    wavefronts_slowly(&copy, mask, size)
}

/// Whether in every phase of `PHASE` lanes, which move 128 bytes, lanes that want different elements want them from
/// different banks. Elements are aligned, so two that share a bank share all of theirs.
#[inline(always)]
fn is_conflict_free<const PHASE: usize>(addresses: &[u64; LANES]) -> bool {
    let mut elements = [0u32; LANES];
    for i in 0..LANES {
        elements[i] = (addresses[i] / (128 / PHASE as u64)) as u32;
    }
    let mut conflicts = 0;
    // Each lane with those up to half a phase further on, around the phase: every pair.
    for distance in 1..=PHASE / 2 {
        for i in 0..LANES {
            let other = i / PHASE * PHASE + (i + distance) % PHASE;
            let differ = elements[i] ^ elements[other];
            conflicts |= u32::from(differ != 0) & u32::from(differ % PHASE as u32 == 0);
        }
    }
    conflicts == 0
}

#[inline(never)]
fn wavefronts_slowly(addresses: &[u64; LANES], mask: u32, size: u64) -> (u64, u64) {
    let phases = (size / 4).max(1) as usize;
    let lanes = LANES / phases;
    let (mut total, mut conflicts) = (0, 0);
    for phase in 0..phases {
        let group = (u32::MAX >> (32 - lanes)) << (phase * lanes) & mask;
        if group == 0 {
            continue;
        }
        let mut first_of = [u64::MAX; BANKS * 4];
        let mut count = 0;
        // The distinct words that the phase wants: at most 32, and as many as lanes times words a lane.
        for lane in (0..LANES).filter(|lane| group >> lane & 1 != 0) {
            for part in 0..phases as u64 {
                let word = (addresses[lane] >> 2) + part;
                if !first_of[..count].contains(&word) {
                    first_of[count] = word;
                    count += 1;
                }
            }
        }
        let mut turns = [0u64; BANKS];
        for word in &first_of[..count] {
            turns[*word as usize % BANKS] += 1;
        }
        let needed = turns.into_iter().max().unwrap_or(1).max(1);
        total += needed;
        conflicts += needed - 1;
    }
    (total, conflicts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Baseline;

    fn strided(stride: u64) -> [u64; LANES] {
        std::array::from_fn(|lane| lane as u64 * stride)
    }

    fn wavefronts(addresses: &[u64; LANES], mask: u32, size: u64) -> (u64, u64) {
        super::wavefronts(addresses, Baseline.stride(addresses), mask, size)
    }

    #[test]
    fn conflicts_follow_the_banks() {
        assert_eq!(wavefronts(&strided(4), u32::MAX, 4), (1, 0));
        assert_eq!(wavefronts(&strided(0), u32::MAX, 4), (1, 0), "a broadcast is free");
        assert_eq!(wavefronts(&strided(8), u32::MAX, 4), (2, 1));
        assert_eq!(wavefronts(&strided(128), u32::MAX, 4), (32, 31));
        assert_eq!(wavefronts(&strided(132), u32::MAX, 4), (1, 0), "padding helps");
        assert_eq!(wavefronts(&strided(1), u32::MAX, 1), (1, 0), "bytes of a word share it");
        assert_eq!(wavefronts(&strided(128), 0b11, 4), (2, 1));
    }

    #[test]
    fn the_short_path_agrees_with_counting() {
        let mut state = 1u64;
        let mut clear = 0;
        for round in 0..3000u64 {
            for size in [4u64, 8, 16] {
                // Few banks and rows: half the rounds permute a row of elements, so that many are conflict-free.
                let addresses = std::array::from_fn(|lane| {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let random = state >> 33;
                    let element =
                        if round % 2 == 0 { lane as u64 ^ (round / 2 % 32) } else { random % 16 * 8 };
                    let row = if round % 4 == 0 { random % 2 * 32 } else { 0 };
                    (element + row) * size
                });
                let expected = wavefronts_slowly(&addresses, u32::MAX, size);
                assert_eq!(wavefronts(&addresses, u32::MAX, size), expected, "{addresses:?} of {size}");
                clear += u32::from(expected.1 == 0);
            }
        }
        assert!((1000..8000).contains(&clear), "{clear} are free of conflicts");
    }

    #[test]
    fn wide_requests_come_in_halves_and_quarters() {
        assert_eq!(wavefronts(&strided(8), u32::MAX, 8), (2, 0));
        assert_eq!(wavefronts(&strided(16), u32::MAX, 16), (4, 0));
        assert_eq!(wavefronts(&strided(16), u32::MAX, 8), (4, 2));
        assert_eq!(wavefronts(&strided(32), u32::MAX, 16), (8, 4));
        assert_eq!(wavefronts(&strided(16), 0xff, 16), (1, 0), "a quarter of the warp is one phase");
    }
}
