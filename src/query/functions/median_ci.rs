//! `median_ci(samples)`: the median with a confidence interval.

use datafusion::logical_expr::AggregateUDF;
use pipe_stats::{ALPHA, median, median_interval};

use super::samples::OfSamples;

pub(super) fn function() -> AggregateUDF {
    OfSamples::aggregate("median_ci", 1, &["low", "median", "high"], |sides| {
        let samples = sides.first()?;
        let interval = median_interval(samples, 1.0 - ALPHA);
        let (low, high) = (interval.map(|interval| interval.low), interval.map(|interval| interval.high));
        Some(vec![low, Some(median(samples)?), high])
    })
}
