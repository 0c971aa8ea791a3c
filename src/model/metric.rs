//! What was measured of a case, in which unit, and on what basis.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::{NameError, names::words};

words! {
    /// Where a number comes from.
    Basis, "basis" {
        /// Read off a clock or an allocator while the kernel ran.
        Measured = "measured",
        /// Counted exactly by the embedded device; the same on every machine and every run.
        Counted = "counted",
        /// Computed from counts by a documented model.
        Modelled = "modelled",
        /// Multiplied up from a part that really ran.
        Extrapolated = "extrapolated",
    }
}

words! {
    /// Which way of a metric is better.
    Direction, "direction" {
        /// Less is better: times, bytes, instructions.
        Lower = "lower",
        /// More is better: throughput.
        Higher = "higher",
        /// Neither: the number describes the work, not how well it is done.
        Neutral = "neutral",
    }
}

/// The unit of a metric's samples.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(Cow<'static, str>);

impl Unit {
    /// Nanoseconds.
    pub const NANOSECONDS: Unit = Unit(Cow::Borrowed("ns"));
    /// Bytes.
    pub const BYTES: Unit = Unit(Cow::Borrowed("bytes"));
    /// Positions of a sequence.
    pub const TOKENS: Unit = Unit(Cow::Borrowed("tokens"));
    /// A count of events.
    pub const COUNT: Unit = Unit(Cow::Borrowed("count"));
    /// A number without dimension.
    pub const ONE: Unit = Unit(Cow::Borrowed("1"));

    /// A unit of another tool, as it names it.
    pub fn named(name: impl Into<String>) -> Self {
        Unit(Cow::Owned(name.into()))
    }

    /// The unit as stored in the history.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The name of a metric: lower-case letters, digits and underscores, plus what pipe knows about its own ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metric(Cow<'static, str>);

/// pipe's own metrics: name, unit, direction and what the number is.
const KNOWN: &[(&str, &Unit, Direction, &str)] = &[
    ("gpu_time", &Unit::NANOSECONDS, Direction::Lower, "device time of the launch plan, from events"),
    (
        "emulation_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "wall time of the launch plan on the embedded device",
    ),
    ("peak_memory", &Unit::BYTES, Direction::Lower, "most device memory allocated at once by the case"),
    ("relative_error", &Unit::ONE, Direction::Neutral, "‖out − ref‖ / ‖ref‖ against the op's f64 reference"),
    ("instructions", &Unit::COUNT, Direction::Lower, "PTX instructions issued, one a warp"),
    ("thread_instructions", &Unit::COUNT, Direction::Lower, "PTX instructions times active lanes"),
    ("instructions_float", &Unit::COUNT, Direction::Lower, "floating-point warp instructions"),
    (
        "instructions_f16",
        &Unit::COUNT,
        Direction::Lower,
        "floating-point warp instructions in half precision",
    ),
    ("instructions_bf16", &Unit::COUNT, Direction::Lower, "floating-point warp instructions in bfloat16"),
    (
        "instructions_f32",
        &Unit::COUNT,
        Direction::Lower,
        "floating-point warp instructions in single precision",
    ),
    (
        "instructions_f64",
        &Unit::COUNT,
        Direction::Lower,
        "floating-point warp instructions in double precision",
    ),
    ("instructions_integer", &Unit::COUNT, Direction::Lower, "integer, bit and address warp instructions"),
    ("instructions_special", &Unit::COUNT, Direction::Lower, "special-function warp instructions"),
    ("instructions_tensor", &Unit::COUNT, Direction::Lower, "matrix warp instructions"),
    ("instructions_memory", &Unit::COUNT, Direction::Lower, "load, store and atomic warp instructions"),
    ("instructions_control", &Unit::COUNT, Direction::Lower, "branch, call and exit warp instructions"),
    ("instructions_convert", &Unit::COUNT, Direction::Lower, "conversion warp instructions"),
    ("instructions_move", &Unit::COUNT, Direction::Lower, "move, select and predicate warp instructions"),
    (
        "instructions_warp",
        &Unit::COUNT,
        Direction::Lower,
        "shuffle, vote and other cross-lane warp instructions",
    ),
    ("instructions_barrier", &Unit::COUNT, Direction::Lower, "barrier and fence warp instructions"),
    (
        "flops",
        &Unit::COUNT,
        Direction::Lower,
        "floating-point operations of active lanes, matrix instructions aside; a fused multiply-add is two",
    ),
    ("flops_f16", &Unit::COUNT, Direction::Lower, "floating-point operations in half precision"),
    ("flops_bf16", &Unit::COUNT, Direction::Lower, "floating-point operations in bfloat16"),
    ("flops_f32", &Unit::COUNT, Direction::Lower, "floating-point operations in single precision"),
    ("flops_f64", &Unit::COUNT, Direction::Lower, "floating-point operations in double precision"),
    ("special_operations", &Unit::COUNT, Direction::Lower, "special functions that active lanes evaluate"),
    (
        "tensor_flops",
        &Unit::COUNT,
        Direction::Lower,
        "floating-point operations of matrix instructions; a multiply-add is two",
    ),
    ("tensor_flops_f16", &Unit::COUNT, Direction::Lower, "those on half-precision and bfloat16 inputs"),
    ("tensor_flops_f8", &Unit::COUNT, Direction::Lower, "those on 8-bit floating-point inputs"),
    ("tensor_flops_tf32", &Unit::COUNT, Direction::Lower, "those on tf32 inputs"),
    ("tensor_flops_f64", &Unit::COUNT, Direction::Lower, "those on double-precision inputs"),
    (
        "tensor_integer_operations",
        &Unit::COUNT,
        Direction::Lower,
        "integer operations of matrix instructions; a multiply-add is two",
    ),
    ("global_load_requests", &Unit::COUNT, Direction::Lower, "warp-wide loads from global memory"),
    ("global_store_requests", &Unit::COUNT, Direction::Lower, "warp-wide stores to global memory"),
    ("global_load_sectors", &Unit::COUNT, Direction::Lower, "32-byte sectors loaded from global memory"),
    ("global_store_sectors", &Unit::COUNT, Direction::Lower, "32-byte sectors stored to global memory"),
    (
        "global_load_bytes",
        &Unit::BYTES,
        Direction::Lower,
        "bytes that active lanes asked for from global memory",
    ),
    ("global_store_bytes", &Unit::BYTES, Direction::Lower, "bytes that active lanes stored to global memory"),
    (
        "unique_load_bytes",
        &Unit::BYTES,
        Direction::Lower,
        "bytes of the sectors that a launch loads from at all: compulsory reads",
    ),
    (
        "unique_store_bytes",
        &Unit::BYTES,
        Direction::Lower,
        "bytes of the sectors that a launch stores to at all: compulsory writes",
    ),
    (
        "block_unique_load_bytes",
        &Unit::BYTES,
        Direction::Lower,
        "bytes of the sectors that a block loads from at all, summed over blocks",
    ),
    ("shared_wavefronts", &Unit::COUNT, Direction::Lower, "passes over the 32 shared-memory banks"),
    (
        "shared_bank_conflicts",
        &Unit::COUNT,
        Direction::Lower,
        "wavefronts beyond the fewest the request needs",
    ),
    ("local_load_requests", &Unit::COUNT, Direction::Lower, "warp-wide loads from local memory"),
    ("local_store_requests", &Unit::COUNT, Direction::Lower, "warp-wide stores to local memory"),
    ("local_load_sectors", &Unit::COUNT, Direction::Lower, "32-byte sectors loaded from local memory"),
    ("local_store_sectors", &Unit::COUNT, Direction::Lower, "32-byte sectors stored to local memory"),
    ("local_load_bytes", &Unit::BYTES, Direction::Lower, "bytes that active lanes load from local memory"),
    ("local_store_bytes", &Unit::BYTES, Direction::Lower, "bytes that active lanes store to local memory"),
    ("global_atomic_requests", &Unit::COUNT, Direction::Lower, "warp-wide atomics on global memory"),
    ("global_atomic_sectors", &Unit::COUNT, Direction::Lower, "32-byte sectors that they touch"),
    (
        "global_atomic_operations",
        &Unit::COUNT,
        Direction::Lower,
        "atomics on global memory, one an active lane",
    ),
    ("shared_atomic_requests", &Unit::COUNT, Direction::Lower, "warp-wide atomics on shared memory"),
    (
        "shared_atomic_operations",
        &Unit::COUNT,
        Direction::Lower,
        "atomics on shared memory, one an active lane",
    ),
    ("branches", &Unit::COUNT, Direction::Lower, "branches, taken or not"),
    (
        "divergent_branches",
        &Unit::COUNT,
        Direction::Lower,
        "branches that part of a warp's active lanes took",
    ),
    ("barriers", &Unit::COUNT, Direction::Lower, "barriers that a block completed"),
    (
        "roofline_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "least time of the counted work on the GPU that the environment names",
    ),
    (
        "roofline_issue_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is instruction issue: the longest of these binds",
    ),
    (
        "roofline_fp32_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is the single-precision pipe: the longest of these binds",
    ),
    (
        "roofline_fp16_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is the half-precision pipe: the longest of these binds",
    ),
    (
        "roofline_fp64_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is the double-precision pipe: the longest of these binds",
    ),
    (
        "roofline_integer_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is the integer pipe: the longest of these binds",
    ),
    (
        "roofline_special_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is the special-function units: the longest of these binds",
    ),
    (
        "roofline_tensor_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is the tensor cores: the longest of these binds",
    ),
    (
        "roofline_load_store_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is the load/store units: the longest of these binds",
    ),
    (
        "roofline_shared_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is the shared-memory banks: the longest of these binds",
    ),
    (
        "roofline_l1_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is L1 traffic: the longest of these binds",
    ),
    (
        "roofline_l2_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is L2 traffic: the longest of these binds",
    ),
    (
        "roofline_dram_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "the part of roofline_time's model that is DRAM traffic: the longest of these binds",
    ),
    (
        "roofline_occupancy",
        &Unit::ONE,
        Direction::Neutral,
        "share of the warps a multiprocessor can hold that the launches fill",
    ),
    (
        "roofline_waves",
        &Unit::ONE,
        Direction::Neutral,
        "how often the GPU is filled with the launches' blocks",
    ),
    ("launches", &Unit::COUNT, Direction::Lower, "kernel launches of the plan"),
    (
        "op_flops",
        &Unit::COUNT,
        Direction::Neutral,
        "floating-point operations of the matrix products that the op asks for, which the message names; a multiply-add is two",
    ),
    (
        "hot_loop_instructions",
        &Unit::COUNT,
        Direction::Lower,
        "instructions that warps issue in the innermost loop that issues most of them",
    ),
    (
        "hot_loop_overhead",
        &Unit::COUNT,
        Direction::Lower,
        "those of them that are integers, moves and control: what is neither computed nor loaded",
    ),
    (
        "registers_sm_80",
        &Unit::COUNT,
        Direction::Neutral,
        "most registers of a thread of any kernel, by ptxas for sm_80",
    ),
    (
        "registers_sm_90",
        &Unit::COUNT,
        Direction::Neutral,
        "most registers of a thread of any kernel, by ptxas for sm_90",
    ),
    (
        "registers_sm_120",
        &Unit::COUNT,
        Direction::Neutral,
        "most registers of a thread of any kernel, by ptxas for sm_120",
    ),
    (
        "spilled_bytes_sm_80",
        &Unit::BYTES,
        Direction::Lower,
        "bytes that kernels spill a thread, by ptxas for sm_80",
    ),
    (
        "spilled_bytes_sm_90",
        &Unit::BYTES,
        Direction::Lower,
        "bytes that kernels spill a thread, by ptxas for sm_90",
    ),
    (
        "spilled_bytes_sm_120",
        &Unit::BYTES,
        Direction::Lower,
        "bytes that kernels spill a thread, by ptxas for sm_120",
    ),
    (
        "slice_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "time of one slice of a long sequence: device time on a GPU, wall time on the embedded device",
    ),
    (
        "ring_step_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "host time of a step of one participant of a ring, the copy of the next chunk beside it: the mean of a turn",
    ),
    (
        "ring_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "host time of going round a ring once, every participant on a device of its own",
    ),
    (
        "strong_scaling",
        &Unit::ONE,
        Direction::Higher,
        "T(1 device) / (n T(n devices)) on the same sequence: 1 where n devices are n times as fast as one",
    ),
    (
        "weak_scaling",
        &Unit::ONE,
        Direction::Higher,
        "n T(1 device, one chunk) / T(n devices, n chunks): 1 where a device gets as much done a second as one alone",
    ),
    (
        "max_seq_len",
        &Unit::TOKENS,
        Direction::Higher,
        "longest sequence whose launch plan the device's memory holds",
    ),
    (
        "allocation_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "host time of an allocation by a fresh allocator: the mean of a trace's first pass",
    ),
    (
        "reuse_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "host time of an allocation once everything was given back: the mean of a trace's second pass",
    ),
    (
        "free_time",
        &Unit::NANOSECONDS,
        Direction::Lower,
        "host time of giving a buffer back: the mean of both passes",
    ),
    (
        "fragmentation",
        &Unit::ONE,
        Direction::Lower,
        "1 − most bytes asked for and held at once / most device memory reserved: what an allocator takes beyond need",
    ),
    ("live_memory", &Unit::BYTES, Direction::Neutral, "most bytes of a trace asked for and held at once"),
    (
        "device_allocations",
        &Unit::COUNT,
        Direction::Lower,
        "allocations that reached the device's own allocator, in both passes of a trace",
    ),
    (
        "hot_cache_hits",
        &Unit::COUNT,
        Direction::Higher,
        "allocations that a pool served with a block just given back, in both passes of a trace",
    ),
];

impl Metric {
    /// Device time of the launch plan, from events.
    pub const GPU_TIME: Metric = Metric(Cow::Borrowed("gpu_time"));
    /// Wall time of the launch plan on the embedded device. Never a GPU's time.
    pub const EMULATION_TIME: Metric = Metric(Cow::Borrowed("emulation_time"));
    /// Least time of the counted work on a named GPU.
    pub const ROOFLINE_TIME: Metric = Metric(Cow::Borrowed("roofline_time"));
    /// Most device memory allocated at once by the case.
    pub const PEAK_MEMORY: Metric = Metric(Cow::Borrowed("peak_memory"));
    /// ‖out − ref‖ / ‖ref‖ against the op's f64 reference.
    pub const RELATIVE_ERROR: Metric = Metric(Cow::Borrowed("relative_error"));

    /// Floating-point operations of the matrix products that the op's definition asks for. The row's message names the op.
    pub const OP_FLOPS: Metric = Metric(Cow::Borrowed("op_flops"));
    /// Instructions of the innermost loop that issues most of them.
    pub const HOT_LOOP_INSTRUCTIONS: Metric = Metric(Cow::Borrowed("hot_loop_instructions"));
    /// Those of them that are integers, moves and control.
    pub const HOT_LOOP_OVERHEAD: Metric = Metric(Cow::Borrowed("hot_loop_overhead"));
    /// Most registers of a thread of any kernel, by NVIDIA's assembler for sm_80.
    pub const REGISTERS_SM_80: Metric = Metric(Cow::Borrowed("registers_sm_80"));
    /// Bytes that kernels spill a thread, by NVIDIA's assembler for sm_80.
    pub const SPILLED_BYTES_SM_80: Metric = Metric(Cow::Borrowed("spilled_bytes_sm_80"));
    /// Most registers of a thread of any kernel, by NVIDIA's assembler for sm_90.
    pub const REGISTERS_SM_90: Metric = Metric(Cow::Borrowed("registers_sm_90"));
    /// Bytes that kernels spill a thread, by NVIDIA's assembler for sm_90.
    pub const SPILLED_BYTES_SM_90: Metric = Metric(Cow::Borrowed("spilled_bytes_sm_90"));
    /// Most registers of a thread of any kernel, by NVIDIA's assembler for sm_120.
    pub const REGISTERS_SM_120: Metric = Metric(Cow::Borrowed("registers_sm_120"));
    /// Bytes that kernels spill a thread, by NVIDIA's assembler for sm_120.
    pub const SPILLED_BYTES_SM_120: Metric = Metric(Cow::Borrowed("spilled_bytes_sm_120"));

    /// Time of one slice of a long sequence.
    pub const SLICE_TIME: Metric = Metric(Cow::Borrowed("slice_time"));
    /// Host time of a step of one participant of a ring.
    pub const RING_STEP_TIME: Metric = Metric(Cow::Borrowed("ring_step_time"));
    /// Host time of going round a ring once.
    pub const RING_TIME: Metric = Metric(Cow::Borrowed("ring_time"));
    /// What n devices get done together, against n times what one does, on the same sequence.
    pub const STRONG_SCALING: Metric = Metric(Cow::Borrowed("strong_scaling"));
    /// The same where each device has what the one has.
    pub const WEAK_SCALING: Metric = Metric(Cow::Borrowed("weak_scaling"));
    /// Longest sequence whose launch plan the device's memory holds.
    pub const MAX_SEQ_LEN: Metric = Metric(Cow::Borrowed("max_seq_len"));
    /// Host time of an allocation by a fresh allocator.
    pub const ALLOCATION_TIME: Metric = Metric(Cow::Borrowed("allocation_time"));
    /// Host time of an allocation once everything was given back.
    pub const REUSE_TIME: Metric = Metric(Cow::Borrowed("reuse_time"));
    /// Host time of giving a buffer back.
    pub const FREE_TIME: Metric = Metric(Cow::Borrowed("free_time"));
    /// 1 − most bytes held at once / most device memory reserved.
    ///
    /// The memory an allocator takes at its peak against the most a program needed, measure 4 of Johnstone & Wilson, "The
    /// memory fragmentation problem: solved?" (1998), as a share of what is taken.
    pub const FRAGMENTATION: Metric = Metric(Cow::Borrowed("fragmentation"));
    /// Most bytes asked for and held at once.
    pub const LIVE_MEMORY: Metric = Metric(Cow::Borrowed("live_memory"));
    /// Allocations that reached the device's own allocator.
    pub const DEVICE_ALLOCATIONS: Metric = Metric(Cow::Borrowed("device_allocations"));
    /// Allocations that a pool served with a block just given back.
    pub const HOT_CACHE_HITS: Metric = Metric(Cow::Borrowed("hot_cache_hits"));

    /// Every metric pipe itself writes.
    pub fn known() -> impl Iterator<Item = Metric> {
        KNOWN.iter().map(|(name, ..)| Metric(Cow::Borrowed(name)))
    }

    /// The name, as stored in the history.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn facts(&self) -> Option<&'static (&'static str, &'static Unit, Direction, &'static str)> {
        KNOWN.iter().find(|(name, ..)| *name == self.0)
    }

    /// The unit pipe writes this metric in; `1` for a metric it does not know.
    pub fn unit(&self) -> Unit {
        self.facts().map_or(Unit::ONE, |(_, unit, ..)| (*unit).clone())
    }

    /// Which way is better; neutral for a metric pipe does not know.
    pub fn direction(&self) -> Direction {
        self.facts().map_or(Direction::Neutral, |(_, _, direction, _)| *direction)
    }

    /// What the number is, in a few words; empty for a metric pipe does not know.
    pub fn description(&self) -> &'static str {
        self.facts().map_or("", |(_, _, _, description)| description)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Metric {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let well_formed = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if well_formed {
            Ok(Metric(Cow::Owned(text.to_owned())))
        } else {
            Err(NameError::new("metric", text, "lower-case letters, digits and underscores"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_is_known() {
        for metric in [
            Metric::GPU_TIME,
            Metric::EMULATION_TIME,
            Metric::ROOFLINE_TIME,
            Metric::PEAK_MEMORY,
            Metric::RELATIVE_ERROR,
            Metric::SLICE_TIME,
            Metric::RING_STEP_TIME,
            Metric::RING_TIME,
            Metric::STRONG_SCALING,
            Metric::WEAK_SCALING,
            Metric::MAX_SEQ_LEN,
            Metric::ALLOCATION_TIME,
            Metric::REUSE_TIME,
            Metric::FREE_TIME,
            Metric::FRAGMENTATION,
            Metric::LIVE_MEMORY,
            Metric::DEVICE_ALLOCATIONS,
            Metric::HOT_CACHE_HITS,
            Metric::HOT_LOOP_OVERHEAD,
            Metric::HOT_LOOP_INSTRUCTIONS,
            Metric::OP_FLOPS,
            Metric::REGISTERS_SM_80,
            Metric::SPILLED_BYTES_SM_80,
            Metric::REGISTERS_SM_90,
            Metric::SPILLED_BYTES_SM_90,
            Metric::REGISTERS_SM_120,
            Metric::SPILLED_BYTES_SM_120,
        ] {
            assert!(!metric.description().is_empty(), "{metric} has no description");
        }
        assert_eq!(Metric::PEAK_MEMORY.unit(), Unit::BYTES);
    }

    #[test]
    fn known_names_are_well_formed_and_unique() {
        let mut names: Vec<_> = Metric::known().map(|m| m.to_string()).collect();
        for name in &names {
            assert!(name.parse::<Metric>().is_ok(), "{name}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), KNOWN.len());
    }
}
