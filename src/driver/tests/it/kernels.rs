//! Modules and launches on the embedded device.

use std::ffi::CString;

use cust::context::Context;
use cust::device::Device;
use cust::error::CudaError;
use cust::function::{BlockSize, FunctionAttribute, GridSize};
use cust::memory::{DeviceBuffer, GpuBuffer};
use cust::module::{Module, ModuleJitOption, Symbol};
use cust::stream::{Stream, StreamFlags};
use cust::sys::{self, CUresult};
use pipe_driver::embedded::{last_error, record_launches};

use crate::on_embedded;

const PTX: &str = include_str!("kernels.ptx");

#[test]
fn vectors_add_up() {
    on_embedded("kernels::vectors_add_up", 1, || {
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PTX, &[ModuleJitOption::MaxRegisters(64)]).unwrap();
        let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
        let count = 1000u32;
        let a: Vec<f32> = (0..count).map(|i| i as f32).collect();
        let b: Vec<f32> = (0..count).map(|i| 0.5 * i as f32).collect();
        let [a, b] = [a, b].map(|data| DeviceBuffer::from_slice(&data).unwrap());
        let sum = DeviceBuffer::from_slice(&vec![0f32; count as usize]).unwrap();
        let vector_add = module.get_function("vector_add").unwrap();
        let (launched, launches) = record_launches(|| unsafe {
            cust::launch!(vector_add<<<8, 128, 0, stream>>>(
                a.as_device_ptr(), b.as_device_ptr(), sum.as_device_ptr(), count
            ))
        });
        launched.unwrap();
        stream.synchronize().unwrap();
        let sum = sum.as_host_vec().unwrap();
        assert!((0..count).all(|i| sum[i as usize] == 1.5 * i as f32), "{sum:?}");

        let [launch] = launches.as_slice() else { panic!("{} launches", launches.len()) };
        assert_eq!(
            (launch.kernel.as_str(), launch.grid, launch.block),
            ("vector_add", [8, 1, 1], [128, 1, 1])
        );
        let flops = launch.counts.iter().find(|(name, _)| *name == "flops").unwrap().1;
        assert_eq!(flops, 1000);
        assert!(launch.elapsed.as_nanos() > 0);
        let ((), launches) = record_launches(|| {});
        assert!(launches.is_empty());
    });
}

#[test]
fn every_device_runs_kernels_on_its_own_memory() {
    on_embedded("kernels::every_device_runs_kernels_on_its_own_memory", 2, || {
        std::thread::scope(|scope| {
            for ordinal in [1, 0] {
                scope.spawn(move || {
                    let _context = Context::new(Device::get_device(ordinal).unwrap()).unwrap();
                    let module =
                        Module::from_ptx(PTX, &[ModuleJitOption::DetermineTargetFromContext]).unwrap();
                    let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
                    let scale = module.get_function("scale").unwrap();
                    let data = DeviceBuffer::from_slice(&[ordinal as f32 + 1.0; 64]).unwrap();
                    for _ in 0..3 {
                        unsafe { cust::launch!(scale<<<2, 32, 0, stream>>>(data.as_device_ptr())) }.unwrap();
                    }
                    stream.synchronize().unwrap();
                    let expected = (ordinal as f32 + 1.0) * 2.5f32.powi(3);
                    assert_eq!(data.as_host_vec().unwrap(), [expected; 64]);
                });
            }
        });
    });
}

#[test]
fn parameters_come_in_a_buffer_too() {
    on_embedded("kernels::parameters_come_in_a_buffer_too", 1, || {
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PTX, &[]).unwrap();
        let saxpy = module.get_function("saxpy").unwrap();
        let x = DeviceBuffer::from_slice(&[1f32, 2.0, 3.0, 4.0]).unwrap();
        let y = DeviceBuffer::from_slice(&[10f32; 4]).unwrap();
        // f32 a, u32 n, u64 x, u64 y
        let mut params = Vec::new();
        params.extend(2f32.to_ne_bytes());
        params.extend(4u32.to_ne_bytes());
        params.extend(x.as_device_ptr().as_raw().to_ne_bytes());
        params.extend(y.as_device_ptr().as_raw().to_ne_bytes());
        let launch = |mut size: usize| {
            let mut extra = [
                std::ptr::without_provenance_mut(1),
                params.as_ptr().cast_mut().cast(),
                std::ptr::without_provenance_mut(2),
                (&raw mut size).cast(),
                std::ptr::null_mut(),
            ];
            let (function, stream, none) = (saxpy.to_raw(), std::ptr::null_mut(), std::ptr::null_mut());
            unsafe { sys::cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, none, extra.as_mut_ptr()) }
        };
        assert_eq!(launch(params.len()), CUresult::CUDA_SUCCESS);
        assert_eq!(y.as_host_vec().unwrap(), [12.0, 14.0, 16.0, 18.0]);
        assert_eq!(launch(params.len() - 1), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(last_error().unwrap().message, "kernel `saxpy` takes 24 bytes of parameters and got 23");
    });
}

#[test]
fn variables_have_addresses() {
    on_embedded("kernels::variables_have_addresses", 1, || {
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PTX, &[]).unwrap();
        let name = CString::new("factor").unwrap();
        let mut factor: Symbol<'_, f32> = module.get_global(&name).unwrap();
        let mut value = 0.0;
        cust::memory::CopyDestination::copy_to(&factor, &mut value).unwrap();
        assert_eq!(value, 2.5);
        cust::memory::CopyDestination::copy_from(&mut factor, &4.0).unwrap();

        let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
        let data = DeviceBuffer::from_slice(&[1f32; 32]).unwrap();
        let scale = module.get_function("scale").unwrap();
        unsafe { cust::launch!(scale<<<1, 32, 0, stream>>>(data.as_device_ptr())) }.unwrap();
        stream.synchronize().unwrap();
        assert_eq!(data.as_host_vec().unwrap(), [4.0; 32]);
        let unknown = CString::new("nothing").unwrap();
        assert_eq!(module.get_global::<f32>(&unknown).err(), Some(CudaError::NotFound));
    });
}

#[test]
fn functions_have_attributes() {
    on_embedded("kernels::functions_have_attributes", 1, || {
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PTX, &[]).unwrap();
        assert_eq!(module.get_function("nothing").err(), Some(CudaError::NotFound));
        let shared = module.get_function("shared").unwrap();
        assert_eq!(shared.to_raw(), module.get_function("shared").unwrap().to_raw());
        assert_eq!(shared.get_attribute(FunctionAttribute::SharedMemorySizeBytes), Ok(40 << 10));
        assert_eq!(shared.get_attribute(FunctionAttribute::MaxThreadsPerBlock), Ok(256));
        let vector_add = module.get_function("vector_add").unwrap();
        assert_eq!(vector_add.get_attribute(FunctionAttribute::MaxThreadsPerBlock), Ok(1024));

        // 164 KiB of a multiprocessor over 40 + 1 KiB a block.
        assert_eq!(shared.max_active_blocks_per_multiprocessor(BlockSize::x(64), 0), Ok(4));
        assert_eq!(vector_add.max_active_blocks_per_multiprocessor(BlockSize::x(256), 0), Ok(8));
        assert_eq!(vector_add.max_active_blocks_per_multiprocessor(BlockSize::x(32), 0), Ok(32));
        assert_eq!(vector_add.suggested_launch_configuration(0, BlockSize::x(0)), Ok((32, 1024)));
        assert_eq!(vector_add.suggested_launch_configuration(0, BlockSize::x(96)), Ok((32 * 16, 64)));
        assert_eq!(shared.available_dynamic_shared_memory_per_block(GridSize::x(4), BlockSize::x(64)), Ok(0));
        assert_eq!(
            shared.available_dynamic_shared_memory_per_block(GridSize::x(2), BlockSize::x(64)),
            Ok(8 << 10)
        );
    });
}

#[test]
fn launches_that_cannot_be_are_refused() {
    on_embedded("kernels::launches_that_cannot_be_are_refused", 1, || {
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PTX, &[]).unwrap();
        let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
        let shared = module.get_function("shared").unwrap();
        let launch = |grid: u32, block: (u32, u32), bytes: u32| unsafe {
            cust::launch!(shared<<<grid, block, bytes, stream>>>())
        };
        assert_eq!(launch(1, (64, 1), 0), Ok(()));
        assert_eq!(launch(0, (64, 1), 0), Err(CudaError::InvalidValue));
        assert_eq!(launch(1, (64, 32), 0), Err(CudaError::InvalidValue));
        assert_eq!(launch(1, (2048, 1), 0), Err(CudaError::InvalidValue));
        assert_eq!(launch(1, (512, 1), 0), Err(CudaError::LaunchOutOfResources));
        assert_eq!(launch(1, (64, 1), 9 << 10), Err(CudaError::InvalidValue));
        let attribute = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let set = |bytes| unsafe { sys::cuFuncSetAttribute(shared.to_raw(), attribute, bytes) };
        assert_eq!(set(64 << 10), CUresult::CUDA_SUCCESS);
        assert_eq!(launch(1, (64, 1), 9 << 10), Ok(()));
        assert_eq!(set(124 << 10), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(
            last_error().unwrap().message,
            "kernel `shared` can have 0 to 125952 bytes of dynamic shared memory, not 126976"
        );
        stream.synchronize().unwrap();
    });
}
