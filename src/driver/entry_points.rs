//! Which exported function a name means in a version of CUDA: what the headers of that version map it to.
//!
//! `cuMemAlloc` of CUDA 2.0 took 32-bit addresses; since 3.2 the name means `cuMemAlloc_v2`, and so on. A client
//! asks `cuGetProcAddress` for a name and the version it was built for, and gets the function with the signature
//! that version has.

use std::ffi::c_void;

use crate::front::address_of;

/// What there is of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The function.
    Function(*const c_void),
    /// No version of it is offered by the embedded device.
    Unknown,
    /// It is offered, but not as the version asked for knows it: it came later, or was another function then.
    Newer,
}

/// The function that a name means in a version, 1000 · major + 10 · minor.
pub(crate) fn find(name: &str, version: u32) -> Found {
    let of_name = ENTRY_POINTS.iter().filter(|(base, ..)| *base == name);
    let offered = of_name.clone().any(|(.., symbol)| address_of(symbol).is_some());
    let meant = of_name.filter(|(_, since, _)| *since <= version).max_by_key(|(_, since, _)| *since);
    match meant.and_then(|(.., symbol)| address_of(symbol)) {
        Some(address) => Found::Function(address),
        None if offered => Found::Newer,
        None => Found::Unknown,
    }
}

/// Name, version since which it means a function, that function. Those that are not offered are here where others of
/// their name are.
#[rustfmt::skip]
const ENTRY_POINTS: &[(&str, u32, &str)] = &[
    ("cuArray3DCreate", 2000, "cuArray3DCreate"),
    ("cuArray3DCreate", 3020, "cuArray3DCreate_v2"),
    ("cuArray3DGetDescriptor", 2000, "cuArray3DGetDescriptor"),
    ("cuArray3DGetDescriptor", 3020, "cuArray3DGetDescriptor_v2"),
    ("cuArrayDestroy", 2000, "cuArrayDestroy"),
    ("cuCtxCreate", 2000, "cuCtxCreate"),
    ("cuCtxCreate", 3020, "cuCtxCreate_v2"),
    ("cuCtxCreate", 11040, "cuCtxCreate_v3"),
    ("cuCtxCreate", 12050, "cuCtxCreate_v4"),
    ("cuCtxDestroy", 2000, "cuCtxDestroy"),
    ("cuCtxDestroy", 4000, "cuCtxDestroy_v2"),
    ("cuCtxDisablePeerAccess", 4000, "cuCtxDisablePeerAccess"),
    ("cuCtxEnablePeerAccess", 4000, "cuCtxEnablePeerAccess"),
    ("cuCtxGetApiVersion", 3020, "cuCtxGetApiVersion"),
    ("cuCtxGetCacheConfig", 3020, "cuCtxGetCacheConfig"),
    ("cuCtxGetCurrent", 4000, "cuCtxGetCurrent"),
    ("cuCtxGetDevice", 2000, "cuCtxGetDevice"),
    ("cuCtxGetDevice", 13000, "cuCtxGetDevice_v2"),
    ("cuCtxGetFlags", 7000, "cuCtxGetFlags"),
    ("cuCtxGetLimit", 3010, "cuCtxGetLimit"),
    ("cuCtxGetSharedMemConfig", 4020, "cuCtxGetSharedMemConfig"),
    ("cuCtxGetStreamPriorityRange", 5050, "cuCtxGetStreamPriorityRange"),
    ("cuCtxPopCurrent", 2000, "cuCtxPopCurrent"),
    ("cuCtxPopCurrent", 4000, "cuCtxPopCurrent_v2"),
    ("cuCtxPushCurrent", 2000, "cuCtxPushCurrent"),
    ("cuCtxPushCurrent", 4000, "cuCtxPushCurrent_v2"),
    ("cuCtxSetCacheConfig", 3020, "cuCtxSetCacheConfig"),
    ("cuCtxSetCurrent", 4000, "cuCtxSetCurrent"),
    ("cuCtxSetLimit", 3010, "cuCtxSetLimit"),
    ("cuCtxSetSharedMemConfig", 4020, "cuCtxSetSharedMemConfig"),
    ("cuCtxSynchronize", 2000, "cuCtxSynchronize"),
    ("cuCtxSynchronize", 13000, "cuCtxSynchronize_v2"),
    ("cuDestroyExternalMemory", 10000, "cuDestroyExternalMemory"),
    ("cuDeviceCanAccessPeer", 4000, "cuDeviceCanAccessPeer"),
    ("cuDeviceComputeCapability", 2000, "cuDeviceComputeCapability"),
    ("cuDeviceGet", 2000, "cuDeviceGet"),
    ("cuDeviceGetAttribute", 2000, "cuDeviceGetAttribute"),
    ("cuDeviceGetCount", 2000, "cuDeviceGetCount"),
    ("cuDeviceGetName", 2000, "cuDeviceGetName"),
    ("cuDeviceGetUuid", 9020, "cuDeviceGetUuid"),
    ("cuDeviceGetUuid", 11040, "cuDeviceGetUuid_v2"),
    ("cuDevicePrimaryCtxGetState", 7000, "cuDevicePrimaryCtxGetState"),
    ("cuDevicePrimaryCtxRelease", 7000, "cuDevicePrimaryCtxRelease"),
    ("cuDevicePrimaryCtxRelease", 11000, "cuDevicePrimaryCtxRelease_v2"),
    ("cuDevicePrimaryCtxReset", 7000, "cuDevicePrimaryCtxReset"),
    ("cuDevicePrimaryCtxReset", 11000, "cuDevicePrimaryCtxReset_v2"),
    ("cuDevicePrimaryCtxRetain", 7000, "cuDevicePrimaryCtxRetain"),
    ("cuDevicePrimaryCtxSetFlags", 7000, "cuDevicePrimaryCtxSetFlags"),
    ("cuDevicePrimaryCtxSetFlags", 11000, "cuDevicePrimaryCtxSetFlags_v2"),
    ("cuDeviceTotalMem", 2000, "cuDeviceTotalMem"),
    ("cuDeviceTotalMem", 3020, "cuDeviceTotalMem_v2"),
    ("cuDriverGetVersion", 2020, "cuDriverGetVersion"),
    ("cuEventCreate", 2000, "cuEventCreate"),
    ("cuEventDestroy", 2000, "cuEventDestroy"),
    ("cuEventDestroy", 4000, "cuEventDestroy_v2"),
    ("cuEventElapsedTime", 2000, "cuEventElapsedTime"),
    ("cuEventElapsedTime", 12080, "cuEventElapsedTime_v2"),
    ("cuEventQuery", 2000, "cuEventQuery"),
    ("cuEventRecord", 2000, "cuEventRecord"),
    ("cuEventSynchronize", 2000, "cuEventSynchronize"),
    ("cuExternalMemoryGetMappedBuffer", 10000, "cuExternalMemoryGetMappedBuffer"),
    ("cuFuncGetAttribute", 2020, "cuFuncGetAttribute"),
    ("cuFuncSetAttribute", 9000, "cuFuncSetAttribute"),
    ("cuFuncSetCacheConfig", 3000, "cuFuncSetCacheConfig"),
    ("cuFuncSetSharedMemConfig", 4020, "cuFuncSetSharedMemConfig"),
    ("cuGetErrorName", 6000, "cuGetErrorName"),
    ("cuGetErrorString", 6000, "cuGetErrorString"),
    ("cuGetExportTable", 3000, "cuGetExportTable"),
    ("cuGetProcAddress", 11030, "cuGetProcAddress"),
    ("cuGetProcAddress", 12000, "cuGetProcAddress_v2"),
    ("cuGraphAddKernelNode", 10000, "cuGraphAddKernelNode"),
    ("cuGraphAddKernelNode", 12000, "cuGraphAddKernelNode_v2"),
    ("cuGraphCreate", 10000, "cuGraphCreate"),
    ("cuGraphDebugDotPrint", 11030, "cuGraphDebugDotPrint"),
    ("cuGraphDestroy", 10000, "cuGraphDestroy"),
    ("cuGraphGetEdges", 10000, "cuGraphGetEdges"),
    ("cuGraphGetEdges", 12030, "cuGraphGetEdges_v2"),
    ("cuGraphGetNodes", 10000, "cuGraphGetNodes"),
    ("cuGraphKernelNodeGetParams", 10000, "cuGraphKernelNodeGetParams"),
    ("cuGraphKernelNodeGetParams", 12000, "cuGraphKernelNodeGetParams_v2"),
    ("cuGraphNodeGetType", 10000, "cuGraphNodeGetType"),
    ("cuImportExternalMemory", 10000, "cuImportExternalMemory"),
    ("cuInit", 2000, "cuInit"),
    ("cuLaunchHostFunc", 10000, "cuLaunchHostFunc"),
    ("cuLaunchHostFunc", 13010, "cuLaunchHostFunc_v2"),
    ("cuLaunchKernel", 4000, "cuLaunchKernel"),
    ("cuLinkAddData", 5050, "cuLinkAddData"),
    ("cuLinkAddData", 6050, "cuLinkAddData_v2"),
    ("cuLinkComplete", 5050, "cuLinkComplete"),
    ("cuLinkCreate", 5050, "cuLinkCreate"),
    ("cuLinkCreate", 6050, "cuLinkCreate_v2"),
    ("cuLinkDestroy", 5050, "cuLinkDestroy"),
    ("cuMemAdvise", 8000, "cuMemAdvise"),
    ("cuMemAdvise", 12020, "cuMemAdvise_v2"),
    ("cuMemAlloc", 2000, "cuMemAlloc"),
    ("cuMemAlloc", 3020, "cuMemAlloc_v2"),
    ("cuMemAllocAsync", 11020, "cuMemAllocAsync"),
    ("cuMemAllocHost", 2000, "cuMemAllocHost"),
    ("cuMemAllocHost", 3020, "cuMemAllocHost_v2"),
    ("cuMemAllocManaged", 6000, "cuMemAllocManaged"),
    ("cuMemAllocPitch", 2000, "cuMemAllocPitch"),
    ("cuMemAllocPitch", 3020, "cuMemAllocPitch_v2"),
    ("cuMemFree", 2000, "cuMemFree"),
    ("cuMemFree", 3020, "cuMemFree_v2"),
    ("cuMemFreeAsync", 11020, "cuMemFreeAsync"),
    ("cuMemFreeHost", 2000, "cuMemFreeHost"),
    ("cuMemGetAddressRange", 2000, "cuMemGetAddressRange"),
    ("cuMemGetAddressRange", 3020, "cuMemGetAddressRange_v2"),
    ("cuMemGetInfo", 2000, "cuMemGetInfo"),
    ("cuMemGetInfo", 3020, "cuMemGetInfo_v2"),
    ("cuMemHostAlloc", 2020, "cuMemHostAlloc"),
    ("cuMemHostRegister", 4000, "cuMemHostRegister"),
    ("cuMemHostRegister", 6050, "cuMemHostRegister_v2"),
    ("cuMemHostUnregister", 4000, "cuMemHostUnregister"),
    ("cuMemPrefetchAsync", 8000, "cuMemPrefetchAsync"),
    ("cuMemPrefetchAsync", 12020, "cuMemPrefetchAsync_v2"),
    ("cuMemcpy2D", 2000, "cuMemcpy2D"),
    ("cuMemcpy2D", 3020, "cuMemcpy2D_v2"),
    ("cuMemcpyAtoH", 2000, "cuMemcpyAtoH"),
    ("cuMemcpyAtoH", 3020, "cuMemcpyAtoH_v2"),
    ("cuMemcpyDtoD", 2000, "cuMemcpyDtoD"),
    ("cuMemcpyDtoD", 3020, "cuMemcpyDtoD_v2"),
    ("cuMemcpyDtoDAsync", 3000, "cuMemcpyDtoDAsync"),
    ("cuMemcpyDtoDAsync", 3020, "cuMemcpyDtoDAsync_v2"),
    ("cuMemcpyDtoH", 2000, "cuMemcpyDtoH"),
    ("cuMemcpyDtoH", 3020, "cuMemcpyDtoH_v2"),
    ("cuMemcpyDtoHAsync", 2000, "cuMemcpyDtoHAsync"),
    ("cuMemcpyDtoHAsync", 3020, "cuMemcpyDtoHAsync_v2"),
    ("cuMemcpyHtoA", 2000, "cuMemcpyHtoA"),
    ("cuMemcpyHtoA", 3020, "cuMemcpyHtoA_v2"),
    ("cuMemcpyHtoD", 2000, "cuMemcpyHtoD"),
    ("cuMemcpyHtoD", 3020, "cuMemcpyHtoD_v2"),
    ("cuMemcpyHtoDAsync", 2000, "cuMemcpyHtoDAsync"),
    ("cuMemcpyHtoDAsync", 3020, "cuMemcpyHtoDAsync_v2"),
    ("cuMemcpyPeer", 4000, "cuMemcpyPeer"),
    ("cuMemcpyPeerAsync", 4000, "cuMemcpyPeerAsync"),
    ("cuMemsetD16", 2000, "cuMemsetD16"),
    ("cuMemsetD16", 3020, "cuMemsetD16_v2"),
    ("cuMemsetD16Async", 3020, "cuMemsetD16Async"),
    ("cuMemsetD32", 2000, "cuMemsetD32"),
    ("cuMemsetD32", 3020, "cuMemsetD32_v2"),
    ("cuMemsetD32Async", 3020, "cuMemsetD32Async"),
    ("cuMemsetD8", 2000, "cuMemsetD8"),
    ("cuMemsetD8", 3020, "cuMemsetD8_v2"),
    ("cuMemsetD8Async", 3020, "cuMemsetD8Async"),
    ("cuModuleGetFunction", 2000, "cuModuleGetFunction"),
    ("cuModuleGetGlobal", 2000, "cuModuleGetGlobal"),
    ("cuModuleGetGlobal", 3020, "cuModuleGetGlobal_v2"),
    ("cuModuleLoad", 2000, "cuModuleLoad"),
    ("cuModuleLoadData", 2000, "cuModuleLoadData"),
    ("cuModuleLoadDataEx", 2010, "cuModuleLoadDataEx"),
    ("cuModuleUnload", 2000, "cuModuleUnload"),
    ("cuOccupancyAvailableDynamicSMemPerBlock", 10020, "cuOccupancyAvailableDynamicSMemPerBlock"),
    ("cuOccupancyMaxActiveBlocksPerMultiprocessor", 6050, "cuOccupancyMaxActiveBlocksPerMultiprocessor"),
    ("cuOccupancyMaxPotentialBlockSize", 6050, "cuOccupancyMaxPotentialBlockSize"),
    ("cuStreamCreate", 2000, "cuStreamCreate"),
    ("cuStreamCreateWithPriority", 5050, "cuStreamCreateWithPriority"),
    ("cuStreamDestroy", 2000, "cuStreamDestroy"),
    ("cuStreamDestroy", 4000, "cuStreamDestroy_v2"),
    ("cuStreamGetFlags", 5050, "cuStreamGetFlags"),
    ("cuStreamGetPriority", 5050, "cuStreamGetPriority"),
    ("cuStreamQuery", 2000, "cuStreamQuery"),
    ("cuStreamSynchronize", 2000, "cuStreamSynchronize"),
    ("cuStreamWaitEvent", 3020, "cuStreamWaitEvent"),
    ("cuSurfObjectCreate", 5000, "cuSurfObjectCreate"),
    ("cuSurfObjectDestroy", 5000, "cuSurfObjectDestroy"),
    ("cuSurfObjectGetResourceDesc", 5000, "cuSurfObjectGetResourceDesc"),
    ("cuTexObjectCreate", 5000, "cuTexObjectCreate"),
    ("cuTexObjectDestroy", 5000, "cuTexObjectDestroy"),
    ("cuTexObjectGetResourceDesc", 5000, "cuTexObjectGetResourceDesc"),
    ("cuTexObjectGetResourceViewDesc", 5000, "cuTexObjectGetResourceViewDesc"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::symbols::{EMBEDDED, LATER};

    fn function(symbol: &str) -> Found {
        Found::Function(address_of(symbol).unwrap())
    }

    #[test]
    fn every_function_has_a_name() {
        let named: BTreeSet<_> = ENTRY_POINTS.iter().map(|(.., symbol)| *symbol).collect();
        let missing: Vec<_> =
            EMBEDDED.iter().chain(LATER).filter(|symbol| !named.contains(*symbol)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn versions_decide_what_a_name_means() {
        assert_eq!(find("cuMemAlloc", 12000), function("cuMemAlloc_v2"));
        assert_eq!(find("cuMemAlloc", 3020), function("cuMemAlloc_v2"));
        assert_eq!(find("cuMemAlloc", 2000), Found::Newer, "the function of 32-bit addresses");
        assert_eq!(find("cuCtxCreate", 12000), Found::Newer);
        assert_eq!(find("cuCtxCreate", 12050), function("cuCtxCreate_v4"));
        assert_eq!(find("cuCtxCreate", 11000), function("cuCtxCreate_v2"));
        assert_eq!(find("cuGetProcAddress", 11040), function("cuGetProcAddress"));
        assert_eq!(find("cuGetProcAddress", 12000), function("cuGetProcAddress_v2"));
        assert_eq!(find("cuMemAlloc_v2", 12000), Found::Unknown, "names come without their suffix");
        assert_eq!(find("cuTexObjectCreate", 13000), Found::Unknown, "what is refused is not offered");
    }
}
