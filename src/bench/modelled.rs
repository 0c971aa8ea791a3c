//! The modelled metrics of a case: the bounds of its launches on a named GPU, added up.

use std::{collections::BTreeSet, sync::Arc};

use pipe_driver::embedded::LaunchRecord;
use pipe_kernels::{Gpu, Implementation};
use pipe_model::Metric;

use crate::{
    ptxas::{Assembled, Ptxas, PtxasError, architecture},
    roofline::{self, Bound, Resource, Unfit, Work},
};

/// The architectures that kernels are judged on, and the metrics that say how.
const ARCHITECTURES: [(&str, Metric, Metric); 3] = [
    ("sm_80", Metric::REGISTERS_SM_80, Metric::SPILLED_BYTES_SM_80),
    ("sm_90", Metric::REGISTERS_SM_90, Metric::SPILLED_BYTES_SM_90),
    ("sm_120", Metric::REGISTERS_SM_120, Metric::SPILLED_BYTES_SM_120),
];

/// What bounds are computed for, and with what.
#[derive(Debug)]
pub struct Roofline {
    gpu: Arc<Gpu>,
    ptxas: Option<Ptxas>,
}

/// A launch with its bound.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundLaunch {
    /// The launch as the model sees it.
    pub work: Work,
    /// Whether the registers are the assembler's; else they are what the embedded device needs.
    pub registers_assembled: bool,
    /// The bound, or why the GPU cannot run it.
    pub bound: Result<Bound, Unfit>,
}

impl Roofline {
    /// Bounds on `gpu`, with the registers that `ptxas` gives out where there is one.
    pub fn new(gpu: Arc<Gpu>, ptxas: Option<Ptxas>) -> Self {
        Self { gpu, ptxas }
    }

    /// The GPU.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// Why registers are not the assembler's, where one was named: what it said of each of the kernels it did not take.
    pub fn refusals(&self) -> impl Iterator<Item = &PtxasError> {
        let arch = architecture(&self.gpu.compute_capability);
        self.ptxas.iter().flat_map(move |ptxas| ptxas.refusals(&arch).collect::<Vec<_>>())
    }

    /// The bound of a launch of one of `implementation`'s kernels.
    pub fn bound(&mut self, implementation: &Implementation, launch: &LaunchRecord) -> BoundLaunch {
        let assembled = self.registers(implementation, &launch.kernel);
        let work = Work {
            blocks: launch.grid.iter().map(|side| u64::from(*side)).product(),
            threads: launch.block.iter().product(),
            shared_bytes: launch.static_shared_bytes + launch.dynamic_shared_bytes,
            registers: assembled.unwrap_or(launch.registers),
            counts: launch.counts,
        };
        let bound = roofline::bound(&work, &self.gpu);
        BoundLaunch { work, registers_assembled: assembled.is_some(), bound }
    }

    fn registers(&mut self, implementation: &Implementation, entry: &str) -> Option<u32> {
        let arch = architecture(&self.gpu.compute_capability);
        Some(self.assembled(implementation, entry, &arch)?.registers)
    }

    /// What the assembler makes of one of `implementation`'s kernels for an architecture; `None` without an assembler, or
    /// where it does not take the text.
    fn assembled(&mut self, implementation: &Implementation, entry: &str, arch: &str) -> Option<Assembled> {
        let ptx = implementation.source_of(entry).shared_ptx();
        self.ptxas.as_mut()?.assemble(&ptx, entry, arch).ok()
    }

    /// What the assembler makes of the kernels `entries` for the architectures that kernels are judged on: the most registers of
    /// any, and what all of them spill.
    pub(crate) fn assembler_metrics(
        &mut self,
        implementation: &Implementation,
        entries: &BTreeSet<&str>,
    ) -> Vec<(Metric, f64)> {
        let mut metrics = Vec::new();
        for (arch, registers, spilled) in ARCHITECTURES {
            let assembled = entries.iter().map(|entry| self.assembled(implementation, entry, arch));
            let Some(assembled) = assembled.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty()) else {
                continue;
            };
            let most = assembled.iter().map(|entry| entry.registers).max().unwrap_or_default();
            let sum: u32 = assembled.iter().map(|entry| entry.spilled_bytes).sum();
            metrics.extend([(registers, f64::from(most)), (spilled, f64::from(sum))]);
        }
        metrics
    }

    /// The metrics of launches that run one after the other: `roofline_time`, the time of each resource, and how full
    /// the launches that count most keep the GPU.
    ///
    /// # Errors
    /// Where the GPU cannot run one of them.
    pub(crate) fn metrics(
        &mut self,
        implementation: &Implementation,
        launches: &[LaunchRecord],
    ) -> Result<Vec<(String, f64)>, Unfit> {
        let bounds = launches
            .iter()
            .map(|launch| self.bound(implementation, launch).bound)
            .collect::<Result<Vec<_>, Unfit>>()?;
        let time: f64 = bounds.iter().map(Bound::time).sum();
        let mut metrics = vec![("roofline_time".to_owned(), time)];
        metrics.extend(Resource::ALL.map(|resource| {
            let time = bounds.iter().map(|bound| bound.of(resource)).sum();
            (format!("roofline_{}_time", resource.name()), time)
        }));
        let weighted = |of: fn(&Bound) -> f64| {
            let sum: f64 = bounds.iter().map(|bound| of(bound) * bound.time()).sum();
            if time > 0.0 { sum / time } else { 0.0 }
        };
        metrics.push(("roofline_occupancy".to_owned(), weighted(|bound| bound.occupancy.share)));
        metrics.push(("roofline_waves".to_owned(), weighted(|bound| bound.occupancy.waves)));
        Ok(metrics)
    }
}
