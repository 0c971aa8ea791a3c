//! A run while it is put together from a file.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use pipe_history::Stated;
use pipe_model::{Basis, BenchmarkType, Case, Commit, DeviceKind, Measurement, Metric, RunId, Status, Unit};

use crate::{error::Skipped, json::Node, names::Quantity};

/// Entries of the environment of one run; it is stored with every row.
const MAX_ENVIRONMENT: usize = 4096;
/// Bytes of different values under one name of the environment.
const MAX_NOTE: usize = 64 * 1024;
/// Parameters of one case.
const MAX_PARAMETERS: usize = 256;

/// A run without what the caller may override.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The run's id, where the file gives one.
    pub(crate) id: Option<RunId>,
    /// Tells runs of one file apart; part of what the run id is made from.
    pub(crate) key: String,
    /// When the run began, where the file says it.
    pub(crate) recorded_at: Option<Timestamp>,
    /// When it began, as the file's name says; a name can change, so no id is made of it.
    pub(crate) named_at: Option<Timestamp>,
    /// What was measured, where the file says it.
    pub(crate) commit: Option<Commit>,
    /// The benchmark type, where the file says it.
    pub(crate) benchmark_type: Option<BenchmarkType>,
    /// As the file names it; empty where it does not.
    pub(crate) device: String,
    /// Kept for rows of another history.
    pub(crate) device_kind: Option<DeviceKind>,
    /// Kept for rows of another history.
    pub(crate) source: Option<String>,
    pub(crate) dirty: bool,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
    /// Whether a note was left out for want of room.
    pub(crate) is_full: bool,
}

/// A measurement, and the statistics that the file states where it does not give the samples.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) measurement: Measurement,
    pub(crate) stated: Stated,
}

impl Row {
    /// A measured row that ended well.
    pub(crate) fn new(implementation: &str, case: &Case, quantity: &Quantity, samples: &[f64]) -> Self {
        let measurement = Measurement {
            implementation: implementation.to_owned(),
            case: case.clone(),
            metric: quantity.metric.clone(),
            unit: quantity.unit.clone(),
            basis: Basis::Measured,
            samples: samples.iter().map(|sample| sample * quantity.scale).collect(),
            status: Status::Ok,
            message: String::new(),
            dirty: false,
            kernel_digest: String::new(),
        };
        Self { measurement, stated: Stated::default() }
    }

    /// A case that was not measured, and why.
    pub(crate) fn failed(
        implementation: &str,
        case: &Case,
        metric: Metric,
        status: Status,
        message: &str,
    ) -> Self {
        let unit = if metric.as_str().ends_with("time") { Unit::NANOSECONDS } else { metric.unit() };
        let mut row = Self::new(implementation, case, &Quantity { metric, unit, scale: 1.0 }, &[]);
        row.measurement.status = status;
        row.measurement.message = message.to_owned();
        row
    }

    pub(crate) fn basis(mut self, basis: Basis) -> Self {
        self.measurement.basis = basis;
        self
    }

    pub(crate) fn stated(mut self, stated: Stated) -> Self {
        self.stated = stated;
        self
    }
}

impl Draft {
    /// Notes a fact of the environment. Different values under one name are kept side by side.
    pub(crate) fn note(&mut self, name: &str, value: &str) {
        let entry = self.environment.entry(name.to_owned()).or_default();
        if entry.is_empty() {
            value.clone_into(entry);
        } else if entry.len() > MAX_NOTE {
            self.is_full = true;
        } else if !entry.split("; ").any(|known| known == value) {
            entry.push_str("; ");
            entry.push_str(value);
        }
    }

    /// Notes every value of `node` that nobody took, under its path without the prefixes that only group.
    pub(crate) fn note_leftovers(&mut self, node: &Node, without: &[&str]) {
        for (path, value) in node.leftovers() {
            let name = without.iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(&path);
            self.note(name, &value);
        }
    }

    /// What makes the run larger than any tool's.
    pub(crate) fn excess(&self) -> Option<(String, usize)> {
        if self.environment.len() > MAX_ENVIRONMENT {
            return Some((format!("{} values that have no column", self.environment.len()), MAX_ENVIRONMENT));
        }
        if self.is_full {
            return Some((
                "too many different values under one name of the environment".to_owned(),
                MAX_NOTE,
            ));
        }
        let parameters = self.rows.iter().map(|row| row.measurement.case.parameters.len()).max().unwrap_or(0);
        (parameters > MAX_PARAMETERS).then(|| (format!("a case of {parameters} parameters"), MAX_PARAMETERS))
    }

    /// Numbers the rows that say the same metric of the same case, so that they stay apart.
    pub(crate) fn distinguish(&mut self) {
        let mut seen: HashMap<(String, String, Metric), usize> = HashMap::new();
        for row in &mut self.rows {
            let measurement = &mut row.measurement;
            let (implementation, metric) = (measurement.implementation.clone(), measurement.metric.clone());
            let count = seen.entry((implementation, measurement.case.config(), metric)).or_insert(0);
            *count += 1;
            if *count > 1 {
                measurement.case.parameters.insert("entry".to_owned(), count.to_string());
            }
        }
    }
}

/// What an importer found in a file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) runs: Vec<Draft>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Findings {
    pub(crate) fn skip(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.skipped.push(Skipped { place: place.into(), reason: reason.into() });
    }
}

/// The status that an error's text stands for.
pub(crate) fn status_of(message: &str) -> Status {
    let lower = message.to_lowercase();
    if lower.contains("out of memory") || lower.starts_with("oom") || lower.contains("outofmemory") {
        Status::OutOfMemory
    } else if lower.contains("timeout") || lower.contains("timed out") {
        Status::Timeout
    } else {
        Status::Error
    }
}

/// Whether two numbers are the same but for rounding.
pub(crate) fn agree(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs())
}
