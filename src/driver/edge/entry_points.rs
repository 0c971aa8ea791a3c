//! Functions by name and version, `cuGetProcAddress`: how most clients reach the driver today.

use std::ffi::{c_char, c_int, c_void};

use super::{Out, null, text_at};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::device::API_VERSION;
use crate::embedded::error::{Answer, Failure};
use crate::entry_points::{Found, find};

/// `CUdriverProcAddress_flags`: both kinds of default stream, which are one here.
const FLAGS: u64 = 0x3;

pub(crate) unsafe fn cuGetProcAddress(
    driver: &Driver,
    symbol: *const c_char,
    function: *mut *mut c_void,
    version: c_int,
    flags: u64,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuGetProcAddress_v2(driver, symbol, function, version, flags, std::ptr::null_mut()) }
}

pub(crate) unsafe fn cuGetProcAddress_v2(
    _driver: &Driver,
    symbol: *const c_char,
    function: *mut *mut c_void,
    version: c_int,
    flags: u64,
    status: *mut CUdriverProcAddressQueryResult,
) -> Answer {
    // SAFETY: as the module demands; the status may be left out.
    let (symbol, function, status) =
        unsafe { (text_at(symbol)?, Out::new(function)?, Out::optional(status)) };
    if flags & !FLAGS != 0 {
        return Err(Failure::invalid_value(format!("cuGetProcAddress flags {flags:#x} are not known")));
    }
    if version > API_VERSION {
        return Err(Failure::invalid_value(format!(
            "CUDA {}.{} was asked for; the embedded device speaks {}.{}",
            version / 1000,
            version % 1000 / 10,
            API_VERSION / 1000,
            API_VERSION % 1000 / 10
        )));
    }
    // A function that is not offered is an answer, not a failure: a null pointer and the reason.
    let (address, reason) = match find(&symbol.to_string_lossy(), version.unsigned_abs()) {
        Found::Function(address) => (address, 0),
        Found::Unknown => (std::ptr::null(), 1),
        Found::Newer => (std::ptr::null(), 2),
    };
    function.set(address.cast_mut())?;
    status.map_or(Ok(()), |out| out.set(reason))
}

/// NVIDIA's libraries ask the driver for tables of functions that no header describes. There are none, and saying so is
/// what matters: NVRTC takes a driver without this function for one that has them.
pub(crate) unsafe fn cuGetExportTable(
    _driver: &Driver,
    table: *mut *const c_void,
    id: *const CUuuid,
) -> Answer {
    // SAFETY: as the module demands.
    let table = unsafe { Out::new(table) }?;
    if id.is_null() {
        return Err(null());
    }
    table.set(std::ptr::null())?;
    Err(Failure::new(CUDA_ERROR_NOT_FOUND, "the embedded device has no private table of functions"))
}
