//! What a GPU can do at best, by name: the figures that a bound on a kernel's time is computed from.
//!
//! One file a GPU, `kernels-ptx/gpus/<name>.toml`, with the vendor's published figures and their sources. A repository's
//! own files are laid over those that the binary carries, so that any GPU can be added.

use serde::Deserialize;

use crate::{Broken, FileError, manifest::parse_toml, source::File};

/// A GPU's peaks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// As the vendor names it.
    pub name: String,
    /// `9.0`, for instance.
    pub compute_capability: String,
    /// Where the figures are from.
    pub sources: Vec<String>,
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
    /// The highest clock.
    pub clock_mhz: f64,
    /// Of one multiprocessor each clock.
    pub throughput: Throughput,
    /// Of its tensor cores, where it has them.
    #[serde(default)]
    pub tensor: TensorThroughput,
    /// What one multiprocessor holds.
    pub limits: Limits,
    /// Caches and memory.
    pub memory: Memory,
}

/// What one multiprocessor does each clock.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throughput {
    /// Warp instructions issued, one a scheduler.
    pub issue: f64,
    /// Single-precision results.
    pub fp32: f64,
    /// Half-precision results, two for each instruction on pairs.
    pub fp16: f64,
    /// Bfloat16 results, two for each instruction on pairs; none where the hardware has no such instruction.
    pub bf16: Option<f64>,
    /// Double-precision results.
    pub fp64: f64,
    /// 32-bit integer results.
    pub integer: f64,
    /// Results of special functions.
    pub special: f64,
    /// Lanes of loads, stores and atomics.
    pub load_store: f64,
    /// Passes over the banks of shared memory.
    pub shared_wavefronts: f64,
    /// 32-byte sectors between L1 and the registers.
    pub l1_sectors: f64,
}

/// Operations of one multiprocessor's tensor cores each clock, dense; a multiply-add is two. A missing one cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorThroughput {
    /// On half-precision and bfloat16 inputs.
    pub fp16: Option<f64>,
    /// On 8-bit floating-point inputs.
    pub fp8: Option<f64>,
    /// On tf32 inputs.
    pub tf32: Option<f64>,
    /// On double-precision inputs.
    pub fp64: Option<f64>,
    /// On 8-bit integers.
    pub int8: Option<f64>,
}

/// What one multiprocessor holds at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Warps.
    pub warps: u32,
    /// Blocks.
    pub blocks: u32,
    /// 32-bit registers.
    pub registers: u32,
    /// A warp gets its registers in multiples of this.
    pub register_granularity: u32,
    /// Bytes of shared memory.
    pub shared_bytes: u32,
    /// Most of it that one block can have.
    pub shared_bytes_per_block: u32,
    /// Bytes of it that the system takes for each block.
    pub shared_bytes_reserved: u32,
    /// A block gets its shared memory in multiples of this many bytes.
    pub shared_granularity: u32,
}

/// Caches and memory.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Size of L2.
    pub l2_bytes: u64,
    /// Bytes each clock between L2 and all multiprocessors.
    pub l2_bytes_per_clock: f64,
    /// Memory bandwidth, 10⁹ bytes a second.
    pub dram_gb_per_second: f64,
}

impl Gpu {
    /// Reads the file of the GPU `name`.
    pub(crate) fn load(name: &str, file: &File) -> Result<Self, Broken> {
        let broken = |error| Broken { name: name.to_owned(), errors: vec![error] };
        let parsed = file.text().and_then(|text| parse_toml::<Gpu>(&file.name, text)).map_err(broken)?;
        match parsed.nonsense() {
            Some(key) => {
                let message = format!("`{key}` must be a number above 0");
                Err(broken(FileError::whole(&file.name, message)))
            }
            None => Ok(parsed),
        }
    }

    /// A figure by which nothing can be divided, if any.
    fn nonsense(&self) -> Option<&'static str> {
        let Throughput {
            issue,
            fp32,
            fp16,
            bf16,
            fp64,
            integer,
            special,
            load_store,
            shared_wavefronts,
            l1_sectors,
        } = self.throughput;
        let TensorThroughput { fp16: tensor16, fp8, tf32, fp64: tensor64, int8 } = self.tensor;
        let limits = &self.limits;
        let figures = [
            ("multiprocessors", Some(f64::from(self.multiprocessors))),
            ("clock_mhz", Some(self.clock_mhz)),
            ("throughput.issue", Some(issue)),
            ("throughput.fp32", Some(fp32)),
            ("throughput.fp16", Some(fp16)),
            ("throughput.bf16", bf16),
            ("throughput.fp64", Some(fp64)),
            ("throughput.integer", Some(integer)),
            ("throughput.special", Some(special)),
            ("throughput.load_store", Some(load_store)),
            ("throughput.shared_wavefronts", Some(shared_wavefronts)),
            ("throughput.l1_sectors", Some(l1_sectors)),
            ("tensor.fp16", tensor16),
            ("tensor.fp8", fp8),
            ("tensor.tf32", tf32),
            ("tensor.fp64", tensor64),
            ("tensor.int8", int8),
            ("limits.warps", Some(f64::from(limits.warps))),
            ("limits.blocks", Some(f64::from(limits.blocks))),
            ("limits.registers", Some(f64::from(limits.registers))),
            ("limits.register_granularity", Some(f64::from(limits.register_granularity))),
            ("limits.shared_granularity", Some(f64::from(limits.shared_granularity))),
            ("memory.l2_bytes_per_clock", Some(self.memory.l2_bytes_per_clock)),
            ("memory.dram_gb_per_second", Some(self.memory.dram_gb_per_second)),
        ];
        let wrong = |figure: &f64| !(figure.is_finite() && *figure > 0.0);
        figures.into_iter().find(|(_, figure)| figure.as_ref().is_some_and(wrong)).map(|(key, _)| key)
    }
}
