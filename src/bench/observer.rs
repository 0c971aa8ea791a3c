//! How a run tells its caller where it is.

use pipe_model::Measurement;
use pipe_simt::Finding;

use crate::Job;

/// Watches a run, to draw a progress bar for instance. Every method may be left out; `()` watches nothing.
///
/// How many jobs there are is known before the run: [`crate::Schedule::jobs`].
pub trait Observer {
    /// A job begins.
    fn job_started(&mut self, _job: &Job) {}
    /// The job's result was right, and `taken` samples are taken, the last of them `nanoseconds` long.
    fn sample_taken(&mut self, _job: &Job, _taken: usize, _nanoseconds: f64) {}
    /// The sanitizer found faults in the launches of the job, which is not timed then.
    fn found(&mut self, _job: &Job, _findings: &[Finding]) {}
    /// A job has ended, in rows of its metrics or in one row that says why there are none.
    fn job_finished(&mut self, _job: &Job, _measurements: &[Measurement]) {}
}

impl Observer for () {}
