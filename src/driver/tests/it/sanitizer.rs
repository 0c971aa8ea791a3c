//! The sanitizer, through the API that every client uses.

use cust::context::Context;
use cust::device::Device;
use cust::memory::{CopyDestination, DeviceBuffer};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};
use pipe_driver::embedded::{forget, record_launches, take_findings};
use pipe_driver::{Choice, Config, Sanitize};
use pipe_simt::FindingKind;

use crate::isolated;

const PTX: &str = include_str!("kernels.ptx");

/// Runs a test's body on an embedded device under the sanitizer.
fn sanitized(name: &str, sanitize: Sanitize, body: impl FnOnce()) {
    isolated(
        name,
        |_| {},
        || {
            let config =
                Config { choice: Choice::Embedded, embedded_memory: 64 << 20, sanitize, ..Config::default() };
            pipe_driver::configure(config).unwrap();
            cust::init(cust::CudaFlags::empty()).unwrap();
            body();
        },
    );
}

/// Adds two vectors of which the second holds nothing that was written.
fn add_what_nothing_wrote(context: &Context) {
    let _ = context;
    let module = Module::from_ptx(PTX, &[]).unwrap();
    let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
    let vector_add = module.get_function("vector_add").unwrap();
    let a = DeviceBuffer::from_slice(&[1f32; 64]).unwrap();
    let mut b = DeviceBuffer::from_slice(&[1f32; 64]).unwrap();
    b.copy_from(&[2f32; 64]).unwrap();
    forget(b.as_device_ptr().as_raw(), 4 * 64);
    let sum = DeviceBuffer::from_slice(&[0f32; 64]).unwrap();
    unsafe {
        cust::launch!(vector_add<<<1, 64, 0, stream>>>(
            a.as_device_ptr(), b.as_device_ptr(), sum.as_device_ptr(), 64u32
        ))
    }
    .unwrap();
    stream.synchronize().unwrap();
}

#[test]
fn every_launch_is_looked_at() {
    sanitized("sanitizer::every_launch_is_looked_at", Sanitize::All, || {
        let context = Context::new(Device::get_device(0).unwrap()).unwrap();
        add_what_nothing_wrote(&context);
        let findings = take_findings();
        let [finding] = findings.as_slice() else { panic!("{findings:#?}") };
        assert_eq!((finding.kind, finding.count), (FindingKind::UninitialisedGlobal, 64));
        assert_eq!(finding.kernel, "vector_add");
        assert!(take_findings().is_empty(), "each is told once");
    });
}

#[test]
fn or_only_those_that_are_recorded() {
    sanitized("sanitizer::or_only_those_that_are_recorded", Sanitize::Recorded, || {
        let context = Context::new(Device::get_device(0).unwrap()).unwrap();
        add_what_nothing_wrote(&context);
        assert!(take_findings().is_empty());
        record_launches(|| add_what_nothing_wrote(&context));
        assert_eq!(take_findings().len(), 1);
    });
}

#[test]
fn what_is_left_when_its_context_ends_is_a_leak() {
    sanitized("sanitizer::what_is_left_when_its_context_ends_is_a_leak", Sanitize::All, || {
        let context = Context::new(Device::get_device(0).unwrap()).unwrap();
        std::mem::forget(DeviceBuffer::from_slice(&[1f32; 10]).unwrap());
        drop(DeviceBuffer::from_slice(&[1f32; 20]).unwrap());
        assert!(take_findings().is_empty());
        drop(context);
        let findings = take_findings();
        let [leak] = findings.as_slice() else { panic!("{findings:#?}") };
        assert!(leak.to_string().starts_with("leak: 40 bytes allocated at 0x"), "{leak}");
    });
}

#[test]
fn what_kernels_allocate_and_nothing_frees_is_a_leak_too() {
    const MALLOC: &str = "\
.version 8.3
.target sm_90
.address_size 64
.extern .func (.param .b64 result) malloc (.param .b64 bytes);
.extern .func free (.param .b64 address);
.visible .entry k(.param .u32 kept)
{
.reg .b64 %rd<2>; .reg .b32 %r<3>; .reg .pred %p;
mov.u32 %r1, %tid.x; ld.param.u32 %r2, [kept]; setp.lt.u32 %p, %r1, %r2;
{ .param .b64 p0; .param .b64 q; st.param.b64 [p0], 24; call.uni (q), malloc, (p0); ld.param.b64 %rd1, [q]; }
@%p ret;
{ .param .b64 p0; st.param.b64 [p0], %rd1; call.uni free, (p0); }
ret;
}
";
    sanitized("sanitizer::what_kernels_allocate_and_nothing_frees_is_a_leak_too", Sanitize::All, || {
        for (kept, expected) in [
            (0u32, &[][..]),
            (
                3,
                &[
                    "leak in kernel `k`, line 10, block (0,0,0), thread (0,0,0): 24 bytes that `malloc` gave were never freed (3 times)",
                ],
            ),
        ] {
            let context = Context::new(Device::get_device(0).unwrap()).unwrap();
            let module = Module::from_ptx(MALLOC, &[]).unwrap();
            let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
            let kernel = module.get_function("k").unwrap();
            // SAFETY: the kernel takes one word.
            unsafe { cust::launch!(kernel<<<1, 8, 0, stream>>>(kept)) }.unwrap();
            stream.synchronize().unwrap();
            drop((stream, module));
            assert!(take_findings().is_empty());
            drop(context);
            let findings: Vec<String> = take_findings().iter().map(ToString::to_string).collect();
            assert_eq!(findings, expected);
        }
    });
}
