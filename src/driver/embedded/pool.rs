//! Memory pools: where allocations in stream order come from. Work is done when it is enqueued, so memory is given back
//! at once and a pool holds nothing in reserve; what it counts is true.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::abi::*;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::table::lock;
use crate::embedded::{Device, Driver};

/// `CU_MEM_ALLOCATION_TYPE_PINNED` and `CU_MEM_LOCATION_TYPE_DEVICE`: what pools are made of.
const PINNED: u32 = 1;
const ON_DEVICE: u32 = 1;
/// `CU_MEM_ACCESS_FLAGS_PROT_READWRITE`
const READ_WRITE: u32 = 3;

/// `CU_MEMPOOL_ATTR_…`
const REUSE_FOLLOW_EVENT_DEPENDENCIES: u32 = 1;
const REUSE_ALLOW_INTERNAL_DEPENDENCIES: u32 = 3;
const RELEASE_THRESHOLD: u32 = 4;
const RESERVED_MEM_CURRENT: u32 = 5;
const RESERVED_MEM_HIGH: u32 = 6;
const USED_MEM_CURRENT: u32 = 7;
const USED_MEM_HIGH: u32 = 8;
const ALLOCATION_TYPE: u32 = 9;
const EXPORT_HANDLE_TYPES: u32 = 10;
const LOCATION_ID: u32 = 11;
const LOCATION_TYPE: u32 = 12;
const MAX_POOL_SIZE: u32 = 13;

/// The value of an attribute, as wide as callers expect it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i32),
    Wide(u64),
}

/// A pool of a device's memory.
pub(crate) struct Pool {
    pub(crate) device: usize,
    /// Most bytes, where the pool has a limit of its own.
    limit: Option<u64>,
    state: Mutex<State>,
}

struct State {
    used: u64,
    high: u64,
    reuse: [i32; 3],
    release_threshold: u64,
}

impl Pool {
    fn new(device: usize, limit: Option<u64>) -> Self {
        let state = State { used: 0, high: 0, reuse: [1; 3], release_threshold: 0 };
        Self { device, limit, state: Mutex::new(state) }
    }

    pub(crate) fn attribute(&self, attribute: u32) -> Answer<Value> {
        let state = lock(&self.state);
        Ok(match attribute {
            REUSE_FOLLOW_EVENT_DEPENDENCIES..=REUSE_ALLOW_INTERNAL_DEPENDENCIES => {
                Value::Int(state.reuse[attribute as usize - 1])
            }
            RELEASE_THRESHOLD => Value::Wide(state.release_threshold),
            RESERVED_MEM_CURRENT | USED_MEM_CURRENT => Value::Wide(state.used),
            RESERVED_MEM_HIGH | USED_MEM_HIGH => Value::Wide(state.high),
            ALLOCATION_TYPE => Value::Int(PINNED as i32),
            EXPORT_HANDLE_TYPES => Value::Int(0),
            LOCATION_ID => Value::Int(self.device as i32),
            LOCATION_TYPE => Value::Int(ON_DEVICE as i32),
            MAX_POOL_SIZE => Value::Wide(self.limit.unwrap_or(0)),
            unknown => return Err(Failure::invalid_value(format!("pool attribute {unknown} is not known"))),
        })
    }

    /// Sets an attribute that can be set, from what `read` makes of the caller's value.
    pub(crate) fn set_attribute(&self, attribute: u32, int: i32, wide: u64) -> Answer {
        let mut state = lock(&self.state);
        match attribute {
            REUSE_FOLLOW_EVENT_DEPENDENCIES..=REUSE_ALLOW_INTERNAL_DEPENDENCIES => {
                state.reuse[attribute as usize - 1] = int;
            }
            RELEASE_THRESHOLD => state.release_threshold = wide,
            RESERVED_MEM_HIGH | USED_MEM_HIGH if wide == 0 => state.high = state.used,
            _ => {
                return Err(Failure::invalid_value(format!("pool attribute {attribute} cannot be set so")));
            }
        }
        Ok(())
    }

    /// Whether an attribute is 64 bits wide.
    pub(crate) fn is_wide(attribute: u32) -> bool {
        matches!(attribute, RELEASE_THRESHOLD..=USED_MEM_HIGH | MAX_POOL_SIZE)
    }
}

/// The pools of a device: the one it was born with and the one in use.
pub(crate) struct DevicePools {
    pub(crate) default: CUmemoryPool,
    pub(crate) current: Mutex<CUmemoryPool>,
}

/// What came from which pool.
#[derive(Default)]
pub(crate) struct Origins(Mutex<HashMap<CUdeviceptr, Origin>>);

/// The pool that an allocation is of, by handle and itself, and the bytes.
type Origin = (CUmemoryPool, Arc<Pool>, u64);

impl Origins {
    /// The pool that an allocation came from.
    pub(crate) fn pool_of(&self, allocation: CUdeviceptr) -> Option<CUmemoryPool> {
        lock(&self.0).get(&allocation).map(|(pool, ..)| *pool)
    }

    /// Notes that an allocation was given back.
    pub(crate) fn forget(&self, allocation: CUdeviceptr) {
        if let Some((_, pool, bytes)) = lock(&self.0).remove(&allocation) {
            lock(&pool.state).used -= bytes;
        }
    }
}

impl Driver {
    /// A new pool of a device, which `DevicePools` refers to.
    pub(crate) fn device_pools(&self, ordinal: usize) -> DevicePools {
        let default = CUmemoryPool(self.numbers.next());
        self.pools.insert(default, Pool::new(ordinal, None));
        DevicePools { default, current: Mutex::new(default) }
    }

    /// A pool by its handle.
    pub(crate) fn pool(&self, handle: CUmemoryPool) -> Answer<Arc<Pool>> {
        self.pools.get(handle).ok_or_else(|| Failure::invalid_handle("memory pool"))
    }

    /// Creates a pool.
    pub(crate) fn create_pool(&self, props: &MemPoolProps) -> Answer<CUmemoryPool> {
        let device = self.pool_device(props.location, props.allocation_type)?;
        if props.handle_types != 0 {
            return Err(Failure::not_supported("memory pools that other processes share"));
        }
        let handle = CUmemoryPool(self.numbers.next());
        let limit = (props.max_bytes > 0).then_some(props.max_bytes as u64);
        self.pools.insert(handle, Pool::new(device.ordinal, limit));
        Ok(handle)
    }

    /// The device that a pool's place names.
    pub(crate) fn pool_device(&self, location: MemLocation, allocation_type: u32) -> Answer<&Device> {
        if allocation_type != PINNED || location.kind != ON_DEVICE {
            return Err(Failure::not_supported("memory pools that are not of pinned device memory"));
        }
        self.device(location.id)
    }

    /// Destroys a pool. What came from it stays; a device that used it goes back to its own.
    pub(crate) fn destroy_pool(&self, handle: CUmemoryPool) -> Answer {
        let pool = self.pool(handle)?;
        let pools = &self.devices[pool.device].pools;
        if handle == pools.default {
            return Err(Failure::invalid_value("the default pool of a device cannot be destroyed"));
        }
        self.pools.remove(handle);
        let mut current = lock(&pools.current);
        if *current == handle {
            *current = pools.default;
        }
        Ok(())
    }

    /// Makes a pool the one that a device's allocations in stream order come from.
    pub(crate) fn set_pool(&self, device: CUdevice, handle: CUmemoryPool) -> Answer {
        let device = self.device(device)?;
        if self.pool(handle)?.device != device.ordinal {
            return Err(Failure::invalid_value("the memory pool belongs to another device"));
        }
        *lock(&device.pools.current) = handle;
        Ok(())
    }

    /// Who can access a pool's memory: kernels of its own device alone.
    pub(crate) fn pool_access(&self, handle: CUmemoryPool, location: MemLocation) -> Answer<u32> {
        let pool = self.pool(handle)?;
        let device = self.pool_device(location, PINNED)?;
        Ok(if device.ordinal == pool.device { READ_WRITE } else { 0 })
    }

    /// Accepts access that is there already and refuses what cannot be given.
    pub(crate) fn set_pool_access(&self, handle: CUmemoryPool, wanted: &[MemAccessDesc]) -> Answer {
        for access in wanted {
            if self.pool_access(handle, access.location)? != access.flags {
                return Err(Failure::not_supported("memory pools that kernels of another device use"));
            }
        }
        Ok(())
    }

    /// Allocates from a pool in a stream's turn.
    pub(crate) fn allocate_from(
        &self,
        pool: Option<CUmemoryPool>,
        bytes: usize,
        stream: CUstream,
    ) -> Answer<CUdeviceptr> {
        let (context, _) = self.stream(stream)?;
        let handle = pool.unwrap_or_else(|| *lock(&self.device_of(&context).pools.current));
        let pool = self.pool(handle)?;
        let mut state = lock(&pool.state);
        if pool.limit.is_some_and(|limit| state.used + bytes as u64 > limit) {
            return Err(Failure::new(
                CUDA_ERROR_OUT_OF_MEMORY,
                format!("the memory pool has no {bytes} bytes left"),
            ));
        }
        let address = self.devices[pool.device].allocate(bytes, context.handle)?;
        state.used += bytes as u64;
        state.high = state.high.max(state.used);
        drop(state);
        lock(&self.origins.0).insert(address, (handle, pool, bytes as u64));
        Ok(address)
    }
}
