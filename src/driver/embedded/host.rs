//! Page-locked host memory: what was allocated or registered, so that giving it back twice is an error and
//! not undefined.

use std::alloc::Layout;
use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::abi::*;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::table::lock;

/// Alignment of host allocations: a page.
pub(crate) const ALIGNMENT: usize = 4096;

/// Host allocations and registrations by address.
#[derive(Default)]
pub(crate) struct HostMemory {
    allocated: Mutex<BTreeMap<usize, Layout>>,
    registered: Mutex<BTreeMap<usize, usize>>,
}

impl HostMemory {
    /// The layout of an allocation of `bytes`.
    pub(crate) fn layout(bytes: usize) -> Answer<Layout> {
        if bytes == 0 {
            return Err(Failure::invalid_value("an allocation of host memory has 0 bytes"));
        }
        Layout::from_size_align(bytes, ALIGNMENT).map_err(|_| Self::exhausted(bytes))
    }

    pub(crate) fn exhausted(bytes: usize) -> Failure {
        Failure::new(CUDA_ERROR_OUT_OF_MEMORY, format!("the host has no {bytes} bytes left"))
    }

    /// Notes an allocation.
    pub(crate) fn add(&self, address: usize, layout: Layout) {
        lock(&self.allocated).insert(address, layout);
    }

    /// Forgets an allocation and returns its layout: from then on it is the caller's to free.
    pub(crate) fn take(&self, address: usize) -> Answer<Layout> {
        lock(&self.allocated).remove(&address).ok_or_else(|| {
            Failure::invalid_value(format!(
                "{address:#x} is no host allocation of this driver, or was freed before"
            ))
        })
    }

    /// The allocation that an address is in: its address and bytes.
    pub(crate) fn allocation(&self, address: usize) -> Answer<(usize, usize)> {
        let allocated = lock(&self.allocated);
        let found = allocated.range(..=address).next_back().map(|(start, layout)| (*start, layout.size()));
        found.filter(|(start, bytes)| address - start < *bytes).ok_or_else(|| {
            Failure::invalid_value(format!("{address:#x} is in no host allocation of this driver"))
        })
    }

    /// Whether an address is in a registered range.
    pub(crate) fn is_registered(&self, address: usize) -> bool {
        let registered = lock(&self.registered);
        registered.range(..=address).next_back().is_some_and(|(start, bytes)| address - start < *bytes)
    }

    /// Notes that a range is registered.
    pub(crate) fn register(&self, address: usize, bytes: usize) -> Answer {
        if address == 0 || bytes == 0 || address.checked_add(bytes).is_none() {
            return Err(Failure::invalid_value(format!("{bytes} bytes at {address:#x} are no host memory")));
        }
        let mut registered = lock(&self.registered);
        let before = registered.range(..address + bytes).next_back();
        if before.is_some_and(|(start, length)| start + length > address) {
            return Err(Failure::new(
                CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
                format!("{bytes} bytes at {address:#x} overlap a registered range"),
            ));
        }
        registered.insert(address, bytes);
        Ok(())
    }

    /// Forgets a registered range.
    pub(crate) fn unregister(&self, address: usize) -> Answer {
        lock(&self.registered).remove(&address).map(drop).ok_or_else(|| {
            Failure::new(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, format!("{address:#x} is not registered"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registrations_do_not_overlap() {
        let host = HostMemory::default();
        let code = |answer: Answer| answer.err().map(|failure| failure.code);
        assert_eq!(code(host.register(0x1000, 0x100)), None);
        assert_eq!(code(host.register(0x10ff, 1)), Some(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED));
        assert_eq!(code(host.register(0xf80, 0x100)), Some(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED));
        assert_eq!(code(host.register(0x1100, 1)), None);
        assert_eq!(code(host.register(0xfff, 1)), None);
        assert_eq!(code(host.unregister(0x1001)), Some(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED));
        assert_eq!(code(host.unregister(0x1000)), None);
        assert_eq!(code(host.register(0x1010, 8)), None);
        assert_eq!(code(host.register(0, 8)), Some(CUDA_ERROR_INVALID_VALUE));
        assert_eq!(code(host.register(usize::MAX, 8)), Some(CUDA_ERROR_INVALID_VALUE));
    }
}
