//! Contexts, primary and ordinary.

use std::ffi::{c_int, c_uint};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Out;
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::context::Context;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::stream::{GREATEST_PRIORITY, LEAST_PRIORITY};
use crate::embedded::table::lock;

/// What `cuCtxGetApiVersion` says of contexts that `cuCtxCreate_v2` makes.
const CONTEXT_API_VERSION: c_uint = 3020;

pub(crate) unsafe fn cuDevicePrimaryCtxRetain(
    driver: &Driver,
    context: *mut CUcontext,
    dev: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    let context = unsafe { Out::new(context) }?;
    context.set(driver.retain_primary(dev)?)
}

pub(crate) unsafe fn cuDevicePrimaryCtxRelease_v2(driver: &Driver, dev: CUdevice) -> Answer {
    driver.release_primary(dev)
}

pub(crate) unsafe fn cuDevicePrimaryCtxReset_v2(driver: &Driver, dev: CUdevice) -> Answer {
    driver.reset_primary(dev)
}

pub(crate) unsafe fn cuDevicePrimaryCtxSetFlags_v2(driver: &Driver, dev: CUdevice, flags: c_uint) -> Answer {
    driver.set_primary_flags(dev, flags)
}

pub(crate) unsafe fn cuDevicePrimaryCtxGetState(
    driver: &Driver,
    dev: CUdevice,
    flags: *mut c_uint,
    active: *mut c_int,
) -> Answer {
    // SAFETY: as the module demands.
    let (flags, active) = unsafe { (Out::new(flags)?, Out::new(active)?) };
    let state = driver.primary_state(dev)?;
    flags.set(state.0)?;
    active.set(state.1.into())
}

pub(crate) unsafe fn cuCtxCreate_v2(
    driver: &Driver,
    context: *mut CUcontext,
    flags: c_uint,
    dev: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    let context = unsafe { Out::new(context) }?;
    context.set(driver.create_context(flags, dev)?)
}

pub(crate) unsafe fn cuCtxCreate_v4(
    driver: &Driver,
    context: *mut CUcontext,
    params: *const CtxCreateParams,
    flags: c_uint,
    dev: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    if let Some(params) = unsafe { params.as_ref() } {
        if params.affinity_count != 0 {
            return Err(Failure::new(
                CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY,
                "an embedded device has no part of its multiprocessors to give",
            ));
        }
        if !params.graphics.is_null() {
            return Err(Failure::not_supported("contexts that share with a graphics interface"));
        }
    }
    // SAFETY: as the module demands.
    unsafe { cuCtxCreate_v2(driver, context, flags, dev) }
}

pub(crate) unsafe fn cuCtxDestroy_v2(driver: &Driver, context: CUcontext) -> Answer {
    driver.destroy_context(context)
}

pub(crate) unsafe fn cuCtxPushCurrent_v2(driver: &Driver, context: CUcontext) -> Answer {
    driver.push_current(context)
}

pub(crate) unsafe fn cuCtxPopCurrent_v2(driver: &Driver, context: *mut CUcontext) -> Answer {
    // SAFETY: as the module demands.
    let out = unsafe { Out::optional(context) };
    let popped = driver.pop_current()?;
    out.map_or(Ok(()), |out| out.set(popped))
}

pub(crate) unsafe fn cuCtxSetCurrent(driver: &Driver, context: CUcontext) -> Answer {
    driver.set_current(context)
}

pub(crate) unsafe fn cuCtxGetCurrent(driver: &Driver, context: *mut CUcontext) -> Answer {
    // SAFETY: as the module demands.
    unsafe { Out::new(context) }?.set(driver.current_handle())
}

pub(crate) unsafe fn cuCtxGetDevice(driver: &Driver, device: *mut CUdevice) -> Answer {
    // SAFETY: as the module demands.
    let device = unsafe { Out::new(device) }?;
    device.set(driver.current()?.device as CUdevice)
}

pub(crate) unsafe fn cuCtxGetFlags(driver: &Driver, flags: *mut c_uint) -> Answer {
    // SAFETY: as the module demands.
    let flags = unsafe { Out::new(flags) }?;
    flags.set(driver.current()?.flags.load(Ordering::Relaxed))
}

pub(crate) unsafe fn cuCtxGetApiVersion(driver: &Driver, context: CUcontext, version: *mut c_uint) -> Answer {
    // SAFETY: as the module demands.
    let version = unsafe { Out::new(version) }?;
    if context == CUcontext::NULL {
        driver.current()?;
    } else {
        driver.named_context(context)?;
    }
    version.set(CONTEXT_API_VERSION)
}

pub(crate) unsafe fn cuCtxGetCacheConfig(driver: &Driver, config: *mut CUfunc_cache) -> Answer {
    // SAFETY: as the module demands.
    let config = unsafe { Out::new(config) }?;
    config.set(lock(&driver.context()?.settings).cache_config)
}

pub(crate) unsafe fn cuCtxSetCacheConfig(driver: &Driver, config: CUfunc_cache) -> Answer {
    lock(&driver.context()?.settings).cache_config = cache_config(config)?;
    Ok(())
}

/// A cache configuration that exists.
pub(super) fn cache_config(config: CUfunc_cache) -> Answer<CUfunc_cache> {
    (config <= 3)
        .then_some(config)
        .ok_or_else(|| Failure::invalid_value(format!("cache configuration {config} is not known")))
}

pub(crate) unsafe fn cuCtxGetSharedMemConfig(driver: &Driver, config: *mut CUsharedconfig) -> Answer {
    // SAFETY: as the module demands.
    let config = unsafe { Out::new(config) }?;
    config.set(lock(&driver.context()?.settings).shared_config)
}

pub(crate) unsafe fn cuCtxSetSharedMemConfig(driver: &Driver, config: CUsharedconfig) -> Answer {
    lock(&driver.context()?.settings).shared_config = shared_config(config)?;
    Ok(())
}

/// A bank size that exists.
pub(super) fn shared_config(config: CUsharedconfig) -> Answer<CUsharedconfig> {
    (config <= 2)
        .then_some(config)
        .ok_or_else(|| Failure::invalid_value(format!("shared memory configuration {config} is not known")))
}

pub(crate) unsafe fn cuCtxGetLimit(driver: &Driver, value: *mut usize, limit: CUlimit) -> Answer {
    // SAFETY: as the module demands.
    let value = unsafe { Out::new(value) }?;
    value.set(driver.context()?.limit(limit)?)
}

pub(crate) unsafe fn cuCtxSetLimit(driver: &Driver, limit: CUlimit, value: usize) -> Answer {
    driver.context()?.set_limit(limit, value)
}

pub(crate) unsafe fn cuCtxGetStreamPriorityRange(
    driver: &Driver,
    least: *mut c_int,
    greatest: *mut c_int,
) -> Answer {
    driver.context()?;
    // SAFETY: as the module demands; either pointer may be null.
    let (least, greatest) = unsafe { (Out::optional(least), Out::optional(greatest)) };
    least.map_or(Ok(()), |out| out.set(LEAST_PRIORITY))?;
    greatest.map_or(Ok(()), |out| out.set(GREATEST_PRIORITY))
}

pub(crate) unsafe fn cuCtxSynchronize(driver: &Driver) -> Answer {
    driver.synchronize_context()
}

pub(crate) unsafe fn cuCtxEnablePeerAccess(driver: &Driver, peer: CUcontext, flags: c_uint) -> Answer {
    if flags != 0 {
        return Err(Failure::invalid_value(format!("cuCtxEnablePeerAccess takes flags 0, not {flags:#x}")));
    }
    driver.enable_peer_access(peer)
}

pub(crate) unsafe fn cuCtxDisablePeerAccess(driver: &Driver, peer: CUcontext) -> Answer {
    driver.disable_peer_access(peer)
}

/// The context of a handle, null being the current one.
fn context_or_current(driver: &Driver, context: CUcontext) -> Answer<Arc<Context>> {
    if context == CUcontext::NULL { driver.current() } else { driver.named_context(context) }
}

pub(crate) unsafe fn cuCtxGetId(driver: &Driver, context: CUcontext, id: *mut u64) -> Answer {
    // SAFETY: as the module demands.
    let id = unsafe { Out::new(id) }?;
    id.set(context_or_current(driver, context)?.handle.0 as u64)
}

pub(crate) unsafe fn cuCtxGetDevice_v2(driver: &Driver, device: *mut CUdevice, context: CUcontext) -> Answer {
    // SAFETY: as the module demands.
    let device = unsafe { Out::new(device) }?;
    device.set(context_or_current(driver, context)?.device as CUdevice)
}

pub(crate) unsafe fn cuCtxSetFlags(driver: &Driver, flags: c_uint) -> Answer {
    driver.set_context_flags(flags)
}

pub(crate) unsafe fn cuCtxSynchronize_v2(driver: &Driver, context: CUcontext) -> Answer {
    driver.synchronize(&*context_or_current(driver, context)?)
}

pub(crate) unsafe fn cuCtxResetPersistingL2Cache(driver: &Driver) -> Answer {
    // There is no cache to persist in.
    driver.context().map(drop)
}
