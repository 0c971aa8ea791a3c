//! A program of `cudarc`, which opens the library at run time and allocates asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaSlice, DriverError, LaunchConfig, PushKernelArg as _, sys};

#[test]
fn a_cudarc_program_runs() {
    let context = CudaContext::new(0).unwrap();
    assert_eq!(context.name().unwrap(), "pipe embedded device");
    assert!(context.has_async_alloc());
    let stream = context.new_stream().unwrap();
    let module = context.load_module(crate::SAXPY.into()).unwrap();
    let saxpy = module.load_function("saxpy").unwrap();

    let count = 4097u32;
    let host: Vec<f32> = (0..count).map(|i| (i % 97) as f32).collect();
    let x = stream.clone_htod(&host).unwrap();
    let y = stream.clone_dtod(&x).unwrap();
    let mut out: CudaSlice<f32> = stream.alloc_zeros(count as usize).unwrap();
    let mut launch = stream.launch_builder(&saxpy);
    launch.arg(&mut out).arg(&x).arg(&y).arg(&3f32).arg(&count);
    unsafe { launch.launch(LaunchConfig::for_num_elems(count)) }.unwrap();
    let result = stream.clone_dtoh(&out).unwrap();
    assert!(result.iter().zip(&host).all(|(out, x)| *out == 4.0 * x), "{result:?}");
    stream.synchronize().unwrap();

    // Another stream waits for an event of this one.
    let other = stream.fork().unwrap();
    other.join(&stream).unwrap();
    assert_eq!(other.clone_dtoh(&out).unwrap(), result);
}

#[test]
fn failures_have_cudas_codes() {
    let context = CudaContext::new(0).unwrap();
    let code = |error: DriverError| error.0;
    let error = context.load_module("nothing of the kind".into()).err().map(code);
    assert_eq!(error, Some(sys::CUresult::CUDA_ERROR_INVALID_PTX));
    let module = context.load_module(crate::SAXPY.into()).unwrap();
    let error = module.load_function("daxpy").err().map(code);
    assert_eq!(error, Some(sys::CUresult::CUDA_ERROR_NOT_FOUND));
    let stream = Arc::clone(&context.default_stream());
    let error = unsafe { stream.alloc::<u8>(1 << 40) }.err().map(code);
    assert_eq!(error, Some(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY));
    assert_eq!(CudaContext::new(9).err().map(code), Some(sys::CUresult::CUDA_ERROR_INVALID_DEVICE));
}
