//! Managed memory, and page-locked memory that kernels can use.

use std::ffi::{c_int, c_uint, c_void};

use super::Out;
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::unified::Unified;

pub(crate) unsafe fn cuMemAllocManaged(
    driver: &Driver,
    address: *mut CUdeviceptr,
    bytes: usize,
    flags: c_uint,
) -> Answer {
    // SAFETY: as the module demands.
    let address = unsafe { Out::new(address) }?;
    // CU_MEM_ATTACH_GLOBAL and CU_MEM_ATTACH_HOST.
    if ![1, 2].contains(&flags) {
        return Err(Failure::invalid_value(format!("managed memory with flags {flags:#x} is not known")));
    }
    address.set(driver.allocate_unified(bytes, Unified::Managed)?)
}

/// `CU_MEM_ADVISE_…`: the last one known.
const LAST_ADVICE: CUmem_advise = 6;

fn advise_of(driver: &Driver, address: CUdeviceptr, bytes: usize, advice: CUmem_advise) -> Answer {
    if !(1..=LAST_ADVICE).contains(&advice) {
        return Err(Failure::invalid_value(format!("advice {advice} is not known")));
    }
    // There is one memory: nothing is nearer to anyone.
    driver.check_managed(address, bytes)
}

pub(crate) unsafe fn cuMemAdvise(
    driver: &Driver,
    address: CUdeviceptr,
    bytes: usize,
    advice: CUmem_advise,
    _device: CUdevice,
) -> Answer {
    advise_of(driver, address, bytes, advice)
}

pub(crate) unsafe fn cuMemAdvise_v2(
    driver: &Driver,
    address: CUdeviceptr,
    bytes: usize,
    advice: CUmem_advise,
    _location: MemLocation,
) -> Answer {
    advise_of(driver, address, bytes, advice)
}

pub(crate) unsafe fn cuMemPrefetchAsync(
    driver: &Driver,
    address: CUdeviceptr,
    bytes: usize,
    _device: CUdevice,
    stream: CUstream,
) -> Answer {
    driver.stream(stream)?;
    driver.check_managed(address, bytes)
}

pub(crate) unsafe fn cuMemPrefetchAsync_v2(
    driver: &Driver,
    address: CUdeviceptr,
    bytes: usize,
    _location: MemLocation,
    flags: c_uint,
    stream: CUstream,
) -> Answer {
    if flags != 0 {
        return Err(Failure::invalid_value(format!("prefetch flags {flags:#x} are not known")));
    }
    driver.stream(stream)?;
    driver.check_managed(address, bytes)
}

pub(crate) unsafe fn cuStreamAttachMemAsync(
    driver: &Driver,
    stream: CUstream,
    address: CUdeviceptr,
    _bytes: usize,
    flags: c_uint,
) -> Answer {
    // CU_MEM_ATTACH_GLOBAL, _HOST and _SINGLE: everybody has access anyhow.
    if ![1, 2, 4].contains(&flags) {
        return Err(Failure::invalid_value(format!("attach flags {flags:#x} are not known")));
    }
    driver.stream(stream)?;
    driver.check_managed(address, 1)
}

pub(crate) unsafe fn cuMemHostGetDevicePointer_v2(
    driver: &Driver,
    address: *mut CUdeviceptr,
    host: *mut c_void,
    flags: c_uint,
) -> Answer {
    // SAFETY: as the module demands.
    let address = unsafe { Out::new(address) }?;
    if flags != 0 {
        return Err(Failure::invalid_value(format!(
            "cuMemHostGetDevicePointer takes flags 0, not {flags:#x}"
        )));
    }
    let wanted = host.addr() as CUdeviceptr;
    let mapped = driver.allocation_at(wanted).ok().filter(|(start, _)| driver.unified_at(*start).is_some());
    match mapped {
        Some(_) => address.set(wanted),
        None => Err(Failure::invalid_value(format!(
            "{wanted:#x} is no host memory that kernels can use: allocate it by cuMemHostAlloc with CU_MEMHOSTALLOC_DEVICEMAP"
        ))),
    }
}

/// Allocates page-locked memory that kernels can use.
pub(super) fn allocate_mapped(driver: &Driver, host: Out<*mut c_void>, bytes: usize) -> Answer {
    let address = driver.allocate_unified(bytes, Unified::Host)?;
    host.set(std::ptr::with_exposed_provenance_mut(address as usize))
}

/// Frees such memory; `false` if it is none.
pub(super) fn free_mapped(driver: &Driver, host: *mut c_void) -> Answer<bool> {
    let address = host.addr() as CUdeviceptr;
    if driver.unified_at(address) != Some(Unified::Host) {
        return Ok(false);
    }
    driver.free(address).map(|()| true)
}

/// `CU_MEMHOSTALLOC_…` of memory that kernels can use: portable and mapped.
pub(super) const MAPPED_FLAGS: c_uint = 0x3;

/// The memory type of a shared allocation, as a number of C.
pub(super) fn memory_type(kind: Option<Unified>) -> c_int {
    (if kind == Some(Unified::Host) { MEMORYTYPE_HOST } else { MEMORYTYPE_DEVICE }) as c_int
}
