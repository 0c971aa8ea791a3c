//! Memory pools.

use std::ffi::{c_int, c_uint, c_void};

use super::{Out, list_at, null};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::Answer;
use crate::embedded::pool::{Pool, Value};
use crate::embedded::table::lock;

pub(crate) unsafe fn cuMemPoolCreate(
    driver: &Driver,
    pool: *mut CUmemoryPool,
    props: *const MemPoolProps,
) -> Answer {
    // SAFETY: as the module demands.
    let (pool, props) = unsafe { (Out::new(pool)?, list_at(props, 1)?) };
    props.first().map_or(Ok(()), |props| pool.set(driver.create_pool(props)?))
}

pub(crate) unsafe fn cuMemPoolDestroy(driver: &Driver, pool: CUmemoryPool) -> Answer {
    driver.destroy_pool(pool)
}

pub(crate) unsafe fn cuMemPoolTrimTo(driver: &Driver, pool: CUmemoryPool, _bytes: usize) -> Answer {
    // It holds nothing in reserve.
    driver.pool(pool).map(drop)
}

pub(crate) unsafe fn cuMemPoolGetAttribute(
    driver: &Driver,
    pool: CUmemoryPool,
    attribute: c_uint,
    value: *mut c_void,
) -> Answer {
    if value.is_null() {
        return Err(null());
    }
    // SAFETY: as the module demands: the value is as wide as the attribute.
    match driver.pool(pool)?.attribute(attribute)? {
        Value::Int(number) => unsafe { Out::new(value.cast::<c_int>()) }?.set(number),
        Value::Wide(number) => unsafe { Out::new(value.cast::<u64>()) }?.set(number),
    }
}

pub(crate) unsafe fn cuMemPoolSetAttribute(
    driver: &Driver,
    pool: CUmemoryPool,
    attribute: c_uint,
    value: *mut c_void,
) -> Answer {
    if value.is_null() {
        return Err(null());
    }
    // SAFETY: as the module demands: the value is as wide as the attribute.
    let (int, wide) = unsafe {
        match Pool::is_wide(attribute) {
            true => (0, value.cast::<u64>().read_unaligned()),
            false => (value.cast::<c_int>().read_unaligned(), 0),
        }
    };
    driver.pool(pool)?.set_attribute(attribute, int, wide)
}

pub(crate) unsafe fn cuMemPoolSetAccess(
    driver: &Driver,
    pool: CUmemoryPool,
    map: *const MemAccessDesc,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    driver.set_pool_access(pool, &unsafe { list_at(map, count) }?)
}

pub(crate) unsafe fn cuMemPoolGetAccess(
    driver: &Driver,
    flags: *mut c_uint,
    pool: CUmemoryPool,
    location: *mut MemLocation,
) -> Answer {
    // SAFETY: as the module demands.
    let (flags, location) = unsafe { (Out::new(flags)?, location_at(location)?) };
    flags.set(driver.pool_access(pool, location)?)
}

/// A caller's location.
///
/// # Safety
///
/// The pointer is null or valid for a read.
unsafe fn location_at(location: *const MemLocation) -> Answer<MemLocation> {
    // SAFETY: as this function demands.
    unsafe { list_at(location, 1) }?.first().copied().ok_or_else(null)
}

pub(crate) unsafe fn cuMemAllocFromPoolAsync(
    driver: &Driver,
    address: *mut CUdeviceptr,
    bytes: usize,
    pool: CUmemoryPool,
    stream: CUstream,
) -> Answer {
    // SAFETY: as the module demands.
    let address = unsafe { Out::new(address) }?;
    address.set(driver.allocate_from(Some(pool), bytes, stream)?)
}

pub(crate) unsafe fn cuDeviceGetDefaultMemPool(
    driver: &Driver,
    pool: *mut CUmemoryPool,
    dev: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    let pool = unsafe { Out::new(pool) }?;
    pool.set(driver.device(dev)?.pools.default)
}

pub(crate) unsafe fn cuDeviceGetMemPool(driver: &Driver, pool: *mut CUmemoryPool, dev: CUdevice) -> Answer {
    // SAFETY: as the module demands.
    let pool = unsafe { Out::new(pool) }?;
    let current = *lock(&driver.device(dev)?.pools.current);
    pool.set(current)
}

pub(crate) unsafe fn cuDeviceSetMemPool(driver: &Driver, dev: CUdevice, pool: CUmemoryPool) -> Answer {
    driver.set_pool(dev, pool)
}

pub(crate) unsafe fn cuMemGetDefaultMemPool(
    driver: &Driver,
    pool: *mut CUmemoryPool,
    location: *mut MemLocation,
    kind: c_uint,
) -> Answer {
    // SAFETY: as the module demands.
    let (pool, location) = unsafe { (Out::new(pool)?, location_at(location)?) };
    pool.set(driver.pool_device(location, kind)?.pools.default)
}

pub(crate) unsafe fn cuMemGetMemPool(
    driver: &Driver,
    pool: *mut CUmemoryPool,
    location: *mut MemLocation,
    kind: c_uint,
) -> Answer {
    // SAFETY: as the module demands.
    let (pool, location) = unsafe { (Out::new(pool)?, location_at(location)?) };
    let current = *lock(&driver.pool_device(location, kind)?.pools.current);
    pool.set(current)
}

pub(crate) unsafe fn cuMemSetMemPool(
    driver: &Driver,
    location: *mut MemLocation,
    kind: c_uint,
    pool: CUmemoryPool,
) -> Answer {
    // SAFETY: as the module demands.
    let location = unsafe { location_at(location) }?;
    let device = driver.pool_device(location, kind)?.ordinal;
    driver.set_pool(device as CUdevice, pool)
}
