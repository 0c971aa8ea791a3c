//! The memory that kernels allocate with `malloc` and give back with `free`: a part of the device's memory, set apart when a
//! kernel first asks. What one launch leaves allocated, later launches may use and free.

use std::collections::BTreeMap;

/// Bytes of the heap: CUDA's default, `CU_LIMIT_MALLOC_HEAP_SIZE`.
pub(super) const HEAP_BYTES: u64 = 8 << 20;

/// Alignment of what `malloc` gives, as CUDA promises.
const ALIGN: u64 = 16;

/// What is allocated in the heap.
#[derive(Debug)]
pub(super) struct Heap {
    start: u64,
    end: u64,
    /// Start to bytes, rounded up.
    taken: BTreeMap<u64, u64>,
}

impl Heap {
    /// A heap of the bytes from `start` on, all free.
    pub(super) fn new(start: u64, bytes: u64) -> Self {
        Heap { start, end: start + bytes, taken: BTreeMap::new() }
    }

    /// The lowest address with room for so many bytes; `None` if there is no such room.
    pub(super) fn allocate(&mut self, bytes: u64) -> Option<u64> {
        let bytes = bytes.max(1).checked_next_multiple_of(ALIGN)?;
        let mut start = self.start;
        for (taken, size) in &self.taken {
            if taken - start >= bytes {
                break;
            }
            start = taken + size;
        }
        if self.end - start < bytes {
            return None;
        }
        self.taken.insert(start, bytes);
        Some(start)
    }

    /// Gives an allocation back; `false` if there is none at that address.
    pub(super) fn free(&mut self, address: u64) -> bool {
        self.taken.remove(&address).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_found_again() {
        let mut heap = Heap::new(4096, 64);
        assert_eq!([1, 17, 16].map(|bytes| heap.allocate(bytes)), [Some(4096), Some(4112), Some(4144)]);
        assert_eq!((heap.allocate(1), heap.allocate(u64::MAX)), (None, None));
        assert!(heap.free(4112) && !heap.free(4112) && !heap.free(4113));
        assert_eq!([32, 1].map(|bytes| heap.allocate(bytes)), [Some(4112), None]);
    }
}
