//! One participant of a ring: it keeps the queries of its chunk of the sequence and sees the keys and values of one chunk at a
//! time. Those are in two places: while the kernel reads the one, the next chunk arrives in the other.

use cust::{
    context::CurrentContext,
    error::CudaResult,
    function::Function,
    memory::CopyDestination as _,
    stream::{Stream, StreamFlags},
    sys::{CUcontext, cuMemcpyHtoDAsync_v2, cuMemcpyPeerAsync},
};
use pipe_kernels::{Argument, Plan, Role};

use super::{Buffer, Device, Module, POISON, Session, call::check, enqueue, no_memory, slot};
use crate::Failure;

/// A participant with its memory allocated and its kernel found.
#[derive(Debug)]
pub(crate) struct RingPart<'a> {
    session: &'a Session,
    plan: &'a Plan,
    function: Function<'a>,
    /// Copies of chunks, beside the launches.
    copies: Stream,
    chunk_bytes: u64,
    memory: Vec<Place>,
}

/// Where a buffer of the plan is.
#[derive(Debug)]
enum Place {
    /// All of it, or this participant's chunk of it.
    One(Buffer),
    /// The chunk that is read and the one that arrives, in turns.
    Two([Buffer; 2]),
}

/// What a neighbour needs to know to send a chunk: plain numbers, which mean something on any thread.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    context: usize,
    /// The two places of keys and of values.
    places: Vec<[u64; 2]>,
}

/// Whether a tensor goes round the ring.
fn travels(name: &str) -> bool {
    name == "k" || name == "v"
}

impl<'a> RingPart<'a> {
    /// Allocates what a participant of `plan` needs, which launches once a step of the ring; tensors are chunks of
    /// `chunk_bytes`.
    pub(crate) fn new(
        device: &'a Device,
        module: &'a Module,
        plan: &'a Plan,
        chunk_bytes: u64,
    ) -> Result<Self, Failure> {
        let session = device.session()?;
        let first = plan.launches.first().ok_or_else(|| Failure::error("the ring has no step"))?;
        let allocate = |name: &str, bytes: u64| {
            Buffer::new(&session.pool, bytes)
                .map_err(|error| no_memory(error, Self::bytes(plan, chunk_bytes), name))
        };
        let memory = plan.buffers.iter().map(|buffer| {
            let name = &buffer.name;
            Ok(match buffer.role {
                Role::Input if travels(name) => {
                    Place::Two([allocate(name, chunk_bytes)?, allocate(name, chunk_bytes)?])
                }
                Role::Input | Role::Output | Role::Inout => Place::One(allocate(name, chunk_bytes)?),
                Role::Workspace | Role::Table(_) => Place::One(allocate(name, buffer.bytes)?),
            })
        });
        let memory = memory.collect::<Result<_, Failure>>()?;
        let copies = Stream::new(StreamFlags::NON_BLOCKING, None)
            .map_err(|error| Failure::of_driver(error, "creating a stream"))?;
        Ok(Self { session, plan, function: module.function(first)?, copies, chunk_bytes, memory })
    }

    /// Bytes of a participant's memory.
    pub(crate) fn bytes(plan: &Plan, chunk_bytes: u64) -> u64 {
        let of = |buffer: &pipe_kernels::Buffer| match buffer.role {
            Role::Input if travels(&buffer.name) => 2 * chunk_bytes,
            Role::Input | Role::Output | Role::Inout => chunk_bytes,
            Role::Workspace | Role::Table(_) => buffer.bytes,
        };
        plan.buffers.iter().map(of).sum()
    }

    /// Begins a turn of the ring: the participant's own chunk of every input, the first keys and values among them; everything
    /// else is NaN.
    pub(crate) fn begin<'b>(&mut self, chunk: impl Fn(&str) -> Option<&'b [u8]>) -> Result<(), Failure> {
        let doing = |error| Failure::of_driver(error, "copying inputs to the device");
        for (buffer, place) in self.plan.buffers.iter().zip(&mut self.memory) {
            let (Place::One(memory) | Place::Two([memory, _])) = place;
            let content = match &buffer.role {
                Role::Input | Role::Inout => Some(
                    chunk(&buffer.name)
                        .ok_or_else(|| Failure::error(format!("a ring has no input '{}'", buffer.name)))?,
                ),
                Role::Table(content) => Some(content.as_slice()),
                Role::Output | Role::Workspace => None,
            };
            match content {
                Some(content) if content.len() == memory.len() => memory.copy_from(content).map_err(doing)?,
                Some(content) => {
                    let (name, planned, given) = (&buffer.name, memory.len(), content.len());
                    let message = format!("'{name}' has {planned} bytes in a ring, its content has {given}");
                    return Err(Failure::error(message));
                }
                None => memory.set_8(POISON).map_err(doing)?,
            }
        }
        CurrentContext::synchronize().map_err(doing)
    }

    /// Enqueues step `step` of the plan on the keys and values in place `place`, 0 or 1.
    pub(crate) fn launch(&self, step: usize, place: usize) -> Result<(), Failure> {
        let launch = self
            .plan
            .launches
            .get(step)
            .ok_or_else(|| Failure::error(format!("the ring has no step {step}")))?;
        // The kernel reckons from the sequence's beginning, and reads the chunk of its step alone: so does the address.
        let before = (step as u64).wrapping_mul(self.chunk_bytes);
        let addresses: Vec<u64> = self
            .memory
            .iter()
            .map(|memory| match memory {
                Place::One(buffer) => buffer.address(),
                Place::Two(places) => places[place % 2].address().wrapping_sub(before),
            })
            .collect();
        let arguments: Vec<u64> =
            launch.args.iter().map(|argument: &Argument| slot(*argument, &addresses)).collect();
        enqueue(&self.function, launch, &arguments, &self.session.stream)
            .map_err(|error| Failure::of_driver(error, &format!("launching {}", launch.entry)))
    }

    /// Enqueues the copy of a chunk from the host into place `place`, beside what is launched.
    pub(crate) fn receive<'b>(
        &self,
        place: usize,
        chunk: impl Fn(&str) -> Option<&'b [u8]>,
    ) -> Result<(), Failure> {
        for (buffer, memory) in self.plan.buffers.iter().zip(&self.memory) {
            if let (Place::Two(places), Some(content)) = (memory, chunk(&buffer.name)) {
                let bytes = content.len().min(self.chunk_bytes as usize);
                let to = places[place % 2].address();
                // SAFETY: the place has `chunk_bytes`, the content at least `bytes`, and the caller waits for the copy
                // before either goes: `wait` comes after every step.
                check(unsafe {
                    cuMemcpyHtoDAsync_v2(to, content.as_ptr().cast(), bytes, self.copies.as_inner())
                })
                .map_err(|error| Failure::of_driver(error, "copying a chunk to the device"))?;
            }
        }
        Ok(())
    }

    /// Where neighbours send chunks.
    pub(crate) fn mailbox(&self) -> Mailbox {
        let places = self.memory.iter().filter_map(|memory| match memory {
            Place::One(_) => None,
            Place::Two(places) => Some([places[0].address(), places[1].address()]),
        });
        Mailbox { context: self.session.context.as_raw().expose_provenance(), places: places.collect() }
    }

    /// Enqueues the copy of the chunk in place `place` to the other place of a neighbour, beside what is launched.
    pub(crate) fn send(&self, place: usize, to: &Mailbox) -> Result<(), Failure> {
        let own = self.mailbox();
        let context =
            |mailbox: &Mailbox| -> CUcontext { std::ptr::with_exposed_provenance_mut(mailbox.context) };
        for (from, target) in own.places.iter().zip(&to.places) {
            // SAFETY: both places have `chunk_bytes` on the devices of these contexts, and live until every participant
            // has waited for the step.
            let copied: CudaResult<()> = check(unsafe {
                cuMemcpyPeerAsync(
                    target[(place + 1) % 2],
                    context(to),
                    from[place % 2],
                    context(&own),
                    self.chunk_bytes as usize,
                    self.copies.as_inner(),
                )
            });
            copied.map_err(|error| Failure::of_driver(error, "copying a chunk to the next device"))?;
        }
        Ok(())
    }

    /// Waits for everything that is enqueued.
    pub(crate) fn wait(&self) -> Result<(), Failure> {
        let done = self.session.stream.synchronize().and_then(|()| self.copies.synchronize());
        done.map_err(|error| Failure::of_driver(error, "running a step of the ring"))
    }

    /// The output of the participant's chunk.
    pub(crate) fn output(&self) -> Result<Vec<u8>, Failure> {
        let mut output = vec![0; self.chunk_bytes as usize];
        for (buffer, memory) in self.plan.buffers.iter().zip(&self.memory) {
            if let (Role::Output, Place::One(memory)) = (&buffer.role, memory) {
                memory
                    .copy_to(&mut output)
                    .map_err(|error| Failure::of_driver(error, "copying the result back"))?;
            }
        }
        Ok(output)
    }
}
