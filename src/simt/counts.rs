//! What a launch did, counted exactly: the same on every machine, for every run and any number of threads.
//!
//! While a kernel runs only a [`Tally`] is kept: how often each basic block ran and with how many lanes, lanes of
//! guarded instructions, and what each memory instruction moved. Everything else follows from the code afterwards:
//! each instruction has [`Counts`] of its own, and those of a source line and of the launch are sums of them. Only the
//! bytes that a launch touches at all are no sum; [`footprint`](crate::footprint) has them.

use std::{
    collections::BTreeMap,
    ops::{Add, AddAssign},
};

use crate::{
    instruction::{Factor, Product, Space},
    isa::{Class, Code, Precision},
    jit::Compiled,
    program::Kernel,
    registers::LANES,
};

macro_rules! counts {
    ($($name:ident: $what:literal,)*) => {
        /// Counts of one or several launches. The names are those of pipe's metrics.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $( #[doc = $what] pub $name: u64, )*
        }

        impl Counts {
            /// Name and value of each count.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$( (stringify!($name), self.$name) ),*].into_iter()
            }
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $( self.$name += other.$name; )*
            }
        }
    };
}

counts! {
    instructions: "PTX instructions issued, one a warp; guarded-off ones are issued too.",
    thread_instructions: "PTX instructions times lanes that executed them.",
    instructions_float: "Floating-point warp instructions.",
    instructions_f16: "Those of them in half precision, pairs included.",
    instructions_bf16: "Those of them in bfloat16, pairs included.",
    instructions_f32: "Those of them in single precision.",
    instructions_f64: "Those of them in double precision.",
    instructions_integer: "Integer, bit and address warp instructions.",
    instructions_special: "Special-function warp instructions: rcp, sqrt, rsqrt, sin, cos, lg2, ex2, tanh.",
    instructions_tensor: "Matrix warp instructions: mma and wmma.",
    instructions_memory: "Load, store and atomic warp instructions.",
    instructions_control: "Branch and exit warp instructions.",
    instructions_convert: "Conversion warp instructions.",
    instructions_move: "Move, select, compare and predicate warp instructions.",
    instructions_warp: "Shuffle, vote and other cross-lane warp instructions.",
    instructions_barrier: "Barrier and fence warp instructions.",
    flops: "Floating-point operations of active lanes, matrix instructions aside: a fused multiply-add is two, comparisons and signs none.",
    flops_f16: "Those of them in half precision.",
    flops_bf16: "Those of them in bfloat16.",
    flops_f32: "Those of them in single precision.",
    flops_f64: "Those of them in double precision.",
    special_operations: "Special functions that active lanes evaluate; a pair evaluates two.",
    tensor_flops: "Floating-point operations of matrix instructions: a multiply-add is two.",
    tensor_flops_f16: "Those of them on half precision and bfloat16 inputs.",
    tensor_flops_f8: "Those of them on 8-bit floating-point inputs.",
    tensor_flops_tf32: "Those of them on tf32 inputs.",
    tensor_flops_f64: "Those of them on double-precision inputs.",
    tensor_integer_operations: "Integer operations of matrix instructions: a multiply-add is two.",
    global_load_requests: "Warp-wide loads from global memory with at least one active lane.",
    global_store_requests: "Warp-wide stores to global memory with at least one active lane.",
    global_load_sectors: "32-byte sectors that loads touch, each once a request.",
    global_store_sectors: "32-byte sectors that stores touch, each once a request.",
    global_load_bytes: "Bytes that active lanes load from global memory.",
    global_store_bytes: "Bytes that active lanes store to global memory.",
    unique_load_bytes: "Bytes of the 32-byte sectors that a launch loads from at all, each once a launch: the least it can read. Counted where asked for, and not by line.",
    unique_store_bytes: "Bytes of the 32-byte sectors that a launch stores to at all, each once a launch. Counted where asked for, and not by line.",
    block_unique_load_bytes: "Bytes of the 32-byte sectors that a block loads from at all, each once a block: what it gets from L2 where L1 starts empty and keeps everything. Counted where asked for, and not by line.",
    shared_wavefronts: "Passes over the 32 shared-memory banks of 4 bytes, by loads, stores and atomics.",
    shared_bank_conflicts: "Wavefronts beyond one for each 128 bytes that a request of all lanes moves.",
    local_load_requests: "Warp-wide loads from local memory.",
    local_store_requests: "Warp-wide stores to local memory.",
    local_load_sectors: "32-byte sectors of those loads, as GPUs lay local memory out: the same word of 32 lanes side by side.",
    local_store_sectors: "32-byte sectors of those stores.",
    local_load_bytes: "Bytes that active lanes load from local memory.",
    local_store_bytes: "Bytes that active lanes store to local memory.",
    global_atomic_requests: "Warp-wide atomics on global memory.",
    global_atomic_sectors: "32-byte sectors that they touch, each once a request.",
    global_atomic_operations: "Atomics on global memory, one an active lane.",
    shared_atomic_requests: "Warp-wide atomics on shared memory.",
    shared_atomic_operations: "Atomics on shared memory, one an active lane.",
    branches: "Branches, taken or not.",
    divergent_branches: "Branches that part of a warp's active lanes took.",
    barriers: "Barriers that a block completed.",
}

impl Add for Counts {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Counts::default(), Add::add)
    }
}

/// Counts of one line of the PTX text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineCounts {
    /// The line, from 1.
    pub line: u32,
    /// Those of its instructions together.
    pub counts: Counts,
}

macro_rules! traffic {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What one memory instruction moved.
        #[derive(Debug, Clone, Copy, Default)]
        pub(crate) struct Traffic {
            $( $(#[$doc])* pub(crate) $name: u64, )*
        }

        impl AddAssign for Traffic {
            fn add_assign(&mut self, other: Self) {
                $( self.$name += other.$name; )*
            }
        }
    };
}

traffic! {
    /// Requests to global memory, and the sectors and bytes they took.
    requests,
    sectors,
    bytes,
    /// Passes over shared memory, and those beyond the fewest.
    wavefronts,
    conflicts,
    /// Requests to local memory, and the sectors and bytes they took.
    local_requests,
    local_sectors,
    local_bytes,
    /// Atomics on shared memory, a warp and a lane.
    shared_atomics,
    shared_atomic_lanes,
}

/// What is counted while a kernel runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// By basic block: how often it was entered.
    pub(crate) runs: Vec<u64>,
    /// By basic block: lanes that entered it.
    pub(crate) lanes: Vec<u64>,
    /// By instruction, where guarded: lanes that executed it.
    pub(crate) guarded_lanes: Vec<u64>,
    /// By basic block: how often the branch at its end diverged.
    pub(crate) divergent: Vec<u64>,
    /// By memory access.
    pub(crate) traffic: Vec<Traffic>,
    /// By instruction: barriers that completed, at the instruction that was first to arrive.
    pub(crate) barriers: Vec<u64>,
    /// By plan: how often its compiled pieces ran, and with how many lanes.
    pub(crate) compiled: Vec<Passes>,
    /// By exit: how often compiled code left loads to the interpreter.
    pub(crate) left: Vec<Passes>,
}

/// How often something was passed, and by how many lanes in all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passes {
    runs: u64,
    lanes: u64,
}

impl Passes {
    /// Adds one, with these lanes.
    #[inline(always)]
    pub(crate) fn count(&mut self, lanes: u32) {
        self.runs += 1;
        self.lanes += u64::from(lanes.count_ones());
    }
}

impl Passes {
    /// Adds some.
    #[inline(always)]
    pub(crate) fn add(&mut self, runs: u64, lanes: u64) {
        self.runs += runs;
        self.lanes += lanes;
    }
}

impl Tally {
    /// Zeros for a kernel.
    pub(crate) fn new(kernel: &Kernel, compiled: Option<&Compiled>) -> Self {
        let (blocks, instructions) = (kernel.blocks.len(), kernel.code.len());
        Tally {
            runs: vec![0; blocks],
            lanes: vec![0; blocks],
            guarded_lanes: vec![0; instructions],
            divergent: vec![0; blocks],
            traffic: vec![Traffic::default(); kernel.tables.accesses.len()],
            barriers: vec![0; instructions],
            compiled: vec![Passes::default(); compiled.map_or(0, Compiled::plans)],
            left: vec![Passes::default(); compiled.map_or(0, |compiled| compiled.exits().len())],
        }
    }

    /// Adds the loads that compiled code did, but for the sectors and wavefronts of those whose lanes differ.
    pub(crate) fn settle(&mut self, kernel: &Kernel, compiled: &Compiled) {
        for load in compiled.loads() {
            let Passes { mut runs, mut lanes } = self.compiled[load.plan];
            for exit in &load.exits {
                let left = self.left[*exit as usize];
                runs -= left.runs;
                lanes -= left.lanes;
            }
            let access = &kernel.tables.accesses[load.site];
            let traffic = &mut self.traffic[load.site];
            if access.space == Space::Param {
                continue;
            }
            if access.space == Space::Shared {
                traffic.wavefronts += if load.is_uniform { runs * u64::from(access.count) } else { 0 };
                continue;
            }
            traffic.requests += runs;
            traffic.sectors += if load.is_uniform { runs } else { 0 };
            traffic.bytes += u64::from(access.width * access.count) * lanes;
        }
        self.compiled.fill(Passes::default());
        self.left.fill(Passes::default());
    }

    /// Adds what another thread counted.
    pub(crate) fn merge(&mut self, other: &Tally) {
        let sums = [
            (&mut self.runs, &other.runs),
            (&mut self.lanes, &other.lanes),
            (&mut self.guarded_lanes, &other.guarded_lanes),
            (&mut self.divergent, &other.divergent),
            (&mut self.barriers, &other.barriers),
        ];
        for (sum, more) in sums {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        for (sum, more) in self.traffic.iter_mut().zip(&other.traffic) {
            *sum += *more;
        }
    }

    /// The counts that follow.
    pub(crate) fn counts(&self, kernel: &Kernel) -> Counts {
        self.by_instruction(kernel).map(|(_, counts)| counts).sum()
    }

    /// The counts of each line with instructions, by line.
    pub(crate) fn lines(&self, kernel: &Kernel) -> Vec<LineCounts> {
        let mut lines = BTreeMap::<u32, Counts>::new();
        for (at, counts) in self.by_instruction(kernel) {
            *lines.entry(kernel.lines.get(at).copied().unwrap_or_default()).or_default() += counts;
        }
        lines.into_iter().map(|(line, counts)| LineCounts { line, counts }).collect()
    }

    /// Each instruction's index and counts.
    fn by_instruction<'a>(&'a self, kernel: &'a Kernel) -> impl Iterator<Item = (usize, Counts)> + 'a {
        kernel.blocks.iter().enumerate().flat_map(move |(index, block)| {
            (block.first as usize..block.limit() as usize)
                .map(move |at| (at, self.instruction(kernel, index, at)))
        })
    }

    /// The counts of the instruction `at`, which stands in the basic block `index`.
    fn instruction(&self, kernel: &Kernel, index: usize, at: usize) -> Counts {
        let instruction = &kernel.code[at];
        let code = instruction.code;
        let mut counts = Counts { barriers: self.barriers[at], ..Counts::default() };
        if at == kernel.blocks[index].end as usize {
            counts.divergent_branches = self.divergent[index];
        }
        // What helps an instruction of the text is not one itself, but what it moves was asked for.
        self.count_traffic(kernel, at, &mut counts);
        if !kernel.counted[at] {
            return counts;
        }
        let runs = self.runs[index];
        let lanes = if instruction.guard.is_none() { self.lanes[index] } else { self.guarded_lanes[at] };
        counts.instructions = runs;
        counts.thread_instructions = lanes;
        counts.branches = if code == Code::Branch { runs } else { 0 };
        let flops = lanes * u64::from(code.flops());
        counts.flops = flops;
        match code.precision() {
            Precision::F16 => counts.flops_f16 = flops,
            Precision::Bf16 => counts.flops_bf16 = flops,
            Precision::F32 => counts.flops_f32 = flops,
            Precision::F64 => counts.flops_f64 = flops,
        }
        match code.class() {
            Class::Float => {
                counts.instructions_float = runs;
                match code.precision() {
                    Precision::F16 => counts.instructions_f16 = runs,
                    Precision::Bf16 => counts.instructions_bf16 = runs,
                    Precision::F32 => counts.instructions_f32 = runs,
                    Precision::F64 => counts.instructions_f64 = runs,
                }
            }
            Class::Special => {
                counts.instructions_special = runs;
                counts.special_operations = lanes * u64::from(code.flops().max(1));
            }
            Class::Integer => counts.instructions_integer = runs,
            Class::Tensor => {
                counts.instructions_tensor = runs;
                count_product(&kernel.tables.products[usize::from(instruction.m)], lanes, &mut counts);
            }
            Class::Memory => counts.instructions_memory = runs,
            Class::Control => counts.instructions_control = runs,
            Class::Convert => counts.instructions_convert = runs,
            Class::Move => counts.instructions_move = runs,
            Class::Warp => counts.instructions_warp = runs,
            Class::Barrier => counts.instructions_barrier = runs,
        }
        counts
    }

    /// Adds what a memory instruction moved.
    fn count_traffic(&self, kernel: &Kernel, at: usize, counts: &mut Counts) {
        let instruction = &kernel.code[at];
        let site = usize::from(instruction.m);
        match instruction.code {
            Code::Load | Code::LoadMatrix => count_loads(&self.traffic[site], counts),
            Code::Store | Code::StoreMatrix => count_stores(&self.traffic[site], counts),
            Code::CopyAsync | Code::BulkLoad | Code::BulkStore => {
                count_stores(&self.traffic[site], counts);
                count_loads(&self.traffic[site + 1], counts);
            }
            Code::Atomic => {
                let (traffic, width) = (&self.traffic[site], kernel.tables.accesses[site].width);
                count_shared(traffic, counts);
                counts.global_atomic_requests += traffic.requests;
                counts.global_atomic_sectors += traffic.sectors;
                counts.global_atomic_operations += traffic.bytes / u64::from(width).max(1);
                counts.shared_atomic_requests += traffic.shared_atomics;
                counts.shared_atomic_operations += traffic.shared_atomic_lanes;
            }
            _ => {}
        }
    }
}

fn count_shared(traffic: &Traffic, counts: &mut Counts) {
    counts.shared_wavefronts += traffic.wavefronts;
    counts.shared_bank_conflicts += traffic.conflicts;
}

fn count_loads(traffic: &Traffic, counts: &mut Counts) {
    count_shared(traffic, counts);
    counts.global_load_requests += traffic.requests;
    counts.global_load_sectors += traffic.sectors;
    counts.global_load_bytes += traffic.bytes;
    counts.local_load_requests += traffic.local_requests;
    counts.local_load_sectors += traffic.local_sectors;
    counts.local_load_bytes += traffic.local_bytes;
}

fn count_stores(traffic: &Traffic, counts: &mut Counts) {
    count_shared(traffic, counts);
    counts.global_store_requests += traffic.requests;
    counts.global_store_sectors += traffic.sectors;
    counts.global_store_bytes += traffic.bytes;
    counts.local_store_requests += traffic.local_requests;
    counts.local_store_sectors += traffic.local_sectors;
    counts.local_store_bytes += traffic.local_bytes;
}

/// Adds the operations of a matrix product, which all lanes of a warp compute together.
fn count_product(product: &Product, lanes: u64, counts: &mut Counts) {
    let operations = lanes / LANES as u64 * u64::from(product.flops);
    let by_type = match product.a_type {
        Factor::F16 | Factor::Bf16 => &mut counts.tensor_flops_f16,
        Factor::E4m3 | Factor::E5m2 => &mut counts.tensor_flops_f8,
        Factor::Tf32 => &mut counts.tensor_flops_tf32,
        Factor::F64 => &mut counts.tensor_flops_f64,
        Factor::U8 | Factor::S8 => {
            counts.tensor_integer_operations += operations;
            return;
        }
    };
    *by_type += operations;
    counts.tensor_flops += operations;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_field_by_field() {
        let one = Counts { instructions: 1, barriers: 2, ..Counts::default() };
        let sum: Counts = [one, one].into_iter().sum();
        assert_eq!(sum, Counts { instructions: 2, barriers: 4, ..Counts::default() });
        assert_eq!(one.iter().map(|(_, value)| value).sum::<u64>(), 3);
        assert_eq!(one.iter().next(), Some(("instructions", 1)));
    }
}
