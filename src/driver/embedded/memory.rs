//! Device memory: allocation, copies and fills. An address names its device, so that copies between devices
//! need nothing more.

use pipe_simt::{Finding, GlobalMemory, MemoryError};

use crate::abi::*;
use crate::embedded::context::Context;
use crate::embedded::device::PITCH_ALIGNMENT;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::table::lock;
use crate::embedded::{Device, Driver};

/// Address space of a device, in bytes: more than any has memory.
const WINDOW: u64 = 1 << 40;
/// Where the first device's addresses begin.
const FIRST_BASE: u64 = GlobalMemory::DEFAULT_BASE;

/// Where a device's addresses begin.
pub(crate) fn base(ordinal: usize) -> u64 {
    FIRST_BASE + WINDOW * ordinal as u64
}

/// Bytes that move between devices at a time.
const CHUNK: usize = 1 << 20;

impl Device {
    pub(crate) fn allocate(&self, bytes: usize, context: CUcontext) -> Answer<CUdeviceptr> {
        if bytes == 0 {
            return Err(Failure::invalid_value("an allocation has 0 bytes"));
        }
        let address = self.memory.allocate(bytes as u64);
        let address = address.map_err(|error| Failure::new(CUDA_ERROR_OUT_OF_MEMORY, error.to_string()))?;
        lock(&self.owners).insert(address, context);
        Ok(address)
    }

    fn free(&self, address: CUdeviceptr) -> Answer {
        lock(&self.owners).remove(&address).ok_or_else(|| {
            Failure::invalid_value(format!("{address:#x} is no allocation, or was freed before"))
        })?;
        self.memory.free(address).map_err(invalid)
    }

    /// Frees what a context allocated and says what that was. What its owner could have freed, and did not, is a leak to
    /// the sanitizer.
    pub(crate) fn free_all(&self, context: &Context) -> Vec<CUdeviceptr> {
        let mut owners = lock(&self.owners);
        let mut addresses: Vec<_> =
            owners.extract_if(|_, owner| *owner == context.handle).map(|(address, _)| address).collect();
        addresses.sort_unstable();
        for address in &addresses {
            if context.check().is_ok()
                && let Some((_, bytes)) = self.memory.allocation(*address)
            {
                self.memory.add_finding(Finding::leak(*address, bytes));
            }
            // It is allocated, since it has an owner.
            let _ = self.memory.free(*address);
        }
        addresses
    }

    /// Checks that a range is within one allocation.
    fn check(&self, address: CUdeviceptr, bytes: usize) -> Answer {
        let left = self.memory.allocation(address).map(|(start, size)| start + size - address);
        if left.is_some_and(|left| bytes as u64 <= left) {
            return Ok(());
        }
        Err(Failure::invalid_value(format!("{bytes} bytes at {address:#x} are not within an allocation")))
    }
}

impl Driver {
    /// Free and total bytes of the current device.
    pub(crate) fn memory_info(&self) -> Answer<(usize, usize)> {
        let context = self.context()?;
        let memory = &self.device_of(&context).memory;
        Ok(((memory.capacity() - memory.used()) as usize, memory.capacity() as usize))
    }

    /// Allocates on the current device.
    pub(crate) fn allocate(&self, bytes: usize) -> Answer<CUdeviceptr> {
        let context = self.context()?;
        self.device_of(&context).allocate(bytes, context.handle)
    }

    /// Allocates `height` rows of `width` bytes, each aligned. Returns the address and the bytes from row to
    /// row.
    pub(crate) fn allocate_pitched(&self, width: usize, height: usize) -> Answer<(CUdeviceptr, usize)> {
        let size = width.checked_next_multiple_of(PITCH_ALIGNMENT);
        let size = size.and_then(|pitch| Some((pitch, pitch.checked_mul(height)?)));
        let (pitch, bytes) = size
            .ok_or_else(|| Failure::invalid_value(format!("{height} rows of {width} bytes are no size")))?;
        Ok((self.allocate(bytes)?, pitch))
    }

    /// Frees an allocation of any device; address 0 is nothing to free.
    pub(crate) fn free(&self, address: CUdeviceptr) -> Answer {
        self.context()?;
        if address == 0 { Ok(()) } else { self.give_back(address) }
    }

    /// Frees in a stream's turn.
    pub(crate) fn free_on(&self, address: CUdeviceptr, stream: CUstream) -> Answer {
        self.refuse_capture(stream)?;
        self.give_back(address)
    }

    fn give_back(&self, address: CUdeviceptr) -> Answer {
        self.device_at(address)?.free(address)?;
        self.origins.forget(address);
        self.forget_unified(address);
        Ok(())
    }

    /// The allocation that an address is in: its address and bytes.
    pub(crate) fn allocation_at(&self, address: CUdeviceptr) -> Answer<(CUdeviceptr, usize)> {
        self.context()?;
        let found = self.device_at(address)?.memory.allocation(address);
        found
            .map(|(start, bytes)| (start, bytes as usize))
            .ok_or_else(|| Failure::new(CUDA_ERROR_NOT_FOUND, format!("{address:#x} is in no allocation")))
    }

    /// The device whose memory an address is in.
    pub(crate) fn device_at(&self, address: CUdeviceptr) -> Answer<&Device> {
        let ordinal = address.checked_sub(FIRST_BASE).map(|offset| (offset / WINDOW) as usize);
        ordinal
            .and_then(|ordinal| self.devices.get(ordinal))
            .ok_or_else(|| Failure::invalid_value(format!("{address:#x} is no device address")))
    }

    /// Copies from the host.
    pub(crate) fn copy_in(&self, to: CUdeviceptr, from: &[u8]) -> Answer {
        if from.is_empty() {
            return Ok(());
        }
        self.device_at(to)?.memory.copy_in(to, from).map_err(invalid)
    }

    /// Copies to the host.
    pub(crate) fn copy_out(&self, to: &mut [u8], from: CUdeviceptr) -> Answer {
        if to.is_empty() {
            return Ok(());
        }
        self.device_at(from)?.memory.copy_out(from, to).map_err(invalid)
    }

    /// Copies within a device or from one to another.
    pub(crate) fn copy(&self, to: CUdeviceptr, from: CUdeviceptr, bytes: usize) -> Answer {
        if bytes == 0 {
            return Ok(());
        }
        let (target, source) = (self.device_at(to)?, self.device_at(from)?);
        if target.ordinal == source.ordinal {
            return target.memory.copy_within(to, from, bytes as u64).map_err(invalid);
        }
        target.check(to, bytes)?;
        source.check(from, bytes)?;
        let mut chunk = vec![0; bytes.min(CHUNK)];
        for done in (0..bytes).step_by(CHUNK) {
            let part = &mut chunk[..(bytes - done).min(CHUNK)];
            source.memory.copy_out(from + done as u64, part).map_err(invalid)?;
            target.memory.copy_in(to + done as u64, part).map_err(invalid)?;
        }
        Ok(())
    }

    /// Fills with a value of 1, 2 or 4 bytes, `count` times.
    pub(crate) fn fill(&self, to: CUdeviceptr, value: &[u8], count: usize) -> Answer {
        let bytes = (count as u64).checked_mul(value.len() as u64);
        let bytes = bytes.ok_or_else(|| Failure::invalid_value(format!("{count} values are no size")))?;
        if !to.is_multiple_of(value.len() as u64) {
            return Err(Failure::invalid_value(format!("{to:#x} is not aligned to {} bytes", value.len())));
        }
        if bytes == 0 {
            return Ok(());
        }
        self.device_at(to)?.memory.fill(to, bytes, value).map_err(invalid)
    }
}

/// A host access that the memory refuses.
fn invalid(error: MemoryError) -> Failure {
    Failure::invalid_value(error.to_string())
}
