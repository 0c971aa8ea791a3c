//! What an import says of a file and of all of them.

use std::collections::BTreeMap;

use pipe_import::{Imported, ImportedRun, Skipped};
use pipe_model::Status;

use crate::error::Exit;

/// What became of the files.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) files: usize,
    pub(super) runs: usize,
    pub(super) measurements: usize,
    pub(super) failures: usize,
    /// Runs that the history has.
    pub(super) known: usize,
    /// Values left out.
    pub(super) skipped: usize,
    /// Files read with another one.
    pub(super) companions: usize,
    /// Files in folders that are no results.
    pub(super) unknown: usize,
    /// Files that should have come in.
    pub(super) failed: usize,
}

impl Tally {
    pub(super) fn add(&mut self, imported: &ImportedRun) {
        self.runs += 1;
        self.measurements += imported.run.measurements.len();
        self.failures += failures(imported);
    }

    pub(super) fn summary(&self, dry_run: bool) -> String {
        let done = if dry_run { "would import" } else { "imported" };
        let mut text = format!(
            "{done} {}, {} ({}) from {}",
            count(self.runs, "run"),
            count(self.measurements, "measurement"),
            count(self.failures, "failure"),
            count(self.files, "file")
        );
        let more = [
            (self.known, "run", "already recorded"),
            (self.skipped, "value", "left out"),
            (self.unknown, "file", "of no known format"),
            (self.failed, "file", "not imported"),
        ];
        for (number, noun, what) in more.into_iter().filter(|(number, ..)| *number > 0) {
            text.push_str(&format!("; {} {what}", count(number, noun)));
        }
        text
    }

    /// A file that should have come in and did not, or nothing that did, is a failure.
    pub(super) fn exit(&self) -> Exit {
        if self.failed > 0 || self.files == 0 { Exit::Failed } else { Exit::Done }
    }
}

/// What came of one file, a line a run.
pub(super) fn file_line(name: &str, imported: &Imported, known: usize, dry_run: bool) -> String {
    let mut lines = vec![format!("{name}: {}, {}", imported.format, count(imported.runs.len(), "run"))];
    if known > 0 {
        let word = if dry_run { "would be skipped" } else { "skipped" };
        lines[0].push_str(&format!(", {known} already recorded and {word}"));
    }
    const SHOWN: usize = 12;
    for run in imported.runs.iter().take(SHOWN) {
        lines.push(format!(
            "  {} at {} on {}: {}, {}",
            run.run.benchmark_type,
            run.run.commit.short(),
            run.run.device.name,
            count(run.run.measurements.len(), "measurement"),
            count(failures(run), "failure"),
        ));
    }
    if imported.runs.len() > SHOWN {
        lines.push(format!("  … and {} more", count(imported.runs.len() - SHOWN, "run")));
    }
    lines.extend(reasons(&imported.skipped).into_iter().map(|reason| format!("  left out {reason}")));
    lines.join("\n")
}

/// The reasons for what was left out, the commonest first, each with how many values and the first of them.
fn reasons(skipped: &[Skipped]) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for skipped in skipped {
        by_reason.entry(&skipped.reason).or_insert((0, &skipped.place)).0 += 1;
    }
    let mut sorted: Vec<_> = by_reason.into_iter().collect();
    sorted.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let told = |(reason, (number, place)): (&str, (usize, &str))| {
        let more = if number > 1 { " …" } else { "" };
        format!("{} ({place}{more}): {reason}", count(number, "value"))
    };
    sorted.into_iter().map(told).collect()
}

fn failures(imported: &ImportedRun) -> usize {
    imported.run.measurements.iter().filter(|m| !matches!(m.status, Status::Ok | Status::Skipped)).count()
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
