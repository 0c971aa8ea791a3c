//! Google Benchmark: `--benchmark_format=json`, `--benchmark_out`.
//!
//! A repetition is a sample of `real_time`, `cpu_time`, `iterations` and every counter. `BM_Copy/seq_len:128/8` is the
//! implementation `BM_Copy` with the parameters `seq_len=128` and `arg1=8`. Aggregates are taken where the repetitions they are of are not in
//! the file (`--benchmark_report_aggregates_only`).

use std::collections::BTreeMap;

use pipe_history::Stated;
use pipe_model::{Case, Metric, Status};

use crate::{
    draft::{Draft, Findings, Row, status_of},
    json::Node,
    names::{Quantity, metric, set_parameter},
};

/// Fields of an entry that are no counters.
const FIELDS: &[&str] = &[
    "name",
    "run_name",
    "run_type",
    "repetitions",
    "repetition_index",
    "family_index",
    "per_family_instance_index",
    "threads",
    "time_unit",
    "aggregate_name",
    "aggregate_unit",
    "label",
    "error_occurred",
    "error_message",
    "skipped",
    "skip_message",
];

/// Fields that number the entries of the file.
const ORDINALS: &[&str] = &["family_index", "per_family_instance_index", "repetition_index", "repetitions"];

pub(crate) fn is(root: &Node) -> bool {
    let is_entry = |node: &Node| {
        node.get("run_type").is_some() || node.get("real_time").is_some() || node.get("run_name").is_some()
    };
    root.get("context").is_some_and(Node::is_object)
        && root.get("benchmarks").is_some_and(|list| list.is_list() && list.items().iter().all(is_entry))
}

pub(crate) fn read(root: &Node, findings: &mut Findings) -> Result<(), String> {
    let mut draft = Draft::default();
    let context = root.get("context");
    draft.recorded_at = context.and_then(|node| node.take_text("date")?.parse().ok());
    draft.device = context.and_then(|node| node.get("host_name")?.text()).unwrap_or_default().to_owned();

    let entries = root.get("benchmarks").map(Node::items).unwrap_or_default();
    let mut order: Vec<String> = Vec::new();
    let mut cases: BTreeMap<String, Vec<(usize, &Node)>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(name) = entry.get("run_name").or_else(|| entry.get("name")).and_then(Node::text) else {
            findings.skip(format!("benchmarks.{index}"), "it has no name");
            entry.take();
            continue;
        };
        let threads = entry.get("threads").map(Node::written).unwrap_or_default();
        let key = format!("{name}\n{threads}");
        if !cases.contains_key(&key) {
            order.push(key.clone());
        }
        cases.entry(key).or_default().push((index, entry));
    }
    for entries in order.iter().filter_map(|key| cases.get(key)) {
        for (key, entry) in entries.iter().flat_map(|(_, entry)| [("time_unit", entry), ("run_type", entry)])
        {
            // How the numbers were read; they are stored in nanoseconds whatever it says.
            if let Some(node) = entry.get(key) {
                draft.note(key, &node.written());
            }
        }
        one_case(entries, &mut draft, findings);
    }
    draft.note_leftovers(root, &["context."]);
    findings.runs.push(draft);
    Ok(())
}

/// The entries of one benchmark with one set of arguments.
fn one_case(entries: &[(usize, &Node)], draft: &mut Draft, findings: &mut Findings) {
    let Some((_, first)) = entries.first() else { return };
    let name = first.get("run_name").or_else(|| first.get("name")).and_then(Node::text).unwrap_or_default();
    let (implementation, mut case) = parsed(name);
    for key in ["threads", "label"] {
        if let Some(value) = first.get(key).filter(|node| node.is_scalar()).map(Node::written)
            && !(key == "threads" && value == "1")
        {
            set_parameter(&mut case, key, &value);
        }
    }
    let is_aggregate = |entry: &Node| entry.get("run_type").and_then(Node::text) == Some("aggregate");
    let (aggregates, repetitions): (Vec<_>, Vec<_>) =
        entries.iter().partition(|(_, entry)| is_aggregate(entry));
    let before = draft.rows.len();
    let mut samples: BTreeMap<Metric, (Quantity, Vec<f64>)> = BTreeMap::new();
    for (index, entry) in &repetitions {
        take_fixed(entry, findings, *index);
        if let Some((status, message)) = failure(entry) {
            let known = draft.rows[before..].iter().any(|row| row.measurement.message == message);
            if !known {
                draft.rows.push(Row::failed(&implementation, &case, metric("real_time"), status, &message));
            }
            findings.skip(
                format!("benchmarks.{index}"),
                "its numbers are no measurement, for it failed; recorded as a failure",
            );
            entry.take();
            continue;
        }
        for (quantity, value) in values(entry, *index, findings) {
            let value = value * quantity.scale;
            let of = Quantity { scale: 1.0, ..quantity };
            samples.entry(of.metric.clone()).or_insert_with(|| (of, Vec::new())).1.push(value);
        }
    }
    draft.rows.extend(
        samples.values().map(|(quantity, values)| Row::new(&implementation, &case, quantity, values)),
    );
    if repetitions.is_empty() {
        only_aggregates(&aggregates, &implementation, &case, draft, findings);
    } else {
        for (index, entry) in &aggregates {
            let name = entry.get("aggregate_name").map(Node::written).unwrap_or_default();
            findings
                .skip(format!("benchmarks.{index}"), format!("the {name} of repetitions that are imported"));
            entry.take();
        }
    }
}

/// The mean is the sample, and median and deviation stand in their columns.
fn only_aggregates(
    aggregates: &[(usize, &Node)],
    implementation: &str,
    case: &Case,
    draft: &mut Draft,
    findings: &mut Findings,
) {
    let mut means: Vec<(Quantity, f64, Stated)> = Vec::new();
    let mut others: Vec<(String, Quantity, f64)> = Vec::new();
    for (index, entry) in aggregates {
        take_fixed(entry, findings, *index);
        let aggregate = entry.take_text("aggregate_name").unwrap_or_default().to_owned();
        for key in ["aggregate_name", "aggregate_unit"] {
            if let Some(node) = entry.get(key) {
                draft.note(key, &node.take().written());
            }
        }
        for (quantity, value) in values(entry, *index, findings) {
            match aggregate.as_str() {
                "mean" => means.push((quantity, value, Stated::default())),
                "cv" => findings.skip(
                    format!("benchmarks.{index}.{}", quantity.metric),
                    "the deviation over the mean, which are imported",
                ),
                _ => others.push((aggregate.clone(), quantity, value)),
            }
        }
    }
    for (aggregate, quantity, value) in others {
        let mean = means.iter_mut().find(|(known, ..)| known.metric == quantity.metric);
        match (mean, aggregate.as_str()) {
            (Some((_, _, stated)), "median") => stated.median = Some(value * quantity.scale),
            (Some((_, _, stated)), "stddev") => stated.std_dev = Some(value * quantity.scale),
            (Some((_, _, stated)), "min") => stated.min = Some(value * quantity.scale),
            (Some((_, _, stated)), "max") => stated.max = Some(value * quantity.scale),
            _ => {
                let of = Quantity { metric: metric(&format!("{aggregate}_{}", quantity.metric)), ..quantity };
                draft.rows.push(Row::new(implementation, case, &of, &[value]));
            }
        }
    }
    for (quantity, value, stated) in means {
        // The number of repetitions that an aggregate is of.
        let word = if quantity.metric.as_str() == "iterations" { String::new() } else { "mean_".to_owned() };
        let of = Quantity { metric: metric(&format!("{word}{}", quantity.metric)), ..quantity };
        draft.rows.push(Row::new(implementation, case, &of, &[value]).stated(stated));
    }
}

/// Takes what names and orders an entry.
fn take_fixed(entry: &Node, findings: &mut Findings, index: usize) {
    for key in ["run_name", "run_type", "threads", "label"] {
        entry.get(key).map(Node::take);
    }
    if let Some(name) = entry.get("name") {
        name.take();
        if name.text() != entry.get("run_name").and_then(Node::text) {
            findings.skip(
                format!("benchmarks.{index}.name"),
                "says again what the run's name and the aggregate's do",
            );
        }
    }
    for key in ORDINALS {
        if let Some(node) = entry.get(key) {
            node.take();
            findings.skip(format!("benchmarks.{index}.{key}"), "numbers the entries of the file");
        }
    }
}

/// Takes the numbers of an entry: times, iterations and counters.
fn values(entry: &Node, index: usize, findings: &mut Findings) -> Vec<(Quantity, f64)> {
    let scale = match entry.take_text("time_unit") {
        Some("us") => 1e3,
        Some("ms") => 1e6,
        Some("s") => 1e9,
        _ => 1.0,
    };
    let mut found = Vec::new();
    for (key, node) in entry.fields().iter().filter(|(key, _)| !FIELDS.contains(&key.as_str())) {
        let Some(value) = node.number() else { continue };
        node.take();
        if !value.is_finite() {
            findings.skip(format!("benchmarks.{index}.{key}"), "not a finite number");
            continue;
        }
        found.push((
            match key.as_str() {
                "real_time" | "cpu_time" | "real_coefficient" | "cpu_coefficient" => {
                    Quantity::of(key, "ns", scale)
                }
                "iterations" => Quantity::of(key, "count", 1.0),
                "bytes_per_second" => Quantity::of(key, "bytes/s", 1.0),
                "items_per_second" => Quantity::of(key, "items/s", 1.0),
                _ => Quantity::of(key, "1", 1.0),
            },
            value,
        ));
    }
    found
}

fn failure(entry: &Node) -> Option<(Status, String)> {
    let is = |key: &str| entry.get(key).and_then(Node::bool) == Some(true);
    let message = |key: &str| entry.take_text(key).unwrap_or("it gives no reason").to_owned();
    if is("error_occurred") {
        let message = message("error_message");
        return Some((status_of(&message), message));
    }
    is("skipped").then(|| (Status::Skipped, message("skip_message")))
}

/// The implementation and the arguments in a name: `BM_Copy/seq_len:128/8/real_time`.
fn parsed(name: &str) -> (String, Case) {
    let mut case = Case::default();
    let mut parts = name.split('/');
    let implementation = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        match part.split_once(':') {
            Some((key, value)) if !key.is_empty() => set_parameter(&mut case, key, value),
            _ => set_parameter(&mut case, &format!("arg{index}"), part),
        }
    }
    (implementation, case)
}
