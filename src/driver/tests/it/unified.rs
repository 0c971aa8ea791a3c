//! What the host and kernels share: managed and mapped memory, and what kernels print. Cooperative launches, and modules that
//! are linked.

use std::sync::Mutex;

use cust::context::CurrentContext;
use cust::memory::{CopyDestination, DeviceBox, DeviceBuffer, UnifiedBuffer};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};
use cust::sys::{self, CUresult};

use crate::on_embedded;

const PTX: &str = include_str!("kernels.ptx");

#[test]
fn managed_memory_is_one_memory() {
    on_embedded("unified::managed_memory_is_one_memory", 1, || {
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PTX, &[]).unwrap();
        let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
        let mut x = UnifiedBuffer::new(&0f32, 100).unwrap();
        let mut y = UnifiedBuffer::new(&1f32, 100).unwrap();
        x.iter_mut().zip(0u8..).for_each(|(x, i)| *x = f32::from(i));
        let saxpy = module.get_function("saxpy").unwrap();
        unsafe {
            cust::launch!(saxpy<<<1, 128, 0, stream>>>(2f32, 100u32, x.as_unified_ptr(), y.as_unified_ptr()))
                .unwrap();
        }
        stream.synchronize().unwrap();
        assert!(y.iter().zip(0u8..).all(|(y, i)| *y == 2.0 * f32::from(i) + 1.0), "{:?}", &*y);

        let address = y.as_unified_ptr().as_raw() as usize as u64;
        let mut managed = false;
        let attribute = sys::CUpointer_attribute_enum::CU_POINTER_ATTRIBUTE_IS_MANAGED;
        let answer = unsafe { sys::cuPointerGetAttribute((&raw mut managed).cast(), attribute, address) };
        assert_eq!((answer, managed), (CUresult::CUDA_SUCCESS, true));
        let prefetch =
            |address, bytes| unsafe { sys::cuMemPrefetchAsync(address, bytes, 0, stream.as_inner()) };
        assert_eq!(prefetch(address, 400), CUresult::CUDA_SUCCESS);
        assert_eq!(prefetch(address, 401), CUresult::CUDA_ERROR_INVALID_VALUE);
        let plain = DeviceBuffer::from_slice(&[0u8; 4]).unwrap();
        assert_eq!(prefetch(plain.as_device_ptr().as_raw(), 4), CUresult::CUDA_ERROR_INVALID_VALUE);
    });
}

#[test]
fn mapped_host_memory_is_used_by_kernels() {
    on_embedded("unified::mapped_host_memory_is_used_by_kernels", 1, || {
        unsafe extern "C" {
            fn cuMemHostGetDevicePointer_v2(
                address: *mut u64,
                host: *mut std::ffi::c_void,
                flags: u32,
            ) -> CUresult;
        }
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PTX, &[]).unwrap();
        let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
        let allocate = |flags| {
            let mut host = std::ptr::null_mut();
            assert_eq!(unsafe { sys::cuMemHostAlloc(&raw mut host, 64, flags) }, CUresult::CUDA_SUCCESS);
            host
        };
        let [x, y] = [allocate(2), allocate(2)];
        let [mut of_x, mut of_y] = [0u64; 2];
        unsafe {
            assert_eq!(cuMemHostGetDevicePointer_v2(&raw mut of_x, x, 0), CUresult::CUDA_SUCCESS);
            assert_eq!(cuMemHostGetDevicePointer_v2(&raw mut of_y, y, 0), CUresult::CUDA_SUCCESS);
            let values = std::slice::from_raw_parts_mut(x.cast::<f32>(), 16);
            values.fill(3.0);
            let saxpy = module.get_function("saxpy").unwrap();
            cust::launch!(saxpy<<<1, 32, 0, stream>>>(2f32, 16u32, of_x, of_y)).unwrap();
            stream.synchronize().unwrap();
            assert_eq!(std::slice::from_raw_parts(y.cast::<f32>(), 16), [6.0; 16]);
            assert_eq!(sys::cuMemFreeHost(x), CUresult::CUDA_SUCCESS);
            assert_eq!(sys::cuMemFreeHost(x), CUresult::CUDA_ERROR_INVALID_VALUE);
            let plain = allocate(0);
            assert_eq!(
                cuMemHostGetDevicePointer_v2(&raw mut of_x, plain, 0),
                CUresult::CUDA_ERROR_INVALID_VALUE
            );
            assert_eq!(sys::cuMemFreeHost(plain), CUresult::CUDA_SUCCESS);
        }
    });
}

const PRINTS: &str = "
.version 7.0
.target sm_80
.address_size 64
.extern .func (.param .b32 result) vprintf (.param .b64 format, .param .b64 arguments);
.global .align 1 .b8 text[7] = {104, 101, 108, 108, 111, 10, 0};
.visible .entry greet()
{
    .reg .b64 %rd<3>;
    .param .b64 p0; .param .b64 p1; .param .b32 q;
    mov.u64 %rd1, text;
    st.param.b64 [p0], %rd1;
    st.param.b64 [p1], 0;
    call (q), vprintf, (p0, p1);
    ret;
}
";

#[test]
fn what_kernels_print_arrives_at_synchronisation() {
    on_embedded("unified::what_kernels_print_arrives_at_synchronisation", 1, || {
        static PRINTED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        let printed = || String::from_utf8(PRINTED.lock().unwrap().clone()).unwrap();
        pipe_driver::embedded::observe_prints(|text| PRINTED.lock().unwrap().extend(text));
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PRINTS, &[]).unwrap();
        let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
        let greet = module.get_function("greet").unwrap();
        unsafe { cust::launch!(greet<<<1, 2, 0, stream>>>()).unwrap() };
        assert_eq!(printed(), "");
        stream.synchronize().unwrap();
        assert_eq!(printed(), "hello\nhello\n");
        unsafe { cust::launch!(greet<<<1, 1, 0, stream>>>()).unwrap() };
        CurrentContext::synchronize().unwrap();
        assert_eq!(printed(), "hello\nhello\nhello\n");
    });
}

/// Each block adds 1 to a word and waits until all have.
const MEETING: &str = "
.version 7.0
.target sm_80
.address_size 64
.visible .entry meet(.param .u64 word)
{
    .reg .b64 %rd<2>; .reg .b32 %r<4>; .reg .pred %p<2>;
    ld.param.u64 %rd1, [word];
    mov.u32 %r1, %nctaid.x;
    red.global.add.u32 [%rd1], 1;
AGAIN:
    ld.acquire.gpu.global.u32 %r2, [%rd1];
    setp.lt.u32 %p1, %r2, %r1;
    @%p1 bra AGAIN;
    ret;
}
";

#[test]
fn the_blocks_of_a_cooperative_launch_meet() {
    on_embedded("unified::the_blocks_of_a_cooperative_launch_meet", 1, || {
        unsafe extern "C" {
            fn cuLaunchCooperativeKernel(
                function: sys::CUfunction,
                grid_x: u32,
                grid_y: u32,
                grid_z: u32,
                block_x: u32,
                block_y: u32,
                block_z: u32,
                shared_bytes: u32,
                stream: sys::CUstream,
                params: *mut *mut std::ffi::c_void,
            ) -> CUresult;
        }
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(MEETING, &[]).unwrap();
        let meet = module.get_function("meet").unwrap();
        let word = DeviceBox::new(&0u32).unwrap();
        let launch = |blocks, threads| {
            let mut address = word.as_device_ptr().as_raw();
            let mut params = [(&raw mut address).cast()];
            let (function, stream) = (meet.to_raw(), std::ptr::null_mut());
            unsafe {
                cuLaunchCooperativeKernel(
                    function,
                    blocks,
                    1,
                    1,
                    threads,
                    1,
                    1,
                    0,
                    stream,
                    params.as_mut_ptr(),
                )
            }
        };
        assert_eq!(launch(32, 1), CUresult::CUDA_SUCCESS);
        CurrentContext::synchronize().unwrap();
        let mut met = 0;
        word.copy_to(&mut met).unwrap();
        assert_eq!(met, 32);
        assert_eq!(launch(4096, 1024), CUresult::CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
    });
}

#[test]
fn modules_are_linked() {
    on_embedded("unified::modules_are_linked", 1, || {
        let _context = cust::quick_init().unwrap();
        let header = ".version 7.0\n.target sm_80\n.address_size 64\n";
        let user = format!(
            "{header}.extern .global .u32 seed; .extern .func (.param .u32 r) twice(.param .u32 x);
            .visible .entry k(.param .u64 out)
            {{
                .reg .b64 %rd<2>; .reg .b32 %r<3>; .param .u32 x; .param .u32 r;
                ld.param.u64 %rd1, [out];
                ld.global.u32 %r1, [seed];
                st.param.u32 [x], %r1;
                call (r), twice, (x);
                ld.param.u32 %r2, [r];
                st.global.u32 [%rd1], %r2;
                ret;
            }}\0"
        );
        let maker = format!(
            "{header}.visible .global .u32 seed = 21;
            .visible .func (.param .u32 r) twice(.param .u32 x)
            {{
                .reg .b32 %r<2>;
                ld.param.u32 %r1, [x];
                add.u32 %r1, %r1, %r1;
                st.param.u32 [r], %r1;
                ret;
            }}\0"
        );
        let (mut link, mut image) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (no_options, no_values) = (std::ptr::null_mut(), std::ptr::null_mut());
        let module = unsafe {
            assert_eq!(sys::cuLinkCreate_v2(0, no_options, no_values, &raw mut link), CUresult::CUDA_SUCCESS);
            let add = |text: &str| {
                let (data, name) = (text.as_ptr().cast_mut().cast(), c"part".as_ptr());
                let kind = sys::CUjitInputType::CU_JIT_INPUT_PTX;
                sys::cuLinkAddData_v2(link, kind, data, text.len(), name, 0, no_options, no_values)
            };
            assert_eq!(add(&user), CUresult::CUDA_SUCCESS);
            assert_eq!(add(&maker), CUresult::CUDA_SUCCESS);
            assert_eq!(
                sys::cuLinkComplete(link, &raw mut image, std::ptr::null_mut()),
                CUresult::CUDA_SUCCESS
            );
            let text = std::ffi::CStr::from_ptr(image.cast()).to_str().unwrap().to_owned();
            assert_eq!(sys::cuLinkDestroy(link), CUresult::CUDA_SUCCESS);
            Module::from_ptx(text, &[]).unwrap()
        };
        let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
        let out = DeviceBox::new(&0u32).unwrap();
        let k = module.get_function("k").unwrap();
        unsafe { cust::launch!(k<<<1, 1, 0, stream>>>(out.as_device_ptr())).unwrap() };
        stream.synchronize().unwrap();
        let mut found = 0;
        out.copy_to(&mut found).unwrap();
        assert_eq!(found, 42);
    });
}
