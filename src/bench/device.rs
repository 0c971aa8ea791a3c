//! The device, through cust: its context, modules, memory and launches. All unsafe code of the crate is here.
#![allow(unsafe_code)]

mod allocators;
mod buffer;
mod call;
mod facts;
mod module;
mod ring;

use std::time::Instant;

use cust::{
    context::{Context, CurrentContext},
    device::{Device as CudaDevice, DeviceAttribute},
    error::{CudaError, CudaResult},
    event::{Event, EventFlags},
    function::{BlockSize, Function, GridSize},
    memory::{CopyDestination as _, DeviceBuffer, mem_get_info},
    stream::{Stream, StreamFlags},
};
use pipe_driver::Backend;
use pipe_kernels::{Argument, Launch, Plan, Role};
use pipe_model::{DeviceKind, Status};

use crate::{Failure, op::Input};

use self::buffer::SharedPool;
pub(crate) use self::{
    allocators::{Allocator, AsyncAllocator, Figures, PlainAllocator, PoolAllocator},
    buffer::Buffer,
    module::{Module, Modules},
    ring::{Mailbox, RingPart},
};

/// A byte that makes a NaN of every element type when it fills one: 0xFFFFFFFF, 0xFFFF.
const POISON: u8 = 0xFF;

/// The device cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// There is none of that number, or the driver does not start.
    #[error("cannot open device {ordinal}: {error:?}{}", hint(*error))]
    Open {
        /// The number asked for.
        ordinal: u32,
        /// What the driver says.
        error: CudaError,
    },
    /// After a kernel fault the driver gives no new context.
    #[error("the device is lost after a kernel fault: {0:?}; start pipe again for the rest")]
    Lost(CudaError),
}

fn hint(error: CudaError) -> &'static str {
    match error {
        CudaError::NoDevice | CudaError::InvalidDevice => "; `pipe device` lists the devices there are",
        _ => "",
    }
}

/// A device with a context of its own. It is bound to the thread that opened it.
#[derive(Debug)]
pub struct Device {
    raw: CudaDevice,
    ordinal: u32,
    /// `None` only where a lost context could not be replaced.
    session: Option<Session>,
    name: String,
    kind: DeviceKind,
}

/// What lives in a context. Fields are dropped in this order, the context last.
#[derive(Debug)]
struct Session {
    /// Written over before each cold sample, to push everything else out of the L2 cache. None without such a
    /// cache.
    flush: Option<DeviceBuffer<u8>>,
    /// Where the buffers of cases come from.
    pool: SharedPool,
    stream: Stream,
    context: Context,
}

impl Session {
    fn open(raw: CudaDevice, kind: DeviceKind) -> CudaResult<Self> {
        let context = Context::new(raw)?;
        let stream = Stream::new(StreamFlags::NON_BLOCKING, None)?;
        let flush = match kind {
            DeviceKind::Cuda => {
                let l2 = raw.get_attribute(DeviceAttribute::L2CacheSize)?;
                // Twice its size, so that no replacement policy keeps much of what was there.
                Some(allocate(2 * usize::try_from(l2).unwrap_or(0))?)
            }
            DeviceKind::Embedded | DeviceKind::Imported => None,
        };
        Ok(Self { flush, pool: buffer::pool(kind), stream, context })
    }
}

impl Device {
    /// Opens device `ordinal` of the driver that [`pipe_driver::backend`] names.
    ///
    /// # Errors
    /// There is no such device, or the driver gives no context on it.
    pub fn open(ordinal: u32) -> Result<Self, DeviceError> {
        let open = || {
            cust::init(cust::CudaFlags::empty())?;
            let raw = CudaDevice::get_device(ordinal)?;
            let kind = match pipe_driver::backend() {
                Backend::Embedded { .. } => DeviceKind::Embedded,
                Backend::Cuda { .. } | Backend::Unavailable { .. } => DeviceKind::Cuda,
            };
            Ok(Self { raw, ordinal, session: Some(Session::open(raw, kind)?), name: raw.name()?, kind })
        };
        open().map_err(|error| DeviceError::Open { ordinal, error })
    }

    /// As the driver names it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A GPU or the embedded device.
    pub fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// Its number.
    pub(crate) fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// How many devices there are.
    pub(crate) fn count(&self) -> Result<u32, Failure> {
        CudaDevice::num_devices().map_err(|error| Failure::of_driver(error, "counting the devices"))
    }

    /// Whether the context still works; a kernel fault ends it for good.
    pub(crate) fn is_alive(&self) -> bool {
        self.session.is_some() && CurrentContext::synchronize().is_ok()
    }

    /// Replaces a dead context. Nothing that was made in it may be in use any more.
    pub(crate) fn rebuild(&mut self) -> Result<(), DeviceError> {
        self.session = None;
        // SAFETY: this process uses the device through this value alone, and what lived in the context is
        // gone.
        unsafe { Context::reset(&self.raw) }.map_err(DeviceError::Lost)?;
        self.session = Some(Session::open(self.raw, self.kind).map_err(DeviceError::Lost)?);
        Ok(())
    }

    /// Gives what the pool of buffers keeps back to the device.
    pub(crate) fn trim(&self) {
        if let Some(session) = &self.session {
            session.pool.borrow_mut().trim();
        }
    }

    /// Fills device memory that the caller allocated in this context with a word, in the order of the stream.
    pub(crate) fn fill_words(&self, address: u64, bytes: u64, word: u32) -> Result<(), Failure> {
        let stream = self.session()?.stream.as_inner();
        // SAFETY: a range that is not the caller's is refused, or harms device memory of this context alone.
        call::check(unsafe { cust::sys::cuMemsetD32Async(address, word, bytes as usize / 4, stream) })
            .map_err(|error| Failure::of_driver(error, "filling device memory"))
    }

    /// Reads device memory back once the stream is done with it.
    pub(crate) fn read_words(&self, address: u64, words: &mut [u32]) -> Result<(), Failure> {
        let stream = &self.session()?.stream;
        // SAFETY: the words are as many as the copy writes, and live until the stream is waited for.
        let copied = call::check(unsafe {
            let to = words.as_mut_ptr().cast();
            cust::sys::cuMemcpyDtoHAsync_v2(to, address, size_of_val(words), stream.as_inner())
        });
        copied
            .and_then(|()| stream.synchronize())
            .map_err(|error| Failure::of_driver(error, "reading device memory back"))
    }

    fn session(&self) -> Result<&Session, Failure> {
        self.session
            .as_ref()
            .ok_or_else(|| Failure::error("the device is lost after a kernel fault; start pipe again"))
    }
}

/// `bytes` of device memory with undefined content.
fn allocate(bytes: usize) -> CudaResult<DeviceBuffer<u8>> {
    // SAFETY: every caller fills the buffer, or hands it to kernels as scratch memory, before anything reads
    // it; and any byte is a valid u8.
    unsafe { DeviceBuffer::uninitialized(bytes) }
}

/// A plan with its memory allocated and its kernels found: ready to run, once or many times.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    session: &'a Session,
    plan: &'a Plan,
    buffers: Vec<Buffer>,
    launches: Vec<ReadyLaunch<'a>>,
    clock: Clock,
}

/// A launch whose kernel is found and whose arguments are laid out.
#[derive(Debug)]
struct ReadyLaunch<'a> {
    launch: &'a Launch,
    function: Function<'a>,
    /// One slot an argument, its value in the low bytes (every supported host is little-endian).
    arguments: Vec<u64>,
}

/// What times a run.
#[derive(Debug)]
enum Clock {
    /// The device's own: events on the stream around the launches.
    Events { start: Event, stop: Event },
    /// The host's: the embedded device computes on it.
    Host,
}

impl<'a> Trial<'a> {
    /// Allocates the plan's buffers and finds its kernels in `module`.
    pub(crate) fn new(device: &'a Device, module: &'a Module, plan: &'a Plan) -> Result<Self, Failure> {
        let session = device.session()?;
        let mut buffers = Vec::with_capacity(plan.buffers.len());
        for buffer in &plan.buffers {
            let allocated = Buffer::new(&session.pool, buffer.bytes);
            buffers.push(allocated.map_err(|error| no_memory(error, plan.bytes(), &buffer.name))?);
        }
        let addresses: Vec<u64> = buffers.iter().map(|buffer| buffer.as_device_ptr().as_raw()).collect();
        let launches = plan.launches.iter().map(|launch| {
            let function = module.function(launch)?;
            let arguments = launch.args.iter().map(|argument| slot(*argument, &addresses)).collect();
            Ok(ReadyLaunch { launch, function, arguments })
        });
        let launches = launches.collect::<Result<_, Failure>>()?;
        let event = || {
            Event::new(EventFlags::DEFAULT).map_err(|error| Failure::of_driver(error, "creating an event"))
        };
        let clock = match device.kind {
            DeviceKind::Cuda => Clock::Events { start: event()?, stop: event()? },
            DeviceKind::Embedded | DeviceKind::Imported => Clock::Host,
        };
        Ok(Self { session, plan, buffers, launches, clock })
    }

    /// Fills inputs and tables, and poisons everything else with NaN.
    pub(crate) fn fill(&mut self, inputs: &[Input]) -> Result<(), Failure> {
        for (buffer, memory) in self.plan.buffers.iter().zip(&mut self.buffers) {
            let content: &[u8] = match &buffer.role {
                Role::Input | Role::Inout => inputs
                    .iter()
                    .find(|input| input.name == buffer.name)
                    .map(|input| input.content.as_slice())
                    .ok_or_else(|| Failure::error(format!("there is no input '{}'", buffer.name)))?,
                Role::Table(content) => content,
                Role::Output | Role::Workspace => {
                    memory
                        .set_8(POISON)
                        .map_err(|error| Failure::of_driver(error, "filling device memory"))?;
                    pipe_driver::embedded::forget(memory.as_device_ptr().as_raw(), memory.len());
                    continue;
                }
            };
            if content.len() != memory.len() {
                let (name, planned, given) = (&buffer.name, memory.len(), content.len());
                let message = format!("the plan gives '{name}' {planned} bytes, its content has {given}");
                return Err(Failure::error(message));
            }
            memory
                .copy_from(content)
                .map_err(|error| Failure::of_driver(error, "copying inputs to the device"))?;
        }
        // The copies are on the default stream, the launches are not.
        CurrentContext::synchronize()
            .map_err(|error| Failure::of_driver(error, "copying inputs to the device"))
    }

    /// Runs the plan once and waits for its end.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        self.enqueue()?;
        self.wait()
    }

    /// Runs the plan once, with cold caches, and returns the nanoseconds it took.
    pub(crate) fn time(&mut self) -> Result<f64, Failure> {
        let doing = |error| Failure::of_driver(error, "timing");
        match &self.clock {
            Clock::Host => {
                let begin = Instant::now();
                self.run()?;
                Ok(begin.elapsed().as_nanos() as f64)
            }
            Clock::Events { start, stop } => {
                if let Some(flush) = &self.session.flush {
                    flush_cache(flush, &self.session.stream).map_err(doing)?;
                }
                start.record(&self.session.stream).map_err(doing)?;
                self.enqueue()?;
                stop.record(&self.session.stream).map_err(doing)?;
                self.wait()?;
                Ok(f64::from(stop.elapsed_time_f32(start).map_err(doing)?) * 1e6)
            }
        }
    }

    /// The content of each of the plan's outputs, in their order.
    pub(crate) fn outputs(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let written = |role: &Role| matches!(role, Role::Output | Role::Inout);
        let outputs = self.plan.buffers.iter().zip(&self.buffers).filter(|(buffer, _)| written(&buffer.role));
        outputs
            .map(|(_, memory)| {
                let mut content = vec![0; memory.len()];
                memory
                    .copy_to(&mut content)
                    .map_err(|error| Failure::of_driver(error, "copying the result back"))?;
                Ok(content)
            })
            .collect()
    }

    fn enqueue(&self) -> Result<(), Failure> {
        for ready in &self.launches {
            enqueue(&ready.function, ready.launch, &ready.arguments, &self.session.stream)
                .map_err(|error| Failure::of_driver(error, &format!("launching {}", ready.launch.entry)))?;
        }
        Ok(())
    }

    fn wait(&self) -> Result<(), Failure> {
        self.session.stream.synchronize().map_err(|error| {
            let entries: Vec<&str> = self.plan.launches.iter().map(|launch| launch.entry.as_str()).collect();
            Failure::of_driver(error, &format!("running {}", entries.join(", ")))
        })
    }
}

/// Enqueues a launch of `function`, which [`Module::function`] found for it, with one slot an argument.
fn enqueue(function: &Function<'_>, launch: &Launch, arguments: &[u64], stream: &Stream) -> CudaResult<()> {
    let [x, y, z] = launch.grid;
    let grid = GridSize { x, y, z };
    let [x, y, z] = launch.block;
    let block = BlockSize { x, y, z };
    let arguments: Vec<_> = arguments.iter().map(|slot| std::ptr::from_ref(slot).cast_mut().cast()).collect();
    // SAFETY: `Module::function` has held the arguments against the entry's parameters, so that the
    // driver reads as many slots as there are and 8 bytes of each at most; the slots outlive the call,
    // which copies them. What the kernel does with the addresses is the device's business: it can harm
    // device memory of this context, nothing of the host.
    unsafe { stream.launch(function, grid, block, launch.shared_bytes, &arguments) }
}

/// Overwrites `flush` on `stream`.
fn flush_cache(flush: &DeviceBuffer<u8>, stream: &Stream) -> CudaResult<()> {
    let (address, bytes) = (flush.as_device_ptr().as_raw(), flush.len());
    // SAFETY: the range is the whole of a live allocation that nothing ever reads.
    let code = unsafe { cust::sys::cuMemsetD8Async(address, 0, bytes, stream.as_inner()) };
    if code == cust::sys::cudaError_enum::CUDA_SUCCESS { Ok(()) } else { Err(CudaError::UnknownError) }
}

fn slot(argument: Argument, addresses: &[u64]) -> u64 {
    match argument {
        Argument::Buffer(index) => addresses.get(index).copied().unwrap_or(0),
        scalar => scalar.bits(),
    }
}

/// An allocation has failed: says what did not fit into what.
fn no_memory(error: CudaError, bytes: u64, buffer: &str) -> Failure {
    if error != CudaError::OutOfMemory {
        return Failure::of_driver(error, &format!("allocating '{buffer}'"));
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let room = match mem_get_info() {
        Ok((_, total)) => format!(" of the device's {:.1} MiB", mib(total as u64)),
        Err(_) => String::new(),
    };
    Failure {
        status: Status::OutOfMemory,
        message: format!("the case needs {:.1} MiB{room}; '{buffer}' did not fit", mib(bytes)),
    }
}
