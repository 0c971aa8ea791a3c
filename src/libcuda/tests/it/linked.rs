//! A program that `cust` wrote the driver calls of, linked with the library itself.

use cust::device::{Device, DeviceAttribute};
use cust::error::CudaError;
use cust::event::{Event, EventFlags};
use cust::memory::{CopyDestination, DeviceBuffer};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};

unsafe extern "C" {
    safe fn pipe_embedded_device() -> std::ffi::c_int;
}

/// By this a process that looks for NVIDIA's library, such as pipe, knows that it has found this one.
#[test]
fn the_library_says_that_it_is_no_gpu() {
    assert_eq!(pipe_embedded_device(), 1);
}

#[test]
fn a_cust_program_runs() {
    let _context = cust::quick_init().unwrap();
    let libraries = crate::mapped_libraries();
    assert!(libraries.len() == 1 && libraries[0].ends_with("/libcuda.so"), "{libraries:?}");

    let device = Device::get_device(0).unwrap();
    assert_eq!(device.name().unwrap(), "pipe embedded device");
    assert_eq!(device.get_attribute(DeviceAttribute::ComputeCapabilityMajor), Ok(8));
    assert_eq!(device.total_memory(), Ok(8 << 30));

    let module = Module::from_ptx(crate::SAXPY, &[]).unwrap();
    let saxpy = module.get_function("saxpy").unwrap();
    let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
    let [begin, end] = [(); 2].map(|()| Event::new(EventFlags::DEFAULT).unwrap());
    let count = 10_000u32;
    let x: Vec<f32> = (0..count).map(|i| i as f32).collect();
    let y: Vec<f32> = (0..count).map(|i| 0.25 * i as f32).collect();
    let [x, y] = [x, y].map(|values| DeviceBuffer::from_slice(&values).unwrap());
    let out = DeviceBuffer::from_slice(&vec![0f32; count as usize]).unwrap();
    let (grid, block) = saxpy.suggested_launch_configuration(0, 0.into()).unwrap();
    assert!(grid * block >= count, "{grid} blocks of {block}");
    begin.record(&stream).unwrap();
    unsafe {
        cust::launch!(saxpy<<<grid, block, 0, stream>>>(
            out.as_device_ptr(), x.as_device_ptr(), y.as_device_ptr(), 2f32, count
        ))
    }
    .unwrap();
    end.record(&stream).unwrap();
    stream.synchronize().unwrap();
    assert!(end.elapsed_time_f32(&begin).unwrap() > 0.0);
    let mut result = vec![0f32; count as usize];
    out.copy_to(&mut result).unwrap();
    assert!((0..count).all(|i| result[i as usize] == 2.25 * i as f32), "{result:?}");

    let error = Module::from_ptx("no ptx", &[]).err();
    assert_eq!(error, Some(CudaError::InvalidPtx));
    assert_eq!(CudaError::InvalidPtx.to_string(), "\"a PTX JIT compilation failed\"");
}
