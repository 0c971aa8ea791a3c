//! How every format words what a check found.

use pipe_report::format;

use crate::{
    comparison::{Comparison, Row, ending},
    error::Exit,
    gate::{Finding, Kind, Outcome},
};

/// What became of a row, and why it was accepted.
pub(super) fn kind(finding: &Finding<'_>) -> String {
    match finding.reason {
        Some(reason) => format!("{}: {reason}", finding.kind.as_str()),
        None => finding.kind.as_str().to_owned(),
    }
}

/// The metric; how the case ended for a row without one.
pub(super) fn name(row: &Row) -> String {
    row.metric.as_ref().map_or_else(|| ending(row), |metric| metric.name.clone())
}

/// What the check found, in a sentence: `2 slower, 1 unclear; 1 faster, 93 the same`.
pub(super) fn sentence(comparison: &Comparison, outcome: &Outcome<'_>) -> String {
    if let Some(side) = comparison.unmeasured() {
        return format!("nothing to compare: {} is not measured", side.label());
    }
    let count = |kind: Kind, words: &str| {
        let count = outcome.count(kind);
        (count > 0).then(|| format!("{count} {words}"))
    };
    let parts: Vec<String> = [
        count(Kind::Failed, "failed"),
        count(Kind::Slower, "slower"),
        count(Kind::Unclear, "unclear"),
        count(Kind::NotMeasured, "not measured"),
        count(Kind::Accepted, "slower and accepted"),
        count(Kind::Faster, "faster"),
        count(Kind::New, "new"),
        count(Kind::Ungated, "slower outside of the gate"),
        count(Kind::Same, "the same"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let verdict = match outcome.exit {
        Exit::Done => "no regression",
        Exit::Slower => "slower",
        Exit::KernelFailed => "a kernel fails",
        _ => "not decided",
    };
    format!("{verdict}: {}", parts.join(", "))
}

/// The counts that a modelled time follows from; empty for everything else.
pub(super) fn why(finding: &Finding<'_>) -> String {
    finding.why.clone().unwrap_or_default()
}

/// The two values; empty for a row without a metric.
pub(super) fn values(row: &Row) -> (String, String) {
    let metric = row.metric.as_ref();
    metric.map_or_else(Default::default, |metric| format::pair(&metric.unit, metric.base, metric.new))
}

/// The change in per cent with a sign; empty for a row without a metric.
pub(super) fn change(row: &Row) -> String {
    let Some(metric) = &row.metric else { return String::new() };
    match metric.ratio {
        Some(ratio) => {
            let percent = 100.0 * (ratio - 1.0);
            let decimals = if percent.abs() >= 0.05 || percent == 0.0 { 1 } else { 4 };
            format!("{percent:+.decimals$} %")
        }
        None => "from 0".to_owned(),
    }
}
