//! `roofline_time`: the least time in which a named GPU could do what a launch was counted to do.
//!
//! Every resource of the GPU has a peak; the work that a launch asks of it, divided by the peak, is a time below which the
//! launch cannot end. The bound is the longest of these times, and the resource it comes from is what binds. The model knows
//! no latency and no dependence: a kernel that reaches its bound keeps that resource busy from beginning to end.
//!
//! With `B` blocks on `S` multiprocessors the busiest of them runs at least `⌈B / S⌉` blocks, so `⌈B / S⌉ / B` of the launch's
//! work falls to it: fewer blocks than multiprocessors, and a last wave that is not full, lengthen what multiprocessors do.
//! With `c` the clock, per multiprocessor, and counts by their metrics' names:
//!
//! | resource | time |
//! | --- | --- |
//! | `issue` | instructions / min(`issue`, resident warps) / c: a warp issues at most one instruction a clock |
//! | `fp32` | 32 · instructions_f32 / `fp32` / c |
//! | `fp16` | 32 · 2 · (instructions_f16 / `fp16` + instructions_bf16 / `bf16`) / c: an instruction takes the room of a pair |
//! | `fp64` | 32 · instructions_f64 / `fp64` / c |
//! | `integer` | 32 · instructions_integer / `integer` / c |
//! | `special` | 32 · instructions_special / `special` / c |
//! | `tensor` | (tensor_flops_f16 / `tensor.fp16` + tensor_flops_tf32 / `tensor.tf32` + …) / c |
//! | `load_store` | 32 · instructions_memory / `load_store` / c |
//! | `shared` | shared_wavefronts / `shared_wavefronts` / c |
//! | `l1` | (global load, store and atomic sectors + local sectors) / `l1_sectors` / c |
//!
//! and for the whole GPU:
//!
//! | resource | time |
//! | --- | --- |
//! | `l2` | (block_unique_load_bytes + 32 · (global_store_sectors + global_atomic_sectors)) / `l2_bytes_per_clock` / c |
//! | `dram` | (unique_load_bytes + unique_store_bytes) / `dram_gb_per_second` |
//!
//! Loads reach L2 once a block and DRAM once a launch: what caches could keep, they keep. Stores and atomics all reach L2.
//! PTX instructions stand for machine instructions, of which the assembler makes fewer (moves) or more (divisions).
//! Launches run one after the other, so a plan's times are sums; starting a launch costs nothing.

use pipe_kernels::Gpu;
use pipe_simt::Counts;

/// Lanes of a warp.
const LANES: f64 = 32.0;
/// Bytes of a sector.
const SECTOR: f64 = 32.0;

/// What can bind a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the module's table explains each")]
pub enum Resource {
    Issue,
    Fp32,
    Fp16,
    Fp64,
    Integer,
    Special,
    Tensor,
    LoadStore,
    Shared,
    L1,
    L2,
    Dram,
}

impl Resource {
    /// Every resource, in the order of the module's tables.
    pub const ALL: [Resource; 12] = [
        Resource::Issue,
        Resource::Fp32,
        Resource::Fp16,
        Resource::Fp64,
        Resource::Integer,
        Resource::Special,
        Resource::Tensor,
        Resource::LoadStore,
        Resource::Shared,
        Resource::L1,
        Resource::L2,
        Resource::Dram,
    ];

    /// Its name: the metric of its time is `roofline_<name>_time`.
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Issue => "issue",
            Resource::Fp32 => "fp32",
            Resource::Fp16 => "fp16",
            Resource::Fp64 => "fp64",
            Resource::Integer => "integer",
            Resource::Special => "special",
            Resource::Tensor => "tensor",
            Resource::LoadStore => "load_store",
            Resource::Shared => "shared",
            Resource::L1 => "l1",
            Resource::L2 => "l2",
            Resource::Dram => "dram",
        }
    }

    /// What it is, for people.
    pub const fn description(self) -> &'static str {
        match self {
            Resource::Issue => "instruction issue",
            Resource::Fp32 => "single-precision pipe",
            Resource::Fp16 => "half-precision pipe",
            Resource::Fp64 => "double-precision pipe",
            Resource::Integer => "integer pipe",
            Resource::Special => "special-function units",
            Resource::Tensor => "tensor cores",
            Resource::LoadStore => "load/store units",
            Resource::Shared => "shared-memory banks",
            Resource::L1 => "L1 traffic",
            Resource::L2 => "L2 traffic",
            Resource::Dram => "DRAM traffic",
        }
    }
}

/// A launch as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Blocks of the grid, at least 1.
    pub blocks: u64,
    /// Threads of a block, at least 1.
    pub threads: u32,
    /// Shared memory of a block, static and dynamic.
    pub shared_bytes: u32,
    /// 32-bit registers of a thread.
    pub registers: u32,
    /// What the launch did, the unique bytes included.
    pub counts: Counts,
}

/// Why a GPU cannot run a launch at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A block asks for more of something than a multiprocessor has.
    #[error("a block needs {needed} {what}, {gpu} has {available}")]
    TooLarge {
        /// `bytes of shared memory`, for instance.
        what: &'static str,
        /// By the block.
        needed: u64,
        /// On the GPU.
        available: u64,
        /// Its name.
        gpu: String,
    },
    /// It has no unit for an operation.
    #[error("{gpu} has no {what}")]
    Missing {
        /// `tensor operations on tf32`, for instance.
        what: &'static str,
        /// Its name.
        gpu: String,
    },
}

/// What a multiprocessor holds of a launch at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Occupancy {
    /// Blocks resident on a multiprocessor.
    pub blocks: u32,
    /// Their warps over the warps that it can hold, 0 to 1.
    pub share: f64,
    /// How often the GPU is filled with blocks: a whole number leaves no tail.
    pub waves: f64,
}

/// The bounds of a launch.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The least nanoseconds each resource needs, in the order of [`Resource::ALL`].
    pub times: [f64; Resource::ALL.len()],
    /// How the launch fills the GPU.
    pub occupancy: Occupancy,
}

impl Bound {
    /// Nanoseconds below which the launch cannot end.
    pub fn time(&self) -> f64 {
        self.times.into_iter().fold(0.0, f64::max)
    }

    /// The resource that needs longest, the first of several.
    pub fn binding(&self) -> Resource {
        let time = self.time();
        Resource::ALL
            .into_iter()
            .zip(self.times)
            .find(|(_, own)| *own == time)
            .map_or(Resource::Issue, |(r, _)| r)
    }

    /// The least nanoseconds that a resource needs.
    pub fn of(&self, resource: Resource) -> f64 {
        self.times[resource as usize]
    }
}

/// How a launch fills a multiprocessor of `gpu`: as many blocks as warps, registers and shared memory allow.
///
/// # Errors
/// Where not even one block fits.
pub fn occupancy(work: &Work, gpu: &Gpu) -> Result<Occupancy, Unfit> {
    let limits = &gpu.limits;
    let too_large = |what, needed: u64, available: u32| Unfit::TooLarge {
        what,
        needed,
        available: available.into(),
        gpu: gpu.name.clone(),
    };
    let warps = work.threads.div_ceil(32).max(1);
    if warps > limits.warps {
        return Err(too_large("warps", warps.into(), limits.warps));
    }
    let registers = (u64::from(work.registers.max(1)) * 32)
        .next_multiple_of(u64::from(limits.register_granularity))
        * u64::from(warps);
    if registers > u64::from(limits.registers) {
        return Err(too_large("registers", registers, limits.registers));
    }
    if work.shared_bytes > limits.shared_bytes_per_block {
        let needed = work.shared_bytes.into();
        return Err(too_large("bytes of shared memory", needed, limits.shared_bytes_per_block));
    }
    let shared = (u64::from(work.shared_bytes) + u64::from(limits.shared_bytes_reserved))
        .next_multiple_of(u64::from(limits.shared_granularity));
    let by_shared = u64::from(limits.shared_bytes).checked_div(shared).unwrap_or(u64::MAX);
    let blocks = u64::from(limits.blocks)
        .min(u64::from(limits.warps / warps))
        .min(u64::from(limits.registers) / registers)
        .min(by_shared) as u32;
    if blocks == 0 {
        return Err(too_large("bytes of shared memory", shared, limits.shared_bytes));
    }
    Ok(Occupancy {
        blocks,
        share: f64::from(blocks * warps) / f64::from(limits.warps),
        waves: work.blocks as f64 / (f64::from(blocks) * f64::from(gpu.multiprocessors)),
    })
}

/// The bounds of a launch on `gpu`.
///
/// # Errors
/// Where the GPU cannot run it.
pub fn bound(work: &Work, gpu: &Gpu) -> Result<Bound, Unfit> {
    let occupancy = occupancy(work, gpu)?;
    let Counts {
        instructions,
        instructions_f32,
        instructions_f16,
        instructions_bf16,
        instructions_f64,
        instructions_integer,
        instructions_special,
        instructions_memory,
        tensor_flops_f16,
        tensor_flops_f8,
        tensor_flops_tf32,
        tensor_flops_f64,
        tensor_integer_operations,
        shared_wavefronts,
        global_load_sectors,
        global_store_sectors,
        global_atomic_sectors,
        local_load_sectors,
        local_store_sectors,
        block_unique_load_bytes,
        unique_load_bytes,
        unique_store_bytes,
        ..
    } = work.counts;
    let (peak, tensor) = (&gpu.throughput, &gpu.tensor);
    // Work over a peak that the GPU may lack.
    let over = |work: u64, peak: Option<f64>, what: &'static str| match (work, peak) {
        (0, _) => Ok(0.0),
        (work, Some(peak)) => Ok(work as f64 / peak),
        (_, None) => Err(Unfit::Missing { what, gpu: gpu.name.clone() }),
    };

    let blocks = work.blocks.max(1);
    let busiest = blocks.div_ceil(u64::from(gpu.multiprocessors));
    let warps = u64::from(work.threads.div_ceil(32).max(1)) * u64::from(occupancy.blocks).min(busiest);
    let lanes = |warp_instructions: u64, peak: f64| LANES * warp_instructions as f64 / peak;
    let halves = 2.0
        * LANES
        * (instructions_f16 as f64 / peak.fp16
            + over(instructions_bf16, peak.bf16, "bfloat16 instructions")?);
    let matrices = over(tensor_flops_f16, tensor.fp16, "tensor operations on half precision")?
        + over(tensor_flops_f8, tensor.fp8, "tensor operations on 8-bit floats")?
        + over(tensor_flops_tf32, tensor.tf32, "tensor operations on tf32")?
        + over(tensor_flops_f64, tensor.fp64, "tensor operations on double precision")?
        + over(tensor_integer_operations, tensor.int8, "tensor operations on integers")?;
    let sectors = global_load_sectors
        + global_store_sectors
        + global_atomic_sectors
        + local_load_sectors
        + local_store_sectors;
    let l2_bytes =
        block_unique_load_bytes as f64 + SECTOR * (global_store_sectors + global_atomic_sectors) as f64;

    // Clocks of all multiprocessors together, then of the busiest.
    let nanoseconds = 1000.0 / gpu.clock_mhz;
    let share = busiest as f64 / blocks as f64;
    let on_busiest = |clocks: f64| clocks * share * nanoseconds;
    Ok(Bound {
        times: [
            on_busiest(instructions as f64 / peak.issue.min(warps as f64)),
            on_busiest(lanes(instructions_f32, peak.fp32)),
            on_busiest(halves),
            on_busiest(lanes(instructions_f64, peak.fp64)),
            on_busiest(lanes(instructions_integer, peak.integer)),
            on_busiest(lanes(instructions_special, peak.special)),
            on_busiest(matrices),
            on_busiest(lanes(instructions_memory, peak.load_store)),
            on_busiest(shared_wavefronts as f64 / peak.shared_wavefronts),
            on_busiest(sectors as f64 / peak.l1_sectors),
            l2_bytes / gpu.memory.l2_bytes_per_clock * nanoseconds,
            (unique_load_bytes + unique_store_bytes) as f64 / gpu.memory.dram_gb_per_second,
        ],
        occupancy,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pipe_kernels::Library;

    use super::*;

    fn gpu(name: &str) -> Arc<Gpu> {
        Arc::clone(Library::built_in().gpu(name).unwrap())
    }

    fn work(blocks: u64, threads: u32, counts: Counts) -> Work {
        Work { blocks, threads, shared_bytes: 0, registers: 32, counts }
    }

    fn close(left: f64, right: f64) {
        assert!((left - right).abs() <= 1e-9 * right.abs(), "{left} is not {right}");
    }

    #[test]
    fn a_copy_is_bound_by_dram() {
        // 1 GB in, 1 GB out at 2039 GB/s.
        let counts = Counts {
            unique_load_bytes: 1_000_000_000,
            unique_store_bytes: 1_000_000_000,
            instructions: 1000,
            ..Counts::default()
        };
        let bound = bound(&work(1 << 20, 256, counts), &gpu("A100")).unwrap();
        assert_eq!(bound.binding(), Resource::Dram);
        close(bound.time(), 2e9 / 2039.0);
    }

    #[test]
    fn peak_flops_are_the_vendors() {
        // A second's worth of fused multiply-adds: what the datasheets call TFLOPS.
        let teraflops = |name: &str, counts: Counts, flops_a_warp: f64, resource: Resource| {
            let gpu = gpu(name);
            let blocks = u64::from(gpu.multiprocessors) * 8;
            let bound = bound(&work(blocks, 1024, counts), &gpu).unwrap();
            flops_a_warp * 1e9 / bound.of(resource) / 1000.0
        };
        let of = |count: fn(&mut Counts)| {
            let mut counts = Counts::default();
            count(&mut counts);
            counts
        };
        let single = of(|c| c.instructions_f32 = 1_000_000_000);
        let double = of(|c| c.instructions_f64 = 1_000_000_000);
        let half = of(|c| c.instructions_f16 = 1_000_000_000);
        let tensor = of(|c| c.tensor_flops_f16 = 1_000_000_000);
        let near =
            |ours: f64, published: f64| assert!((ours / published - 1.0).abs() < 0.01, "{ours} {published}");
        near(teraflops("gtx-1080", single, 64.0, Resource::Fp32), 8.873);
        near(teraflops("a100", single, 64.0, Resource::Fp32), 19.5);
        near(teraflops("a100", double, 64.0, Resource::Fp64), 9.7);
        near(teraflops("a100", half, 128.0, Resource::Fp16), 78.0);
        near(teraflops("a100", tensor, 1.0, Resource::Tensor), 312.0);
        near(teraflops("h100", single, 64.0, Resource::Fp32), 67.0);
        near(teraflops("h200", double, 64.0, Resource::Fp64), 33.5);
        near(teraflops("rtx 4090", single, 64.0, Resource::Fp32), 82.6);
        near(teraflops("rtx-4090", tensor, 1.0, Resource::Tensor), 330.3);
        near(teraflops("b200", single, 64.0, Resource::Fp32), 75.0);
    }

    #[test]
    fn each_resource_by_hand() {
        let counts = Counts {
            instructions: 4000,
            instructions_f32: 1000,
            instructions_bf16: 300,
            instructions_integer: 700,
            instructions_special: 50,
            instructions_memory: 500,
            shared_wavefronts: 900,
            global_load_sectors: 1000,
            global_store_sectors: 200,
            global_atomic_sectors: 40,
            local_load_sectors: 60,
            block_unique_load_bytes: 12_800,
            unique_load_bytes: 3200,
            unique_store_bytes: 6400,
            ..Counts::default()
        };
        // 10 blocks on 108 multiprocessors: one has a tenth of the work. Its 2 warps issue 2 a clock. 1.41 GHz.
        let bound = bound(&work(10, 64, counts), &gpu("a100")).unwrap();
        let clock = 1.41;
        close(bound.of(Resource::Issue), 4000.0 / 2.0 / 10.0 / clock);
        close(bound.of(Resource::Fp32), 1000.0 * 32.0 / 64.0 / 10.0 / clock);
        close(bound.of(Resource::Fp16), 300.0 * 64.0 / 128.0 / 10.0 / clock);
        close(bound.of(Resource::Integer), 700.0 / 2.0 / 10.0 / clock);
        close(bound.of(Resource::Special), 50.0 * 2.0 / 10.0 / clock);
        close(bound.of(Resource::LoadStore), 500.0 / 10.0 / clock);
        close(bound.of(Resource::Shared), 900.0 / 10.0 / clock);
        close(bound.of(Resource::L1), 1300.0 / 4.0 / 10.0 / clock);
        close(bound.of(Resource::L2), (12_800.0 + 32.0 * 240.0) / 5120.0 / clock);
        close(bound.of(Resource::Dram), 9600.0 / 2039.0);
        assert_eq!(bound.of(Resource::Tensor), 0.0);
        assert_eq!(bound.binding(), Resource::Issue);
        close(bound.time(), 200.0 / clock);
    }

    #[test]
    fn a_tail_lengthens_what_multiprocessors_do() {
        let counts = Counts { instructions_f32: 1_000_000, ..Counts::default() };
        let time = |blocks| bound(&work(blocks, 256, counts), &gpu("h100")).unwrap().time();
        close(time(132), time(264));
        // 133 blocks: two on one multiprocessor, so twice a 133rd instead of a 132nd.
        close(time(133), time(132) * 132.0 * 2.0 / 133.0);
        assert!(time(1) > 100.0 * time(132));
    }

    #[test]
    fn occupancy_follows_the_scarcest() {
        let gpu = gpu("a100");
        let of = |threads, registers, shared_bytes| {
            let work = Work { blocks: 216, threads, shared_bytes, registers, counts: Counts::default() };
            occupancy(&work, &gpu)
        };
        // Warps: 64 / 8. Registers: 65536 / (64 · 256). Shared: 164 KiB / (40 + 1) KiB. Blocks: 32.
        assert_eq!(of(256, 32, 0).unwrap(), Occupancy { blocks: 8, share: 1.0, waves: 0.25 });
        assert_eq!(of(256, 64, 0).unwrap(), Occupancy { blocks: 4, share: 0.5, waves: 0.5 });
        assert_eq!(of(256, 32, 40 << 10).unwrap().blocks, 4);
        assert_eq!(of(32, 32, 0).unwrap(), Occupancy { blocks: 32, share: 0.5, waves: 0.0625 });
        // 33 registers are given out as 40: 1280 a warp.
        assert_eq!(of(1024, 33, 0).unwrap().blocks, 1);
        let error = of(256, 32, 164 << 10).unwrap_err().to_string();
        assert_eq!(error, "a block needs 167936 bytes of shared memory, NVIDIA A100 SXM4 80GB has 166912");
        assert!(of(1024, 255, 0).unwrap_err().to_string().contains("registers"));
    }

    #[test]
    fn what_a_gpu_lacks_is_named() {
        let counts = Counts { tensor_flops_f16: 1, ..Counts::default() };
        let error = bound(&work(1, 32, counts), &gpu("gtx-1080")).unwrap_err().to_string();
        assert_eq!(error, "NVIDIA GeForce GTX 1080 has no tensor operations on half precision");
    }
}
