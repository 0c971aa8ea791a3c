//! Results of other tools as runs of a history: one file a format.
//!
//! [`Source`] is a file; [`read`] tells its [`Format`], and turns it into [`Run`]s and a list of what was left out and why. No value is
//! lost silently: what has no column becomes a parameter of the case or a fact of the environment, and what is
//! neither is [`Skipped`] by name. Raw samples are kept wherever the file has them; where it states statistics alone, they stand in
//! the history's own columns beside a metric called `mean_…` or `median_…`. Failures are rows.
//!
//! The same bytes always give the same run ids, so a history takes a file once however often it is imported. An id is a
//! UUIDv7 whose time is the one that the file gives (else 0) and whose random part is a digest of the file.
#![forbid(unsafe_code)]

mod asv;
mod criterion;
mod discover;
mod draft;
mod error;
mod format;
mod google;
mod hyperfine;
mod json;
mod legacy;
mod names;
mod nvbench;
mod pytest;
mod source;
mod table;

use jiff::Timestamp;
use pipe_history::Stated;
use pipe_model::{BenchmarkType, Commit, Device, DeviceKind, Run, RunId};
use sha2::{Digest as _, Sha256};

pub use discover::discover;
pub use error::{ImportError, Skipped};
pub use format::Format;
pub use source::{MAX_BYTES, Source};

use crate::draft::{Draft, Findings};

/// What the caller says of a file, over what the file says.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The commit that was measured, instead of the file's.
    pub commit: Option<Commit>,
    /// The benchmark type, instead of the file's.
    pub benchmark_type: Option<BenchmarkType>,
}

/// A file that was read.
#[derive(Debug)]
pub struct Imported {
    /// What it is.
    pub format: Format,
    /// Its runs; none of them is empty.
    pub runs: Vec<ImportedRun>,
    /// Values that are in none of them.
    pub skipped: Vec<Skipped>,
}

/// A run, and the statistics that the file states of samples it does not give, one for each measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedRun {
    /// The run.
    pub run: Run,
    /// By index of the run's measurements.
    pub stated: Vec<Stated>,
}

/// Reads a file of any known format.
///
/// # Errors
/// [`ImportError`] where nothing of the file can be taken. What can be is never held back by what cannot.
pub fn read(source: &Source, options: &Options) -> Result<Imported, ImportError> {
    let mut findings = Findings::default();
    let format = format::read(source, &mut findings)?;
    let path = || source.path().to_owned();
    let digest = source.digest();
    let mut runs = Vec::new();
    for mut draft in std::mem::take(&mut findings.runs).into_iter().filter(|draft| !draft.rows.is_empty()) {
        if let Some((what, limit)) = draft.excess() {
            return Err(ImportError::Limit { path: path(), what, limit });
        }
        drop_out_of_range(&mut draft, &mut findings);
        draft.distinguish();
        if !draft.rows.is_empty() {
            runs.push(finish(draft, source, format, &digest, options));
        }
    }
    if runs.is_empty() {
        let reason = match findings.skipped.as_slice() {
            [] => "it holds no measurement".to_owned(),
            [first, ..] => format!("it holds no measurement that can be taken; {first}"),
        };
        return Err(ImportError::Malformed { path: path(), format: format.as_str(), reason });
    }
    Ok(Imported { format, runs, skipped: findings.skipped })
}

/// Leaves out what no number can hold in the unit that it is stored in.
fn drop_out_of_range(draft: &mut Draft, findings: &mut Findings) {
    draft.rows.retain_mut(|row| {
        let Stated { mean, std_dev, min, q1, median, q3, max } = &mut row.stated;
        for value in [mean, std_dev, min, q1, median, q3, max] {
            *value = value.filter(|value| value.is_finite());
        }
        let measurement = &row.measurement;
        let fits = measurement.samples.iter().all(|sample| sample.is_finite());
        if !fits {
            let place = format!("{} of {}", measurement.metric, measurement.implementation);
            findings.skip(place, format!("too large for a number of {}", measurement.unit));
        }
        fits
    });
}

fn finish(
    mut draft: Draft,
    source: &Source,
    format: Format,
    digest: &[u8; 32],
    options: &Options,
) -> ImportedRun {
    let name = source.path().file_name().unwrap_or_default().to_string_lossy();
    if draft.source.is_none() {
        draft.note("source_file", &name);
        draft.note("source_digest", &hex(digest));
    }
    let known = draft.recorded_at.or(draft.named_at).or(source.modified()).unwrap_or(Timestamp::UNIX_EPOCH);
    let own = || {
        let part = Sha256::new_with_prefix(digest).chain_update(draft.key.as_bytes()).finalize();
        let mut random = [0; 10];
        random.copy_from_slice(&part[..10]);
        RunId::of_digest(draft.recorded_at.unwrap_or(Timestamp::UNIX_EPOCH), random)
    };
    let device = if draft.device.is_empty() { "unknown" } else { &draft.device };
    let (measurements, stated) = draft.rows.into_iter().map(|row| (row.measurement, row.stated)).unzip();
    let run = Run {
        id: draft.id.unwrap_or_else(own),
        recorded_at: known,
        commit: options.commit.clone().or(draft.commit).unwrap_or(Commit::Unknown),
        benchmark_type: options
            .benchmark_type
            .clone()
            .or(draft.benchmark_type)
            .unwrap_or_else(|| format.default_type()),
        device: Device { name: device.to_owned(), kind: draft.device_kind.unwrap_or(DeviceKind::Imported) },
        environment: draft.environment,
        source: draft.source.unwrap_or_else(|| format!("import:{format}")),
        measurements,
    };
    ImportedRun { run, stated }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
