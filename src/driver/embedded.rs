//! The embedded device: CUDA devices that execute PTX on the host, in safe Rust.
//!
//! [`Driver`] is the whole of it: devices, and tables of what callers made on them. Its methods, in one file
//! for each kind of object, take and give Rust values; `edge` turns the C API's pointers into those and back.
//! What a driver call cannot say comes out of side channels: [`last_error`], [`record_launches`], [`take_findings`] and
//! [`observe_prints`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pipe_simt::GlobalMemory;

use crate::abi::*;
use crate::backend::{Config, Sanitize, Unavailable};
use crate::edge::Link;

pub(crate) mod capture;
pub(crate) mod context;
pub(crate) mod device;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod graph;
pub(crate) mod host;
pub(crate) mod launch;
pub(crate) mod library;
pub(crate) mod link;
pub(crate) mod memory;
pub(crate) mod module;
pub(crate) mod occupancy;
pub(crate) mod pool;
pub(crate) mod print;
pub(crate) mod sanitizer;
pub(crate) mod stream;
pub(crate) mod table;
pub(crate) mod unified;

pub use device::NAME;
pub use error::{ErrorReport, last_error, observe_errors};
pub use launch::{LaunchRecord, record_launches};
pub use print::observe_prints;
pub use sanitizer::{forget, take_findings};

use context::{Context, Primary};
pub(crate) use device::Device;
use error::{Answer, Failure};
use event::Event;
use graph::{Executable, Graph};
use host::HostMemory;
use library::{Library, LibraryKernel};
use module::{Function, Module};
use pool::{Origins, Pool};
use stream::Stream;
use table::{Numbers, Table};
use unified::Unified;

/// The functions that may be called before `cuInit`.
const BEFORE_INIT: &[&str] = &["cuInit", "cuDriverGetVersion"];
/// The functions that may be called at any time.
const ALWAYS: &[&str] = &["cuGetErrorName", "cuGetErrorString", "cuGetProcAddress", "cuGetProcAddress_v2"];

/// The embedded devices and everything that callers made on them.
pub(crate) struct Driver {
    /// Why there are no devices, if so.
    refusal: Option<String>,
    devices: Vec<Device>,
    started: AtomicBool,
    numbers: Numbers,
    contexts: Table<CUcontext, Context>,
    modules: Table<CUmodule, Module>,
    functions: Table<CUfunction, Function>,
    streams: Table<CUstream, Stream>,
    events: Table<CUevent, Event>,
    libraries: Table<CUlibrary, Library>,
    kernels: Table<CUkernel, LibraryKernel>,
    pools: Table<CUmemoryPool, Pool>,
    origins: Origins,
    graphs: Table<CUgraph, Graph>,
    /// The graph of each node.
    nodes: Table<CUgraphNode, CUgraph>,
    executables: Table<CUgraphExec, Executable>,
    links: Table<CUlinkState, Link>,
    pub(crate) host: HostMemory,
    /// The allocations that the host uses at the same addresses.
    unified: Mutex<HashMap<CUdeviceptr, Unified>>,
    execution: pipe_simt::Options,
    sanitize: Sanitize,
}

impl Driver {
    /// Devices as configured, none of them in use.
    ///
    /// # Errors
    ///
    /// When the host has no address space for their memory.
    pub(crate) fn new(config: &Config) -> std::io::Result<Self> {
        let mut driver = Self::empty(config);
        for ordinal in 0..config.embedded_devices.max(1) {
            let memory = GlobalMemory::with_base(memory::base(ordinal), config.embedded_memory)?;
            driver.devices.push(Device {
                ordinal,
                primary: Primary::new(CUcontext(driver.numbers.next())),
                memory: if config.sanitize == Sanitize::Off { memory } else { memory.sanitized() },
                owners: Mutex::new(HashMap::new()),
                pools: driver.device_pools(ordinal),
            });
        }
        Ok(driver)
    }

    /// No devices: every call is refused with the reason, save those for the texts of error codes.
    pub(crate) fn unavailable(config: &Config, reason: &Unavailable) -> Self {
        Self { refusal: Some(reason.to_string()), ..Self::empty(config) }
    }

    fn empty(config: &Config) -> Self {
        Self {
            refusal: None,
            devices: Vec::new(),
            started: AtomicBool::new(false),
            numbers: Numbers::new(),
            contexts: Table::new(),
            modules: Table::new(),
            functions: Table::new(),
            streams: Table::new(),
            events: Table::new(),
            libraries: Table::new(),
            kernels: Table::new(),
            pools: Table::new(),
            origins: Origins::default(),
            graphs: Table::new(),
            nodes: Table::new(),
            executables: Table::new(),
            links: Table::new(),
            host: HostMemory::default(),
            unified: Mutex::default(),
            execution: launch::options(config),
            sanitize: config.sanitize,
        }
    }

    /// `cuInit`.
    pub(crate) fn start(&self, flags: u32) -> Answer {
        if flags != 0 {
            return Err(Failure::invalid_value(format!("cuInit takes flags 0, not {flags:#x}")));
        }
        self.started.store(true, Ordering::Release);
        Ok(())
    }

    /// Refuses a call where there is no device, that comes before `cuInit`, or out of a host function.
    pub(crate) fn admit(&self, call: &str) -> Answer {
        if ALWAYS.contains(&call) {
            return Ok(());
        }
        if let Some(reason) = &self.refusal {
            return Err(Failure::new(CUDA_ERROR_NO_DEVICE, reason));
        }
        if BEFORE_INIT.contains(&call) {
            return Ok(());
        }
        if !self.started.load(Ordering::Acquire) {
            return Err(Failure::new(CUDA_ERROR_NOT_INITIALIZED, format!("{call} was called before cuInit")));
        }
        if stream::in_host_function() {
            return Err(Failure::new(
                CUDA_ERROR_NOT_PERMITTED,
                format!("{call} was called by a function that a stream runs on the host"),
            ));
        }
        Ok(())
    }

    /// The devices, by ordinal.
    pub(crate) fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Keeps a linker.
    pub(crate) fn add_link(&self, link: Link) -> CUlinkState {
        let handle = CUlinkState(self.numbers.next());
        self.links.insert(handle, link);
        handle
    }

    /// A linker by its handle.
    pub(crate) fn link(&self, handle: CUlinkState) -> Answer<Arc<Link>> {
        self.links.get(handle).ok_or_else(|| Failure::invalid_handle("linker"))
    }

    /// Ends a linker.
    pub(crate) fn remove_link(&self, handle: CUlinkState) -> Answer {
        self.links.remove(handle).map(drop).ok_or_else(|| Failure::invalid_handle("linker"))
    }

    /// What came from which memory pool.
    pub(crate) fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Number of devices.
    pub(crate) fn device_count(&self) -> usize {
        self.devices.len()
    }
}
