//! The procedure `distributed`: a ring over several devices, one host thread each.
//!
//! In every step each device computes on the chunk of keys and values that it has while it copies that chunk to the next
//! device, on a stream of its own. Scaling is held against one device in the same run:
//!
//! ```text
//! strong scaling = T(1 device, whole sequence) / (n · T(n devices, whole sequence))
//! weak scaling   = n · T(1 device, one chunk) / T(n devices, whole sequence)
//! ```
//!
//! Both are 1 where every device gets as much done a second as one alone does. In the weak one a device keeps its chunk as
//! devices are added; every query then sees n times as many keys, so that n times as long is what is ideal.

use std::{
    ops::ControlFlow,
    sync::{
        Barrier, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use pipe_kernels::Implementation;
use pipe_model::{Basis, Case, Measurement, Metric, Status};

use super::{
    Runner, parameter,
    ring::{Ring, with_length},
    row, timed,
};
use crate::{
    Device, Failure, Job, Observer, Sampling,
    device::{Mailbox, Modules, RingPart},
    op::{self, Problem},
};

impl Runner {
    /// Checks and times a ring over the devices of a case, and one device on the same and on its share; `Break` where it was
    /// stopped.
    pub(super) fn measure_distributed(
        &mut self,
        implementation: &Implementation,
        job: &Job,
        sampling: &Sampling,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<(), Vec<Measurement>>, Failure> {
        let devices = parameter(&job.case, "devices")?;
        let there = self.device.count()?;
        if devices > u64::from(there) {
            let message = format!(
                "the ring takes {devices} devices and there {}; set PIPE_EMBEDDED_DEVICES={devices} for as many embedded \
                 ones, or take a case with fewer",
                if there == 1 { "is 1".to_owned() } else { format!("are {there}") }
            );
            return Err(Failure { status: Status::Skipped, message });
        }
        let own = self.device.ordinal();
        let ordinals: Vec<u32> = (0..devices as u32).map(|rank| (own + rank) % there).collect();
        let seq_len = job.case.seq_len.unwrap_or(0);
        let whole = with_length(&job.case, seq_len);
        let share = with_length(&job.case, seq_len / devices.max(1));

        let turns = sampling.min_samples;
        let (ring, ran) = self.go_round(implementation, &job.case, &ordinals, turns)?;
        for (taken, nanoseconds) in ran.times.iter().enumerate() {
            observer.sample_taken(job, taken + 1, *nanoseconds);
        }
        let time = median(&ran.times);
        let mut rows = vec![
            row(job, Metric::RING_TIME, Basis::Measured, ran.times),
            row(job, Metric::PEAK_MEMORY, Basis::Measured, vec![ring.bytes() as f64]),
            row(job, Metric::RELATIVE_ERROR, Basis::Measured, vec![ran.relative_error]),
        ];
        let n = devices as f64;
        for (metric, case, factor) in
            [(Metric::STRONG_SCALING, whole, 1.0 / n), (Metric::WEAK_SCALING, share, n)]
        {
            if stop.load(Ordering::Relaxed) {
                return Ok(ControlFlow::Break(()));
            }
            let (_, alone) = self.go_round(implementation, &case, &ordinals[..1], turns)?;
            rows.push(row(job, metric, Basis::Measured, vec![factor * median(&alone.times) / time]));
        }
        Ok(ControlFlow::Continue(rows))
    }

    /// Goes round a ring over the devices of these ordinals: once to check, then so many times to time.
    fn go_round(
        &mut self,
        implementation: &Implementation,
        case: &Case,
        ordinals: &[u32],
        turns: usize,
    ) -> Result<(Ring, Turns), Failure> {
        let ring = Ring::of(implementation, case, ordinals.len() as u64)?;
        let spent = &mut self.spent;
        let of_op = with_length(case, case.seq_len.unwrap_or(0));
        let problem = timed(&mut spent.checks, || op::problem(implementation.op(), &of_op))?;
        let shared = Shared {
            implementation,
            ring: &ring,
            problem: &problem,
            turns,
            mailboxes: ordinals.iter().map(|_| OnceLock::new()).collect(),
            barrier: Barrier::new(ordinals.len()),
            has_failed: AtomicBool::new(false),
        };
        let results: Vec<Result<Part, Failure>> = timed(&mut spent.launches, || {
            thread::scope(|scope| {
                let shared = &shared;
                let threads: Vec<_> = ordinals
                    .iter()
                    .enumerate()
                    .map(|(rank, ordinal)| scope.spawn(move || shared.run(rank, *ordinal)))
                    .collect();
                let died = || Err(Some(Failure::error("a device's thread ended without a word")));
                let ended = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| died()));
                // Who left because another failed has nothing to say.
                ended.filter_map(|part| part.map_or_else(|why| why.map(Err), |part| Some(Ok(part)))).collect()
            })
        });
        let parts = results.into_iter().collect::<Result<Vec<Part>, Failure>>()?;
        let output: Vec<u8> = parts.iter().flat_map(|part| part.output.iter().copied()).collect();
        let relative_error = timed(&mut spent.checks, || problem.check(&[output]))?;
        let times = parts.into_iter().next().map(|first| first.times).unwrap_or_default();
        Ok((ring, Turns { times, relative_error }))
    }
}

fn median(times: &[f64]) -> f64 {
    pipe_stats::Summary::of(times).map_or(f64::NAN, |summary| summary.median)
}

/// What came of going round.
struct Turns {
    /// Nanoseconds of each turn but the one that was checked.
    times: Vec<f64>,
    relative_error: f64,
}

/// What one device computed and saw.
struct Part {
    output: Vec<u8>,
    times: Vec<f64>,
}

/// What the threads of a ring have in common.
struct Shared<'a> {
    implementation: &'a Implementation,
    ring: &'a Ring,
    problem: &'a Problem,
    turns: usize,
    mailboxes: Vec<OnceLock<Mailbox>>,
    barrier: Barrier,
    has_failed: AtomicBool,
}

impl Shared<'_> {
    /// A thread's work. Fails with `None` where it left because another failed.
    fn run(&self, rank: usize, ordinal: u32) -> Result<Part, Option<Failure>> {
        let done = self.participate(rank, ordinal);
        if let Err(Some(_)) = &done {
            // The others wait: this lets them go.
            self.has_failed.store(true, Ordering::SeqCst);
            let _ = self.meet();
        }
        done
    }

    fn participate(&self, rank: usize, ordinal: u32) -> Result<Part, Option<Failure>> {
        let device = Device::open(ordinal).map_err(|error| Failure::error(error.to_string()))?;
        let module = Modules::default().get(self.implementation)?;
        let mut part = RingPart::new(&device, &module, &self.ring.plan, self.ring.chunk_bytes)?;
        let mailbox = |rank: usize| self.mailboxes.get(rank % self.mailboxes.len());
        if let Some(own) = mailbox(rank) {
            let _ = own.set(part.mailbox());
        }
        let steps = self.mailboxes.len();
        let (mut times, mut output) = (Vec::new(), Vec::new());
        for turn in 0..=self.turns {
            part.begin(|name| self.ring.chunk_of(self.problem, name, rank))?;
            self.meet()?;
            let begin = Instant::now();
            let next = mailbox(rank + 1).and_then(OnceLock::get);
            for step in 0..steps {
                part.launch(step, step)?;
                if let (Some(next), true) = (next, step + 1 < steps) {
                    part.send(step, next)?;
                }
                part.wait()?;
                // Nobody's chunk is overwritten before all are done with the step.
                self.meet()?;
            }
            match turn {
                0 => output = part.output()?,
                _ => times.push(begin.elapsed().as_nanos() as f64),
            }
        }
        Ok(Part { output, times })
    }

    /// Waits for all threads; fails where one of them has failed.
    fn meet(&self) -> Result<(), Option<Failure>> {
        self.barrier.wait();
        let has_failed = self.has_failed.load(Ordering::SeqCst);
        // Nobody goes on, and fails, before all have looked.
        self.barrier.wait();
        if has_failed { Err(None) } else { Ok(()) }
    }
}
