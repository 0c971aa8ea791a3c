//! What goes wrong on the embedded device, and the words for it.

use cust::context::{Context, CurrentContext};
use cust::device::Device;
use cust::error::CudaError;
use cust::memory::{DeviceBuffer, GpuBuffer};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};
use cust::sys::{self, CUjit_option, CUresult};
use pipe_driver::embedded::{last_error, record_launches};

use crate::on_embedded;

const PTX: &str = include_str!("kernels.ptx");

/// The 1-based line of a text in the kernels.
fn line_of(text: &str) -> usize {
    1 + PTX.lines().position(|line| line.contains(text)).unwrap()
}

#[test]
fn a_module_that_is_wrong_says_where() {
    on_embedded("errors::a_module_that_is_wrong_says_where", 1, || {
        let _context = cust::quick_init().unwrap();
        let wrong = PTX.replace("add.f32 \t%f3, %f1, %f2;", "add.f32 %f3, %f1, %nothing;");
        assert_ne!(wrong, PTX);
        assert_eq!(Module::from_ptx(&wrong, &[]).err(), Some(CudaError::InvalidPtx));
        let line = line_of("add.f32 \t%f3");
        let message = last_error().unwrap().message;
        assert!(message.contains(&format!("{line}:")) && message.contains("%nothing"), "{message}");

        let image = std::ffi::CString::new(wrong).unwrap();
        let load = |image: &std::ffi::CStr, capacity: usize| {
            let mut log = vec![b'x'; capacity];
            let mut options = [
                CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
                CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
                CUjit_option::CU_JIT_WALL_TIME,
            ];
            let mut values =
                [log.as_mut_ptr().cast(), std::ptr::without_provenance_mut(capacity), std::ptr::null_mut()];
            let mut module = std::ptr::null_mut();
            let result = unsafe {
                sys::cuModuleLoadDataEx(
                    &mut module,
                    image.as_ptr().cast(),
                    3,
                    options.as_mut_ptr(),
                    values.as_mut_ptr(),
                )
            };
            assert!(f32::from_bits(values[2].addr() as u32) >= 0.0);
            let text = std::ffi::CStr::from_bytes_until_nul(&log).unwrap().to_str().unwrap().to_owned();
            assert_eq!(values[1].addr(), text.len() + 1);
            (result, text)
        };
        assert_eq!(load(&image, 4096), (CUresult::CUDA_ERROR_INVALID_PTX, message.clone()));
        assert_eq!(load(&image, 8), (CUresult::CUDA_ERROR_INVALID_PTX, message[..7].to_owned()));
        let right = std::ffi::CString::new(PTX).unwrap();
        assert_eq!(load(&right, 64), (CUresult::CUDA_SUCCESS, String::new()));

        assert_eq!(Module::from_file("/nonexistent.ptx").err(), Some(CudaError::FileNotFound));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, PTX).unwrap();
        Module::from_file(file.path()).unwrap();
    });
}

#[test]
fn a_trap_sticks_to_the_context_until_it_is_reset() {
    on_embedded("errors::a_trap_sticks_to_the_context_until_it_is_reset", 1, || {
        let device = Device::get_device(0).unwrap();
        let context = Context::new(device).unwrap();
        let module = Module::from_ptx(PTX, &[]).unwrap();
        let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
        let data = DeviceBuffer::from_slice(&[0f32; 40]).unwrap();
        let scale = module.get_function("scale").unwrap();
        // 64 threads for 40 values: the launch itself is fine, as on a GPU; what comes after it fails.
        let (launched, launches) =
            record_launches(|| unsafe { cust::launch!(scale<<<2, 32, 0, stream>>>(data.as_device_ptr())) });
        assert_eq!(launched, Ok(()));
        assert!(launches.is_empty());
        assert_eq!(stream.synchronize(), Err(CudaError::IllegalAddress));
        let report = last_error().unwrap();
        assert_eq!(report.call, "cuStreamSynchronize");
        let trap = report.trap.unwrap();
        assert_eq!(
            (trap.kernel.as_str(), trap.line as usize),
            ("scale", line_of("ld.global.f32 \t%f2, [%rd3];"))
        );
        assert_eq!((trap.block, trap.thread), ([1, 0, 0], [8, 0, 0]));
        for part in ["scale", &trap.line.to_string(), "(1,0,0)", "(8,0,0)"] {
            assert!(report.message.contains(part), "{}", report.message);
        }

        assert_eq!(CurrentContext::synchronize(), Err(CudaError::IllegalAddress));
        assert_eq!(DeviceBuffer::from_slice(&[1u8]).err(), Some(CudaError::IllegalAddress));
        assert_eq!(module.get_function("scale").err(), Some(CudaError::IllegalAddress));
        // Asking which device it is does no work.
        assert_eq!(CurrentContext::get_device().unwrap().as_raw(), 0);

        unsafe { Context::reset(&device) }.unwrap();
        CurrentContext::synchronize().unwrap();
        // What the context had is gone, and dropping what is left of it does no harm.
        assert_eq!(module.get_function("scale").err(), Some(CudaError::InvalidHandle));
        drop((data, stream));
        drop(module);
        let (free, total) = cust::memory::mem_get_info().unwrap();
        assert_eq!(free, total);
        Module::from_ptx(PTX, &[]).unwrap();
        drop(context);
    });
}

#[test]
fn traps_have_the_codes_that_cuda_gives_them() {
    on_embedded("errors::traps_have_the_codes_that_cuda_gives_them", 1, || {
        let device = Device::get_device(0).unwrap();
        for (kernel, code) in [
            ("misaligned", CudaError::MisalignedAddress),
            ("endless", CudaError::LaunchTimeout),
            ("null", CudaError::IllegalAddress),
        ] {
            // The last one to release a primary context destroys it, and with it the failure.
            let _context = Context::new(device).unwrap();
            let module = Module::from_ptx(PTX, &[]).unwrap();
            let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
            let data = DeviceBuffer::from_slice(&[0u32; 4]).unwrap();
            let function = module.get_function(kernel).unwrap();
            unsafe { cust::launch!(function<<<1, 1, 0, stream>>>(data.as_device_ptr())) }.unwrap();
            assert_eq!(stream.synchronize(), Err(code), "{kernel}");
            assert_eq!(last_error().unwrap().trap.unwrap().kernel, kernel);
        }
    });
}
