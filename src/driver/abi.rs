//! The C types of the CUDA driver API, as far as the functions in [`crate::symbols`] need them; its results are
//! in `results`.
//!
//! Handles are opaque words: the embedded device looks them up in tables and never follows them as pointers,
//! and NVIDIA's library gets back exactly what it gave out. Enumerations are plain integers, since C may pass
//! any value.

#![allow(non_camel_case_types)] // the names are `cuda.h`'s

use std::ffi::{c_char, c_int, c_uint, c_void};

mod results;
mod structures;

pub use results::*;
pub use structures::*;

/// Declares opaque handles the size of a pointer.
macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub usize);

        impl $name {
            /// The handle that stands for no object.
            pub const NULL: Self = Self(0);
        }
    )*};
}

handles! {
    /// A context.
    CUcontext;
    /// A loaded module.
    CUmodule;
    /// A kernel of a loaded module.
    CUfunction;
    /// A stream; null is the default stream of the current context.
    CUstream;
    /// An event.
    CUevent;
    /// An array.
    CUarray;
    /// A linker invocation.
    CUlinkState;
    /// A graph.
    CUgraph;
    /// A node of a graph.
    CUgraphNode;
    /// A graph that can be launched.
    CUgraphExec;
    /// A library: a module that is not bound to a context.
    CUlibrary;
    /// A kernel of a library.
    CUkernel;
    /// A pool that allocations in stream order come from.
    CUmemoryPool;
    /// Memory imported from another interface.
    CUexternalMemory;
}

/// Ordinal of a device.
pub type CUdevice = c_int;
/// Address in device memory.
pub type CUdeviceptr = u64;
/// A texture object.
pub type CUtexObject = u64;
/// A surface object.
pub type CUsurfObject = u64;
/// `CUdevice_attribute`.
pub type CUdevice_attribute = c_uint;
/// `CUfunction_attribute`.
pub type CUfunction_attribute = c_uint;
/// `CUfunc_cache`.
pub type CUfunc_cache = c_uint;
/// `CUsharedconfig`.
pub type CUsharedconfig = c_uint;
/// `CUlimit`.
pub type CUlimit = c_uint;
/// `CUjit_option`.
pub type CUjit_option = c_uint;
/// `CUjitInputType`.
pub type CUjitInputType = c_uint;
/// `CUmem_advise`.
pub type CUmem_advise = c_uint;
/// `CUgraphNodeType`.
pub type CUgraphNodeType = c_uint;
/// `CUdriverProcAddressQueryResult`.
pub type CUdriverProcAddressQueryResult = c_uint;
/// A function that a stream calls on the host.
pub type CUhostFn = Option<unsafe extern "C" fn(*mut c_void)>;
/// Dynamic shared memory, in bytes, as a function of the block's thread count.
pub type CUoccupancyB2DSize = Option<unsafe extern "C" fn(c_int) -> usize>;

/// A device's identity, 16 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CUuuid {
    /// The bytes, most significant first.
    pub bytes: [c_char; 16],
}

/// Parameters of a context, `CUctxCreateParams`: execution affinity and sharing with a graphics interface.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CtxCreateParams {
    /// Execution affinities.
    pub affinities: *mut c_void,
    /// How many affinities there are.
    pub affinity_count: c_int,
    /// Sharing with a graphics interface.
    pub graphics: *mut c_void,
}

/// Parameters of a copy between two pitched ranges, `CUDA_MEMCPY2D`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Memcpy2d {
    /// The source.
    pub source: Pitched<*const c_void>,
    /// The destination.
    pub destination: Pitched<*mut c_void>,
    /// Bytes in a row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

/// One side of a [`Memcpy2d`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pitched<P> {
    /// First byte in a row.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// `CUmemorytype`: which of the next three fields holds.
    pub memory_type: c_uint,
    /// Address in host memory.
    pub host: P,
    /// Address in device memory.
    pub device: CUdeviceptr,
    /// Array.
    pub array: CUarray,
    /// Bytes from one row to the next.
    pub pitch: usize,
}

/// `CU_MEMORYTYPE_HOST`.
pub const MEMORYTYPE_HOST: c_uint = 1;
/// `CU_MEMORYTYPE_DEVICE`.
pub const MEMORYTYPE_DEVICE: c_uint = 2;
/// `CU_MEMORYTYPE_ARRAY`.
pub const MEMORYTYPE_ARRAY: c_uint = 3;
/// `CU_MEMORYTYPE_UNIFIED`.
pub const MEMORYTYPE_UNIFIED: c_uint = 4;
