//! One run of one benchmark type on one commit, and the measurements it produced.

use std::{collections::BTreeMap, fmt, str::FromStr};

use uuid::Uuid;

use crate::{Basis, BenchmarkType, Case, Commit, DeviceKind, Metric, NameError, Status, Unit};

/// Identifies a run: a UUIDv7, so that ids sort by the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Uuid);

impl RunId {
    /// A new id, unique across machines.
    #[allow(clippy::new_without_default, reason = "two calls give two ids, which no default should")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of something recorded elsewhere: of the same time and digest always the same. Times before 1970 count as
    /// 1970.
    pub fn of_digest(at: jiff::Timestamp, digest: [u8; 10]) -> Self {
        let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &digest).into_uuid())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Uuid::try_parse(text).map(Self).map_err(|_| NameError::new("run id", text, "a UUID"))
    }
}

/// The device a run was measured on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// As the driver names it, `NVIDIA H200` for instance.
    pub name: String,
    /// GPU, embedded device or somebody else's.
    pub kind: DeviceKind,
}

/// One metric of one case of one implementation: a row of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// `improved-dilated`, for instance.
    pub implementation: String,
    /// The problem size.
    pub case: Case,
    /// What was measured.
    pub metric: Metric,
    /// The unit of `samples`.
    pub unit: Unit,
    /// Measured, counted, modelled or extrapolated.
    pub basis: Basis,
    /// Every raw sample, in the order taken. Empty where the case failed.
    pub samples: Vec<f64>,
    /// How the case ended.
    pub status: Status,
    /// Why it ended so; for `ok`, what the number comes from where that is not the case as it is, else empty.
    pub message: String,
    /// Whether the kernels measured differ from the commit's.
    pub dirty: bool,
    /// Digest of the PTX and manifest that ran; empty where none is known.
    pub kernel_digest: String,
}

/// One run: what one immutable file of the history holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Names the file.
    pub id: RunId,
    /// When the run began.
    pub recorded_at: jiff::Timestamp,
    /// What was measured.
    pub commit: Commit,
    /// The benchmark type.
    pub benchmark_type: BenchmarkType,
    /// Where it was measured.
    pub device: Device,
    /// Driver, clocks, CPU, OS, pipe version, command line.
    pub environment: BTreeMap<String, String>,
    /// What wrote the run: `pipe 0.1.0`, `import:nvbench` …
    pub source: String,
    /// The rows.
    pub measurements: Vec<Measurement>,
}
