//! The structures of the driver API beyond those of plain copies. Pointers to host memory are words where a structure is
//! kept after the call.

use std::ffi::{c_int, c_uint, c_void};

use super::*;

/// Parameters of a copy between two boxes, `CUDA_MEMCPY3D`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Memcpy3d {
    /// The source.
    pub source: BoxSide,
    /// The destination.
    pub destination: BoxSide,
    /// Bytes in a row.
    pub width: usize,
    /// Rows in a slice.
    pub height: usize,
    /// Number of slices.
    pub depth: usize,
}

/// One side of a [`Memcpy3d`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct BoxSide {
    /// First byte in a row.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// First slice.
    pub z: usize,
    /// Level of detail of an array.
    pub level: usize,
    /// `CUmemorytype`: which of the next three fields holds.
    pub memory_type: c_uint,
    /// Address in host memory.
    pub host: usize,
    /// Address in device memory.
    pub device: CUdeviceptr,
    /// Array.
    pub array: usize,
    /// Null.
    pub reserved: usize,
    /// Bytes from one row to the next.
    pub pitch: usize,
    /// Rows from one slice to the next.
    pub height: usize,
}

/// What a kernel node launches, `CUDA_KERNEL_NODE_PARAMS_v1`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KernelNodeParams {
    /// The kernel.
    pub function: CUfunction,
    /// Blocks in x, y, z.
    pub grid: [c_uint; 3],
    /// Threads of a block in x, y, z.
    pub block: [c_uint; 3],
    /// Dynamic shared memory, in bytes.
    pub shared_bytes: c_uint,
    /// A pointer to each parameter.
    pub params: *mut *mut c_void,
    /// The parameters in one buffer.
    pub extra: *mut *mut c_void,
}

/// As [`KernelNodeParams`], since CUDA 12, `CUDA_KERNEL_NODE_PARAMS_v2`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KernelNodeParamsV2 {
    /// What there was before.
    pub before: KernelNodeParams,
    /// The kernel of a library, where `function` is null.
    pub kernel: CUkernel,
    /// The context for that.
    pub context: CUcontext,
}

/// What a memset node fills, `CUDA_MEMSET_NODE_PARAMS`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MemsetNodeParams {
    /// First byte.
    pub to: CUdeviceptr,
    /// Bytes from one row to the next.
    pub pitch: usize,
    /// The value.
    pub value: c_uint,
    /// Bytes of the value: 1, 2 or 4.
    pub element_bytes: c_uint,
    /// Values in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// What a host node calls, `CUDA_HOST_NODE_PARAMS_v1`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HostNodeParams {
    /// The function.
    pub function: CUhostFn,
    /// Its argument.
    pub data: usize,
}

/// How a graph is instantiated, and what came of it, `CUDA_GRAPH_INSTANTIATE_PARAMS`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GraphInstantiateParams {
    /// `CUgraphInstantiate_flags`.
    pub flags: u64,
    /// A stream to upload in.
    pub stream: CUstream,
    /// The node that is at fault.
    pub error_node: CUgraphNode,
    /// `CUgraphInstantiateResult`.
    pub result: c_uint,
}

/// A launch, `CUlaunchConfig`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LaunchConfig {
    /// Blocks in x, y, z.
    pub grid: [c_uint; 3],
    /// Threads of a block in x, y, z.
    pub block: [c_uint; 3],
    /// Dynamic shared memory, in bytes.
    pub shared_bytes: c_uint,
    /// The stream.
    pub stream: CUstream,
    /// Attributes.
    pub attributes: *const LaunchAttribute,
    /// Number of attributes.
    pub count: c_uint,
}

/// An attribute of a launch, `CUlaunchAttribute`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LaunchAttribute {
    /// `CUlaunchAttributeID`.
    pub id: c_uint,
    /// Up to the value.
    pub padding: c_uint,
    /// The value.
    pub value: LaunchAttributeValue,
}

/// The value of a launch's or a stream's attribute, 64 bytes: what is in them depends on the attribute.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct LaunchAttributeValue {
    /// The value's first numbers.
    pub words: [c_int; 16],
}

/// A place for memory, `CUmemLocation`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemLocation {
    /// `CUmemLocationType`.
    pub kind: c_uint,
    /// Ordinal of the device or of the host's node.
    pub id: c_int,
}

/// What a memory pool is made for, `CUmemPoolProps`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MemPoolProps {
    /// `CUmemAllocationType`.
    pub allocation_type: c_uint,
    /// `CUmemAllocationHandleType`s that allocations can be exported as.
    pub handle_types: c_uint,
    /// Where the memory is.
    pub location: MemLocation,
    /// Security attributes of Windows.
    pub security: usize,
    /// Most bytes, 0 for no limit of its own.
    pub max_bytes: usize,
    /// Usage and what is reserved.
    pub reserved: [u8; 56],
}

/// Who can access a pool's memory, `CUmemAccessDesc`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MemAccessDesc {
    /// The device.
    pub location: MemLocation,
    /// `CUmemAccess_flags`.
    pub flags: c_uint,
}

/// What an edge of a graph carries beside the order, `CUgraphEdgeData`: ports and type, all 0 for nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GraphEdgeData {
    /// Ports at both ends, type, and what is reserved.
    pub bytes: [u8; 8],
}
