//! A `libcuda.so.1` to forward to: it notes the calls it gets in the file that FAKE_CUDA_LOG names and
//! answers with values that can be recognised. The tests compile it; it is no part of the test binary.
#![allow(non_snake_case)]

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::fs::OpenOptions;
use std::io::Write;

fn log(line: std::fmt::Arguments<'_>) -> c_uint {
    let path = std::env::var_os("FAKE_CUDA_LOG").unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "{line}").unwrap();
    0
}

fn setting(name: &str) -> u32 {
    std::env::var(name).map_or(0, |value| value.parse().unwrap())
}

macro_rules! functions {
    ($($name:ident($($arg:ident: $type:ty),*) $body:block)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type),*) -> c_uint {
            unsafe { $body }
        }
    )*};
}

functions! {
    cuInit(flags: c_uint) {
        log(format_args!("cuInit {flags}"));
        setting("FAKE_CUDA_INIT")
    }
    cuDeviceGetCount(count: *mut c_int) {
        *count = setting("FAKE_CUDA_DEVICES") as c_int;
        log(format_args!("cuDeviceGetCount"))
    }
    cuDriverGetVersion(version: *mut c_int) {
        *version = 12040;
        log(format_args!("cuDriverGetVersion"))
    }
    cuDeviceGet(device: *mut c_int, ordinal: c_int) {
        *device = ordinal;
        log(format_args!("cuDeviceGet {ordinal}"))
    }
    cuDeviceGetName(name: *mut c_char, len: c_int, dev: c_int) {
        let text = c"fake GPU";
        std::ptr::copy_nonoverlapping(text.as_ptr(), name, text.count_bytes() + 1);
        log(format_args!("cuDeviceGetName {len} {dev}"))
    }
    cuDevicePrimaryCtxRetain(context: *mut usize, dev: c_int) {
        *context = 0xc0;
        log(format_args!("cuDevicePrimaryCtxRetain {dev}"))
    }
    cuDevicePrimaryCtxRelease_v2(dev: c_int) { log(format_args!("cuDevicePrimaryCtxRelease_v2 {dev}")) }
    cuCtxSetCurrent(context: usize) { log(format_args!("cuCtxSetCurrent {context:#x}")) }
    cuModuleLoadDataEx(module: *mut usize, image: *const c_char, count: c_uint, _o: *mut c_void, _v: *mut c_void) {
        *module = 0xd0;
        log(format_args!("cuModuleLoadDataEx {:?} {count}", std::ffi::CStr::from_ptr(image)))
    }
    cuModuleGetFunction(function: *mut usize, module: usize, name: *const c_char) {
        *function = 0xf0;
        log(format_args!("cuModuleGetFunction {module:#x} {:?}", std::ffi::CStr::from_ptr(name)))
    }
    cuModuleUnload(module: usize) { log(format_args!("cuModuleUnload {module:#x}")) }
    cuStreamCreateWithPriority(stream: *mut usize, flags: c_uint, priority: c_int) {
        *stream = 0x50;
        log(format_args!("cuStreamCreateWithPriority {flags} {priority}"))
    }
    cuStreamSynchronize(stream: usize) {
        log(format_args!("cuStreamSynchronize {stream:#x}"));
        // CUDA_ERROR_CONTAINED of CUDA 12.8, which cust does not know.
        721
    }
    cuStreamDestroy_v2(stream: usize) { log(format_args!("cuStreamDestroy_v2 {stream:#x}")) }
    cuMemAlloc_v2(address: *mut u64, bytes: usize) {
        *address = 0xa000;
        log(format_args!("cuMemAlloc_v2 {bytes}"))
    }
    cuMemFree_v2(address: u64) { log(format_args!("cuMemFree_v2 {address:#x}")) }
    cuMemcpyHtoD_v2(to: u64, from: *const u8, bytes: usize) {
        log(format_args!("cuMemcpyHtoD_v2 {to:#x} {:?}", std::slice::from_raw_parts(from, bytes)))
    }
    cuMemcpyDtoH_v2(to: *mut u8, from: u64, bytes: usize) {
        std::slice::from_raw_parts_mut(to, bytes).fill(7);
        log(format_args!("cuMemcpyDtoH_v2 {from:#x} {bytes}"))
    }
    cuLaunchKernel(
        function: usize, gx: c_uint, gy: c_uint, gz: c_uint, bx: c_uint, by: c_uint, bz: c_uint, shared: c_uint, stream: usize,
        params: *const *const u32, extra: usize
    ) {
        let param = **params;
        log(format_args!(
            "cuLaunchKernel {function:#x} {gx} {gy} {gz} {bx} {by} {bz} {shared} {stream:#x} param {param} extra {extra}"
        ))
    }
}
