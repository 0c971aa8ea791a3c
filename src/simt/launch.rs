//! Launches: blocks over threads, warps of a block from barrier to barrier.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::{
    counts::{Counts, Tally},
    decode::BarrierMode,
    exec::{self, Context, Landings, Pause, Room, Shape, SharedMemory},
    instruction::{Access, Constant, Space},
    level::{Detected, Level},
    memory::{Allocation, GlobalMemory},
    program::{Instance, Kernel},
    registers::{FULL, LANES, Registers},
    trap::{Cause, Fault, LaunchError, Stop, Trap, TrapKind},
    warp::Warp,
};

/// The geometry and the parameters of a launch.
#[derive(Debug, Clone, Copy)]
pub struct LaunchConfig<'a> {
    /// Blocks by dimension.
    pub grid: [u32; 3],
    /// Threads of a block by dimension.
    pub block: [u32; 3],
    /// Bytes of shared memory beyond the static ones.
    pub dynamic_shared_bytes: u32,
    /// The parameter buffer, laid out as [`Kernel::params`] says.
    pub params: &'a [u8],
}

/// How a launch is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Threads that run blocks; `None` for one a core. Counts do not depend on it.
    pub threads: Option<usize>,
    /// Instructions that one warp may issue before it counts as an endless loop.
    pub instruction_budget: u64,
    /// Runs the blocks of a kernel in order, one after another, if it has atomics on global memory whose outcome depends
    /// on it: sums of floats, exchanges, and whatever gives the old value. Results are then the same for any number
    /// of threads, to the last bit. It costs such a kernel all but one core, and others nothing.
    pub ordered: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { threads: None, instruction_budget: 1 << 36, ordered: false }
    }
}

/// The vector instructions that launches on this CPU use: `avx512`, `avx2` or `baseline`.
pub fn vector_level() -> &'static str {
    Detected::widest().name()
}

/// Runs a kernel to its end and counts what it did.
///
/// # Errors
///
/// [`LaunchError::Invalid`] before anything runs, when the configuration does not fit the kernel. A trap leaves memory
/// as it was when it happened; of several traps the one of the first block is reported, whatever the number of threads.
pub fn launch(
    instance: &Instance,
    kernel: &Kernel,
    config: &LaunchConfig<'_>,
    memory: &GlobalMemory,
    options: &Options,
) -> Result<Counts, LaunchError> {
    launch_at(Detected::widest(), instance, kernel, config, memory, options)
}

/// As [`launch`], with the vector instructions of a given level.
fn launch_at(
    level: Detected,
    instance: &Instance,
    kernel: &Kernel,
    config: &LaunchConfig<'_>,
    memory: &GlobalMemory,
    options: &Options,
) -> Result<Counts, LaunchError> {
    check(kernel, config)?;
    let allocations = memory.snapshot();
    let bytes = memory.shared();
    let context = Context {
        kernel,
        config,
        bytes: &bytes,
        allocations: &allocations,
        budget: options.instruction_budget,
    };
    let grid = Grid::new(config.grid);
    let threads = options.threads.unwrap_or_else(rayon::current_num_threads).max(1) as u64;
    let workers = if options.ordered && depends_on_order(kernel) { 1 } else { threads.min(grid.blocks) };
    let total = Mutex::new(Tally::new(kernel));
    let work = || {
        let mut worker = Worker::new(&context, instance)?;
        match level {
            #[cfg(target_arch = "x86_64")]
            Detected::V4(level) => worker.work(level, &context, &grid),
            #[cfg(target_arch = "x86_64")]
            Detected::V3(level) => worker.work(level, &context, &grid),
            Detected::Baseline => worker.work(crate::level::Baseline, &context, &grid),
        }
        total.lock().unwrap_or_else(PoisonError::into_inner).merge(&worker.room.tally);
        Some(())
    };
    let started = AtomicBool::new(true);
    let run = || {
        if work().is_none() {
            started.store(false, Ordering::Relaxed);
        }
    };
    if workers == 1 {
        run();
    } else {
        rayon::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| run());
            }
        });
    }
    if !started.into_inner() {
        return Err(Fault::Inconsistent { what: "shared memory has another size" }.into());
    }
    if let Some((block, stop)) = grid.first_stop.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failure(&context, block, &stop));
    }
    let tally = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(tally.counts(kernel))
}

/// Whether the order of blocks shows in what a kernel leaves behind, as far as its atomics go.
fn depends_on_order(kernel: &Kernel) -> bool {
    let shows = |access: &Access| {
        matches!(access.space, Space::Global | Space::Generic)
            && access.atomic.is_some_and(|op| access.returns || op.is_ordered())
    };
    kernel.tables.accesses.iter().any(shows)
}

/// Checks a configuration against the kernel.
fn check(kernel: &Kernel, config: &LaunchConfig<'_>) -> Result<(), LaunchError> {
    let invalid = |message: String| Err(LaunchError::Invalid(message));
    let [x, y, z] = config.block;
    if config.grid.contains(&0) || config.block.contains(&0) {
        return invalid(format!("grid {:?} and block {:?} must not be empty", config.grid, config.block));
    }
    let blocks = config.grid.iter().try_fold(1u64, |product, n| product.checked_mul(u64::from(*n)));
    if blocks.is_none_or(|blocks| blocks > 1 << 48) {
        return invalid(format!("grid {:?} has too many blocks", config.grid));
    }
    let threads = u64::from(x) * u64::from(y) * u64::from(z);
    if threads > u64::from(kernel.max_threads_per_block()) {
        let most = kernel.max_threads_per_block();
        return invalid(format!(
            "block {:?} has {threads} threads; kernel `{}` takes {most}",
            config.block,
            kernel.name()
        ));
    }
    if kernel.required_block().is_some_and(|required| required != config.block) {
        let required = kernel.required_block();
        return invalid(format!("block {:?} is not what `.reqntid` asks for: {required:?}", config.block));
    }
    if config.params.len() as u64 != u64::from(kernel.param_bytes()) {
        let (given, wanted) = (config.params.len(), kernel.param_bytes());
        return invalid(format!("{given} bytes of parameters; kernel `{}` takes {wanted}", kernel.name()));
    }
    let shared = u64::from(kernel.static_shared_bytes()) + u64::from(config.dynamic_shared_bytes);
    if shared > u64::from(SharedMemory::LIMIT) {
        return invalid(format!("{shared} bytes of shared memory; there are {}", SharedMemory::LIMIT));
    }
    Ok(())
}

/// The blocks of a launch, handed out one by one.
struct Grid {
    size: [u32; 3],
    blocks: u64,
    next: AtomicU64,
    /// Blocks from here on need not run: an earlier one stopped.
    limit: AtomicU64,
    /// The first block that stopped, and why.
    first_stop: Mutex<Option<(u64, Box<BlockStop>)>>,
}

/// Why a block stopped.
struct BlockStop {
    stop: Box<Stop>,
    warp: u32,
}

impl Grid {
    fn new(size: [u32; 3]) -> Self {
        let blocks = size.iter().map(|n| u64::from(*n)).product();
        let (next, limit) = (AtomicU64::new(0), AtomicU64::new(blocks));
        Grid { size, blocks, next, limit, first_stop: Mutex::new(None) }
    }

    /// The next block that has to run.
    fn take(&self) -> Option<u64> {
        let block = self.next.fetch_add(1, Ordering::Relaxed);
        (block < self.limit.load(Ordering::Relaxed)).then_some(block)
    }

    fn coordinates(&self, block: u64) -> [u32; 3] {
        let [x, y, _] = self.size.map(u64::from);
        [(block % x) as u32, (block / x % y) as u32, (block / x / y) as u32]
    }

    /// Every block before a stopped one was taken before it and runs to its end, so the first is found.
    fn stop(&self, block: u64, stop: Box<BlockStop>) {
        self.limit.fetch_min(block, Ordering::Relaxed);
        let mut first = self.first_stop.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(earlier, _)| block < *earlier) {
            *first = Some((block, stop));
        }
    }
}

/// Makes the error of a launch from what stopped a block.
fn failure(context: &Context<'_>, block: u64, stopped: &BlockStop) -> LaunchError {
    let BlockStop { stop, warp } = stopped;
    let (kind, detail) = match &stop.cause {
        Cause::Fault(fault) => return fault.clone().into(),
        Cause::Trap(kind, detail) => (*kind, detail.clone()),
    };
    let config = context.config;
    LaunchError::Trap(Trap {
        kind,
        kernel: context.kernel.name().to_owned(),
        line: context.kernel.lines.get(stop.at as usize).copied().unwrap_or_default(),
        block: Grid::new(config.grid).coordinates(block),
        thread: exec::thread_of(config.block, *warp, stop.lanes.trailing_zeros() & 31),
        detail,
    })
}

/// What one thread needs to run blocks.
struct Worker {
    room: Room,
    /// One a warp of the block if they must be kept apart at barriers, else one for all of them.
    warps: Vec<Warp>,
    /// For each warp the barrier it waits at, by its instruction and its operands.
    waiting: Vec<Option<Waiting>>,
    barriers: [Barrier; 16],
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    id: u32,
    instruction: u32,
}

/// A barrier between two completions.
#[derive(Debug, Clone, Copy, Default)]
struct Barrier {
    /// Warps that have arrived.
    arrived: u32,
    /// Warps it is for, where its count says so.
    expected: Option<u32>,
    /// Threads that have arrived, and those whose predicate holds.
    threads: u32,
    holding: u32,
}

impl Worker {
    fn new(context: &Context<'_>, instance: &Instance) -> Option<Self> {
        let kernel = context.kernel;
        let shared = kernel.static_shared_bytes() + context.config.dynamic_shared_bytes;
        let threads: u32 = context.config.block.iter().product();
        let warps = if kernel.has_barriers { threads.div_ceil(LANES as u32) as usize } else { 1 };
        let make = || {
            let [narrow, wide, predicates] = kernel.slots.counts;
            let mut registers = Registers::new(narrow, wide, predicates);
            for (place, constant) in &kernel.tables.constants {
                let value = match constant {
                    Constant::Bits(bits) => *bits,
                    Constant::Address(index, offset) => instance.address(*index).wrapping_add(*offset),
                };
                registers.splat(place.file, place.slot, value);
            }
            Warp::new(registers, kernel.local_bytes().next_multiple_of(16) as usize)
        };
        Some(Worker {
            room: Room {
                block: [0; 3],
                shared: SharedMemory::new(shared)?,
                tally: Tally::new(kernel),
                landings: Landings::default(),
                recent: vec![Allocation { start: 1, end: 0 }; kernel.tables.accesses.len()],
                shapes: vec![Shape::none(); kernel.tables.accesses.len()],
            },
            warps: std::iter::repeat_with(make).take(warps).collect(),
            waiting: vec![None; warps],
            barriers: [Barrier::default(); 16],
        })
    }

    /// Runs blocks until none is left.
    fn work<L: Level>(&mut self, level: L, context: &Context<'_>, grid: &Grid) {
        while let Some(block) = grid.take() {
            self.room.block = grid.coordinates(block);
            self.room.shared.clear();
            self.room.landings.clear();
            if let Err(stop) = self.block(level, context) {
                grid.stop(block, Box::new(stop));
            }
        }
    }

    /// Runs the warps of one block.
    fn block<L: Level>(&mut self, level: L, context: &Context<'_>) -> Result<(), BlockStop> {
        let threads: u32 = context.config.block.iter().product();
        let count = threads.div_ceil(LANES as u32);
        let lanes = |warp: u32| FULL >> (LANES as u32 - (threads - warp * LANES as u32).min(LANES as u32));
        if !context.kernel.has_barriers {
            for index in 0..count {
                self.start(context, 0, index, lanes(index));
                self.run(level, context, 0)?;
            }
            return Ok(());
        }
        for index in 0..count {
            self.start(context, index as usize, index, lanes(index));
        }
        self.waiting.fill(None);
        self.barriers = [Barrier::default(); 16];
        loop {
            let mut progress = false;
            for warp in 0..count as usize {
                if self.waiting[warp].is_none() && !self.warps[warp].is_done() {
                    progress = true;
                    if let Pause::Barrier(at) = self.run(level, context, warp)? {
                        self.arrive(context, warp, at)?;
                    }
                    self.complete(context);
                }
            }
            if !progress {
                break;
            }
        }
        match self.waiting.iter().position(Option::is_some) {
            None => Ok(()),
            Some(warp) => Err(self.deadlock(warp)),
        }
    }

    fn start(&mut self, context: &Context<'_>, slot: usize, index: u32, lanes: u32) {
        let warp = &mut self.warps[slot];
        warp.start(index, lanes);
        for place in &context.kernel.slots.uninitialised {
            warp.registers.splat(place.file, place.slot, 0);
        }
    }

    fn run<L: Level>(&mut self, level: L, context: &Context<'_>, slot: usize) -> Result<Pause, BlockStop> {
        let Worker { room, warps, .. } = self;
        let warp = &mut warps[slot];
        let outcome = level.vectorize(
            #[inline(always)]
            || exec::run(level, context, room, warp),
        );
        outcome.map_err(|stop| BlockStop { stop, warp: warp.index })
    }

    /// Enters a warp's arrival at a barrier.
    fn arrive(&mut self, context: &Context<'_>, slot: usize, at: u32) -> Result<(), BlockStop> {
        let warp = &self.warps[slot];
        let instruction = &context.kernel.code[at as usize];
        let stopped = |mut stop: Box<Stop>| {
            stop.at = at;
            BlockStop { stop, warp: slot as u32 }
        };
        let call = exec::barrier_call(instruction, warp).map_err(stopped)?;
        let barrier = &mut self.barriers[call.id as usize & 15];
        let expected = call.threads.map(|threads| threads / LANES as u32);
        if barrier.arrived == 0 {
            barrier.expected = expected;
        } else if barrier.expected != expected {
            let detail = format!("barrier {} is used with different thread counts at once", call.id);
            return Err(stopped(Stop::trap(TrapKind::DivergentBarrier, warp.alive, detail)));
        }
        barrier.arrived += 1;
        barrier.threads += warp.alive.count_ones();
        barrier.holding += call.holds.count_ones();
        if call.mode != BarrierMode::Arrive {
            self.waiting[slot] = Some(Waiting { id: call.id, instruction: at });
        }
        Ok(())
    }

    /// Opens the barriers at which everyone has arrived. Warps that have exited are not waited for.
    fn complete(&mut self, context: &Context<'_>) {
        let alive = self.warps.iter().filter(|warp| !warp.is_done()).count() as u32;
        for id in 0..16u32 {
            let barrier = self.barriers[id as usize];
            if barrier.arrived == 0 || barrier.arrived < barrier.expected.unwrap_or(alive) {
                continue;
            }
            self.barriers[id as usize] = Barrier::default();
            self.room.tally.barriers += 1;
            for (warp, waiting) in self.warps.iter_mut().zip(&mut self.waiting) {
                if let Some(at) = waiting.take_if(|waiting| waiting.id == id) {
                    let instruction = &context.kernel.code[at.instruction as usize];
                    exec::barrier_result(instruction, warp, barrier.holding, barrier.threads);
                }
            }
        }
    }

    fn deadlock(&self, slot: usize) -> BlockStop {
        let waiting = self.waiting[slot];
        let (id, at) = waiting.map_or((0, 0), |waiting| (waiting.id, waiting.instruction));
        let barrier = self.barriers[id as usize & 15];
        let expected = barrier.expected.map_or_else(|| "all".to_owned(), |warps| warps.to_string());
        let detail = format!("{} warps wait at barrier {id}, which is for {expected} warps", barrier.arrived);
        let mut stop = Stop::trap(TrapKind::Deadlock, self.warps[slot].alive, detail);
        stop.at = at;
        BlockStop { stop, warp: slot as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Program;

    /// Touches every kind of access and of lane operation, with full and partial masks.
    const TEXT: &str = "
        .version 8.3
        .target sm_90
        .address_size 64
        .visible .entry k(.param .u64 out) {
        .reg .pred %p<4>; .reg .b32 %r<16>; .reg .b64 %rd<8>; .reg .f32 %f<8>; .reg .b16 %h<4>;
        .shared .align 4 .b32 s[64];
        ld.param.u64 %rd1, [out];
        mov.u32 %r1, %tid.x;
        mad.wide.u32 %rd2, %r1, 32, %rd1;
        mov.u32 %r3, s;
        mad.lo.u32 %r2, %r1, 4, %r3;
        mul.lo.u32 %r4, %r1, 2654435761;
        st.shared.u32 [%r2], %r4;
        bar.sync 0;
        xor.b32 %r5, %r2, 20;
        ld.shared.u32 %r6, [%r5];
        cvt.rn.f32.u32 %f1, %r6;
        ex2.approx.f32 %f2, 0fC0200000;
        fma.rn.ftz.f32 %f3, %f1, %f2, %f1;
        setp.gt.f32 %p1, %f3, 0f4E800000;
        @%p1 sqrt.rn.f32 %f3, %f3;
        @%p1 bra A;
        add.u32 %r6, %r6, %r1;
        shl.b32 %r6, %r6, %r1;
        A: div.u32 %r7, %r6, 7;
        shfl.sync.bfly.b32 %r8, %r7, 3, 31, 0xffffffff;
        cvt.rn.f16.f32 %h1, %f3;
        cvt.u32.u16 %r9, %h1;
        st.global.v2.u32 [%rd2], {%r6, %r8};
        st.global.f32 [%rd2+8], %f3;
        st.global.u32 [%rd2+12], %r9;
        ld.global.v4.u32 {%r10, %r11, %r12, %r13}, [%rd2];
        ld.global.u8 %r14, [%rd2+5];
        add.u32 %r13, %r13, %r14;
        st.global.v4.u32 [%rd2+16], {%r13, %r12, %r11, %r10};
        ret;
        }";

    #[test]
    fn every_vector_level_computes_and_counts_the_same() {
        let program = Program::load(TEXT).unwrap();
        let run = |level: Detected| {
            let memory = GlobalMemory::new(1 << 20).unwrap();
            let instance = program.instantiate(&memory).unwrap();
            let out = memory.allocate(64 * 32).unwrap();
            let params = out.to_le_bytes();
            let config =
                LaunchConfig { grid: [1; 3], block: [64, 1, 1], dynamic_shared_bytes: 0, params: &params };
            let kernel = program.kernel("k").unwrap();
            let counts = launch_at(level, &instance, kernel, &config, &memory, &Options::default()).unwrap();
            let mut bytes = vec![0; 64 * 32];
            memory.copy_out(out, &mut bytes).unwrap();
            (counts, bytes)
        };
        let expected = run(Detected::Baseline);
        assert!(expected.1.iter().any(|byte| *byte != 0) && expected.0.divergent_branches == 2);
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(level) = pulp::x86::V3::try_new() {
                assert_eq!(run(Detected::V3(level)), expected);
            }
            if let Some(level) = pulp::x86::V4::try_new() {
                assert_eq!(run(Detected::V4(level)), expected);
            }
        }
    }
}
