//! Launches: the checks CUDA makes, the run on `pipe-simt`, and a record of each for who asks.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use pipe_simt::{Counts, LaunchConfig, LaunchError, LineCounts, Observed, Options, TrapKind};

use crate::abi::*;
use crate::backend::{Config, Sanitize};
use crate::embedded::Driver;
use crate::embedded::device::{MAX_BLOCK, MAX_BLOCK_THREADS, MAX_GRID, SM_COUNT};
use crate::embedded::error::{Answer, Failure};
use crate::embedded::module::Function;

/// A launch of a kernel on the embedded device that ended well.
#[derive(Clone, Debug)]
pub struct LaunchRecord {
    /// The kernel's name.
    pub kernel: String,
    /// Blocks in x, y, z.
    pub grid: [u32; 3],
    /// Threads of a block in x, y, z.
    pub block: [u32; 3],
    /// Shared memory of a block beside the kernel's static, in bytes.
    pub dynamic_shared_bytes: u32,
    /// Shared memory of a block that the kernel declares, in bytes.
    pub static_shared_bytes: u32,
    /// 32-bit registers of a thread, as the embedded device allocates them.
    pub registers: u32,
    /// What the launch did, exactly.
    pub counts: Counts,
    /// The same line by line of the PTX text, but for the unique bytes.
    pub lines: Vec<LineCounts>,
    /// Wall time of the emulation.
    pub elapsed: Duration,
}

thread_local! {
    /// The records that are being made, one list for each [`record_launches`] this thread is in.
    static RECORDS: RefCell<Vec<Vec<LaunchRecord>>> = const { RefCell::new(Vec::new()) };
}

/// Calls a function and returns with its result the launches that this thread made in it, in order.
///
/// Their counts are whole: the unique bytes, which take time to find out, are among them. There are none on a GPU. A launch that trapped has no record; the launch before it has.
pub fn record_launches<R>(function: impl FnOnce() -> R) -> (R, Vec<LaunchRecord>) {
    /// Takes the list away when the function ends, even by a panic.
    struct Recording;
    impl Recording {
        fn end() -> Vec<LaunchRecord> {
            RECORDS.with_borrow_mut(|lists| lists.pop().unwrap_or_default())
        }
    }
    impl Drop for Recording {
        fn drop(&mut self) {
            Self::end();
        }
    }

    RECORDS.with_borrow_mut(|lists| lists.push(Vec::new()));
    let recording = Recording;
    let result = function();
    std::mem::forget(recording);
    (result, Recording::end())
}

/// Whether a list is being made.
fn is_recording() -> bool {
    RECORDS.with_borrow(|lists| !lists.is_empty())
}

/// Puts a launch on every list that is being made.
fn record(launch: &LaunchRecord) {
    RECORDS.with_borrow_mut(|lists| lists.iter_mut().for_each(|list| list.push(launch.clone())));
}

/// How launches are executed.
pub(crate) fn options(config: &Config) -> Options {
    let default = Options::default();
    Options {
        threads: config.threads,
        instruction_budget: config.instruction_budget.unwrap_or(default.instruction_budget),
        ..default
    }
}

/// A launch as `cuLaunchKernel` asks for it.
#[derive(Clone)]
pub(crate) struct Launch {
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared_bytes: u32,
    /// Whether its blocks may wait for each other, so that all have to be there at once.
    pub(crate) cooperative: bool,
    /// The kernel's parameters, laid out as it declares them.
    pub(crate) params: Vec<u8>,
}

impl Driver {
    /// Launches a kernel. What is wrong with the launch is the answer; a kernel's trap breaks the context and
    /// is the answer to the calls after this one.
    pub(crate) fn launch(&self, function: &Function, stream: CUstream, launch: Launch) -> Answer {
        check_geometry(function, &launch)?;
        self.flush_prints();
        self.enqueue(stream, |context, device| {
            if context.handle != function.module.context {
                return Err(Failure::new(
                    CUDA_ERROR_INVALID_HANDLE,
                    "the kernel and the stream belong to different contexts",
                ));
            }
            let Launch { grid, block, dynamic_shared_bytes, params, .. } = &launch;
            let config = LaunchConfig {
                grid: *grid,
                block: *block,
                dynamic_shared_bytes: *dynamic_shared_bytes,
                params,
            };
            let kernel = function.kernel()?;
            let recording = is_recording();
            let sanitize = match self.sanitize {
                Sanitize::Off => false,
                Sanitize::Recorded => recording,
                Sanitize::All => true,
            };
            let options = Options { footprint: recording, sanitize, ..self.execution };
            let instance = &function.module.instance;
            let begin = Instant::now();
            let outcome = pipe_simt::observe(instance, kernel, &config, &device.memory, &options);
            let elapsed = begin.elapsed();
            match outcome {
                Ok(Observed { counts, lines }) => record(&LaunchRecord {
                    kernel: function.name.clone(),
                    grid: *grid,
                    block: *block,
                    dynamic_shared_bytes: *dynamic_shared_bytes,
                    static_shared_bytes: kernel.static_shared_bytes(),
                    registers: kernel.registers(),
                    counts,
                    lines,
                    elapsed,
                }),
                Err(LaunchError::Invalid(message)) => return Err(Failure::invalid_value(message)),
                Err(error) => context.break_with(failure_of(error)),
            }
            Ok(())
        })
    }
}

/// What CUDA calls a launch's failure.
fn failure_of(error: LaunchError) -> Failure {
    let message = error.to_string();
    match error {
        LaunchError::Trap(trap) => {
            let code = match trap.kind {
                TrapKind::OutOfBounds | TrapKind::UseAfterFree => CUDA_ERROR_ILLEGAL_ADDRESS,
                TrapKind::Misaligned => CUDA_ERROR_MISALIGNED_ADDRESS,
                // A GPU would hang until its watchdog ends the launch.
                TrapKind::Timeout | TrapKind::Deadlock => CUDA_ERROR_LAUNCH_TIMEOUT,
                _ => CUDA_ERROR_LAUNCH_FAILED,
            };
            Failure { code, message, trap: Some(trap) }
        }
        LaunchError::Fault(_) | LaunchError::Invalid(_) => Failure::new(CUDA_ERROR_UNKNOWN, message),
    }
}

fn check_geometry(function: &Function, launch: &Launch) -> Answer {
    let name = &function.name;
    let sides = [("grid", launch.grid, MAX_GRID), ("block", launch.block, MAX_BLOCK)];
    for (what, size, most) in sides {
        if size.iter().zip(most).any(|(side, most)| *side == 0 || *side > most) {
            return Err(Failure::invalid_value(format!(
                "kernel `{name}` cannot be launched with a {what} of {size:?}: its sides are 1 to {most:?}"
            )));
        }
    }
    let threads = launch.block.iter().map(|side| u64::from(*side)).product::<u64>();
    if threads > u64::from(MAX_BLOCK_THREADS) {
        return Err(Failure::invalid_value(format!(
            "kernel `{name}` cannot be launched with {threads} threads in a block: {MAX_BLOCK_THREADS} is the most"
        )));
    }
    if let Some(required) = function.kernel()?.required_block()
        && required != launch.block
    {
        return Err(Failure::invalid_value(format!(
            "kernel `{name}` cannot be launched with a block of {:?}: it requires {required:?}",
            launch.block
        )));
    }
    let most = function.max_block_threads()?;
    if threads > u64::from(most) {
        return Err(Failure::new(
            CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
            format!("kernel `{name}` is made for blocks of {most} threads at most, not {threads}"),
        ));
    }
    let most = function.max_dynamic_shared_bytes();
    if launch.dynamic_shared_bytes > most {
        return Err(Failure::invalid_value(format!(
            "kernel `{name}` cannot be launched with {} bytes of dynamic shared memory: {most} is the most, unless \
             CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES is set higher",
            launch.dynamic_shared_bytes
        )));
    }
    if launch.cooperative {
        let fit = function.blocks_per_multiprocessor(threads as i32, launch.dynamic_shared_bytes as usize)?;
        let most = u64::from(fit) * u64::from(SM_COUNT);
        let blocks = launch.grid.iter().map(|side| u64::from(*side)).product::<u64>();
        if blocks > most {
            return Err(Failure::new(
                CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
                format!(
                    "of kernel `{name}` {most} blocks run at once, and a cooperative launch has no more: not {blocks}"
                ),
            ));
        }
    }
    Ok(())
}
