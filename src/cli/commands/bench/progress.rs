//! The progress bar of a run.

use indicatif::ProgressBar;
use pipe_bench::{Job, Observer, Schedule};
use pipe_model::{Commit, Measurement};
use pipe_simt::Finding;

use crate::ui::Ui;

/// Draws one step a case, and says which one is running.
pub(super) struct Progress {
    bar: ProgressBar,
    title: String,
    ui: Ui,
}

impl Progress {
    pub(super) fn new(ui: &Ui, commit: &Commit, schedule: &Schedule) -> Self {
        let title = format!("{} at {}", schedule.benchmark_type, commit.short());
        Self { bar: ui.progress(schedule.jobs.len() as u64), title, ui: ui.clone() }
    }

    /// Clears the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn job_started(&mut self, job: &Job) {
        self.bar.set_message(format!("{}: {} {}", self.title, job.implementation, job.case.config()));
        self.bar.tick();
    }

    fn found(&mut self, job: &Job, findings: &[Finding]) {
        self.bar.suspend(|| {
            for finding in findings {
                self.ui.warn(format_args!("{} {}: {finding}", job.implementation, job.case.config()));
            }
        });
    }

    fn job_finished(&mut self, _: &Job, _: &[Measurement]) {
        self.bar.inc(1);
    }
}
