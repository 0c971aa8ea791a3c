//! Address space of the host for a device's memory, at the device's own addresses where those are free: what is at an address
//! for a kernel is then there for the host, too, which is what managed and mapped memory are.

#![allow(unsafe_code, reason = "the system's calls")]

use std::io;

/// Zeroed bytes that are committed when they are first touched.
#[derive(Debug)]
pub(super) struct Mapping {
    #[cfg(unix)]
    start: *mut u8,
    #[cfg(unix)]
    length: usize,
    #[cfg(not(unix))]
    map: memmap2::MmapRaw,
}

#[cfg(unix)]
impl Mapping {
    /// Reserves address space, at `wish` if it is free there.
    pub(super) fn new(wish: u64, length: usize) -> io::Result<Self> {
        let length = length.max(1);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let hint = std::ptr::without_provenance_mut(usize::try_from(wish).unwrap_or(0));
        // SAFETY: a new private mapping; without MAP_FIXED the address is a wish that never displaces another mapping.
        let start = unsafe { libc::mmap(hint, length, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // Large pages spare strided kernels most of their address translation; without them all works the same.
        #[cfg(target_os = "linux")]
        // SAFETY: advice on the mapping just made.
        let _ = unsafe { libc::madvise(start, length, libc::MADV_HUGEPAGE) };
        Ok(Mapping { start: start.cast(), length })
    }

    #[inline(always)]
    pub(super) fn as_mut_ptr(&self) -> *mut u8 {
        self.start
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.length
    }
}

#[cfg(unix)]
impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and nothing refers to it any more.
        unsafe { libc::munmap(self.start.cast(), self.length) };
    }
}

// SAFETY: it is an address range, which belongs to no thread; who reads and writes it sees to the order.
#[cfg(unix)]
unsafe impl Send for Mapping {}
// SAFETY: as above.
#[cfg(unix)]
unsafe impl Sync for Mapping {}

#[cfg(not(unix))]
impl Mapping {
    /// Reserves address space, wherever there is some.
    pub(super) fn new(_wish: u64, length: usize) -> io::Result<Self> {
        let map = memmap2::MmapOptions::new().len(length.max(1)).no_reserve_swap().map_anon()?;
        Ok(Mapping { map: map.into() })
    }

    #[inline(always)]
    pub(super) fn as_mut_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }
}
