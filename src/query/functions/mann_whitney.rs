//! `mann_whitney(base, new)`: the test of a difference between two sets of samples.

use datafusion::logical_expr::AggregateUDF;
use pipe_stats::{hodges_lehmann, mann_whitney};

use super::samples::OfSamples;

pub(super) fn function() -> AggregateUDF {
    OfSamples::aggregate("mann_whitney", 2, &["u", "p_value", "shift", "cliffs_delta"], |sides| {
        let [base, new] = sides else { return None };
        let test = mann_whitney(base, new)?;
        Some(vec![
            Some(test.u),
            Some(test.p_value),
            Some(hodges_lehmann(base, new)?),
            Some(test.cliffs_delta),
        ])
    })
}
