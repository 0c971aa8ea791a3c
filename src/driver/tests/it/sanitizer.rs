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
