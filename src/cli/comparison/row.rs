//! A row of the query `compare`.

use pipe_model::{Basis, Direction, Status, Verdict};
use pipe_stats::{RatioInterval, decide, decide_exact};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::CommandError;

/// One case, and one metric of it where both sides have it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) benchmark_type: String,
    pub(crate) device: String,
    pub(crate) implementation: String,
    pub(crate) config: String,
    /// The kernels of both sides have the same digest.
    pub(crate) same_kernel: bool,
    /// How the case ended on each side; `None` where the side does not have it.
    pub(crate) base_status: Option<Status>,
    pub(crate) new_status: Option<Status>,
    pub(crate) message: Option<String>,
    pub(crate) metric: Option<Metric>,
}

/// A metric that both sides have.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) direction: Direction,
    /// Counted or modelled: any change is one.
    pub(crate) exact: bool,
    /// Computed from counts, which say why it changed.
    pub(crate) modelled: bool,
    pub(crate) base: f64,
    pub(crate) new: f64,
    /// New over base; `None` where the base is 0.
    pub(crate) ratio: Option<f64>,
    /// The interval of the ratio; `None` where the samples are too few.
    pub(crate) interval: Option<RatioInterval>,
    /// The adjusted p-value.
    pub(crate) q_value: Option<f64>,
    /// How far times of unchanged kernels move; `None` where too few say so.
    pub(crate) noise: Option<f64>,
    pub(crate) verdict: Verdict,
    /// Geometric mean of the ratios of the implementation's cases.
    pub(crate) implementation_ratio: Option<f64>,
}

impl Metric {
    /// The verdict with another threshold.
    pub(crate) fn verdict_with(&self, threshold: f64) -> Verdict {
        if self.exact {
            return decide_exact(self.base, self.new, threshold, self.direction);
        }
        match (self.interval, self.q_value) {
            (Some(interval), Some(q_value)) => {
                decide(interval, q_value, threshold.max(self.noise.unwrap_or(0.0)), self.direction)
            }
            _ => Verdict::Unclear,
        }
    }

    /// Whether it is computed by the model, or counted and so what the model computes with. Memory is neither.
    pub(crate) fn is_modelled_or_its_input(&self) -> bool {
        self.modelled || self.exact && self.name != pipe_model::Metric::PEAK_MEMORY.as_str()
    }

    /// How far from unchanged, whichever way: 0.25 for both 1.25 and 0.8.
    pub(crate) fn size(&self) -> f64 {
        match self.ratio {
            Some(ratio) if ratio > 0.0 => ratio.max(1.0 / ratio) - 1.0,
            _ if self.base == self.new => 0.0,
            _ => f64::INFINITY,
        }
    }
}

/// As the query answers it.
#[derive(Debug, Deserialize)]
struct Raw {
    #[serde(rename = "type")]
    benchmark_type: String,
    device: String,
    implementation: String,
    config: String,
    metric: Option<String>,
    unit: Option<String>,
    direction: Option<String>,
    exact: Option<bool>,
    basis: Option<String>,
    same_kernel: Option<bool>,
    base_value: Option<f64>,
    new_value: Option<f64>,
    ratio: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    q_value: Option<f64>,
    noise: Option<f64>,
    verdict: Option<String>,
    implementation_ratio: Option<f64>,
    base_status: Option<String>,
    new_status: Option<String>,
    message: Option<String>,
}

fn word<T: std::str::FromStr<Err = pipe_model::NameError>>(
    word: Option<String>,
) -> Result<Option<T>, CommandError> {
    word.map(|word| word.parse()).transpose().map_err(CommandError::failed)
}

impl Row {
    /// Reads a row of the answer. A query of that name laid over ours may answer other columns, which is its error.
    pub(crate) fn read(row: Map<String, Value>) -> Result<Self, CommandError> {
        let raw: Raw = serde_json::from_value(Value::Object(row)).map_err(|error| {
            CommandError::failed(format!("query 'compare' answers something else than pipe's own: {error}"))
        })?;
        let interval = match (raw.low, raw.ratio, raw.high) {
            (Some(low), Some(ratio), Some(high)) => Some(RatioInterval { low, ratio, high }),
            _ => None,
        };
        let metric = match (raw.metric, raw.base_value, raw.new_value) {
            (Some(name), Some(base), Some(new)) => Some(Metric {
                name,
                unit: raw.unit.unwrap_or_default(),
                direction: word(raw.direction)?.unwrap_or(Direction::Neutral),
                exact: raw.exact.unwrap_or_default(),
                modelled: word(raw.basis)? == Some(Basis::Modelled),
                base,
                new,
                ratio: raw.ratio,
                interval,
                q_value: raw.q_value,
                noise: raw.noise,
                verdict: word(raw.verdict)?.unwrap_or(Verdict::Unclear),
                implementation_ratio: raw.implementation_ratio,
            }),
            _ => None,
        };
        Ok(Self {
            benchmark_type: raw.benchmark_type,
            device: raw.device,
            implementation: raw.implementation,
            config: raw.config,
            same_kernel: raw.same_kernel.unwrap_or_default(),
            base_status: word(raw.base_status)?,
            new_status: word(raw.new_status)?,
            message: raw.message,
            metric,
        })
    }

    /// Whether both are of the same case of the same implementation.
    pub(crate) fn is_case_of(&self, other: &Row) -> bool {
        self.benchmark_type == other.benchmark_type
            && self.device == other.device
            && self.implementation == other.implementation
            && self.config == other.config
    }
}
