//! criterion.rs: a folder `target/criterion`, where each `…/<benchmark>/new` and each saved baseline holds `benchmark.json` and
//! `sample.json`.
//!
//! A sample is a time divided by its iterations. Each benchmark is a run of its own, so that importing the folder again
//! adds only what was measured anew; `base` is the measurement before and therefore known by then. `estimates.json` and
//! `tukey.json` are computed from the samples.

use pipe_model::Case;

use crate::{
    draft::{Draft, Findings, Row},
    json::{self, Node},
    names::{Quantity, set_parameter},
    source::Source,
};

pub(crate) fn is(root: &Node) -> bool {
    root.get("iters").is_some_and(Node::is_list) && root.get("times").is_some_and(Node::is_list)
}

/// Whether a document is one of those that criterion keeps beside a sample.
pub(crate) fn is_companion(root: &Node) -> bool {
    let is_description = root.get("group_id").is_some() && root.get("full_id").is_some();
    let are_estimates = root.get("mean").is_some_and(|node| node.get("confidence_interval").is_some());
    let are_fences = root.items().len() == 4 && root.items().iter().all(|item| item.plain_number().is_some());
    is_description || are_estimates || are_fences
}

pub(crate) fn read(root: &Node, source: &Source, findings: &mut Findings) -> Result<(), String> {
    let description = source.companion("benchmark.json").map_err(|error| error.to_string())?;
    let description = String::from_utf8(description).map_err(|_| "benchmark.json is not UTF-8".to_owned())?;
    let description = json::parse(&description).map_err(|error| format!("benchmark.json: {error}"))?;
    let (Some(iterations), Some(times)) = (root.take_numbers("iters"), root.take_numbers("times")) else {
        return Err("iters and times must be lists of numbers".to_owned());
    };
    if iterations.len() != times.len() {
        return Err(format!("{} iters and {} times", iterations.len(), times.len()));
    }

    let mut draft = Draft::default();
    let mut case = Case::default();
    let group = description.take_text("group_id").ok_or("benchmark.json has no group_id")?.to_owned();
    let function = description.take_text("function_id");
    if let Some(value) = description.take_text("value_str") {
        set_parameter(&mut case, "value", value);
    }
    if let Some((kind, amount)) = description.get("throughput").and_then(|node| node.fields().first()) {
        // What one iteration processes tells cases apart; the rate is a division away.
        set_parameter(&mut case, &format!("throughput_{}", kind.to_lowercase()), &amount.take().written());
    }
    for key in ["full_id", "directory_name", "title"] {
        description.get(key).map(Node::take);
    }
    let implementation = match function {
        Some(function) => format!("{group}/{function}"),
        None => group,
    };
    let samples: Vec<f64> = times.iter().zip(&iterations).map(|(time, count)| time / count).collect();
    let finite: Vec<f64> = samples.iter().copied().filter(|sample| sample.is_finite()).collect();
    if finite.len() < samples.len() {
        findings.skip(
            "times",
            format!("{} of {} samples are no finite numbers", samples.len() - finite.len(), samples.len()),
        );
    }
    draft.rows.push(Row::new(&implementation, &case, &Quantity::of("time", "ns", 1.0), &finite));
    draft.rows.push(Row::new(&implementation, &case, &Quantity::of("iterations", "count", 1.0), &iterations));
    draft.note_leftovers(root, &[]);
    draft.note_leftovers(&description, &[]);
    for (name, reason) in [
        ("estimates.json", "computed from the samples, which are imported"),
        ("tukey.json", "fences for outliers, computed from the samples"),
    ] {
        if source.beside(name).is_some() {
            findings.skip(name, reason);
        }
    }
    findings.runs.push(draft);
    Ok(())
}
