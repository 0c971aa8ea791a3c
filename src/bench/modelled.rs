//! The modelled metrics of a case: the bounds of its launches on a named GPU, added up.

use std::{collections::BTreeMap, sync::Arc};

use pipe_driver::embedded::LaunchRecord;
use pipe_kernels::{Gpu, Implementation};

use crate::{
    ptxas::{Ptxas, PtxasError},
    roofline::{self, Bound, Resource, Unfit, Work},
};

/// What bounds are computed for, and with what.
#[derive(Debug)]
pub struct Roofline {
    gpu: Arc<Gpu>,
    ptxas: Option<Ptxas>,
    /// What the assembler said, by text.
    assembled: BTreeMap<Arc<str>, Result<BTreeMap<String, u32>, PtxasError>>,
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
        Self { gpu, ptxas, assembled: BTreeMap::new() }
    }

    /// The GPU.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// Why registers are not the assembler's, where one was named: what it said of each of the kernels it did not take.
    pub fn refusals(&self) -> impl Iterator<Item = &PtxasError> {
        self.assembled.values().filter_map(|answer| answer.as_ref().err())
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
        let ptxas = self.ptxas.as_ref()?;
        let capability = &self.gpu.compute_capability;
        let ptx = implementation.source_of(entry).shared_ptx();
        let answer = self.assembled.entry(ptx).or_insert_with_key(|ptx| ptxas.registers(ptx, capability));
        answer.as_ref().ok()?.get(entry).copied()
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
