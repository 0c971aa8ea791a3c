//! The driver itself, its error texts, and devices.

use std::ffi::{CStr, c_char, c_int, c_uint};

use super::{Out, bytes_at_mut, text_at};
use crate::abi::*;
use crate::embedded::device::{API_VERSION, COMPUTE_CAPABILITY, NAME};
use crate::embedded::error::{Answer, Failure};
use crate::embedded::{Device, Driver};

pub(crate) unsafe fn cuInit(driver: &Driver, flags: c_uint) -> Answer {
    driver.start(flags)
}

pub(crate) unsafe fn cuDriverGetVersion(_driver: &Driver, version: *mut c_int) -> Answer {
    // SAFETY: as the module demands.
    unsafe { Out::new(version) }?.set(API_VERSION)
}

pub(crate) unsafe fn cuGetErrorName(_driver: &Driver, error: CUresult, name: *mut *const c_char) -> Answer {
    // SAFETY: as the module demands.
    set_text(unsafe { Out::new(name) }?, error.name())
}

pub(crate) unsafe fn cuGetErrorString(
    _driver: &Driver,
    error: CUresult,
    description: *mut *const c_char,
) -> Answer {
    // SAFETY: as the module demands.
    set_text(unsafe { Out::new(description) }?, error.description())
}

/// Gives a static text, or null with an error where there is none.
fn set_text(out: Out<*const c_char>, text: Option<&'static CStr>) -> Answer {
    out.set(text.map_or(std::ptr::null(), CStr::as_ptr))?;
    text.map(drop).ok_or_else(|| Failure::invalid_value("the error code is not known"))
}

pub(crate) unsafe fn cuDeviceGet(driver: &Driver, device: *mut CUdevice, ordinal: c_int) -> Answer {
    // SAFETY: as the module demands.
    let device = unsafe { Out::new(device) }?;
    driver.device(ordinal)?;
    device.set(ordinal)
}

pub(crate) unsafe fn cuDeviceGetCount(driver: &Driver, count: *mut c_int) -> Answer {
    // SAFETY: as the module demands.
    unsafe { Out::new(count) }?.set(driver.device_count() as c_int)
}

pub(crate) unsafe fn cuDeviceGetName(
    driver: &Driver,
    name: *mut c_char,
    len: c_int,
    dev: CUdevice,
) -> Answer {
    driver.device(dev)?;
    let len = usize::try_from(len).ok().filter(|len| *len > 0);
    let len = len.ok_or_else(|| Failure::invalid_value("the buffer for the device's name has no room"))?;
    // SAFETY: as the module demands: the buffer has `len` bytes.
    let buffer = unsafe { bytes_at_mut(name.cast(), len) }?;
    let kept = NAME.len().min(len - 1);
    buffer[..kept].copy_from_slice(&NAME.as_bytes()[..kept]);
    buffer[kept] = 0;
    Ok(())
}

pub(crate) unsafe fn cuDeviceGetUuid(driver: &Driver, uuid: *mut CUuuid, dev: CUdevice) -> Answer {
    // SAFETY: as the module demands.
    let uuid = unsafe { Out::new(uuid) }?;
    uuid.set(CUuuid { bytes: driver.device(dev)?.uuid().map(|byte| byte as c_char) })
}

pub(crate) unsafe fn cuDeviceGetUuid_v2(driver: &Driver, uuid: *mut CUuuid, dev: CUdevice) -> Answer {
    // SAFETY: as the module demands. The two differ for parts of a GPU only.
    unsafe { cuDeviceGetUuid(driver, uuid, dev) }
}

pub(crate) unsafe fn cuDeviceComputeCapability(
    driver: &Driver,
    major: *mut c_int,
    minor: *mut c_int,
    dev: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    let (major, minor) = unsafe { (Out::new(major)?, Out::new(minor)?) };
    driver.device(dev)?;
    major.set(COMPUTE_CAPABILITY.0)?;
    minor.set(COMPUTE_CAPABILITY.1)
}

pub(crate) unsafe fn cuDeviceTotalMem_v2(driver: &Driver, bytes: *mut usize, dev: CUdevice) -> Answer {
    // SAFETY: as the module demands.
    let bytes = unsafe { Out::new(bytes) }?;
    bytes.set(driver.device(dev)?.memory.capacity() as usize)
}

pub(crate) unsafe fn cuDeviceGetAttribute(
    driver: &Driver,
    value: *mut c_int,
    attribute: CUdevice_attribute,
    dev: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    let value = unsafe { Out::new(value) }?;
    value.set(driver.device(dev)?.attribute(attribute)?)
}

pub(crate) unsafe fn cuDeviceCanAccessPeer(
    driver: &Driver,
    can: *mut c_int,
    dev: CUdevice,
    peer: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    let can = unsafe { Out::new(can) }?;
    // Copies reach every device; a kernel reaches its own device's memory alone.
    driver.device(dev)?;
    driver.device(peer)?;
    can.set(0)
}

/// `0000:00:ORDINAL.0`, as the attributes of the device say it.
fn pci_bus_id(device: &Device) -> String {
    format!("0000:00:{:02x}.0", device.ordinal)
}

pub(crate) unsafe fn cuDeviceGetPCIBusId(
    driver: &Driver,
    text: *mut c_char,
    len: c_int,
    dev: CUdevice,
) -> Answer {
    let id = pci_bus_id(driver.device(dev)?);
    let len = usize::try_from(len).ok().filter(|len| *len > id.len());
    let len = len.ok_or_else(|| Failure::invalid_value("the buffer for the PCI bus id is too small"))?;
    // SAFETY: as the module demands: the buffer has `len` bytes.
    let buffer = unsafe { bytes_at_mut(text.cast(), len) }?;
    buffer[..id.len()].copy_from_slice(id.as_bytes());
    buffer[id.len()] = 0;
    Ok(())
}

pub(crate) unsafe fn cuDeviceGetByPCIBusId(
    driver: &Driver,
    dev: *mut CUdevice,
    text: *const c_char,
) -> Answer {
    // SAFETY: as the module demands.
    let (dev, text) = unsafe { (Out::new(dev)?, text_at(text)?) };
    let text = text.to_string_lossy();
    // The domain and the function may be left out.
    let found = driver.devices().iter().find(|device| {
        let id = pci_bus_id(device);
        let short = id.trim_start_matches("0000:");
        [id.as_str(), short, short.trim_end_matches(".0")].contains(&text.to_ascii_lowercase().as_str())
    });
    let found = found.ok_or_else(|| {
        Failure::new(CUDA_ERROR_INVALID_DEVICE, format!("no device has the PCI bus id `{text}`"))
    })?;
    dev.set(found.ordinal as CUdevice)
}

pub(crate) unsafe fn cuDeviceGetP2PAttribute(
    driver: &Driver,
    value: *mut c_int,
    attribute: c_uint,
    from: CUdevice,
    to: CUdevice,
) -> Answer {
    // SAFETY: as the module demands.
    let value = unsafe { Out::new(value) }?;
    driver.device(from)?;
    driver.device(to)?;
    if from == to || !(1..=5).contains(&attribute) {
        return Err(Failure::invalid_value(format!(
            "there is no peer attribute {attribute} from device {from} to device {to}"
        )));
    }
    // Copies reach every device; a kernel reaches its own device's memory alone.
    value.set(0)
}
