//! The memory of cases: blocks of the device's pool that go back to it when they are dropped.

use std::{
    cell::RefCell,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    rc::Rc,
};

use cust::{
    error::{CudaError, CudaResult},
    memory::{DeviceBuffer, DevicePointer, cuda_free, cuda_malloc},
};
use pipe_model::DeviceKind;
use pipe_pool::{Block, Config, Layout, Pool, Source};

/// Bytes kept between cases: enough for those of one length, little beside the memory of any machine.
const KEEP_BYTES: u64 = 256 << 20;

/// `cuMemAlloc` and `cuMemFree` in the current context.
#[derive(Debug)]
pub(crate) struct DeviceMemory;

impl Source for DeviceMemory {
    type Error = CudaError;

    fn allocate(&mut self, bytes: u64) -> CudaResult<u64> {
        let bytes = usize::try_from(bytes).map_err(|_| CudaError::OutOfMemory)?;
        // SAFETY: nothing reads the memory before it is filled: see `Buffer::new`, and the traces of `crate::allocation`.
        unsafe { cuda_malloc::<u8>(bytes) }.map(|pointer| pointer.as_raw())
    }

    fn free(&mut self, address: u64) {
        // SAFETY: the address is one that `allocate` gave, and the pool has no block of it left. Where the context is broken
        // the memory is gone with it.
        let _ = unsafe { cuda_free(DevicePointer::<u8>::from_raw(address)) };
    }
}

/// A pool that buffers share.
pub(super) type SharedPool = Rc<RefCell<Pool<DeviceMemory>>>;

/// The pool of a context. On the embedded device every buffer is an allocation of its own, so that a kernel which reaches
/// beyond one is caught.
pub(super) fn pool(kind: DeviceKind) -> SharedPool {
    let layout = match kind {
        DeviceKind::Embedded => Layout::Dedicated,
        DeviceKind::Cuda | DeviceKind::Imported => Config::default().layout,
    };
    let config = Config { layout, keep_bytes: KEEP_BYTES, ..Config::default() };
    Rc::new(RefCell::new(Pool::new(DeviceMemory, config)))
}

/// Device memory of a pool.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// A view of the block, which the pool frees.
    memory: ManuallyDrop<DeviceBuffer<u8>>,
    block: Block,
    pool: SharedPool,
}

impl Buffer {
    /// `bytes` of device memory with undefined content, which the caller fills or hands to kernels as scratch memory before
    /// anything reads it.
    pub(super) fn new(pool: &SharedPool, bytes: u64) -> CudaResult<Self> {
        let len = usize::try_from(bytes).map_err(|_| CudaError::OutOfMemory)?;
        let block = pool.borrow_mut().allocate(bytes)?;
        // SAFETY: the block has at least so many bytes and is the caller's alone until it goes back to the pool, which
        // happens once, in `drop`; any byte is a valid u8.
        let memory = unsafe { DeviceBuffer::from_raw_parts(DevicePointer::from_raw(block.address), len) };
        Ok(Self { memory: ManuallyDrop::new(memory), block, pool: Rc::clone(pool) })
    }

    /// Where it begins on the device.
    pub(super) fn address(&self) -> u64 {
        self.block.address
    }
}

impl Deref for Buffer {
    type Target = DeviceBuffer<u8>;

    fn deref(&self) -> &DeviceBuffer<u8> {
        &self.memory
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut DeviceBuffer<u8> {
        &mut self.memory
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // The pool knows the block: it gave it out.
        let _ = self.pool.borrow_mut().free(self.block.address);
    }
}
