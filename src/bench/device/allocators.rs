//! Three ways to get device memory, behind one face: `cuMemAlloc`, the driver's pool, and pipe's.

use std::ffi::c_void;

use cust::{
    error::{CudaError, CudaResult},
    memory::mem_get_info,
    sys::{
        CUmemPool_attribute as Attribute, CUmemoryPool, cuDeviceGetDefaultMemPool, cuMemAllocAsync,
        cuMemFreeAsync, cuMemPoolGetAttribute, cuMemPoolSetAttribute, cuMemPoolTrimTo,
    },
};
use pipe_pool::{Config, Pool, Source as _};

use super::{Device, Session, buffer::DeviceMemory, call::check};
use crate::Failure;

/// Gives out device memory and takes it back.
pub(crate) trait Allocator {
    /// `bytes` of device memory with undefined content.
    fn allocate(&mut self, bytes: u64) -> CudaResult<u64>;

    /// Takes back what [`Allocator::allocate`] gave.
    fn free(&mut self, address: u64) -> CudaResult<()>;

    /// What it holds and has done.
    fn figures(&self) -> CudaResult<Figures>;
}

/// What an allocator holds and has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    /// Device memory that nobody else can have, in bytes.
    pub(crate) reserved_bytes: u64,
    /// Allocations that reached the device's own allocator, where that is known.
    pub(crate) device_allocations: Option<u64>,
    /// Allocations that a cache of blocks just given back served, where there is one.
    pub(crate) hot_cache_hits: Option<u64>,
}

/// `cuMemAlloc` and `cuMemFree`.
#[derive(Debug)]
pub(crate) struct PlainAllocator {
    /// Free memory of the device when it was made.
    free_before: usize,
    allocations: u64,
}

impl PlainAllocator {
    /// An allocator in the device's context.
    pub(crate) fn new() -> CudaResult<Self> {
        Ok(Self { free_before: mem_get_info()?.0, allocations: 0 })
    }
}

impl Allocator for PlainAllocator {
    fn allocate(&mut self, bytes: u64) -> CudaResult<u64> {
        self.allocations += 1;
        DeviceMemory.allocate(bytes)
    }

    fn free(&mut self, address: u64) -> CudaResult<()> {
        DeviceMemory.free(address);
        Ok(())
    }

    fn figures(&self) -> CudaResult<Figures> {
        let (free, _) = mem_get_info()?;
        Ok(Figures {
            reserved_bytes: self.free_before.saturating_sub(free) as u64,
            device_allocations: Some(self.allocations),
            hot_cache_hits: None,
        })
    }
}

/// `cuMemAllocAsync` and `cuMemFreeAsync` on the device's default pool, which keeps what it has while this lives.
#[derive(Debug)]
pub(crate) struct AsyncAllocator<'a> {
    session: &'a Session,
    pool: CUmemoryPool,
    /// What the pool held when it was made, and kept beyond a synchronisation.
    reserved_before: u64,
    threshold_before: u64,
}

impl<'a> AsyncAllocator<'a> {
    /// An allocator on the device's stream.
    pub(crate) fn new(device: &'a Device) -> Result<Self, Failure> {
        let session = device.session()?;
        let made = || {
            let mut pool = std::ptr::null_mut();
            // SAFETY: the pool is a valid place to write a handle to.
            check(unsafe { cuDeviceGetDefaultMemPool(&mut pool, device.raw.as_raw()) })?;
            // SAFETY: the device's default pool lives as long as the device.
            check(unsafe { cuMemPoolTrimTo(pool, 0) })?;
            let threshold_before = attribute(pool, Attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD)?;
            set_threshold(pool, u64::MAX)?;
            let reserved_before = attribute(pool, Attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?;
            Ok(Self { session, pool, reserved_before, threshold_before })
        };
        made().map_err(|error| Failure::of_driver(error, "asking for the device's memory pool"))
    }
}

impl Allocator for AsyncAllocator<'_> {
    fn allocate(&mut self, bytes: u64) -> CudaResult<u64> {
        let bytes = usize::try_from(bytes).map_err(|_| CudaError::OutOfMemory)?;
        let mut address = 0;
        // SAFETY: the address is a valid place to write to, and the stream is alive; whoever uses the memory does so in
        // this stream.
        check(unsafe { cuMemAllocAsync(&mut address, bytes, self.session.stream.as_inner()) })?;
        Ok(address)
    }

    fn free(&mut self, address: u64) -> CudaResult<()> {
        // SAFETY: as above; the address came from `allocate` and is not used in this stream any more.
        check(unsafe { cuMemFreeAsync(address, self.session.stream.as_inner()) })
    }

    fn figures(&self) -> CudaResult<Figures> {
        let reserved = attribute(self.pool, Attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?;
        let reserved_bytes = reserved.saturating_sub(self.reserved_before);
        Ok(Figures { reserved_bytes, ..Figures::default() })
    }
}

impl Drop for AsyncAllocator<'_> {
    fn drop(&mut self) {
        let _ = self.session.stream.synchronize();
        let _ = set_threshold(self.pool, self.threshold_before);
        // SAFETY: the device's default pool lives as long as the device.
        let _ = unsafe { cuMemPoolTrimTo(self.pool, 0) };
    }
}

fn attribute(pool: CUmemoryPool, attribute: Attribute) -> CudaResult<u64> {
    let mut value = 0_u64;
    // SAFETY: the attributes asked for are 64 bits wide.
    check(unsafe { cuMemPoolGetAttribute(pool, attribute, (&raw mut value).cast::<c_void>()) })?;
    Ok(value)
}

fn set_threshold(pool: CUmemoryPool, mut bytes: u64) -> CudaResult<()> {
    let attribute = Attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the attribute is 64 bits wide.
    check(unsafe { cuMemPoolSetAttribute(pool, attribute, (&raw mut bytes).cast::<c_void>()) })
}

/// pipe's pool over `cuMemAlloc`.
#[derive(Debug)]
pub(crate) struct PoolAllocator(Pool<DeviceMemory>);

impl PoolAllocator {
    /// An empty pool in the device's context.
    pub(crate) fn new() -> Self {
        Self(Pool::new(DeviceMemory, Config::default()))
    }
}

impl Allocator for PoolAllocator {
    fn allocate(&mut self, bytes: u64) -> CudaResult<u64> {
        Ok(self.0.allocate(bytes)?.address)
    }

    fn free(&mut self, address: u64) -> CudaResult<()> {
        self.0.free(address).map_err(|_| CudaError::InvalidValue)
    }

    fn figures(&self) -> CudaResult<Figures> {
        let stats = self.0.stats();
        Ok(Figures {
            reserved_bytes: stats.reserved_bytes,
            device_allocations: Some(stats.source_allocations),
            hot_cache_hits: Some(stats.hot_cache_hits),
        })
    }
}
