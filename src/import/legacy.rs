//! Result files of pipe's predecessor: the frame around the results, and where commit, time, device and type stand.
//!
//! Its scripts agreed on little. What they share: an object of results, mostly under `results`, beside `metadata` (or
//! nothing, or `timestamp` and `system`, or `configuration`). [`walk`](self::walk) reads the results; everything around
//! them goes to the environment, and a `summary` is compared with the rows it sums up.

mod record;
mod walk;

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use pipe_model::{Case, Commit, Status};

use self::walk::{Context, Walk};
use crate::{
    draft::{Draft, Findings, agree},
    json::Node,
    names::{benchmark_type, set_parameter},
    source::Source,
};

/// Names of parts that say how the results came about.
const FRAME: &[&str] =
    &["metadata", "system", "hardware", "environment", "configuration", "config", "timestamp", "summary"];

/// The types that the predecessor's scripts became, where they have another name now.
const TYPES: &[(&str, &str)] = &[
    ("benchmark-all", "all-implementations"),
    ("benchmark-all-implementations", "all-implementations"),
    ("benchmark-long-sequences", "long-sequences"),
    ("benchmark-extreme-sequences", "extreme-sequences"),
    ("benchmark-sequence-limits", "sequence-limits"),
    ("benchmark-distributed", "distributed"),
    ("benchmark-flash-attention-3", "flash-attention"),
    ("fa3-benchmark", "flash-attention"),
    ("flash-attention-3", "flash-attention"),
    ("benchmark-ring-billion-tokens", "ring-billion-tokens"),
    ("billion-token-correct", "ring-billion-tokens"),
    ("memory-pool-performance", "memory-pool"),
    ("memory-pool-improvements-summary", "memory-pool"),
];

/// Whether a document is one of the predecessor's.
pub(crate) fn is(root: &Node) -> bool {
    let has = |key: &str| root.get(key).is_some();
    let is_stamped = root.get("timestamp").and_then(Node::text).is_some_and(|text| time_in(text).is_some());
    let is_record = |node: &Node| node.get("implementation").is_some() || node.get("seq_len").is_some();
    let are_records = |node: &Node| !node.items().is_empty() && node.items().iter().all(is_record);
    let is_report = has("configuration")
        && root.fields().iter().any(|(_, node)| node.items().iter().any(Node::is_object));
    let is_list = are_records(root)
        && root
            .items()
            .iter()
            .any(|node| node.fields().iter().any(|(key, node)| record::is_result(key, node)));
    let is_bare = !root.fields().is_empty() && root.fields().iter().all(|(_, node)| are_records(node));
    (root.get("metadata").is_some_and(Node::is_object) && has("results"))
        || is_stamped
        || is_report
        || is_bare
        || is_list
}

pub(crate) fn read(root: &Node, source: &Source, findings: &mut Findings) -> Result<(), String> {
    let metadata = root.get("metadata");
    let name = source.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stamp = metadata.and_then(|node| node.get("timestamp")).or_else(|| root.get("timestamp"));
    let mut draft = Draft {
        commit: metadata.and_then(|node| commit(node.get("git_commit")?)),
        dirty: metadata.and_then(|node| node.get("git_dirty")?.take().bool()).unwrap_or(false),
        recorded_at: stamp.and_then(|node| time_in(node.text()?)),
        named_at: time_in(&name),
        device: device(root).unwrap_or_default(),
        ..Draft::default()
    };
    let type_name = metadata.and_then(|node| node.get("benchmark_type")?.text()).map(str::to_owned);
    let type_name =
        type_name.or_else(|| folder_type(source)).unwrap_or_else(|| without_time(&name).to_owned());
    let renamed = TYPES.iter().find_map(|(old, new)| (*old == type_name).then_some(*new));
    let file_type = TYPES.iter().find_map(|(old, new)| (*old == without_time(&name)).then_some(*new));
    draft.benchmark_type = benchmark_type(renamed.or(file_type).unwrap_or(&type_name));
    draft.note("benchmark_type", &type_name);

    let fallback = metadata.and_then(|node| node.get("parameters")?.get("implementation")?.text());
    let mut walk = Walk { draft: &mut draft, findings, fallback, type_name: &type_name };
    let case = inherited(root);
    if root.is_list() {
        walk.node(root, &Context::root(case, "results"));
    } else if let Some(results) = root.get("results") {
        walk.node(results, &Context::root(case, "results"));
    } else {
        for (key, node) in root.fields().iter().filter(|(key, _)| !FRAME.contains(&key.as_str())) {
            walk.node(node, &Context::root(case.clone(), key).named(key));
        }
    }
    for row in &mut draft.rows {
        row.measurement.dirty = draft.dirty;
    }
    if let Some(summary) = root.get("summary") {
        restated(summary, &draft, findings);
    }
    draft.note_leftovers(root, &["metadata.", "system."]);
    if draft.rows.is_empty() {
        let keys: Vec<&str> = root.fields().iter().map(|(key, _)| key.as_str()).collect();
        let why = findings.skipped.first().map(|skipped| format!("; {skipped}")).unwrap_or_default();
        let shown = keys.get(..8).unwrap_or(&keys);
        return Err(format!("no result of a known shape under {}{why}", shown.join(", ")));
    }
    findings.runs.push(draft);
    Ok(())
}

/// Dimensions that the frame says for all results, and everything a `configuration` says.
fn inherited(root: &Node) -> Case {
    const DIMENSIONS: &[&str] = &["batch_size", "seq_len", "num_heads", "heads", "head_dim", "dtype"];
    let mut case = Case::default();
    let metadata = root.get("metadata");
    for part in [metadata, metadata.and_then(|node| node.get("parameters"))].into_iter().flatten() {
        for (key, node) in part.fields().iter().filter(|(key, _)| DIMENSIONS.contains(&key.as_str())) {
            if node.is_scalar() && !node.is_null() {
                set_parameter(&mut case, key, &node.written());
            }
        }
    }
    for part in ["configuration", "config"].into_iter().filter_map(|key| root.get(key)) {
        for (key, node) in part.fields().iter().filter(|(_, node)| node.is_scalar() && !node.is_null()) {
            set_parameter(&mut case, key, &node.take().written());
        }
    }
    case
}

fn commit(node: &Node) -> Option<Commit> {
    let commit = node.text()?.to_lowercase().parse().ok()?;
    node.take();
    Some(commit)
}

/// The name of the device that ran the results.
fn device(root: &Node) -> Option<String> {
    let metadata = root.get("metadata");
    let hardware = metadata.and_then(|node| node.get("hardware")).or_else(|| root.get("hardware"));
    let on_cpu = metadata.and_then(|node| node.get("parameters")?.get("device")?.text()) == Some("cpu");
    let named = |node: Option<&Node>, key: &str| Some(node?.get(key)?.text()?.to_owned());
    let gpu = || Some(hardware?.get("gpu_names")?.items().first()?.text()?.to_owned());
    let gpu = || gpu().or_else(|| named(metadata, "gpu")).or_else(|| named(root.get("system"), "gpu"));
    let not_a_kind = |name: &String| !matches!(name.as_str(), "cuda" | "cpu" | "");
    let other = || named(metadata, "device").filter(not_a_kind).or_else(|| named(hardware, "processor"));
    if on_cpu { named(hardware, "processor") } else { gpu().or_else(other) }
}

/// The folder under `by-type`, as the predecessor filed its results.
fn folder_type(source: &Source) -> Option<String> {
    let mut parts = source.path().components().map(|part| part.as_os_str().to_string_lossy());
    parts.find(|part| part == "by-type")?;
    parts.next().filter(|part| !part.ends_with(".json")).map(|part| part.into_owned())
}

/// The time in a text that ends in `2025-06-27-1714-UTC`.
pub(super) fn time_in(text: &str) -> Option<Timestamp> {
    let start = text.len().checked_sub("2025-06-27-1714-UTC".len())?;
    let time: DateTime = DateTime::strptime("%Y-%m-%d-%H%M-UTC", text.get(start..)?).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

fn without_time(name: &str) -> &str {
    match name.len().checked_sub("-2025-06-27-1714-UTC".len()) {
        Some(end) if time_in(name).is_some() => &name[..end],
        _ => name,
    }
}

/// Takes what a summary says of an implementation and the rows say too: mean, least and greatest time over its cases.
fn restated(summary: &Node, draft: &Draft, findings: &mut Findings) {
    let mut means: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in draft.rows.iter().filter(|row| row.measurement.status == Status::Ok) {
        let measurement = &row.measurement;
        let samples = &measurement.samples;
        if matches!(measurement.metric.as_str(), "time" | "mean_time") && !samples.is_empty() {
            let mean = samples.iter().sum::<f64>() / samples.len() as f64;
            means.entry(&measurement.implementation).or_default().push(mean);
        }
    }
    for (implementation, node) in summary.fields() {
        let Some(means) = means.get(implementation.as_str()) else { continue };
        let number = means.len() as f64;
        let values = [
            ("avg_time_ms", means.iter().sum::<f64>() / number / 1e6),
            ("min_time_ms", means.iter().copied().fold(f64::INFINITY, f64::min) / 1e6),
            ("max_time_ms", means.iter().copied().fold(f64::NEG_INFINITY, f64::max) / 1e6),
            ("num_configs", number),
            ("num_configs_tested", number),
        ];
        for (key, value) in values {
            if let Some(stated) =
                node.get(key).filter(|stated| stated.plain_number().is_some_and(|n| agree(n, value)))
            {
                stated.take();
                findings.skip(format!("summary.{implementation}.{key}"), "sums up rows that are imported");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_predecessor() {
        assert_eq!(time_in("fa3-benchmark-2025-06-27-1022-UTC").unwrap().to_string(), "2025-06-27T10:22:00Z");
        assert_eq!(time_in("2025-06-27"), None);
        assert_eq!(without_time("fa3-benchmark-2025-06-27-1022-UTC"), "fa3-benchmark");
        assert_eq!(without_time("ä"), "ä");
    }
}
