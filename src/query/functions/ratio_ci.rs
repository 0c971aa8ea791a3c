//! `ratio_ci(base, new)`: the ratio of two medians with a confidence interval.

use datafusion::logical_expr::AggregateUDF;
use pipe_stats::{ALPHA, median, ratio_interval};

use super::samples::OfSamples;

pub(super) fn function() -> AggregateUDF {
    OfSamples::aggregate("ratio_ci", 2, &["low", "ratio", "high"], |sides| {
        let [base, new] = sides else { return None };
        if let Some(interval) = ratio_interval(base, new, 1.0 - ALPHA) {
            return Some(vec![Some(interval.low), Some(interval.ratio), Some(interval.high)]);
        }
        let ratio = median(new)? / median(base)?;
        ratio.is_finite().then(|| vec![None, Some(ratio), None])
    })
}
