//! Device and host memory of the embedded device.

use cust::context::{Context, CurrentContext};
use cust::device::Device;
use cust::error::CudaError;
use cust::memory::{
    AsyncCopyDestination, CopyDestination, DeviceBuffer, DevicePointer, GpuBuffer, LockedBuffer, cuda_free,
    mem_get_info,
};
use cust::stream::{Stream, StreamFlags};
use cust::sys::{self, CUresult};
use pipe_driver::embedded::last_error;

use crate::on_embedded;

#[test]
fn bytes_come_back() {
    on_embedded("memory::bytes_come_back", 1, || {
        let _context = cust::quick_init().unwrap();
        let data: Vec<u32> = (0..700_000).collect();
        let first = DeviceBuffer::from_slice(&data).unwrap();
        let mut second = DeviceBuffer::from_slice(&vec![0u32; data.len()]).unwrap();
        first.copy_to(&mut second).unwrap();
        assert_eq!(second.as_host_vec().unwrap(), data);

        second.index(1..3).set_32(9).unwrap();
        second.index(3..4).set_16(0x1234).unwrap();
        second.index(4..5).set_8(0xab).unwrap();
        let mut read = [0; 6];
        second.index(0..6).copy_to(&mut read).unwrap();
        assert_eq!(read, [0, 9, 9, 0x1234_1234, 0xabab_abab, 5]);
    });
}

#[test]
fn copies_can_be_asynchronous() {
    on_embedded("memory::copies_can_be_asynchronous", 1, || {
        let _context = cust::quick_init().unwrap();
        let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
        let host = LockedBuffer::from_slice(&[3u64; 100]).unwrap();
        let mut back = LockedBuffer::new(&0u64, 100).unwrap();
        unsafe {
            let buffer = DeviceBuffer::from_slice_async(&host, &stream).unwrap();
            buffer.async_copy_to(&mut back, &stream).unwrap();
            buffer.drop_async(&stream).unwrap();
        }
        stream.synchronize().unwrap();
        assert_eq!(host.as_slice(), back.as_slice());
        let (free, total) = mem_get_info().unwrap();
        assert_eq!(free, total);
    });
}

#[test]
fn memory_runs_out() {
    on_embedded("memory::memory_runs_out", 1, || {
        let _context = cust::quick_init().unwrap();
        let most = unsafe { DeviceBuffer::<u8>::uninitialized(48 << 20) }.unwrap();
        let (free, total) = mem_get_info().unwrap();
        assert_eq!((free, total), (16 << 20, 64 << 20));
        let more = unsafe { DeviceBuffer::<u8>::uninitialized(17 << 20) };
        assert_eq!(more.err(), Some(CudaError::OutOfMemory));
        assert_eq!(CudaError::OutOfMemory.to_string(), "\"out of memory\"");
        // It is no failure that sticks.
        drop(most);
        unsafe { DeviceBuffer::<u8>::uninitialized(17 << 20) }.unwrap();
        let absurd = unsafe { DeviceBuffer::<u8>::uninitialized(usize::MAX / 2) };
        assert_eq!(absurd.err(), Some(CudaError::OutOfMemory));
    });
}

#[test]
fn bad_addresses_are_refused() {
    on_embedded("memory::bad_addresses_are_refused", 1, || {
        let _context = cust::quick_init().unwrap();
        let buffer = DeviceBuffer::from_slice(&[1u8; 256]).unwrap();
        let address = buffer.as_device_ptr().as_raw();
        let copy = |address| {
            let mut byte = [0u8; 2];
            unsafe { sys::cuMemcpyDtoH_v2(byte.as_mut_ptr().cast(), address, 2) }
        };
        assert_eq!(copy(address + 254), CUresult::CUDA_SUCCESS);
        assert_eq!(copy(address + 255), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(copy(16), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(last_error().unwrap().message, "0x10 is no device address");
        assert_eq!(copy(u64::MAX), CUresult::CUDA_ERROR_INVALID_VALUE);
        let unaligned = unsafe { sys::cuMemsetD32_v2(address + 2, 0, 1) };
        assert_eq!(unaligned, CUresult::CUDA_ERROR_INVALID_VALUE);
        let null = unsafe { sys::cuMemcpyDtoH_v2(std::ptr::null_mut(), address, 1) };
        assert_eq!(null, CUresult::CUDA_ERROR_INVALID_VALUE);

        // A copy or fill that does not fit has no effect at all.
        let other = DeviceBuffer::from_slice(&[2u8; 3 << 20]).unwrap();
        let too_much =
            unsafe { sys::cuMemcpyDtoD_v2(other.as_device_ptr().as_raw() + 1, address, (3 << 20) - 1) };
        assert_eq!(too_much, CUresult::CUDA_ERROR_INVALID_VALUE);
        let too_much = unsafe { sys::cuMemsetD8_v2(other.as_device_ptr().as_raw(), 7, (3 << 20) + 1) };
        assert_eq!(too_much, CUresult::CUDA_ERROR_INVALID_VALUE);
        assert!(other.as_host_vec().unwrap().iter().all(|byte| *byte == 2));

        let inside = DevicePointer::<u8>::from_raw(address + 1);
        assert_eq!(unsafe { cuda_free(inside) }, Err(CudaError::InvalidValue));
        drop(buffer);
        let freed = DevicePointer::<u8>::from_raw(address);
        assert_eq!(unsafe { cuda_free(freed) }, Err(CudaError::InvalidValue));
        let message = format!("{address:#x} is no allocation, or was freed before");
        assert_eq!(last_error().unwrap().message, message);
        // Bad arguments do not break the context.
        CurrentContext::synchronize().unwrap();
    });
}

#[test]
fn devices_copy_to_each_other() {
    on_embedded("memory::devices_copy_to_each_other", 2, || {
        let [first, second] =
            [0, 1].map(|ordinal| Context::new(Device::get_device(ordinal).unwrap()).unwrap());
        CurrentContext::set_current(&first).unwrap();
        let source = DeviceBuffer::from_slice(&[5u16; 1000]).unwrap();
        CurrentContext::set_current(&second).unwrap();
        let target = DeviceBuffer::from_slice(&[0u16; 1000]).unwrap();
        let (to, from) = (target.as_device_ptr().as_raw(), source.as_device_ptr().as_raw());
        // Addresses name their device: a plain copy will do.
        assert_eq!(unsafe { sys::cuMemcpyDtoD_v2(to, from, 1000) }, CUresult::CUDA_SUCCESS);
        let peer_copy = |to_context: &Context, bytes| unsafe {
            sys::cuMemcpyPeer(to + 1000, to_context.as_raw(), from, first.as_raw(), bytes)
        };
        assert_eq!(peer_copy(&second, 1000), CUresult::CUDA_SUCCESS);
        assert_eq!(target.as_host_vec().unwrap(), [5; 1000]);
        assert_eq!(peer_copy(&first, 1000), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(peer_copy(&second, 1001), CUresult::CUDA_ERROR_INVALID_VALUE);

        let mut can = 1;
        assert_eq!(unsafe { sys::cuDeviceCanAccessPeer(&mut can, 0, 1) }, CUresult::CUDA_SUCCESS);
        assert_eq!(can, 0);
        let enabled = unsafe { sys::cuCtxEnablePeerAccess(first.as_raw(), 0) };
        assert_eq!(enabled, CUresult::CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
        CurrentContext::set_current(&first).unwrap();
        drop(source);
        CurrentContext::set_current(&second).unwrap();
        let (free, total) = mem_get_info().unwrap();
        assert!(total - free >= 2000, "the other device's buffer was freed");
        assert_eq!(target.as_host_vec().unwrap(), [5; 1000]);
    });
}

#[test]
fn pitched_rows_are_copied() {
    on_embedded("memory::pitched_rows_are_copied", 1, || {
        let _context = cust::quick_init().unwrap();
        let (mut address, mut pitch) = (0, 0);
        assert_eq!(
            unsafe { sys::cuMemAllocPitch_v2(&mut address, &mut pitch, 10, 3, 4) },
            CUresult::CUDA_SUCCESS
        );
        assert_eq!(pitch, 512);
        let host: Vec<u8> = (0..60).collect();
        let mut copy = sys::CUDA_MEMCPY2D {
            srcXInBytes: 5,
            srcY: 0,
            srcMemoryType: sys::CUmemorytype::CU_MEMORYTYPE_HOST,
            srcHost: host.as_ptr().cast(),
            srcDevice: 0,
            srcArray: std::ptr::null_mut(),
            srcPitch: 20,
            dstXInBytes: 0,
            dstY: 0,
            dstMemoryType: sys::CUmemorytype::CU_MEMORYTYPE_DEVICE,
            dstHost: std::ptr::null_mut(),
            dstDevice: address,
            dstArray: std::ptr::null_mut(),
            dstPitch: pitch,
            WidthInBytes: 10,
            Height: 3,
        };
        assert_eq!(unsafe { sys::cuMemcpy2D_v2(&copy) }, CUresult::CUDA_SUCCESS);
        let mut row = [0u8; 10];
        assert_eq!(
            unsafe { sys::cuMemcpyDtoH_v2(row.as_mut_ptr().cast(), address + 2 * pitch as u64, 10) },
            CUresult::CUDA_SUCCESS
        );
        assert_eq!(row, [45, 46, 47, 48, 49, 50, 51, 52, 53, 54]);
        copy.srcXInBytes = 11;
        assert_eq!(unsafe { sys::cuMemcpy2D_v2(&copy) }, CUresult::CUDA_ERROR_INVALID_VALUE);

        let (mut base, mut bytes) = (0, 0);
        let inside = address + 700;
        assert_eq!(
            unsafe { sys::cuMemGetAddressRange_v2(&mut base, &mut bytes, inside) },
            CUresult::CUDA_SUCCESS
        );
        assert_eq!((base, bytes), (address, 1536));
    });
}

#[test]
fn host_memory_is_given_back_once() {
    on_embedded("memory::host_memory_is_given_back_once", 1, || {
        let _context = cust::quick_init().unwrap();
        let mut host = std::ptr::null_mut();
        assert_eq!(unsafe { sys::cuMemAllocHost_v2(&mut host, 5000) }, CUresult::CUDA_SUCCESS);
        assert_eq!(host.addr() % 4096, 0);
        assert_eq!(unsafe { sys::cuMemFreeHost(host) }, CUresult::CUDA_SUCCESS);
        assert_eq!(unsafe { sys::cuMemFreeHost(host) }, CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(unsafe { sys::cuMemAllocHost_v2(&mut host, 0) }, CUresult::CUDA_ERROR_INVALID_VALUE);
        let mut own = [0u8; 64];
        let own = own.as_mut_ptr().cast();
        assert_eq!(unsafe { sys::cuMemHostRegister_v2(own, 64, 0) }, CUresult::CUDA_SUCCESS);
        assert_eq!(
            unsafe { sys::cuMemHostRegister_v2(own, 64, 0) },
            CUresult::CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED
        );
        assert_eq!(unsafe { sys::cuMemHostUnregister(own) }, CUresult::CUDA_SUCCESS);
        assert_eq!(unsafe { sys::cuMemHostUnregister(own) }, CUresult::CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
    });
}
