//! Device memory: allocations with bounds in one address space of a given capacity.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use thiserror::Error;

use super::{
    heap::{HEAP_BYTES, Heap},
    raw::Bytes,
    window,
};
use crate::sanitizer::{Finding, Shadow};

/// Allocations start at multiples of this, as CUDA's do, and at least as many bytes between two of them belong to none.
const GRANULE: u64 = 256;

/// Global memory is full.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("out of device memory: {requested} bytes asked for, {free} of {capacity} free")]
pub struct OutOfMemory {
    /// Bytes asked for.
    pub requested: u64,
    /// Bytes not allocated.
    pub free: u64,
    /// Bytes in all.
    pub capacity: u64,
}

/// A host access to device memory that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MemoryError {
    /// The range is not within one allocation.
    #[error("{bytes} bytes at {address:#x} are not within an allocation")]
    OutOfBounds {
        /// First byte.
        address: u64,
        /// How many.
        bytes: u64,
    },
    /// The address was not handed out, or is freed already.
    #[error("{address:#x} is not the start of an allocation")]
    NotAllocated {
        /// The address.
        address: u64,
    },
}

/// One allocation: the addresses from `start` to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Allocation {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Allocation {
    /// Whether elements of `size` bytes from `low` to `high` are all inside.
    #[inline(always)]
    pub(crate) fn holds(&self, low: u64, high: u64, size: u64) -> bool {
        low >= self.start && high < self.end && self.end - high >= size
    }
}

/// The allocations of a moment, by address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    live: Vec<Allocation>,
    /// Some that were freed, and whose place nothing has taken since.
    freed: Vec<Allocation>,
}

impl Snapshot {
    /// The allocation that holds an address.
    pub(crate) fn find(&self, address: u64) -> Option<Allocation> {
        let after = self.live.partition_point(|allocation| allocation.start <= address);
        let allocation = *self.live.get(after.checked_sub(1)?)?;
        (address < allocation.end).then_some(allocation)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Allocation> {
        self.live.iter()
    }

    /// The allocation that held an address until it was freed.
    pub(crate) fn find_freed(&self, address: u64) -> Option<Allocation> {
        self.freed.iter().copied().find(|freed| (freed.start..freed.end).contains(&address))
    }

    /// From the first allocated address to the end of the last allocation.
    pub(crate) fn span(&self) -> Option<(u64, u64)> {
        Some((self.live.first()?.start, self.live.last()?.end))
    }

    /// The allocation nearest to an address that none holds.
    pub(crate) fn nearest(&self, address: u64) -> Option<Allocation> {
        let distance = |allocation: &Allocation| {
            allocation.start.saturating_sub(address).max(address.saturating_sub(allocation.end))
        };
        self.live.iter().min_by_key(|allocation| distance(allocation)).copied()
    }
}

#[derive(Debug, Default)]
struct Table {
    /// Start to bytes asked for.
    allocations: BTreeMap<u64, u64>,
    used: u64,
    /// What was freed and not handed out again, in that order.
    freed: Vec<Allocation>,
}

impl Table {
    /// The lowest address with room for `cost` bytes and the gaps around them; `end` is the end of memory.
    fn first_fit(&self, base: u64, end: u64, cost: u64, avoid: &[Allocation]) -> Option<u64> {
        let live =
            self.allocations.iter().map(|(start, bytes)| Allocation { start: *start, end: start + bytes });
        let mut taken: Vec<Allocation> = live.chain(avoid.iter().copied()).collect();
        taken.sort_by_key(|allocation| allocation.start);
        let mut start = base + GRANULE;
        for Allocation { start: next, end } in taken {
            if start + cost + GRANULE <= next {
                break;
            }
            start = start.max(next + (end - next).max(1).next_multiple_of(GRANULE) + GRANULE);
        }
        (start + cost + GRANULE <= end).then_some(start)
    }
}

/// How many freed allocations are remembered to name them where a kernel still uses one.
const REMEMBERED: usize = 64;

/// The memory of a device. Addresses are those that kernels see. All methods take `&self`: launches share the memory,
/// and host access waits for them, as the legacy default stream does.
#[derive(Debug)]
pub struct GlobalMemory {
    bytes: RwLock<Bytes>,
    table: Mutex<Table>,
    capacity: u64,
    reserved: u64,
    base: u64,
    shadow: Option<Mutex<Shadow>>,
    /// What kernels allocate, once one does.
    heap: Mutex<Option<Heap>>,
    /// What kernels have printed and nobody has taken.
    printed: Mutex<Vec<u8>>,
}

impl GlobalMemory {
    /// Where addresses begin unless [`with_base`](Self::with_base) says otherwise.
    pub const DEFAULT_BASE: u64 = window::GLOBAL.base;

    /// Memory of so many bytes, which cost nothing until they are written.
    ///
    /// # Errors
    ///
    /// When the address space cannot be reserved.
    pub fn new(capacity_bytes: u64) -> std::io::Result<Self> {
        Self::with_base(Self::DEFAULT_BASE, capacity_bytes)
    }

    /// Memory whose addresses begin at `base`, at [`DEFAULT_BASE`](Self::DEFAULT_BASE) or above: devices side by side
    /// have addresses of their own.
    ///
    /// # Errors
    ///
    /// When the address space cannot be reserved.
    pub fn with_base(base: u64, capacity_bytes: u64) -> std::io::Result<Self> {
        // Room for the gaps between allocations, and for some fragmentation, which a device's page tables would hide.
        let reserved = capacity_bytes.saturating_add((capacity_bytes / 2).max(64 << 20));
        let length = usize::try_from(reserved).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
        Ok(GlobalMemory {
            bytes: RwLock::new(Bytes::reserve(base, length)?),
            table: Mutex::default(),
            capacity: capacity_bytes,
            reserved,
            base,
            shadow: None,
            heap: Mutex::default(),
            printed: Mutex::default(),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes, shared with other launches.
    pub(crate) fn shared(&self) -> RwLockReadGuard<'_, Bytes> {
        self.bytes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, Bytes> {
        self.bytes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The allocations as they are now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let table = self.table();
        let allocation = |(start, bytes): (&u64, &u64)| Allocation { start: *start, end: start + bytes };
        Snapshot { live: table.allocations.iter().map(allocation).collect(), freed: table.freed.clone() }
    }

    /// The memory under the sanitizer: it keeps track of what was written, does not hand out again what was freed while
    /// there is other room, and gathers what launches with [`Options::sanitize`](crate::Options::sanitize) find.
    #[must_use]
    pub fn sanitized(mut self) -> Self {
        self.shadow = Some(Mutex::default());
        self
    }

    /// What was found since it was last asked for, each fault once, in the order found.
    pub fn take_findings(&self) -> Vec<Finding> {
        self.shadow().map(|mut shadow| std::mem::take(&mut shadow.findings)).unwrap_or_default()
    }

    /// Adds a finding of the caller's to those of launches. Without the sanitizer it is dropped.
    pub fn add_finding(&self, finding: Finding) {
        if let Some(mut shadow) = self.shadow() {
            finding.merge_into(&mut shadow.findings);
        }
    }

    /// What kernels have printed since it was last asked for: launch by launch, and in each block by block.
    pub fn take_printed(&self) -> Vec<u8> {
        std::mem::take(&mut self.printed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what a launch has printed.
    pub(crate) fn add_printed(&self, text: &[u8]) {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).extend(text);
    }

    fn heap(&self) -> MutexGuard<'_, Option<Heap>> {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the heap apart if it is not yet. Where there is no room for it, `malloc` has none to give.
    pub(crate) fn make_heap(&self) {
        let mut heap = self.heap();
        if heap.is_none()
            && let Ok(start) = self.allocate(HEAP_BYTES)
        {
            *heap = Some(Heap::new(start, HEAP_BYTES));
        }
    }

    /// A kernel's `malloc`.
    pub(crate) fn heap_allocate(&self, bytes: u64) -> Option<u64> {
        self.heap().as_mut()?.allocate(bytes)
    }

    /// Remembers what the sanitizer says of an allocation in the heap if nothing frees it.
    pub(crate) fn remember_leak(&self, address: u64, leak: Finding) {
        if let Some(heap) = self.heap().as_mut() {
            heap.remember(address, leak);
        }
    }

    /// Ends the heap of kernels, as the end of a context does: what `malloc` gave and nothing freed is a leak to the
    /// sanitizer. The next kernel that asks finds a heap that is empty.
    pub fn end_heap(&self) {
        let Some(heap) = self.heap().take() else { return };
        let (start, leaks) = heap.end();
        leaks.for_each(|leak| self.add_finding(leak));
        // Nobody else frees it.
        let _ = self.free(start);
    }

    /// Where an access lies that touches the heap outside of what `malloc` gave, for people.
    pub(crate) fn misses_heap(&self, address: u64, bytes: u64) -> Option<String> {
        self.heap().as_ref().and_then(|heap| heap.misses(address, bytes))
    }

    /// A kernel's `free`; `false` if there is no such allocation.
    pub(crate) fn heap_free(&self, address: u64) -> bool {
        self.heap().as_mut().is_some_and(|heap| heap.free(address))
    }

    /// Whether the host can use the memory's addresses as its own. Kernels and the host then see the same bytes; that they
    /// do not at the same time is up to the caller.
    pub fn is_mapped(&self) -> bool {
        self.shared().host_address() == self.base
    }

    /// Takes a range as written, whatever is in it: the host writes there without a word.
    ///
    /// # Errors
    ///
    /// When the range is not within one allocation.
    pub fn define(&self, address: u64, bytes: u64) -> Result<(), MemoryError> {
        self.check(address, bytes)?;
        self.written(address, bytes);
        Ok(())
    }

    /// Takes back that something wrote a range, which then holds what means nothing.
    ///
    /// # Errors
    ///
    /// When the range is not within one allocation.
    pub fn forget(&self, address: u64, bytes: u64) -> Result<(), MemoryError> {
        self.check(address, bytes)?;
        if let Some(mut shadow) = self.shadow() {
            shadow.undefine(address, bytes);
        }
        Ok(())
    }

    /// What the sanitizer knows of the memory. Whoever holds it may lock the bytes, but not the table of allocations.
    pub(crate) fn shadow(&self) -> Option<MutexGuard<'_, Shadow>> {
        Some(self.shadow.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that the host wrote a range.
    fn written(&self, address: u64, bytes: u64) {
        if let Some(mut shadow) = self.shadow() {
            shadow.define(address, bytes);
        }
    }

    /// Reserves bytes and gives their address, a multiple of 256. The bytes hold what the memory held before.
    ///
    /// # Errors
    ///
    /// When fewer bytes are free.
    pub fn allocate(&self, bytes: u64) -> Result<u64, OutOfMemory> {
        let mut table = self.table();
        let full =
            OutOfMemory { requested: bytes, free: self.capacity - table.used, capacity: self.capacity };
        let cost = bytes.max(1).checked_next_multiple_of(GRANULE).ok_or_else(|| full.clone())?;
        if cost > full.free {
            return Err(full);
        }
        let end = self.base + self.reserved;
        // Under the sanitizer what was freed is left alone as long as possible, so that its use is seen.
        let apart = match &self.shadow {
            Some(_) => table.first_fit(self.base, end, cost, &table.freed),
            None => None,
        };
        let start = apart.or_else(|| table.first_fit(self.base, end, cost, &[])).ok_or(full)?;
        table.freed.retain(|freed| freed.end <= start || start + cost <= freed.start);
        table.allocations.insert(start, bytes);
        table.used += cost;
        drop(table);
        if let Some(mut shadow) = self.shadow() {
            shadow.undefine(start, bytes);
        }
        Ok(start)
    }

    /// Gives an allocation back.
    ///
    /// # Errors
    ///
    /// When `address` is not the start of one.
    pub fn free(&self, address: u64) -> Result<(), MemoryError> {
        let mut table = self.table();
        let bytes = table.allocations.remove(&address).ok_or(MemoryError::NotAllocated { address })?;
        table.used -= bytes.max(1).next_multiple_of(GRANULE);
        if table.freed.len() >= REMEMBERED && self.shadow.is_none() {
            table.freed.remove(0);
        }
        table.freed.push(Allocation { start: address, end: address + bytes });
        Ok(())
    }

    /// The allocation that holds an address: its start and its bytes.
    pub fn allocation(&self, address: u64) -> Option<(u64, u64)> {
        let table = self.table();
        let (start, bytes) = table.allocations.range(..=address).next_back()?;
        (address < start + bytes.max(&1)).then_some((*start, *bytes))
    }

    /// Checks that a range is within one allocation.
    fn check(&self, address: u64, bytes: u64) -> Result<(), MemoryError> {
        let inside = bytes == 0
            || self.allocation(address).is_some_and(|(start, size)| {
                address.checked_add(bytes).is_some_and(|end| end <= start + size)
            });
        if inside { Ok(()) } else { Err(MemoryError::OutOfBounds { address, bytes }) }
    }

    fn with_slice<R>(
        &self,
        address: u64,
        bytes: u64,
        f: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, MemoryError> {
        self.check(address, bytes)?;
        let outside = MemoryError::OutOfBounds { address, bytes };
        let offset = if bytes == 0 { 0 } else { address - self.base };
        let mut all = self.exclusive();
        all.slice_mut(offset..offset + bytes).map(f).ok_or(outside)
    }

    /// Copies from the host to `address`.
    ///
    /// # Errors
    ///
    /// When the range is not within one allocation.
    pub fn copy_in(&self, address: u64, source: &[u8]) -> Result<(), MemoryError> {
        self.with_slice(address, source.len() as u64, |bytes| bytes.copy_from_slice(source))?;
        self.written(address, source.len() as u64);
        Ok(())
    }

    /// Copies from `address` to the host.
    ///
    /// # Errors
    ///
    /// When the range is not within one allocation.
    pub fn copy_out(&self, address: u64, target: &mut [u8]) -> Result<(), MemoryError> {
        self.with_slice(address, target.len() as u64, |bytes| target.copy_from_slice(bytes))
    }

    /// Copies within the memory; the ranges may overlap.
    ///
    /// # Errors
    ///
    /// When either range is not within one allocation.
    pub fn copy_within(&self, to: u64, from: u64, bytes: u64) -> Result<(), MemoryError> {
        self.check(to, bytes)?;
        self.check(from, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        let (low, high) = (to.min(from), to.max(from) + bytes);
        let mut all = self.exclusive();
        let range = low - self.base..high - self.base;
        let slice =
            all.slice_mut(range).ok_or(MemoryError::OutOfBounds { address: low, bytes: high - low })?;
        let source = (from - low) as usize;
        slice.copy_within(source..source + bytes as usize, (to - low) as usize);
        drop(all);
        if let Some(mut shadow) = self.shadow() {
            shadow.copy(to, from, bytes);
        }
        Ok(())
    }

    /// Fills with a repeated pattern of 1, 2 or 4 bytes, as `cuMemsetD8`, `D16` and `D32` do.
    ///
    /// # Errors
    ///
    /// When the range is not within one allocation.
    pub fn fill(&self, address: u64, bytes: u64, pattern: &[u8]) -> Result<(), MemoryError> {
        self.with_slice(address, bytes, |slice| match pattern {
            [byte] => slice.fill(*byte),
            [] => {}
            _ => slice
                .chunks_mut(pattern.len())
                .for_each(|chunk| chunk.copy_from_slice(&pattern[..chunk.len()])),
        })?;
        self.written(address, bytes);
        Ok(())
    }

    /// Bytes allocated, rounded up to whole granules of 256.
    pub fn used(&self) -> u64 {
        self.table().used
    }

    /// Bytes that can be allocated in all.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_aligned_apart_and_bounded() {
        let memory = GlobalMemory::new(1 << 20).unwrap();
        let a = memory.allocate(100).unwrap();
        let b = memory.allocate(1).unwrap();
        assert_eq!((a % 256, b % 256), (0, 0));
        assert!(b >= a + 512, "a gap lies between");
        assert_eq!(memory.used(), 512);
        assert_eq!(memory.allocation(a + 99), Some((a, 100)));
        assert_eq!(memory.allocation(a + 100), None);
        memory.copy_in(a, &[7; 100]).unwrap();
        let error = memory.copy_in(a, &[7; 101]).unwrap_err();
        assert_eq!(error, MemoryError::OutOfBounds { address: a, bytes: 101 });
        let mut out = [0; 4];
        memory.copy_out(a + 96, &mut out).unwrap();
        assert_eq!(out, [7; 4]);
        memory.free(a).unwrap();
        assert_eq!(memory.free(a), Err(MemoryError::NotAllocated { address: a }));
        assert_eq!(memory.allocate(50).unwrap(), a, "the hole is used again");
    }

    #[test]
    fn capacity_is_real_and_can_be_filled_to_the_last_byte() {
        let memory = GlobalMemory::new(1 << 20).unwrap();
        let all = memory.allocate(1 << 20).unwrap();
        let error = memory.allocate(1).unwrap_err();
        assert_eq!(error, OutOfMemory { requested: 1, free: 0, capacity: 1 << 20 });
        memory.free(all).unwrap();
        for _ in 0..4096 {
            memory.allocate(256).unwrap();
        }
        assert!(memory.allocate(1).is_err());
        assert!(memory.allocate(u64::MAX).is_err());
    }

    #[test]
    fn fills_and_copies() {
        let memory = GlobalMemory::new(1 << 16).unwrap();
        let a = memory.allocate(16).unwrap();
        memory.fill(a, 16, &[1, 2, 3, 4]).unwrap();
        memory.copy_within(a + 2, a, 8).unwrap();
        let mut out = [0; 16];
        memory.copy_out(a, &mut out).unwrap();
        assert_eq!(out, [1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 3, 4, 1, 2, 3, 4]);
        assert!(memory.copy_within(a + 9, a, 8).is_err());
    }

    #[test]
    fn snapshots_find_and_name_neighbours() {
        let memory = GlobalMemory::new(1 << 16).unwrap();
        let a = memory.allocate(64).unwrap();
        let snapshot = memory.snapshot();
        assert_eq!(snapshot.find(a + 63).map(|found| found.start), Some(a));
        assert_eq!(snapshot.find(a + 64), None);
        assert_eq!(snapshot.nearest(a + 70).map(|near| near.start), Some(a));
        assert_eq!(Snapshot::default().nearest(0), None);
    }
}
