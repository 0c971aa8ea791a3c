//! The one table of the driver functions that pipe defines: name and C signature.
//!
//! [`for_each_symbol!`](crate::for_each_symbol) hands the table to a macro; the exported functions (`front`),
//! the pointers into NVIDIA's library (`forward`) and the test that every function `cust` can reach is here
//! are all made from it. The names are those that `cuda.h` maps its functions to, with the version suffix
//! that the library exports.

/// Expands `$callback! { embedded { … } forwarded { … } later { … } }` with every function as `name(argument:
/// Type, …);`.
///
/// `embedded` functions are answered by the embedded device too, and so are the `later` ones, which came after
/// CUDA 11.4, whose API is `cust`'s. The `forwarded` ones only NVIDIA's library offers, and the embedded device
/// answers them with `CUDA_ERROR_NOT_SUPPORTED`.
#[macro_export]
#[doc(hidden)]
macro_rules! for_each_symbol {
    ($callback:ident) => {
        $callback! {
            embedded {
                // The driver and its devices.
                cuInit(flags: c_uint);
                cuDriverGetVersion(version: *mut c_int);
                cuGetProcAddress(symbol: *const c_char, function: *mut *mut c_void, version: c_int, flags: u64);
                cuGetExportTable(table: *mut *const c_void, id: *const CUuuid);
                cuGetErrorName(error: CUresult, name: *mut *const c_char);
                cuGetErrorString(error: CUresult, description: *mut *const c_char);
                cuDeviceGet(device: *mut CUdevice, ordinal: c_int);
                cuDeviceGetCount(count: *mut c_int);
                cuDeviceGetName(name: *mut c_char, len: c_int, dev: CUdevice);
                cuDeviceComputeCapability(major: *mut c_int, minor: *mut c_int, dev: CUdevice);
                cuDeviceGetUuid(uuid: *mut CUuuid, dev: CUdevice);
                cuDeviceGetUuid_v2(uuid: *mut CUuuid, dev: CUdevice);
                cuDeviceTotalMem_v2(bytes: *mut usize, dev: CUdevice);
                cuDeviceGetAttribute(value: *mut c_int, attribute: CUdevice_attribute, dev: CUdevice);
                cuDeviceCanAccessPeer(can: *mut c_int, dev: CUdevice, peer: CUdevice);

                // Contexts.
                cuDevicePrimaryCtxRetain(context: *mut CUcontext, dev: CUdevice);
                cuDevicePrimaryCtxRelease_v2(dev: CUdevice);
                cuDevicePrimaryCtxReset_v2(dev: CUdevice);
                cuDevicePrimaryCtxSetFlags_v2(dev: CUdevice, flags: c_uint);
                cuDevicePrimaryCtxGetState(dev: CUdevice, flags: *mut c_uint, active: *mut c_int);
                cuCtxCreate_v2(context: *mut CUcontext, flags: c_uint, dev: CUdevice);
                cuCtxDestroy_v2(context: CUcontext);
                cuCtxPushCurrent_v2(context: CUcontext);
                cuCtxPopCurrent_v2(context: *mut CUcontext);
                cuCtxSetCurrent(context: CUcontext);
                cuCtxGetCurrent(context: *mut CUcontext);
                cuCtxGetDevice(device: *mut CUdevice);
                cuCtxGetFlags(flags: *mut c_uint);
                cuCtxGetApiVersion(context: CUcontext, version: *mut c_uint);
                cuCtxGetCacheConfig(config: *mut CUfunc_cache);
                cuCtxSetCacheConfig(config: CUfunc_cache);
                cuCtxGetSharedMemConfig(config: *mut CUsharedconfig);
                cuCtxSetSharedMemConfig(config: CUsharedconfig);
                cuCtxGetLimit(value: *mut usize, limit: CUlimit);
                cuCtxSetLimit(limit: CUlimit, value: usize);
                cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int);
                cuCtxSynchronize();
                cuCtxEnablePeerAccess(peer: CUcontext, flags: c_uint);
                cuCtxDisablePeerAccess(peer: CUcontext);

                // Modules and their kernels.
                cuModuleLoad(module: *mut CUmodule, path: *const c_char);
                cuModuleLoadData(module: *mut CUmodule, image: *const c_void);
                cuModuleLoadDataEx(
                    module: *mut CUmodule,
                    image: *const c_void,
                    count: c_uint,
                    options: *mut CUjit_option,
                    values: *mut *mut c_void
                );
                cuModuleUnload(module: CUmodule);
                cuModuleGetFunction(function: *mut CUfunction, module: CUmodule, name: *const c_char);
                cuModuleGetGlobal_v2(address: *mut CUdeviceptr, bytes: *mut usize, module: CUmodule, name: *const c_char);
                cuFuncGetAttribute(value: *mut c_int, attribute: CUfunction_attribute, function: CUfunction);
                cuFuncSetAttribute(function: CUfunction, attribute: CUfunction_attribute, value: c_int);
                cuFuncSetCacheConfig(function: CUfunction, config: CUfunc_cache);
                cuFuncSetSharedMemConfig(function: CUfunction, config: CUsharedconfig);

                // Launches and occupancy.
                cuLaunchKernel(
                    function: CUfunction,
                    grid_x: c_uint,
                    grid_y: c_uint,
                    grid_z: c_uint,
                    block_x: c_uint,
                    block_y: c_uint,
                    block_z: c_uint,
                    shared_bytes: c_uint,
                    stream: CUstream,
                    params: *mut *mut c_void,
                    extra: *mut *mut c_void
                );
                cuLaunchHostFunc(stream: CUstream, function: CUhostFn, data: *mut c_void);
                cuOccupancyAvailableDynamicSMemPerBlock(
                    bytes: *mut usize,
                    function: CUfunction,
                    blocks: c_int,
                    block_size: c_int
                );
                cuOccupancyMaxActiveBlocksPerMultiprocessor(
                    blocks: *mut c_int,
                    function: CUfunction,
                    block_size: c_int,
                    dynamic_shared_bytes: usize
                );
                cuOccupancyMaxPotentialBlockSize(
                    grid_size: *mut c_int,
                    block_size: *mut c_int,
                    function: CUfunction,
                    shared_bytes_of_block: CUoccupancyB2DSize,
                    dynamic_shared_bytes: usize,
                    block_size_limit: c_int
                );

                // Memory.
                cuMemGetInfo_v2(free: *mut usize, total: *mut usize);
                cuMemAlloc_v2(address: *mut CUdeviceptr, bytes: usize);
                cuMemAllocAsync(address: *mut CUdeviceptr, bytes: usize, stream: CUstream);
                cuMemAllocPitch_v2(
                    address: *mut CUdeviceptr,
                    pitch: *mut usize,
                    width: usize,
                    height: usize,
                    element_bytes: c_uint
                );
                cuMemFree_v2(address: CUdeviceptr);
                cuMemFreeAsync(address: CUdeviceptr, stream: CUstream);
                cuMemGetAddressRange_v2(base: *mut CUdeviceptr, bytes: *mut usize, address: CUdeviceptr);
                cuMemAllocHost_v2(host: *mut *mut c_void, bytes: usize);
                cuMemHostAlloc(host: *mut *mut c_void, bytes: usize, flags: c_uint);
                cuMemFreeHost(host: *mut c_void);
                cuMemHostRegister_v2(host: *mut c_void, bytes: usize, flags: c_uint);
                cuMemHostUnregister(host: *mut c_void);
                cuMemcpyHtoD_v2(to: CUdeviceptr, from: *const c_void, bytes: usize);
                cuMemcpyHtoDAsync_v2(to: CUdeviceptr, from: *const c_void, bytes: usize, stream: CUstream);
                cuMemcpyDtoH_v2(to: *mut c_void, from: CUdeviceptr, bytes: usize);
                cuMemcpyDtoHAsync_v2(to: *mut c_void, from: CUdeviceptr, bytes: usize, stream: CUstream);
                cuMemcpyDtoD_v2(to: CUdeviceptr, from: CUdeviceptr, bytes: usize);
                cuMemcpyDtoDAsync_v2(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream);
                cuMemcpyPeer(
                    to: CUdeviceptr,
                    to_context: CUcontext,
                    from: CUdeviceptr,
                    from_context: CUcontext,
                    bytes: usize
                );
                cuMemcpyPeerAsync(
                    to: CUdeviceptr,
                    to_context: CUcontext,
                    from: CUdeviceptr,
                    from_context: CUcontext,
                    bytes: usize,
                    stream: CUstream
                );
                cuMemcpy2D_v2(copy: *const Memcpy2d);
                cuMemsetD8_v2(to: CUdeviceptr, value: u8, count: usize);
                cuMemsetD8Async(to: CUdeviceptr, value: u8, count: usize, stream: CUstream);
                cuMemsetD16_v2(to: CUdeviceptr, value: u16, count: usize);
                cuMemsetD16Async(to: CUdeviceptr, value: u16, count: usize, stream: CUstream);
                cuMemsetD32_v2(to: CUdeviceptr, value: c_uint, count: usize);
                cuMemsetD32Async(to: CUdeviceptr, value: c_uint, count: usize, stream: CUstream);

                // Streams and events.
                cuStreamCreate(stream: *mut CUstream, flags: c_uint);
                cuStreamCreateWithPriority(stream: *mut CUstream, flags: c_uint, priority: c_int);
                cuStreamDestroy_v2(stream: CUstream);
                cuStreamGetFlags(stream: CUstream, flags: *mut c_uint);
                cuStreamGetPriority(stream: CUstream, priority: *mut c_int);
                cuStreamQuery(stream: CUstream);
                cuStreamSynchronize(stream: CUstream);
                cuStreamWaitEvent(stream: CUstream, event: CUevent, flags: c_uint);
                cuEventCreate(event: *mut CUevent, flags: c_uint);
                cuEventDestroy_v2(event: CUevent);
                cuEventRecord(event: CUevent, stream: CUstream);
                cuEventQuery(event: CUevent);
                cuEventSynchronize(event: CUevent);
                cuEventElapsedTime(milliseconds: *mut f32, start: CUevent, end: CUevent);
            }
            forwarded {
                // Unified memory.
                cuMemAllocManaged(address: *mut CUdeviceptr, bytes: usize, flags: c_uint);
                cuMemAdvise(address: CUdeviceptr, bytes: usize, advice: CUmem_advise, dev: CUdevice);
                cuMemPrefetchAsync(address: CUdeviceptr, bytes: usize, dev: CUdevice, stream: CUstream);

                // Arrays, textures and surfaces.
                cuArray3DCreate_v2(array: *mut CUarray, descriptor: *const c_void);
                cuArray3DGetDescriptor_v2(descriptor: *mut c_void, array: CUarray);
                cuArrayDestroy(array: CUarray);
                cuMemcpyAtoH_v2(to: *mut c_void, from: CUarray, offset: usize, bytes: usize);
                cuMemcpyHtoA_v2(to: CUarray, offset: usize, from: *const c_void, bytes: usize);
                cuTexObjectCreate(
                    texture: *mut CUtexObject,
                    resource: *const c_void,
                    descriptor: *const c_void,
                    view: *const c_void
                );
                cuTexObjectDestroy(texture: CUtexObject);
                cuTexObjectGetResourceDesc(resource: *mut c_void, texture: CUtexObject);
                cuTexObjectGetResourceViewDesc(view: *mut c_void, texture: CUtexObject);
                cuSurfObjectCreate(surface: *mut CUsurfObject, resource: *const c_void);
                cuSurfObjectDestroy(surface: CUsurfObject);
                cuSurfObjectGetResourceDesc(resource: *mut c_void, surface: CUsurfObject);

                // Linking.
                cuLinkCreate_v2(
                    count: c_uint,
                    options: *mut CUjit_option,
                    values: *mut *mut c_void,
                    state: *mut CUlinkState
                );
                cuLinkAddData_v2(
                    state: CUlinkState,
                    kind: CUjitInputType,
                    data: *mut c_void,
                    bytes: usize,
                    name: *const c_char,
                    count: c_uint,
                    options: *mut CUjit_option,
                    values: *mut *mut c_void
                );
                cuLinkComplete(state: CUlinkState, cubin: *mut *mut c_void, bytes: *mut usize);
                cuLinkDestroy(state: CUlinkState);

                // Graphs.
                cuGraphCreate(graph: *mut CUgraph, flags: c_uint);
                cuGraphDestroy(graph: CUgraph);
                cuGraphAddKernelNode(
                    node: *mut CUgraphNode,
                    graph: CUgraph,
                    dependencies: *const CUgraphNode,
                    count: usize,
                    params: *const c_void
                );
                cuGraphKernelNodeGetParams(node: CUgraphNode, params: *mut c_void);
                cuGraphNodeGetType(node: CUgraphNode, kind: *mut CUgraphNodeType);
                cuGraphGetNodes(graph: CUgraph, nodes: *mut CUgraphNode, count: *mut usize);
                cuGraphGetEdges(graph: CUgraph, from: *mut CUgraphNode, to: *mut CUgraphNode, count: *mut usize);
                cuGraphDebugDotPrint(graph: CUgraph, path: *const c_char, flags: c_uint);

                // Memory of other interfaces.
                cuImportExternalMemory(memory: *mut CUexternalMemory, descriptor: *const c_void);
                cuExternalMemoryGetMappedBuffer(
                    address: *mut CUdeviceptr,
                    memory: CUexternalMemory,
                    descriptor: *const c_void
                );
                cuDestroyExternalMemory(memory: CUexternalMemory);
            }
            later {
                cuGetProcAddress_v2(
                    symbol: *const c_char,
                    function: *mut *mut c_void,
                    version: c_int,
                    flags: u64,
                    status: *mut CUdriverProcAddressQueryResult
                );
                cuCtxCreate_v4(
                    context: *mut CUcontext,
                    params: *const CtxCreateParams,
                    flags: c_uint,
                    dev: CUdevice
                );
            }
        }
    };
}

/// Lists the table's names.
macro_rules! names {
    (
        embedded { $($name:ident($($_arg:ident: $_type:ty),*);)* }
        forwarded { $($other:ident($($_other_arg:ident: $_other_type:ty),*);)* }
        later { $($later:ident($($_later_arg:ident: $_later_type:ty),*);)* }
    ) => {
        /// The driver functions up to CUDA 11.4 that the embedded device answers itself.
        pub const EMBEDDED: &[&str] = &[$(stringify!($name)),*];
        /// The driver functions that only NVIDIA's library offers.
        pub const FORWARDED: &[&str] = &[$(stringify!($other)),*];
        /// The driver functions after CUDA 11.4 that the embedded device answers itself.
        pub const LATER: &[&str] = &[$(stringify!($later)),*];
    };
}

for_each_symbol!(names);

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_name_is_listed_twice() {
        let names: BTreeSet<_> = EMBEDDED.iter().chain(FORWARDED).chain(LATER).collect();
        assert_eq!(names.len(), EMBEDDED.len() + FORWARDED.len() + LATER.len());
    }
}
