//! Launches: what is checked before, blocks over threads, what is reported after.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{
    counts::{Counts, LineCounts, Tally},
    exec::{self, Context, SharedMemory, Watch},
    footprint::Footprint,
    instruction::{Access, Space},
    level::Detected,
    memory::{GlobalMemory, OutOfMemory},
    program::{Instance, Kernel},
    resident::BlockStop,
    sanitizer::{Finding, Sanitizer},
    trap::{Cause, Fault, LaunchError, Trap},
    uniform,
    worker::Worker,
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
    /// Whether straight code is compiled where the CPU allows; results and counts are the same, only slower without.
    pub compile: bool,
    /// Whether to count the bytes that are touched at all, [`unique_load_bytes`](Counts::unique_load_bytes) and its
    /// like, which are 0 otherwise: it takes a look at every address.
    pub footprint: bool,
    /// Whether to look for reads of what nothing wrote and for races, which a launch does not trap on. It takes a memory
    /// that is [sanitized](GlobalMemory::sanitized), where findings gather; the launch runs on one thread, slowly.
    pub sanitize: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: None,
            instruction_budget: 1 << 36,
            ordered: false,
            compile: true,
            footprint: false,
            sanitize: false,
        }
    }
}

/// What a launch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// All of it.
    pub counts: Counts,
    /// Line by line, those with instructions in the order of the text. The sum is `counts` but for the unique bytes.
    pub lines: Vec<LineCounts>,
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
    observe(instance, kernel, config, memory, options).map(|observed| observed.counts)
}

/// Runs a kernel to its end and counts what each of its lines did.
///
/// # Errors
///
/// As [`launch`].
pub fn observe(
    instance: &Instance,
    kernel: &Kernel,
    config: &LaunchConfig<'_>,
    memory: &GlobalMemory,
    options: &Options,
) -> Result<Observed, LaunchError> {
    launch_at(Detected::widest(), instance, kernel, config, memory, options)
}

/// As [`observe`], with the vector instructions of a given level.
fn launch_at(
    level: Detected,
    instance: &Instance,
    kernel: &Kernel,
    config: &LaunchConfig<'_>,
    memory: &GlobalMemory,
    options: &Options,
) -> Result<Observed, LaunchError> {
    check(kernel, config)?;
    let workspace = kernel.reads_workspace.then(|| Workspace::new(memory)).transpose()?;
    if kernel.uses_heap() {
        memory.make_heap();
    }
    let allocations = memory.snapshot();
    let printed = Mutex::default();
    // Launches under the sanitizer take turns; what other launches write, it cannot tell from what nothing wrote.
    let mut shadow = memory.shadow();
    let sanitizer = match &mut shadow {
        Some(shadow) if options.sanitize => {
            Some(Box::new(Sanitizer::new(kernel, config, std::mem::take(&mut **shadow))))
        }
        Some(shadow) => {
            allocations.iter().for_each(|live| shadow.define(live.start, live.end - live.start));
            None
        }
        None => None,
    };
    let bytes = memory.shared();
    let watched = options.footprint || options.sanitize;
    let compiles = options.compile && !watched && !matches!(level, Detected::Baseline);
    // A call that recurses saves registers lane by lane, uniform ones too.
    let compiles = compiles && !kernel.functions.iter().any(|function| function.recursive);
    let compiled = compiles.then(|| kernel.compiled(uniform::in_rows(config.block))).flatten();
    let context = Context {
        kernel,
        config,
        bytes: &bytes,
        memory,
        printed: &printed,
        allocations: &allocations,
        budget: options.instruction_budget,
        workspace: workspace.as_ref().map_or(0, |workspace| workspace.address),
        compiled,
    };
    let footprint = options.footprint.then(|| Arc::new(Footprint::new(&allocations)));
    let grid = Grid::new(config.grid);
    let threads = options.threads.unwrap_or_else(rayon::current_num_threads).max(1) as u64;
    let in_order = kernel.in_order || sanitizer.is_some() || options.ordered && depends_on_order(kernel);
    let workers = if in_order { 1 } else { threads.min(grid.blocks) };
    let sanitizer = Mutex::new(sanitizer);
    let total = Mutex::new(Tally::new(kernel, compiled));
    let work = || {
        grid.enter();
        let mut worker = Worker::new(&context, instance)?;
        let own = sanitizer.lock().unwrap_or_else(PoisonError::into_inner).take();
        worker.room.watch = Watch::new(footprint.as_ref(), own);
        match level {
            #[cfg(target_arch = "x86_64")]
            Detected::V4(level) => worker.work(level, &grid),
            #[cfg(target_arch = "x86_64")]
            Detected::V3(level) => worker.work(level, &grid),
            Detected::Baseline => worker.work(crate::level::Baseline, &grid),
        }
        grid.leave();
        if let Some(compiled) = compiled {
            worker.room.settle(kernel, compiled);
        }
        total.lock().unwrap_or_else(PoisonError::into_inner).merge(&worker.room.tally);
        if let Some(own) = worker.room.watch.and_then(|watch| watch.sanitizer) {
            *sanitizer.lock().unwrap_or_else(PoisonError::into_inner) = Some(own);
        }
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
    let text = printed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .values()
        .flatten()
        .copied()
        .collect::<Vec<u8>>();
    memory.add_printed(&text);
    if let (Some(shadow), Some(sanitizer)) =
        (&mut shadow, sanitizer.into_inner().unwrap_or_else(PoisonError::into_inner))
    {
        **shadow = sanitizer.finish();
    }
    if !started.into_inner() {
        return Err(Fault::Inconsistent { what: "shared memory has another size" }.into());
    }
    if let Some((block, stop)) = grid.first_stop.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let error = failure(&context, block, &stop);
        if let (Some(shadow), LaunchError::Trap(trap)) = (&mut shadow, &error)
            && options.sanitize
        {
            Finding::trap(trap).merge_into(&mut shadow.findings);
        }
        return Err(error);
    }
    let tally = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut counts = tally.counts(kernel);
    if let Some(footprint) = footprint {
        footprint.count(&mut counts);
    }
    Ok(Observed { counts, lines: tally.lines(kernel) })
}

/// The memory in which the blocks of a cooperative launch meet: the driver's part of `grid.sync()`, whose address the
/// registers `%envreg1` and `%envreg2` hold. Its first word is its size, the second counts arrivals.
struct Workspace<'m> {
    memory: &'m GlobalMemory,
    address: u64,
}

impl<'m> Workspace<'m> {
    const BYTES: u64 = 256;

    fn new(memory: &'m GlobalMemory) -> Result<Self, LaunchError> {
        let full =
            |error: OutOfMemory| LaunchError::Invalid(format!("no room for a grid's workspace: {error}"));
        let address = memory.allocate(Self::BYTES).map_err(full)?;
        // The allocation has these bytes.
        let _ = memory.fill(address, Self::BYTES, &[0]);
        let _ = memory.copy_in(address, &(Self::BYTES as u32).to_le_bytes());
        Ok(Workspace { memory, address })
    }
}

impl Drop for Workspace<'_> {
    fn drop(&mut self) {
        // It was allocated here and is freed once.
        let _ = self.memory.free(self.address);
    }
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
pub(crate) struct Grid {
    size: [u32; 3],
    blocks: u64,
    next: AtomicU64,
    /// Blocks from here on need not run: an earlier one stopped.
    limit: AtomicU64,
    /// The first block that stopped, and why.
    first_stop: Mutex<Option<(u64, Box<BlockStop>)>>,
    /// Threads that run blocks, and those of them that have none that moves.
    running: AtomicU64,
    idle: AtomicU64,
    /// How often a block has ended, or one that waits for others has changed memory.
    progress: AtomicU64,
}

impl Grid {
    fn new(size: [u32; 3]) -> Self {
        let blocks = size.iter().map(|n| u64::from(*n)).product();
        let (next, limit) = (AtomicU64::new(0), AtomicU64::new(blocks));
        let [running, idle, progress] = [const { AtomicU64::new(0) }; 3];
        Grid { size, blocks, next, limit, first_stop: Mutex::new(None), running, idle, progress }
    }

    /// A thread begins to run blocks.
    fn enter(&self) {
        self.running.fetch_add(1, Ordering::SeqCst);
    }

    /// A thread has no block left.
    fn leave(&self) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    /// Notes that something has moved.
    pub(crate) fn progress(&self) {
        self.progress.fetch_add(1, Ordering::SeqCst);
    }

    /// How much has moved so far.
    pub(crate) fn progress_so_far(&self) -> u64 {
        self.progress.load(Ordering::SeqCst)
    }

    /// Waits until something has moved since `seen`, or nobody is left to move anything: `true` then.
    pub(crate) fn wait_for_others(&self, seen: u64) -> bool {
        self.idle.fetch_add(1, Ordering::SeqCst);
        let alone = loop {
            if self.progress_so_far() != seen {
                break false;
            }
            if self.idle.load(Ordering::SeqCst) >= self.running.load(Ordering::SeqCst) {
                break true;
            }
            std::thread::sleep(Duration::from_micros(20));
        };
        self.idle.fetch_sub(1, Ordering::SeqCst);
        alone
    }

    /// Whether a block still has to run.
    pub(crate) fn wants(&self, block: u64) -> bool {
        block < self.limit.load(Ordering::Relaxed)
    }

    /// The next block that has to run.
    pub(crate) fn take(&self) -> Option<u64> {
        let block = self.next.fetch_add(1, Ordering::Relaxed);
        (block < self.limit.load(Ordering::Relaxed)).then_some(block)
    }

    pub(crate) fn coordinates(&self, block: u64) -> [u32; 3] {
        let [x, y, _] = self.size.map(u64::from);
        [(block % x) as u32, (block / x % y) as u32, (block / x / y) as u32]
    }

    /// Every block before a stopped one was taken before it and runs to its end, so the first is found.
    pub(crate) fn stop(&self, block: u64, stop: Box<BlockStop>) {
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
        let run = |level: Detected, footprint: bool| {
            let memory = GlobalMemory::new(1 << 20).unwrap();
            let instance = program.instantiate(&memory).unwrap();
            let out = memory.allocate(64 * 32).unwrap();
            let params = out.to_le_bytes();
            let config =
                LaunchConfig { grid: [1; 3], block: [64, 1, 1], dynamic_shared_bytes: 0, params: &params };
            let kernel = program.kernel("k").unwrap();
            let options = Options { footprint, ..Options::default() };
            let observed = launch_at(level, &instance, kernel, &config, &memory, &options).unwrap();
            let mut bytes = vec![0; 64 * 32];
            memory.copy_out(out, &mut bytes).unwrap();
            (observed, bytes)
        };
        let plain = run(Detected::Baseline, false);
        assert!(plain.1.iter().any(|byte| *byte != 0) && plain.0.counts.divergent_branches == 2);
        let expected = run(Detected::Baseline, true);
        assert_eq!((expected.0.counts.unique_load_bytes, expected.0.counts.unique_store_bytes), (2048, 2048));
        assert_eq!((&expected.0.lines, &expected.1), (&plain.0.lines, &plain.1), "watching changes nothing");
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(level) = pulp::x86::V3::try_new() {
                assert_eq!(run(Detected::V3(level), true), expected);
            }
            if let Some(level) = pulp::x86::V4::try_new() {
                assert_eq!(run(Detected::V4(level), true), expected);
            }
        }
    }
}
