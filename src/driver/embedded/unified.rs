//! Memory that the host and kernels share at the same addresses: managed memory, and page-locked memory that is mapped. Both
//! are allocations of a device, whose addresses are the host's own; so nothing ever moves, and both count against the
//! device's capacity.

use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::table::lock;

/// What an allocation is to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unified {
    /// Of `cuMemAllocManaged`.
    Managed,
    /// Of `cuMemHostAlloc` with `CU_MEMHOSTALLOC_DEVICEMAP`.
    Host,
}

impl Driver {
    /// Allocates on the current device what the host can use, too.
    pub(crate) fn allocate_unified(&self, bytes: usize, kind: Unified) -> Answer<CUdeviceptr> {
        let context = self.context()?;
        let device = self.device_of(&context);
        if !device.memory.is_mapped() {
            return Err(Failure::not_supported(
                "memory that the host and kernels share: on this host other things are at the device's addresses",
            ));
        }
        let address = device.allocate(bytes, context.handle)?;
        // The host writes there without telling, so all of it counts as written; CUDA clears it, besides.
        let cleared = device.memory.fill(address, bytes as u64, &[0]);
        cleared.map_err(|error| Failure::invalid_value(error.to_string()))?;
        lock(&self.unified).insert(address, kind);
        Ok(address)
    }

    /// What the allocation at an address is, if it is shared.
    pub(crate) fn unified_at(&self, start: CUdeviceptr) -> Option<Unified> {
        lock(&self.unified).get(&start).copied()
    }

    /// Forgets an allocation that was freed.
    pub(crate) fn forget_unified(&self, start: CUdeviceptr) {
        lock(&self.unified).remove(&start);
    }

    /// Checks that a range is within one managed allocation.
    pub(crate) fn check_managed(&self, address: CUdeviceptr, bytes: usize) -> Answer {
        let (start, size) = self.allocation_at(address).map_err(|_| not_managed(address))?;
        let inside = (address - start).checked_add(bytes as u64).is_some_and(|end| end <= size as u64);
        match self.unified_at(start) == Some(Unified::Managed) && inside && bytes > 0 {
            true => Ok(()),
            false => Err(not_managed(address)),
        }
    }
}

fn not_managed(address: CUdeviceptr) -> Failure {
    Failure::invalid_value(format!("{address:#x} is no range of managed memory (cuMemAllocManaged)"))
}
