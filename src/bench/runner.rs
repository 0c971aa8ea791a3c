//! Runs a schedule: loads, allocates, checks and times one job after the other, and turns each into rows.

mod allocations;
mod distributed;
mod limits;
mod pair;
mod ring;
mod slices;

use std::{
    ops::ControlFlow,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use pipe_driver::embedded::LaunchRecord;
use pipe_kernels::{Implementation, Op, Plan, Procedure, TensorRole};
use pipe_model::{Basis, Case, DeviceKind, Measurement, Metric, Status};
use pipe_simt::{Counts, Finding};

use crate::{
    Device, Failure, HotLoop, Job, Observer, Profile, Roofline, Sampling, Schedule,
    device::{Modules, Trial},
    op::{self, Input, Problem},
    profile::{self, Layouts},
    schedule::Subject,
};

pub use pair::PairedOutcome;

/// Where the time of a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeSpent {
    /// In launch plans, from the first launch to the end of the last.
    pub launches: Duration,
    /// Making inputs and references, and holding results against them.
    pub checks: Duration,
    /// From the start of the run to its end.
    pub total: Duration,
}

impl TimeSpent {
    /// The share of the run that was neither launches nor checks, 0 to 1.
    pub fn overhead(&self) -> f64 {
        let useful = self.launches + self.checks;
        if self.total.is_zero() {
            0.0
        } else {
            self.total.saturating_sub(useful).div_duration_f64(self.total)
        }
    }
}

/// What a run produced.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// The rows of every finished job, in the order of the schedule.
    pub measurements: Vec<Measurement>,
    /// Whether the run was stopped before its last job had ended.
    pub interrupted: bool,
    /// Where the time went.
    pub spent: TimeSpent,
}

/// Measures kernels on one device.
#[derive(Debug)]
pub struct Runner {
    /// Before the device, because a module ends before its context.
    modules: Modules,
    device: Device,
    problems: Problems,
    roofline: Option<Roofline>,
    layouts: Layouts,
    spent: TimeSpent,
}

impl Runner {
    /// A runner on `device`.
    pub fn new(device: Device) -> Self {
        Self {
            modules: Modules::default(),
            device,
            problems: Problems::default(),
            roofline: None,
            layouts: Layouts::default(),
            spent: TimeSpent::default(),
        }
    }

    /// Bounds the time of what is counted from now on.
    pub fn model(&mut self, roofline: Roofline) {
        self.roofline = Some(roofline);
    }

    /// What bounds times, if anything.
    pub fn roofline(&self) -> Option<&Roofline> {
        self.roofline.as_ref()
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Runs `schedule` until its end, or until `stop` is raised: then what is finished is returned.
    pub fn run(
        &mut self,
        schedule: &Schedule,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Outcome {
        let begin = Instant::now();
        self.spent = TimeSpent::default();
        let mut outcome = Outcome::default();
        for job in &schedule.jobs {
            if stop.load(Ordering::Relaxed) {
                outcome.interrupted = true;
                break;
            }
            observer.job_started(job);
            let rows = self.rows_of(job, sampling, stop, observer);
            let Some(mut rows) = rows else {
                outcome.interrupted = true;
                break;
            };
            schedule.keep_recorded(&mut rows);
            observer.job_finished(job, &rows);
            outcome.measurements.extend(rows);
        }
        self.spent.total = begin.elapsed();
        outcome.spent = self.spent;
        outcome
    }

    /// The rows of a job, one that says why where it failed; `None` where it was stopped.
    fn rows_of(
        &mut self,
        job: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Option<Vec<Measurement>> {
        let measured = match &job.subject {
            Subject::Strategy(strategy) => self.measure_allocations(*strategy, job, sampling, stop, observer),
            Subject::Broken(broken) => Err(Failure::from(broken.clone())),
            Subject::Kernels(kernels) => match job.procedure {
                Procedure::Time | Procedure::Allocations => {
                    self.measure(kernels, job, sampling, stop, observer)
                }
                Procedure::Slices => self.measure_slices(kernels, job, sampling, stop, observer),
                Procedure::RingSteps => self.measure_ring_steps(kernels, job, sampling, stop, observer),
                Procedure::Limits => self.measure_limit(kernels, job, sampling, stop, observer),
                Procedure::Distributed => self.measure_distributed(kernels, job, sampling, stop, observer),
            },
        };
        self.recover();
        match measured {
            Ok(ControlFlow::Continue(rows)) => Some(rows),
            Ok(ControlFlow::Break(())) => None,
            Err(failure) => Some(vec![self.failed(job, failure)]),
        }
    }

    /// Runs an implementation once on inputs of the caller's and returns its outputs as they lie in device memory.
    ///
    /// # Errors
    /// Whatever keeps the case from being computed; the runner can be used again all the same.
    pub fn compute(
        &mut self,
        implementation: &Implementation,
        case: &Case,
        inputs: &[Input],
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let outputs = implementation
            .plan(case)
            .map_err(Failure::from)
            .and_then(|plan| self.outputs_of(implementation, &plan, inputs));
        self.recover();
        outputs
    }

    /// Runs an implementation once on a case, holds its result against the reference and says what its kernels did,
    /// line by line. Only the embedded device knows; on another no kernel is told of.
    ///
    /// # Errors
    /// Whatever keeps the case from being computed, or computed right; the runner can be used again all the same.
    pub fn profile(&mut self, implementation: &Implementation, case: &Case) -> Result<Profile, Failure> {
        let checked = self.checked(implementation, case);
        self.recover();
        let (launches, relative_error) = checked?;
        let kernels = profile::by_kernel(implementation, launches, self.roofline.as_mut(), &mut self.layouts);
        Ok(Profile { kernels, relative_error })
    }

    /// Runs an implementation once on a case under the sanitizer, where [`pipe_driver::Config::sanitize`] says so.
    ///
    /// # Errors
    /// Whatever keeps the case from being computed, or computed right, a finding aside.
    pub fn sanitize(
        &mut self,
        implementation: &Implementation,
        case: &Case,
    ) -> (Vec<Finding>, Result<(), Failure>) {
        let checked = self.checked(implementation, case);
        let findings = pipe_driver::embedded::take_findings();
        self.recover();
        (findings, checked.map(|_| ()))
    }

    fn checked(
        &mut self,
        implementation: &Implementation,
        case: &Case,
    ) -> Result<(Vec<LaunchRecord>, f64), Failure> {
        let plan = implementation.plan(case)?;
        let module = self.modules.get(implementation)?;
        let problem = self.problem(implementation, &plan, case)?;
        let mut trial = Trial::new(&self.device, &module, &plan)?;
        trial.fill(&problem.inputs)?;
        let (ran, launches) = pipe_driver::embedded::record_launches(|| trial.run());
        ran?;
        let relative_error = problem.check(&trial.outputs()?)?;
        Ok((launches, relative_error))
    }

    fn outputs_of(
        &mut self,
        implementation: &Implementation,
        plan: &Plan,
        inputs: &[Input],
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let module = self.modules.get(implementation)?;
        let mut trial = Trial::new(&self.device, &module, plan)?;
        trial.fill(inputs)?;
        trial.run()?;
        trial.outputs()
    }

    /// What a case gives an implementation, and what must come back.
    fn problem(
        &mut self,
        implementation: &Implementation,
        plan: &Plan,
        case: &Case,
    ) -> Result<Rc<Problem>, Failure> {
        if let Some(known) = self.problems.get(implementation, case) {
            return Ok(known);
        }
        let problem = match (implementation.op(), implementation.reference()) {
            (Op::Custom, Some(reference)) => {
                let inputs = op::custom::inputs(&plan.tensors)?;
                let plan_of_reference = reference.plan(case)?;
                let outputs = self.outputs_of(reference, &plan_of_reference, &inputs).map_err(|failure| {
                    let message = format!("reference {}: {}", reference.name(), failure.message);
                    Failure { message, ..failure }
                })?;
                let written = plan_of_reference.tensors.iter().filter(|t| t.role != TensorRole::Input);
                let named: Vec<(&str, Vec<u8>)> = written.map(|t| t.name.as_str()).zip(outputs).collect();
                op::custom::problem(&plan.tensors, |name| {
                    named.iter().find(|(other, _)| *other == name).map(|(_, content)| content.clone())
                })?
            }
            (Op::Custom, None) => op::custom::problem(&plan.tensors, |_| None)?,
            (op, _) => op::problem(op, case)?,
        };
        Ok(self.problems.keep(implementation, problem))
    }

    /// The metric that a failed job's row stands for.
    fn failed_metric(&self, job: &Job) -> Metric {
        match job.procedure {
            Procedure::Time => self.primary_metric(),
            Procedure::Slices => Metric::SLICE_TIME,
            Procedure::RingSteps => Metric::RING_STEP_TIME,
            Procedure::Limits => Metric::MAX_SEQ_LEN,
            Procedure::Distributed => Metric::RING_TIME,
            Procedure::Allocations => Metric::ALLOCATION_TIME,
        }
    }

    /// The time of a plan on this device.
    fn primary_metric(&self) -> Metric {
        match self.device.kind() {
            DeviceKind::Embedded => Metric::EMULATION_TIME,
            DeviceKind::Cuda | DeviceKind::Imported => Metric::GPU_TIME,
        }
    }

    fn failed(&self, job: &Job, failure: Failure) -> Measurement {
        let Failure { status, message } = failure;
        Measurement { status, message, ..row(job, self.failed_metric(job), Basis::Measured, Vec::new()) }
    }

    /// Checks a job and times it; `Break` where it was stopped.
    fn measure(
        &mut self,
        implementation: &Implementation,
        job: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), Vec<Measurement>>, Failure> {
        let plan = implementation.plan(&job.case)?;
        let module = self.modules.get(implementation)?;
        let begin = Instant::now();
        let problem = self.problem(implementation, &plan, &job.case)?;
        self.spent.checks += begin.elapsed();
        let mut trial = Trial::new(&self.device, &module, &plan)?;
        let spent = &mut self.spent;
        trial.fill(&problem.inputs)?;
        let (ran, launches) =
            timed(&mut spent.launches, || pipe_driver::embedded::record_launches(|| trial.run()));
        let findings = pipe_driver::embedded::take_findings();
        if !findings.is_empty() {
            observer.found(job, &findings);
        }
        ran?;
        if !findings.is_empty() {
            return Err(Failure::of_findings(&findings));
        }
        let outputs = trial.outputs()?;
        let relative_error = timed(&mut spent.checks, || problem.check(&outputs))?;

        for _ in 0..sampling.warm_ups {
            timed(&mut spent.launches, || trial.run())?;
        }
        let samples = sampling.collect(stop, |taken| -> Result<f64, Failure> {
            let nanoseconds = timed(&mut spent.launches, || trial.time())?;
            observer.sample_taken(job, taken + 1, nanoseconds);
            Ok(nanoseconds)
        })?;
        let ControlFlow::Continue(samples) = samples else { return Ok(ControlFlow::Break(())) };

        let mut rows = vec![
            row(job, self.primary_metric(), Basis::Measured, samples),
            row(job, Metric::PEAK_MEMORY, Basis::Measured, vec![plan.bytes() as f64]),
            row(job, Metric::RELATIVE_ERROR, Basis::Measured, vec![relative_error]),
        ];
        rows.extend(asked(implementation.op(), job)?);
        if self.device.kind() == DeviceKind::Embedded {
            let counts: Counts = launches.iter().map(|launch| launch.counts).sum();
            let all = counts.iter().chain([("launches", launches.len() as u64)]);
            rows.extend(all.filter_map(|(name, count)| {
                Some(row(job, name.parse().ok()?, Basis::Counted, vec![count as f64]))
            }));
            rows.extend(self.modelled(job, implementation, &launches));
            rows.extend(self.explained(job, implementation, launches));
        }
        Ok(ControlFlow::Continue(rows))
    }

    /// The modelled rows of a job whose launches were counted; one that says why where the GPU cannot run them.
    fn modelled(
        &mut self,
        job: &Job,
        implementation: &Implementation,
        launches: &[LaunchRecord],
    ) -> Vec<Measurement> {
        let Some(roofline) = &mut self.roofline else { return Vec::new() };
        match roofline.metrics(implementation, launches) {
            Ok(metrics) => metrics
                .into_iter()
                .filter_map(|(name, value)| Some(row(job, name.parse().ok()?, Basis::Modelled, vec![value])))
                .collect(),
            Err(unfit) => {
                let row = row(job, Metric::ROOFLINE_TIME, Basis::Modelled, Vec::new());
                vec![Measurement { status: Status::Skipped, message: unfit.to_string(), ..row }]
            }
        }
    }

    /// Why the counts are what they are: the loop where most is issued, and the registers that the assembler gives out, where one
    /// was named.
    fn explained(
        &mut self,
        job: &Job,
        implementation: &Implementation,
        launches: Vec<LaunchRecord>,
    ) -> Vec<Measurement> {
        let kernels = profile::by_kernel(implementation, launches, None, &mut self.layouts);
        let mut metrics = Vec::new();
        if let Some(own) = kernels.iter().filter_map(HotLoop::of).max_by_key(|own| own.counts.instructions) {
            metrics.push((Metric::HOT_LOOP_INSTRUCTIONS, own.counts.instructions as f64));
            metrics.push((Metric::HOT_LOOP_OVERHEAD, own.overhead() as f64));
        }
        if let Some(roofline) = &mut self.roofline {
            let entries = kernels.iter().map(|kernel| kernel.entry.as_str()).collect();
            metrics.extend(roofline.assembler_metrics(implementation, &entries));
        }
        metrics.into_iter().map(|(metric, value)| row(job, metric, Basis::Counted, vec![value])).collect()
    }

    /// A kernel fault ends the context for good: the next job gets a new one.
    fn recover(&mut self) {
        if !self.device.is_alive() {
            self.modules.clear();
            // Where there is no new context the next job says so.
            let _ = self.device.rebuild();
        }
    }
}

/// A row of a job that went well.
fn row(job: &Job, metric: Metric, basis: Basis, samples: Vec<f64>) -> Measurement {
    Measurement {
        implementation: job.implementation.clone(),
        case: job.case.clone(),
        unit: metric.unit(),
        metric,
        basis,
        samples,
        status: Status::Ok,
        message: String::new(),
        dirty: job.dirty,
        kernel_digest: job.subject.kernels().map_or_else(String::new, |kernels| kernels.digest().to_owned()),
    }
}

/// What the op of a job asks for by its definition, with the op's name.
fn asked(op: Op, job: &Job) -> Result<Option<Measurement>, Failure> {
    let flops = op::flops(op, &job.case)?;
    Ok(flops.map(|flops| Measurement {
        message: op.to_string(),
        ..row(job, Metric::OP_FLOPS, Basis::Counted, vec![flops])
    }))
}

/// A positive number among a case's parameters.
fn parameter(case: &Case, name: &str) -> Result<u64, Failure> {
    let text = case.parameters.get(name).map(String::as_str);
    match text.and_then(|text| text.parse().ok()) {
        Some(number) if number > 0 => Ok(number),
        _ => {
            let found = text.map_or_else(|| "is not given".to_owned(), |text| format!("is '{text}'"));
            Err(Failure::error(format!(
                "the parameter {name} {found}; give a positive number in the type's file"
            )))
        }
    }
}

/// Adds the time that `work` takes to `total`.
fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = work();
    *total += begin.elapsed();
    result
}

/// The problems of the case at hand: implementations of one op share it, those of op `custom` have their own.
#[derive(Debug, Default)]
struct Problems {
    case: Case,
    known: Vec<(ProblemKey, Rc<Problem>)>,
}

/// What decides on the problem of a case.
#[derive(Debug, PartialEq)]
enum ProblemKey {
    Op(Op),
    /// The digest of an implementation.
    Custom(String),
}

impl ProblemKey {
    fn of(implementation: &Implementation) -> Self {
        match implementation.op() {
            Op::Custom => Self::Custom(implementation.digest().to_owned()),
            op => Self::Op(op),
        }
    }
}

impl Problems {
    /// The problem of `case`, where it was made before. Those of any other are forgotten.
    fn get(&mut self, implementation: &Implementation, case: &Case) -> Option<Rc<Problem>> {
        if self.case != *case {
            self.known.clear();
            self.case = case.clone();
        }
        let key = ProblemKey::of(implementation);
        self.known.iter().find(|(known, _)| *known == key).map(|(_, problem)| Rc::clone(problem))
    }

    fn keep(&mut self, implementation: &Implementation, problem: Problem) -> Rc<Problem> {
        let problem = Rc::new(problem);
        self.known.push((ProblemKey::of(implementation), Rc::clone(&problem)));
        problem
    }
}
