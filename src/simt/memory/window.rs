//! The generic address space: disjoint windows for shared, local and parameter memory, and global memory above them.

/// A range of generic addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) base: u64,
    pub(crate) bytes: u64,
}

impl Window {
    /// Whether an address lies in the window.
    pub(crate) const fn contains(self, address: u64) -> bool {
        address.wrapping_sub(self.base) < self.bytes
    }
}

/// Shared memory of the block.
pub(crate) const SHARED: Window = Window { base: 0x0100_0000, bytes: 0x0100_0000 };

/// Local memory of the thread.
pub(crate) const LOCAL: Window = Window { base: 0x0200_0000, bytes: 0x0100_0000 };

/// Kernel parameters.
pub(crate) const PARAM: Window = Window { base: 0x0300_0000, bytes: 0x0100_0000 };

/// Addresses of functions, which cannot be read.
pub(crate) const CODE: Window = Window { base: 0x0400_0000, bytes: 0x0100_0000 };

/// Global memory. It starts above 32 bits, so that an address cut to 32 bits never hits an allocation.
pub(crate) const GLOBAL: Window = Window { base: 0x10_0000_0000, bytes: u64::MAX - 0x10_0000_0000 };
