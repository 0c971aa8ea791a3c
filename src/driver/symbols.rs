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
                cuDeviceGetPCIBusId(text: *mut c_char, len: c_int, dev: CUdevice);
                cuDeviceGetByPCIBusId(dev: *mut CUdevice, text: *const c_char);
                cuDeviceGetP2PAttribute(value: *mut c_int, attribute: c_uint, from: CUdevice, to: CUdevice);
                cuDeviceGetDefaultMemPool(pool: *mut CUmemoryPool, dev: CUdevice);
                cuDeviceSetMemPool(dev: CUdevice, pool: CUmemoryPool);
                cuDeviceGetMemPool(pool: *mut CUmemoryPool, dev: CUdevice);
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
                cuCtxResetPersistingL2Cache();
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
                cuModuleLoadFatBinary(module: *mut CUmodule, image: *const c_void);
                cuFuncGetModule(module: *mut CUmodule, function: CUfunction);
                cuFuncGetAttribute(value: *mut c_int, attribute: CUfunction_attribute, function: CUfunction);
                cuFuncSetAttribute(function: CUfunction, attribute: CUfunction_attribute, value: c_int);
                cuFuncSetCacheConfig(function: CUfunction, config: CUfunc_cache);
                cuFuncSetSharedMemConfig(function: CUfunction, config: CUsharedconfig);

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
                cuLinkAddFile_v2(
                    state: CUlinkState,
                    kind: CUjitInputType,
                    path: *const c_char,
                    count: c_uint,
                    options: *mut CUjit_option,
                    values: *mut *mut c_void
                );

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
                cuLaunchCooperativeKernel(
                    function: CUfunction,
                    grid_x: c_uint,
                    grid_y: c_uint,
                    grid_z: c_uint,
                    block_x: c_uint,
                    block_y: c_uint,
                    block_z: c_uint,
                    shared_bytes: c_uint,
                    stream: CUstream,
                    params: *mut *mut c_void
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
                cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
                    blocks: *mut c_int,
                    function: CUfunction,
                    block_size: c_int,
                    dynamic_shared_bytes: usize,
                    flags: c_uint
                );
                cuOccupancyMaxPotentialBlockSizeWithFlags(
                    grid_size: *mut c_int,
                    block_size: *mut c_int,
                    function: CUfunction,
                    shared_bytes_of_block: CUoccupancyB2DSize,
                    dynamic_shared_bytes: usize,
                    block_size_limit: c_int,
                    flags: c_uint
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
                cuMemAllocFromPoolAsync(
                    address: *mut CUdeviceptr,
                    bytes: usize,
                    pool: CUmemoryPool,
                    stream: CUstream
                );
                cuMemPoolCreate(pool: *mut CUmemoryPool, props: *const MemPoolProps);
                cuMemPoolDestroy(pool: CUmemoryPool);
                cuMemPoolTrimTo(pool: CUmemoryPool, bytes: usize);
                cuMemPoolGetAttribute(pool: CUmemoryPool, attribute: c_uint, value: *mut c_void);
                cuMemPoolSetAttribute(pool: CUmemoryPool, attribute: c_uint, value: *mut c_void);
                cuMemPoolSetAccess(pool: CUmemoryPool, map: *const MemAccessDesc, count: usize);
                cuMemPoolGetAccess(flags: *mut c_uint, pool: CUmemoryPool, location: *mut MemLocation);
                cuMemFree_v2(address: CUdeviceptr);
                cuMemFreeAsync(address: CUdeviceptr, stream: CUstream);
                cuMemGetAddressRange_v2(base: *mut CUdeviceptr, bytes: *mut usize, address: CUdeviceptr);
                cuMemAllocHost_v2(host: *mut *mut c_void, bytes: usize);
                cuMemHostAlloc(host: *mut *mut c_void, bytes: usize, flags: c_uint);
                cuMemFreeHost(host: *mut c_void);
                cuMemHostGetFlags(flags: *mut c_uint, host: *mut c_void);
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
                cuMemcpy(to: CUdeviceptr, from: CUdeviceptr, bytes: usize);
                cuMemcpyAsync(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream);
                cuMemcpy2D_v2(copy: *const Memcpy2d);
                cuMemcpy2DAsync_v2(copy: *const Memcpy2d, stream: CUstream);
                cuMemcpy2DUnaligned_v2(copy: *const Memcpy2d);
                cuMemcpy3D_v2(copy: *const Memcpy3d);
                cuMemcpy3DAsync_v2(copy: *const Memcpy3d, stream: CUstream);
                cuPointerGetAttribute(data: *mut c_void, attribute: c_uint, address: CUdeviceptr);
                cuPointerGetAttributes(
                    count: c_uint,
                    attributes: *mut c_uint,
                    data: *mut *mut c_void,
                    address: CUdeviceptr
                );
                cuMemsetD8_v2(to: CUdeviceptr, value: u8, count: usize);
                cuMemsetD8Async(to: CUdeviceptr, value: u8, count: usize, stream: CUstream);
                cuMemsetD16_v2(to: CUdeviceptr, value: u16, count: usize);
                cuMemsetD16Async(to: CUdeviceptr, value: u16, count: usize, stream: CUstream);
                cuMemsetD32_v2(to: CUdeviceptr, value: c_uint, count: usize);
                cuMemsetD32Async(to: CUdeviceptr, value: c_uint, count: usize, stream: CUstream);
                cuMemsetD2D8_v2(to: CUdeviceptr, pitch: usize, value: u8, width: usize, height: usize);
                cuMemsetD2D8Async(
                    to: CUdeviceptr,
                    pitch: usize,
                    value: u8,
                    width: usize,
                    height: usize,
                    stream: CUstream
                );
                cuMemsetD2D16_v2(to: CUdeviceptr, pitch: usize, value: u16, width: usize, height: usize);
                cuMemsetD2D16Async(
                    to: CUdeviceptr,
                    pitch: usize,
                    value: u16,
                    width: usize,
                    height: usize,
                    stream: CUstream
                );
                cuMemsetD2D32_v2(to: CUdeviceptr, pitch: usize, value: c_uint, width: usize, height: usize);
                cuMemsetD2D32Async(
                    to: CUdeviceptr,
                    pitch: usize,
                    value: c_uint,
                    width: usize,
                    height: usize,
                    stream: CUstream
                );

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
                cuEventRecordWithFlags(event: CUevent, stream: CUstream, flags: c_uint);
                cuStreamGetCtx(stream: CUstream, context: *mut CUcontext);
                cuStreamCopyAttributes(to: CUstream, from: CUstream);
                cuStreamGetAttribute(stream: CUstream, attribute: c_uint, value: *mut LaunchAttributeValue);
                cuStreamSetAttribute(stream: CUstream, attribute: c_uint, value: *const LaunchAttributeValue);
                cuStreamIsCapturing(stream: CUstream, status: *mut c_uint);
                cuThreadExchangeStreamCaptureMode(mode: *mut c_uint);

                // Graphs.
                cuGraphCreate(graph: *mut CUgraph, flags: c_uint);
                cuGraphDestroy(graph: CUgraph);
                cuGraphAddKernelNode(
                    node: *mut CUgraphNode,
                    graph: CUgraph,
                    dependencies: *const CUgraphNode,
                    count: usize,
                    params: *const KernelNodeParams
                );
                cuGraphKernelNodeGetParams(node: CUgraphNode, params: *mut KernelNodeParams);
                cuGraphNodeGetType(node: CUgraphNode, kind: *mut CUgraphNodeType);
                cuGraphGetNodes(graph: CUgraph, nodes: *mut CUgraphNode, count: *mut usize);
                cuGraphGetEdges(graph: CUgraph, from: *mut CUgraphNode, to: *mut CUgraphNode, count: *mut usize);
                cuGraphAddMemcpyNode(
                    node: *mut CUgraphNode,
                    graph: CUgraph,
                    dependencies: *const CUgraphNode,
                    count: usize,
                    copy: *const Memcpy3d,
                    context: CUcontext
                );
                cuGraphAddMemsetNode(
                    node: *mut CUgraphNode,
                    graph: CUgraph,
                    dependencies: *const CUgraphNode,
                    count: usize,
                    fill: *const MemsetNodeParams,
                    context: CUcontext
                );
                cuGraphAddEmptyNode(
                    node: *mut CUgraphNode,
                    graph: CUgraph,
                    dependencies: *const CUgraphNode,
                    count: usize
                );
                cuGraphAddHostNode(
                    node: *mut CUgraphNode,
                    graph: CUgraph,
                    dependencies: *const CUgraphNode,
                    count: usize,
                    params: *const HostNodeParams
                );
                cuGraphAddEventRecordNode(
                    node: *mut CUgraphNode,
                    graph: CUgraph,
                    dependencies: *const CUgraphNode,
                    count: usize,
                    event: CUevent
                );
                cuGraphGetRootNodes(graph: CUgraph, nodes: *mut CUgraphNode, count: *mut usize);
                cuGraphDestroyNode(node: CUgraphNode);
                cuGraphMemcpyNodeGetParams(node: CUgraphNode, params: *mut Memcpy3d);
                cuGraphMemcpyNodeSetParams(node: CUgraphNode, params: *const Memcpy3d);
                cuGraphMemsetNodeGetParams(node: CUgraphNode, params: *mut MemsetNodeParams);
                cuGraphMemsetNodeSetParams(node: CUgraphNode, params: *const MemsetNodeParams);
                cuGraphHostNodeGetParams(node: CUgraphNode, params: *mut HostNodeParams);
                cuGraphHostNodeSetParams(node: CUgraphNode, params: *const HostNodeParams);
                cuGraphExecMemcpyNodeSetParams(
                    executable: CUgraphExec,
                    node: CUgraphNode,
                    copy: *const Memcpy3d,
                    context: CUcontext
                );
                cuGraphExecMemsetNodeSetParams(
                    executable: CUgraphExec,
                    node: CUgraphNode,
                    fill: *const MemsetNodeParams,
                    context: CUcontext
                );
                cuGraphExecHostNodeSetParams(
                    executable: CUgraphExec,
                    node: CUgraphNode,
                    params: *const HostNodeParams
                );
                cuGraphUpload(executable: CUgraphExec, stream: CUstream);
                cuGraphLaunch(executable: CUgraphExec, stream: CUstream);
                cuGraphExecDestroy(executable: CUgraphExec);
                cuGraphKernelNodeSetParams(node: CUgraphNode, params: *const KernelNodeParams);
                cuGraphExecKernelNodeSetParams(
                    executable: CUgraphExec,
                    node: CUgraphNode,
                    params: *const KernelNodeParams
                );
                cuGraphAddDependencies(graph: CUgraph, from: *const CUgraphNode, to: *const CUgraphNode, count: usize);
                cuGraphRemoveDependencies(graph: CUgraph, from: *const CUgraphNode, to: *const CUgraphNode, count: usize);
                cuGraphNodeGetDependencies(node: CUgraphNode, dependencies: *mut CUgraphNode, count: *mut usize);
                cuGraphNodeGetDependentNodes(node: CUgraphNode, dependents: *mut CUgraphNode, count: *mut usize);
                cuGraphInstantiate_v2(
                    executable: *mut CUgraphExec,
                    graph: CUgraph,
                    error_node: *mut CUgraphNode,
                    log: *mut c_char,
                    log_bytes: usize
                );
                cuGraphInstantiateWithFlags(executable: *mut CUgraphExec, graph: CUgraph, flags: u64);

                // Unified memory.
                cuMemAllocManaged(address: *mut CUdeviceptr, bytes: usize, flags: c_uint);
                cuMemAdvise(address: CUdeviceptr, bytes: usize, advice: CUmem_advise, dev: CUdevice);
                cuMemPrefetchAsync(address: CUdeviceptr, bytes: usize, dev: CUdevice, stream: CUstream);
                cuStreamAttachMemAsync(stream: CUstream, address: CUdeviceptr, bytes: usize, flags: c_uint);
                cuMemHostGetDevicePointer_v2(address: *mut CUdeviceptr, host: *mut c_void, flags: c_uint);

                // Stream capture.
                cuStreamBeginCapture_v2(stream: CUstream, mode: c_uint);
                cuStreamEndCapture(stream: CUstream, graph: *mut CUgraph);
                cuStreamGetCaptureInfo_v2(
                    stream: CUstream,
                    status: *mut c_uint,
                    id: *mut u64,
                    graph: *mut CUgraph,
                    dependencies: *mut *const CUgraphNode,
                    count: *mut usize
                );
            }
            forwarded {
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

                // Graphs.
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
                cuMemAdvise_v2(address: CUdeviceptr, bytes: usize, advice: CUmem_advise, location: MemLocation);
                cuMemPrefetchAsync_v2(
                    address: CUdeviceptr,
                    bytes: usize,
                    location: MemLocation,
                    flags: c_uint,
                    stream: CUstream
                );
                cuStreamGetCaptureInfo_v3(
                    stream: CUstream,
                    status: *mut c_uint,
                    id: *mut u64,
                    graph: *mut CUgraph,
                    dependencies: *mut *const CUgraphNode,
                    edges: *mut *const GraphEdgeData,
                    count: *mut usize
                );
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
                cuCtxGetId(context: CUcontext, id: *mut u64);
                cuCtxSetFlags(flags: c_uint);
                cuCtxGetDevice_v2(device: *mut CUdevice, context: CUcontext);
                cuCtxSynchronize_v2(context: CUcontext);
                cuModuleGetFunctionCount(count: *mut c_uint, module: CUmodule);
                cuModuleEnumerateFunctions(functions: *mut CUfunction, count: c_uint, module: CUmodule);
                cuModuleGetLoadingMode(mode: *mut c_uint);
                cuFuncGetName(name: *mut *const c_char, function: CUfunction);
                cuFuncGetParamInfo(
                    function: CUfunction,
                    index: usize,
                    offset: *mut usize,
                    bytes: *mut usize
                );
                cuFuncGetParamCount(function: CUfunction, count: *mut usize);
                cuFuncIsLoaded(state: *mut c_uint, function: CUfunction);
                cuFuncLoad(function: CUfunction);
                cuLibraryLoadData(
                    library: *mut CUlibrary,
                    code: *const c_void,
                    options: *mut CUjit_option,
                    values: *mut *mut c_void,
                    count: c_uint,
                    library_options: *mut c_uint,
                    library_values: *mut *mut c_void,
                    library_count: c_uint
                );
                cuLibraryLoadFromFile(
                    library: *mut CUlibrary,
                    path: *const c_char,
                    options: *mut CUjit_option,
                    values: *mut *mut c_void,
                    count: c_uint,
                    library_options: *mut c_uint,
                    library_values: *mut *mut c_void,
                    library_count: c_uint
                );
                cuLibraryUnload(library: CUlibrary);
                cuLibraryGetKernel(kernel: *mut CUkernel, library: CUlibrary, name: *const c_char);
                cuLibraryGetModule(module: *mut CUmodule, library: CUlibrary);
                cuLibraryGetGlobal(
                    address: *mut CUdeviceptr,
                    bytes: *mut usize,
                    library: CUlibrary,
                    name: *const c_char
                );
                cuLibraryGetKernelCount(count: *mut c_uint, library: CUlibrary);
                cuLibraryEnumerateKernels(kernels: *mut CUkernel, count: c_uint, library: CUlibrary);
                cuKernelGetFunction(function: *mut CUfunction, kernel: CUkernel);
                cuKernelGetAttribute(
                    value: *mut c_int,
                    attribute: CUfunction_attribute,
                    kernel: CUkernel,
                    dev: CUdevice
                );
                cuKernelSetAttribute(attribute: CUfunction_attribute, value: c_int, kernel: CUkernel, dev: CUdevice);
                cuKernelSetCacheConfig(kernel: CUkernel, config: CUfunc_cache, dev: CUdevice);
                cuKernelGetName(name: *mut *const c_char, function: CUkernel);
                cuKernelGetParamInfo(
                    kernel: CUkernel,
                    index: usize,
                    offset: *mut usize,
                    bytes: *mut usize
                );
                cuKernelGetParamCount(kernel: CUkernel, count: *mut usize);
                cuKernelGetLibrary(library: *mut CUlibrary, kernel: CUkernel);
                cuLaunchKernelEx(
                    config: *const LaunchConfig,
                    function: CUfunction,
                    params: *mut *mut c_void,
                    extra: *mut *mut c_void
                );
                cuStreamGetId(stream: CUstream, id: *mut u64);
                cuStreamGetDevice(stream: CUstream, device: *mut CUdevice);
                cuEventElapsedTime_v2(milliseconds: *mut f32, start: CUevent, end: CUevent);
                cuGraphAddKernelNode_v2(
                    node: *mut CUgraphNode,
                    graph: CUgraph,
                    dependencies: *const CUgraphNode,
                    count: usize,
                    params: *const KernelNodeParamsV2
                );
                cuGraphKernelNodeGetParams_v2(node: CUgraphNode, params: *mut KernelNodeParamsV2);
                cuGraphKernelNodeSetParams_v2(node: CUgraphNode, params: *const KernelNodeParamsV2);
                cuGraphExecKernelNodeSetParams_v2(
                    executable: CUgraphExec,
                    node: CUgraphNode,
                    params: *const KernelNodeParamsV2
                );
                cuGraphInstantiateWithParams(
                    executable: *mut CUgraphExec,
                    graph: CUgraph,
                    params: *mut GraphInstantiateParams
                );
                cuGraphExecGetFlags(executable: CUgraphExec, flags: *mut u64);
                cuMemGetDefaultMemPool(pool: *mut CUmemoryPool, location: *mut MemLocation, kind: c_uint);
                cuMemGetMemPool(pool: *mut CUmemoryPool, location: *mut MemLocation, kind: c_uint);
                cuMemSetMemPool(location: *mut MemLocation, kind: c_uint, pool: CUmemoryPool);
                cuGraphAddDependencies_v2(
                    graph: CUgraph,
                    from: *const CUgraphNode,
                    to: *const CUgraphNode,
                    data: *const GraphEdgeData,
                    count: usize
                );
                cuGraphRemoveDependencies_v2(
                    graph: CUgraph,
                    from: *const CUgraphNode,
                    to: *const CUgraphNode,
                    data: *const GraphEdgeData,
                    count: usize
                );
                cuGraphGetEdges_v2(
                    graph: CUgraph,
                    from: *mut CUgraphNode,
                    to: *mut CUgraphNode,
                    data: *mut GraphEdgeData,
                    count: *mut usize
                );
                cuGraphNodeGetDependencies_v2(
                    node: CUgraphNode,
                    dependencies: *mut CUgraphNode,
                    data: *mut GraphEdgeData,
                    count: *mut usize
                );
                cuGraphNodeGetDependentNodes_v2(
                    node: CUgraphNode,
                    dependents: *mut CUgraphNode,
                    data: *mut GraphEdgeData,
                    count: *mut usize
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
