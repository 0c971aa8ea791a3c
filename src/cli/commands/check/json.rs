//! A check as one JSON object, for machines.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::{
    comparison::{Comparison, Side},
    error::Exit,
    gate::{Finding, Outcome},
};

pub(super) fn write(comparison: &Comparison, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
    let result = match outcome.exit {
        Exit::Done => "ok",
        Exit::Slower => "slower",
        Exit::KernelFailed => "failed",
        _ => "unclear",
    };
    let object = json!({
        "result": result,
        "exit_code": outcome.exit.code(),
        "base": side(&comparison.base),
        "new": side(&comparison.new),
        "findings": outcome.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &object).map_err(io::Error::from)?;
    writeln!(out)
}

fn side(side: &Side) -> Value {
    json!({ "commit": side.commit.as_str(), "run_id": side.run, "name": side.name })
}

fn finding(finding: &Finding<'_>) -> Value {
    let row = finding.row;
    let metric = row.metric.as_ref();
    json!({
        "kind": finding.kind.as_str(),
        "type": row.benchmark_type,
        "device": row.device,
        "implementation": row.implementation,
        "config": row.config,
        "same_kernel": row.same_kernel,
        "base_status": row.base_status.map(|status| status.as_str()),
        "new_status": row.new_status.map(|status| status.as_str()),
        "message": row.message,
        "reason": finding.reason,
        "because": finding.why,
        "metric": metric.map(|metric| &metric.name),
        "unit": metric.map(|metric| &metric.unit),
        "exact": metric.map(|metric| metric.exact),
        "base": metric.map(|metric| metric.base),
        "new": metric.map(|metric| metric.new),
        "ratio": metric.and_then(|metric| metric.ratio),
        "low": metric.and_then(|metric| metric.interval).map(|interval| interval.low),
        "high": metric.and_then(|metric| metric.interval).map(|interval| interval.high),
        "q_value": metric.and_then(|metric| metric.q_value),
    })
}
