//! Initialisation, devices and contexts of the embedded device.

use cust::context::legacy::{self, ContextStack};
use cust::context::{Context, ContextFlags, CurrentContext, ResourceLimit};
use cust::device::{Device, DeviceAttribute};
use cust::error::CudaError;
use cust::memory::DeviceBuffer;
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};
use pipe_driver::embedded::last_error;

use crate::{isolated, on_embedded};

#[test]
fn nothing_works_before_init() {
    isolated(
        "contexts::nothing_works_before_init",
        |_| {},
        || {
            let config = pipe_driver::Config { choice: pipe_driver::Choice::Embedded, ..Default::default() };
            pipe_driver::configure(config).unwrap();
            assert_eq!(Device::num_devices(), Err(CudaError::NotInitialized));
            assert_eq!(
                last_error().unwrap().to_string(),
                "cuDeviceGetCount said CUDA_ERROR_NOT_INITIALIZED (3): cuDeviceGetCount was called before cuInit"
            );
            assert_eq!(CudaError::NotInitialized.to_string(), "\"initialization error\"");
            assert_eq!(cust::CudaApiVersion::get().unwrap().major(), 13);
            cust::init(cust::CudaFlags::empty()).unwrap();
            assert_eq!(Device::num_devices(), Ok(1));
        },
    );
}

#[test]
fn a_device_says_what_it_is() {
    on_embedded("contexts::a_device_says_what_it_is", 2, || {
        let device = Device::get_device(1).unwrap();
        assert_eq!(device.name().unwrap(), "pipe embedded device");
        assert_eq!(device.total_memory().unwrap(), 64 << 20);
        assert_eq!(device.get_attribute(DeviceAttribute::WarpSize), Ok(32));
        assert_eq!(device.get_attribute(DeviceAttribute::MaxThreadsPerBlock), Ok(1024));
        assert_eq!(device.get_attribute(DeviceAttribute::MaxSharedMemoryPerBlock), Ok(48 << 10));
        assert_eq!(device.get_attribute(DeviceAttribute::ComputeCapabilityMajor), Ok(8));
        assert_eq!(device.get_attribute(DeviceAttribute::PciDeviceId), Ok(1));
        assert_eq!(device.get_attribute(DeviceAttribute::MaximumTexture1DWidth), Ok(0));
        assert_eq!(Device::get_device(2).err(), Some(CudaError::InvalidDevice));
        assert_eq!(last_error().unwrap().message, "there is no device 2: the embedded devices are 0 to 1");

        let uuid = |device| {
            let mut uuid = cust::sys::CUuuid { bytes: [0; 16] };
            let result = unsafe { cust::sys::cuDeviceGetUuid(&mut uuid, device) };
            assert_eq!(result, cust::sys::CUresult::CUDA_SUCCESS);
            uuid.bytes
        };
        assert_ne!(uuid(0), uuid(1));
        let null = unsafe { cust::sys::cuDeviceGetCount(std::ptr::null_mut()) };
        assert_eq!(null, cust::sys::CUresult::CUDA_ERROR_INVALID_VALUE);
    });
}

#[test]
fn a_primary_context_lives_while_it_is_retained() {
    on_embedded("contexts::a_primary_context_lives_while_it_is_retained", 1, || {
        assert_eq!(Stream::new(StreamFlags::DEFAULT, None).err(), Some(CudaError::InvalidContext));
        let device = Device::get_device(0).unwrap();
        let first = Context::new(device).unwrap();
        let second = Context::new(device).unwrap();
        assert_eq!(first.as_raw(), second.as_raw());
        first.set_flags(ContextFlags::SCHED_YIELD).unwrap();
        drop(first);
        let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
        let buffer = DeviceBuffer::from_slice(&[0u8; 1000]).unwrap();
        drop(second);
        assert_eq!(stream.synchronize(), Err(CudaError::InvalidHandle));
        assert_eq!(CurrentContext::synchronize(), Err(CudaError::ContextIsDestroyed));
        assert_eq!(
            DeviceBuffer::drop(buffer).err().map(|(error, _)| error),
            Some(CudaError::ContextIsDestroyed)
        );

        let third = Context::new(device).unwrap();
        assert_eq!(CurrentContext::get_flags(), Ok(ContextFlags::SCHED_YIELD));
        // What the context before it allocated is free again.
        let (free, total) = cust::memory::mem_get_info().unwrap();
        assert_eq!(free, total);
        drop(third);
        let released = unsafe { cust::sys::cuDevicePrimaryCtxRelease_v2(0) };
        assert_eq!(released, cust::sys::CUresult::CUDA_ERROR_INVALID_CONTEXT);
    });
}

#[test]
fn contexts_stack_up_on_each_thread() {
    on_embedded("contexts::contexts_stack_up_on_each_thread", 2, || {
        let [first, second] = [0, 1].map(|ordinal| {
            let device = Device::get_device(ordinal).unwrap();
            legacy::Context::create_and_push(legacy::ContextFlags::SCHED_AUTO, device).unwrap()
        });
        let current = || CurrentContext::get_device().map(|device| device.as_raw());
        assert_eq!(current(), Ok(1));
        ContextStack::pop().unwrap();
        assert_eq!(current(), Ok(0));
        ContextStack::push(&second).unwrap();
        assert_eq!(current(), Ok(1));
        let shared = first.get_unowned();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(current(), Err(CudaError::InvalidContext));
                CurrentContext::set_current(&shared).unwrap();
                assert_eq!(current(), Ok(0));
            });
        });
        assert_eq!(current(), Ok(1));
        assert!(first.get_api_version().is_ok());

        let of_first = first.get_unowned();
        drop(second);
        assert_eq!(current(), Ok(0));
        drop(first);
        assert_eq!(current(), Err(CudaError::InvalidContext));
        assert_eq!(ContextStack::push(&of_first), Err(CudaError::InvalidContext));
        assert!(ContextStack::pop().is_err());
    });
}

#[test]
fn settings_are_kept() {
    on_embedded("contexts::settings_are_kept", 1, || {
        let _context = cust::quick_init().unwrap();
        CurrentContext::set_resource_limit(ResourceLimit::StackSize, 4096).unwrap();
        assert_eq!(CurrentContext::get_resource_limit(ResourceLimit::StackSize), Ok(4096));
        CurrentContext::set_cache_config(cust::context::CacheConfig::PreferL1).unwrap();
        assert_eq!(CurrentContext::get_cache_config(), Ok(cust::context::CacheConfig::PreferL1));
        CurrentContext::set_shared_memory_config(cust::context::SharedMemoryConfig::EightByteBankSize)
            .unwrap();
        assert_eq!(
            CurrentContext::get_shared_memory_config(),
            Ok(cust::context::SharedMemoryConfig::EightByteBankSize)
        );
        let range = CurrentContext::get_stream_priority_range().unwrap();
        assert!(range.greatest < range.least);
    });
}

#[test]
fn what_is_not_offered_says_so() {
    on_embedded("contexts::what_is_not_offered_says_so", 1, || {
        let _context = cust::quick_init().unwrap();
        let answer = unsafe { cust::sys::cuArrayDestroy(std::ptr::null_mut()) };
        assert_eq!(answer, cust::sys::CUresult::CUDA_ERROR_NOT_SUPPORTED);
        assert_eq!(last_error().unwrap().message, "the embedded device does not offer cuArrayDestroy");
        // Machine code is recognised, whatever follows its first bytes.
        let cubin = Module::from_cubin(b"\x7fELF\x02\x01\xff", &[]);
        assert_eq!(cubin.err(), Some(CudaError::NoBinaryForGpu));
        assert!(last_error().unwrap().message.contains("machine code"));
    });
}
