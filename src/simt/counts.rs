//! What a launch did, counted exactly: the same on every machine, for every run and any number of threads.
//!
//! While a kernel runs only a [`Tally`] is kept: how often each basic block ran and with how many lanes, lanes of
//! guarded instructions, and what each memory instruction moved. Everything else follows from the code afterwards, and
//! so do counts by source line.

use std::ops::{Add, AddAssign};

use crate::{
    instruction::Space,
    isa::{Class, Code},
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
    instructions_integer: "Integer, bit and address warp instructions.",
    instructions_special: "Special-function warp instructions: rcp, sqrt, rsqrt, sin, cos, lg2, ex2, tanh.",
    instructions_memory: "Load, store and atomic warp instructions.",
    instructions_control: "Branch and exit warp instructions.",
    instructions_convert: "Conversion warp instructions.",
    instructions_move: "Move, select, compare and predicate warp instructions.",
    instructions_warp: "Shuffle, vote and other cross-lane warp instructions.",
    instructions_barrier: "Barrier and fence warp instructions.",
    instructions_tensor: "Matrix-product warp instructions.",
    flops: "Floating-point operations of active lanes: a fused multiply-add is two, comparisons and signs none.",
    tensor_flops: "Operations of matrix products, two for each pair of factors, not in `flops`; integer ones too.",
    global_load_requests: "Warp-wide loads from global memory with at least one active lane.",
    global_store_requests: "Warp-wide stores to global memory with at least one active lane.",
    global_load_sectors: "32-byte sectors that loads touch, each once a request.",
    global_store_sectors: "32-byte sectors that stores touch, each once a request.",
    global_load_bytes: "Bytes that active lanes load from global memory.",
    global_store_bytes: "Bytes that active lanes store to global memory.",
    shared_wavefronts: "Passes over the 32 shared-memory banks of 4 bytes.",
    shared_bank_conflicts: "Wavefronts beyond one for each 128 bytes that a request of all lanes moves.",
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

/// What one memory instruction moved.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    /// Requests to global memory, and the sectors and bytes they took.
    pub(crate) requests: u64,
    pub(crate) sectors: u64,
    pub(crate) bytes: u64,
    /// Passes over shared memory, and those beyond the fewest.
    pub(crate) wavefronts: u64,
    pub(crate) conflicts: u64,
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
    pub(crate) barriers: u64,
    /// By basic block: how often its compiled pieces ran, and with how many lanes.
    pub(crate) compiled: Vec<Passes>,
    /// By exit: how often compiled code left its load to the interpreter.
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

impl Tally {
    /// Zeros for a kernel.
    pub(crate) fn new(kernel: &Kernel, compiled: Option<&Compiled>) -> Self {
        let blocks = kernel.blocks.len();
        Tally {
            runs: vec![0; blocks],
            lanes: vec![0; blocks],
            guarded_lanes: vec![0; kernel.code.len()],
            divergent: vec![0; blocks],
            traffic: vec![Traffic::default(); kernel.tables.accesses.len()],
            barriers: 0,
            compiled: vec![Passes::default(); blocks],
            left: vec![Passes::default(); compiled.map_or(0, |compiled| compiled.exits().len())],
        }
    }

    /// Adds the loads that compiled code did: each loads one element for all lanes, once a pass of its block.
    pub(crate) fn settle(&mut self, kernel: &Kernel, compiled: &Compiled) {
        for (exit, left) in compiled.exits().iter().zip(&mut self.left) {
            let site = usize::from(kernel.code[exit.instruction as usize].m);
            let (passes, left) = (self.compiled[exit.block as usize], std::mem::take(left));
            let access = &kernel.tables.accesses[site];
            let traffic = &mut self.traffic[site];
            traffic.requests += passes.runs - left.runs;
            traffic.sectors += passes.runs - left.runs;
            traffic.bytes += u64::from(access.width * access.count) * (passes.lanes - left.lanes);
        }
        self.compiled.fill(Passes::default());
    }

    /// Adds what another thread counted.
    pub(crate) fn merge(&mut self, other: &Tally) {
        let sums = [
            (&mut self.runs, &other.runs),
            (&mut self.lanes, &other.lanes),
            (&mut self.guarded_lanes, &other.guarded_lanes),
            (&mut self.divergent, &other.divergent),
        ];
        for (sum, more) in sums {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        for (sum, more) in self.traffic.iter_mut().zip(&other.traffic) {
            sum.requests += more.requests;
            sum.sectors += more.sectors;
            sum.bytes += more.bytes;
            sum.wavefronts += more.wavefronts;
            sum.conflicts += more.conflicts;
        }
        self.barriers += other.barriers;
    }

    /// The counts that follow.
    pub(crate) fn counts(&self, kernel: &Kernel) -> Counts {
        let mut counts = Counts { barriers: self.barriers, ..Counts::default() };
        let mut classes = [0u64; Class::COUNT];
        for (i, block) in kernel.blocks.iter().enumerate() {
            counts.divergent_branches += self.divergent[i];
            for at in block.first as usize..block.limit() as usize {
                let instruction = &kernel.code[at];
                // What helps an instruction of the text is not one itself, but what it moves was asked for.
                self.count_traffic(kernel, at, &mut counts);
                if !kernel.counted[at] {
                    continue;
                }
                let lanes = if instruction.guard.is_none() { self.lanes[i] } else { self.guarded_lanes[at] };
                classes[instruction.code.class() as usize] += self.runs[i];
                counts.instructions += self.runs[i];
                counts.thread_instructions += lanes;
                if instruction.code == Code::Multiply {
                    let product = &kernel.tables.products[usize::from(instruction.m)];
                    // All 32 lanes execute it, or none.
                    counts.tensor_flops += lanes / LANES as u64 * u64::from(product.flops);
                }
                counts.flops += lanes * u64::from(instruction.code.flops());
            }
        }
        counts.instructions_float = classes[Class::Float as usize];
        counts.instructions_integer = classes[Class::Integer as usize];
        counts.instructions_special = classes[Class::Special as usize];
        counts.instructions_memory = classes[Class::Memory as usize];
        counts.instructions_control = classes[Class::Control as usize];
        counts.instructions_convert = classes[Class::Convert as usize];
        counts.instructions_move = classes[Class::Move as usize];
        counts.instructions_warp = classes[Class::Warp as usize];
        counts.instructions_tensor = classes[Class::Tensor as usize];
        counts.instructions_barrier = classes[Class::Barrier as usize];
        counts
    }

    fn count_traffic(&self, kernel: &Kernel, at: usize, counts: &mut Counts) {
        let instruction = &kernel.code[at];
        let index = usize::from(instruction.m);
        match instruction.code {
            Code::Load | Code::LoadMatrix => self.count_access(kernel, index, true, counts),
            Code::Store | Code::StoreMatrix => self.count_access(kernel, index, false, counts),
            Code::CopyAsync | Code::BulkLoad | Code::BulkStore => {
                self.count_access(kernel, index, false, counts);
                self.count_access(kernel, index + 1, true, counts);
            }
            _ => {}
        }
    }

    fn count_access(&self, kernel: &Kernel, index: usize, loads: bool, counts: &mut Counts) {
        let access = &kernel.tables.accesses[index];
        let traffic = &self.traffic[index];
        if matches!(access.space, Space::Shared | Space::Generic) {
            counts.shared_wavefronts += traffic.wavefronts;
            counts.shared_bank_conflicts += traffic.conflicts;
        }
        if loads {
            counts.global_load_requests += traffic.requests;
            counts.global_load_sectors += traffic.sectors;
            counts.global_load_bytes += traffic.bytes;
        } else {
            counts.global_store_requests += traffic.requests;
            counts.global_store_sectors += traffic.sectors;
            counts.global_store_bytes += traffic.bytes;
        }
    }
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
