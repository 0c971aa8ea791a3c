//! What the sanitizer found on the embedded devices, and what it is to know.

use pipe_simt::Finding;

use crate::abi::*;
use crate::backend::{Active, active};
use crate::embedded::Driver;

/// What the sanitizer found since this was last asked for, on all embedded devices: each fault once, in the order found.
/// Empty where [`Config::sanitize`](crate::Config::sanitize) is off, and on a GPU.
pub fn take_findings() -> Vec<Finding> {
    match active() {
        Active::Embedded(driver, _) => driver.take_findings(),
        Active::Cuda(_) | Active::Unavailable(..) => Vec::new(),
    }
}

/// Tells the sanitizer that a range of device memory holds nothing that a kernel may read, although something wrote it:
/// what was filled to be recognised. Without the sanitizer, outside an allocation and on a GPU it does nothing.
pub fn forget(address: CUdeviceptr, bytes: usize) {
    if let Active::Embedded(driver, _) = active()
        && let Ok(device) = driver.device_at(address)
    {
        // A range that is no allocation's has nothing to forget.
        let _ = device.memory.forget(address, bytes as u64);
    }
}

impl Driver {
    fn take_findings(&self) -> Vec<Finding> {
        self.devices.iter().flat_map(|device| device.memory.take_findings()).collect()
    }
}
