//! The memory that kernels allocate with `malloc` and give back with `free`: a part of the device's memory, set apart when a
//! kernel first asks. What one launch leaves allocated, later launches may use and free.

use std::collections::BTreeMap;

use crate::sanitizer::Finding;

/// Bytes of the heap: CUDA's default, `CU_LIMIT_MALLOC_HEAP_SIZE`.
pub(super) const HEAP_BYTES: u64 = 8 << 20;

/// Alignment of what `malloc` gives, as CUDA promises.
const ALIGN: u64 = 16;

/// What is allocated in the heap.
#[derive(Debug)]
pub(super) struct Heap {
    start: u64,
    end: u64,
    /// Start to bytes asked for.
    taken: BTreeMap<u64, u64>,
    /// What an allocation is to the sanitizer if nothing frees it, by its start.
    leaks: BTreeMap<u64, Finding>,
}

impl Heap {
    /// A heap of the bytes from `start` on, all free.
    pub(super) fn new(start: u64, bytes: u64) -> Self {
        Heap { start, end: start + bytes, taken: BTreeMap::new(), leaks: BTreeMap::new() }
    }

    /// The lowest address with room for so many bytes; `None` if there is no such room.
    pub(super) fn allocate(&mut self, bytes: u64) -> Option<u64> {
        let room = bytes.max(1).checked_next_multiple_of(ALIGN)?;
        let mut start = self.start;
        for (taken, bytes) in &self.taken {
            if taken - start >= room {
                break;
            }
            start = taken + bytes.max(&1).next_multiple_of(ALIGN);
        }
        if self.end - start < room {
            return None;
        }
        self.taken.insert(start, bytes);
        Some(start)
    }

    /// Where an access of the heap lies if not within an allocation, for people.
    pub(super) fn misses(&self, address: u64, bytes: u64) -> Option<String> {
        let end = address.checked_add(bytes)?;
        if end <= self.start || self.end <= address {
            return None;
        }
        let Some((start, taken)) = self.taken.range(..=address).next_back() else {
            return Some("before all that `malloc` gave".to_owned());
        };
        let limit = start + taken;
        (end > limit).then(|| {
            let beyond = address.saturating_sub(limit);
            format!("{beyond} bytes after the end of the {taken} bytes that `malloc` gave at {start:#x}")
        })
    }

    /// Remembers what an allocation is if nothing frees it.
    pub(super) fn remember(&mut self, address: u64, leak: Finding) {
        self.leaks.insert(address, leak);
    }

    /// Where the heap begins, and what is left in it of that which was remembered.
    pub(super) fn end(self) -> (u64, impl Iterator<Item = Finding>) {
        (self.start, self.leaks.into_values())
    }

    /// Gives an allocation back; `false` if there is none at that address.
    pub(super) fn free(&mut self, address: u64) -> bool {
        self.leaks.remove(&address);
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

    #[test]
    fn what_lies_in_no_allocation_is_told() {
        let mut heap = Heap::new(4096, 64);
        assert!(heap.misses(4096, 4).is_some_and(|text| text.starts_with("before")));
        assert_eq!(heap.allocate(20), Some(4096));
        assert_eq!([4096, 4112].map(|address| heap.misses(address, 4)), [None, None]);
        let text = heap.misses(4112, 8).unwrap();
        assert_eq!(text, "0 bytes after the end of the 20 bytes that `malloc` gave at 0x1000");
        assert!(heap.misses(4124, 4).is_some_and(|text| text.starts_with("8 bytes after")));
        assert_eq!([4088, 4160].map(|address| heap.misses(address, 8)), [None, None], "outside of the heap");
    }
}
