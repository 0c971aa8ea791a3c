//! What an address is: device memory, page-locked host memory, or nothing of this driver.

use std::ffi::{c_int, c_uint, c_void};

use super::unified::memory_type;
use super::{list_at, null};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::unified::Unified;

/// `CU_POINTER_ATTRIBUTE_…`
const CONTEXT: c_uint = 1;
const MEMORY_TYPE: c_uint = 2;
const DEVICE_POINTER: c_uint = 3;
const HOST_POINTER: c_uint = 4;
const SYNC_MEMOPS: c_uint = 6;
const BUFFER_ID: c_uint = 7;
const IS_MANAGED: c_uint = 8;
const DEVICE_ORDINAL: c_uint = 9;
const IS_LEGACY_CUDA_IPC_CAPABLE: c_uint = 10;
const RANGE_START_ADDR: c_uint = 11;
const RANGE_SIZE: c_uint = 12;
const MAPPED: c_uint = 13;
const ALLOWED_HANDLE_TYPES: c_uint = 14;
const IS_GPU_DIRECT_RDMA_CAPABLE: c_uint = 15;
const ACCESS_FLAGS: c_uint = 16;
const MEMPOOL_HANDLE: c_uint = 17;
/// One more than the last attribute of CUDA 13.
const COUNT: c_uint = 23;

/// The value of an attribute, as wide as callers expect it.
#[derive(Clone, Copy)]
enum Value {
    Bool(bool),
    Int(c_int),
    Word(u64),
}

impl Value {
    /// Gives the value.
    ///
    /// # Safety
    ///
    /// `data` is valid for a write of a value of the attribute's width.
    unsafe fn write(self, data: *mut c_void) {
        // SAFETY: as this function demands.
        unsafe {
            match self {
                Self::Bool(value) => data.cast::<bool>().write_unaligned(value),
                Self::Int(value) => data.cast::<c_int>().write_unaligned(value),
                Self::Word(value) => data.cast::<u64>().write_unaligned(value),
            }
        }
    }
}

/// What is known of an address.
enum Known {
    /// Device memory: its device, the allocation's address and bytes.
    Device { ordinal: usize, start: CUdeviceptr, bytes: u64, unified: Option<Unified> },
    /// Page-locked memory of the host.
    Host { start: u64, bytes: u64 },
    /// Nothing: memory that this driver did not make.
    Nothing,
}

fn look_up(driver: &Driver, address: CUdeviceptr) -> Known {
    if let Ok(device) = driver.device_at(address)
        && let Some((start, bytes)) = device.memory.allocation(address)
    {
        return Known::Device { ordinal: device.ordinal, start, bytes, unified: driver.unified_at(start) };
    }
    match driver.host.allocation(address as usize) {
        Ok((start, bytes)) => Known::Host { start: start as u64, bytes: bytes as u64 },
        Err(_) if driver.host.is_registered(address as usize) => Known::Host { start: address, bytes: 0 },
        Err(_) => Known::Nothing,
    }
}

/// The value of an attribute, `None` where the address has none.
fn attribute_of(
    driver: &Driver,
    known: &Known,
    attribute: c_uint,
    address: CUdeviceptr,
) -> Answer<Option<Value>> {
    let on_device = matches!(known, Known::Device { .. });
    Ok(match (attribute, known) {
        (IS_MANAGED, Known::Device { unified, .. }) => Some(Value::Bool(*unified == Some(Unified::Managed))),
        (IS_MANAGED | IS_GPU_DIRECT_RDMA_CAPABLE | IS_LEGACY_CUDA_IPC_CAPABLE, _) => Some(Value::Bool(false)),
        (MAPPED, _) => Some(Value::Bool(on_device)),
        (1..COUNT, Known::Nothing) => None,
        (CONTEXT, Known::Device { ordinal, start, .. }) => {
            let owner = crate::embedded::table::lock(&driver.devices()[*ordinal].owners).get(start).copied();
            owner.map(|context| Value::Word(context.0 as u64))
        }
        (MEMORY_TYPE, Known::Device { unified, .. }) => Some(Value::Int(memory_type(*unified))),
        (MEMORY_TYPE, _) => Some(Value::Int(MEMORYTYPE_HOST as c_int)),
        (HOST_POINTER, Known::Device { unified: Some(_), .. }) => Some(Value::Word(address)),
        (DEVICE_POINTER, Known::Device { .. }) | (HOST_POINTER, Known::Host { .. }) => {
            Some(Value::Word(address))
        }
        (SYNC_MEMOPS, Known::Device { .. }) => Some(Value::Int(1)),
        (BUFFER_ID | RANGE_START_ADDR, Known::Device { start, .. } | Known::Host { start, .. }) => {
            Some(Value::Word(*start))
        }
        (RANGE_SIZE, Known::Device { bytes, .. } | Known::Host { bytes, .. }) => Some(Value::Word(*bytes)),
        (DEVICE_ORDINAL, Known::Device { ordinal, .. }) => Some(Value::Int(*ordinal as c_int)),
        (DEVICE_ORDINAL, Known::Host { .. }) => Some(Value::Int(0)),
        (ALLOWED_HANDLE_TYPES, _) => Some(Value::Word(0)),
        // CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READWRITE
        (ACCESS_FLAGS, _) => Some(Value::Int(3)),
        (MEMPOOL_HANDLE, Known::Device { start, .. }) => {
            Some(Value::Word(driver.origins().pool_of(*start).map_or(0, |pool| pool.0 as u64)))
        }
        (1..COUNT, _) => None,
        (unknown, _) => {
            return Err(Failure::invalid_value(format!("pointer attribute {unknown} is not known")));
        }
    })
}

pub(crate) unsafe fn cuPointerGetAttribute(
    driver: &Driver,
    data: *mut c_void,
    attribute: c_uint,
    address: CUdeviceptr,
) -> Answer {
    if data.is_null() {
        return Err(null());
    }
    let value = attribute_of(driver, &look_up(driver, address), attribute, address)?;
    let value = value.ok_or_else(|| {
        Failure::invalid_value(format!("{address:#x} has no pointer attribute {attribute}"))
    })?;
    // SAFETY: as the module demands: the place is as wide as the attribute.
    unsafe { value.write(data) };
    Ok(())
}

pub(crate) unsafe fn cuPointerGetAttributes(
    driver: &Driver,
    count: c_uint,
    attributes: *mut c_uint,
    data: *mut *mut c_void,
    address: CUdeviceptr,
) -> Answer {
    // SAFETY: as the module demands.
    let (attributes, places) =
        unsafe { (list_at(attributes, count as usize)?, list_at(data, count as usize)?) };
    if places.iter().any(|place| place.is_null()) {
        return Err(null());
    }
    let known = look_up(driver, address);
    for (attribute, place) in attributes.into_iter().zip(places) {
        // An address without the attribute is no failure here: its value is then zero; of the device's ordinal −2.
        let value = attribute_of(driver, &known, attribute, address)?.unwrap_or(match attribute {
            DEVICE_ORDINAL => Value::Int(-2),
            MEMORY_TYPE | SYNC_MEMOPS | ACCESS_FLAGS => Value::Int(0),
            _ => Value::Word(0),
        });
        // SAFETY: as the module demands: the place is as wide as the attribute.
        unsafe { value.write(place) };
    }
    Ok(())
}
