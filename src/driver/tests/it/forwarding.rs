//! The choice of the backend, and calls that arrive in a driver library: a fake one that notes them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use cust::device::Device;
use cust::error::CudaError;
use cust::event::{Event, EventFlags};
use cust::memory::{CopyDestination, DeviceBuffer};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};
use pipe_driver::{AlreadyStarted, Backend, Choice, Config, NoCuda, backend, configure};

use crate::isolated;

/// Where the fake library notes calls, and what it is like.
const LOG: &str = "FAKE_CUDA_LOG";

/// The folder with the fake library, compiled once.
fn fake_library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fake-libcuda-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fake_libcuda.rs");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc)
            .args([
                "--edition=2024",
                "--crate-type=cdylib",
                "--crate-name=fake_libcuda",
                "-Cpanic=abort",
                "-o",
            ])
            .arg(folder.join("libcuda.so.1"))
            .arg(source)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        folder
    })
}

/// Runs a body with the fake library on the path. The log is empty.
fn with_fake(name: &str, devices: u32, init: u32, body: impl FnOnce()) {
    let prepare = |command: &mut Command| {
        let folder = fake_library();
        let log = folder.join(format!("{}.log", name.replace("::", "-")));
        let _ = std::fs::remove_file(&log);
        command.env("LD_LIBRARY_PATH", folder).env(LOG, log);
        command.env("FAKE_CUDA_DEVICES", devices.to_string()).env("FAKE_CUDA_INIT", init.to_string());
    };
    isolated(name, prepare, body);
}

fn log() -> String {
    std::fs::read_to_string(std::env::var_os(LOG).unwrap()).unwrap_or_default()
}

fn embedded_reason() -> NoCuda {
    match backend() {
        Backend::Embedded { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_of_cust_arrive_in_the_library() {
    with_fake("forwarding::calls_of_cust_arrive_in_the_library", 2, 0, || {
        cust::init(cust::CudaFlags::empty()).unwrap();
        let Backend::Cuda { library, driver_version, devices } = backend() else { panic!("{:?}", backend()) };
        assert_eq!(library.file_name().unwrap(), "libcuda.so.1");
        assert!(library.is_absolute());
        assert_eq!((driver_version, devices), ((12, 4), 2));

        assert_eq!(Device::num_devices().unwrap(), 2);
        let device = Device::get_device(1).unwrap();
        assert_eq!(device.name().unwrap(), "fake GPU");
        let context = cust::context::Context::new(device).unwrap();
        let module = Module::from_ptx("some text", &[]).unwrap();
        let function = module.get_function("kernel").unwrap();
        let stream = Stream::new(StreamFlags::DEFAULT, Some(-1)).unwrap();
        let buffer = DeviceBuffer::from_slice(&[1u8, 2, 3]).unwrap();
        let param = 42u32;
        unsafe { cust::launch!(function<<<(2, 3), 64, 128, stream>>>(param)) }.unwrap();
        // A code that is newer than cust arrives as one that it knows.
        assert_eq!(stream.synchronize(), Err(CudaError::UnknownError));
        let mut read = [0u8; 3];
        buffer.copy_to(&mut read).unwrap();
        assert_eq!(read, [7; 3]);
        // The fake library lacks this one.
        assert_eq!(Event::new(EventFlags::DEFAULT).err(), Some(CudaError::NotSupported));
        let ((), launches) = pipe_driver::embedded::record_launches(|| {});
        assert!(launches.is_empty());
        drop((buffer, stream));
        drop(module);
        drop(context);

        let expected = "\
cuInit 0
cuDeviceGetCount
cuDriverGetVersion
cuInit 0
cuDeviceGetCount
cuDeviceGet 1
cuDeviceGetName 128 1
cuDevicePrimaryCtxRetain 1
cuCtxSetCurrent 0xc0
cuModuleLoadDataEx \"some text\" 0
cuModuleGetFunction 0xd0 \"kernel\"
cuStreamCreateWithPriority 0 -1
cuMemAlloc_v2 3
cuMemcpyHtoD_v2 0xa000 [1, 2, 3]
cuLaunchKernel 0xf0 2 3 1 64 1 1 128 0x50 param 42 extra 0
cuStreamSynchronize 0x50
cuMemcpyDtoH_v2 0xa000 3
cuMemFree_v2 0xa000
cuStreamDestroy_v2 0x50
cuModuleUnload 0xd0
cuDevicePrimaryCtxRelease_v2 1
";
        assert_eq!(log(), expected);
    });
}

#[test]
fn a_library_without_a_device_is_not_used() {
    with_fake("forwarding::a_library_without_a_device_is_not_used", 0, 0, || {
        cust::init(cust::CudaFlags::empty()).unwrap();
        assert_eq!(embedded_reason().to_string(), "libcuda.so.1 found but it has no device");
        assert_eq!(Device::get_device(0).unwrap().name().unwrap(), pipe_driver::embedded::NAME);
        assert_eq!(log(), "cuInit 0\ncuDeviceGetCount\n");
    });
}

#[test]
fn a_library_that_does_not_start_is_not_used() {
    with_fake("forwarding::a_library_that_does_not_start_is_not_used", 1, 100, || {
        let reason = embedded_reason().to_string();
        assert_eq!(reason, "libcuda.so.1 found but cuInit said CUDA_ERROR_NO_DEVICE (100)");
        cust::init(cust::CudaFlags::empty()).unwrap();
        assert_eq!(log(), "cuInit 0\n");
    });
}

#[test]
fn the_embedded_device_is_used_where_it_is_asked_for() {
    with_fake("forwarding::the_embedded_device_is_used_where_it_is_asked_for", 1, 0, || {
        configure(Config { choice: Choice::Embedded, ..Config::default() }).unwrap();
        cust::init(cust::CudaFlags::empty()).unwrap();
        assert_eq!(embedded_reason(), NoCuda::NotAsked);
        assert_eq!(log(), "");
        // Nothing links this binary with libcuda either: then the loader would have mapped the fake one.
        if let Ok(maps) = std::fs::read_to_string("/proc/self/maps") {
            assert!(!maps.contains("libcuda"), "{maps}");
        }
    });
}

#[test]
fn a_gpu_that_is_asked_for_is_not_replaced() {
    with_fake("forwarding::a_gpu_that_is_asked_for_is_not_replaced", 1, 0, || {
        configure(Config { choice: Choice::Cuda(1), ..Config::default() }).unwrap();
        assert_eq!(cust::init(cust::CudaFlags::empty()), Err(CudaError::NoDevice));
        let Backend::Unavailable { reason } = backend() else { panic!("{:?}", backend()) };
        assert_eq!(reason.to_string(), "cuda:1 was asked for but the devices are cuda:0 to cuda:0");
        assert_eq!(pipe_driver::embedded::last_error().unwrap().message, reason.to_string());
        assert_eq!(Device::num_devices(), Err(CudaError::NoDevice));
        // cust asks for the text of a code, and panics where it gets none.
        assert_eq!(CudaError::NoDevice.to_string(), "\"no CUDA-capable device is detected\"");
    });
}

#[test]
fn memory_that_the_host_does_not_have_is_refused() {
    let name = "forwarding::memory_that_the_host_does_not_have_is_refused";
    isolated(
        name,
        |_| {},
        || {
            let config = Config { choice: Choice::Embedded, embedded_memory: u64::MAX, ..Config::default() };
            configure(config).unwrap();
            assert_eq!(cust::init(cust::CudaFlags::empty()), Err(CudaError::NoDevice));
            let Backend::Unavailable { reason } = backend() else { panic!("{:?}", backend()) };
            let reason = reason.to_string();
            assert!(reason.starts_with("cannot reserve 18446744073709551615 bytes of memory"), "{reason}");
        },
    );
}

#[test]
fn without_a_library_the_embedded_device_is_used() {
    let nowhere = |command: &mut Command| {
        command.env("LD_LIBRARY_PATH", "/nonexistent");
    };
    isolated("forwarding::without_a_library_the_embedded_device_is_used", nowhere, || {
        cust::init(cust::CudaFlags::empty()).unwrap();
        match backend() {
            // This machine has a driver of its own.
            Backend::Cuda { .. } => return,
            Backend::Embedded { reason: NoCuda::NoLibrary } => {}
            Backend::Embedded { reason } => assert_ne!(reason, NoCuda::NotAsked),
            Backend::Unavailable { reason } => panic!("{reason}"),
        }
        assert_eq!(NoCuda::NoLibrary.to_string(), "no libcuda.so.1 found");
        assert_eq!(Device::num_devices().unwrap(), 1);
    });
}

#[test]
fn a_library_that_cannot_be_loaded_is_named() {
    let broken = |command: &mut Command| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken-libcuda");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("libcuda.so.1"), "no library").unwrap();
        command.env("LD_LIBRARY_PATH", folder);
    };
    isolated("forwarding::a_library_that_cannot_be_loaded_is_named", broken, || {
        let reason = embedded_reason().to_string();
        assert!(reason.starts_with("libcuda.so.1 found but not loadable: "), "{reason}");
    });
}

#[test]
fn the_configuration_is_fixed_by_the_first_call() {
    isolated(
        "forwarding::the_configuration_is_fixed_by_the_first_call",
        |_| {},
        || {
            configure(Config { embedded_devices: 2, ..Config::default() }).unwrap();
            configure(Config { choice: Choice::Embedded, embedded_devices: 3, ..Config::default() }).unwrap();
            cust::init(cust::CudaFlags::empty()).unwrap();
            assert_eq!(configure(Config::default()), Err(AlreadyStarted));
            assert_eq!(Device::num_devices().unwrap(), 3);
        },
    );
}
