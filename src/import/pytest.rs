//! pytest-benchmark: `--benchmark-json`, `--benchmark-save`.
//!
//! With `--benchmark-save-data` or `--benchmark-json` the file holds every round; where it holds statistics alone, the mean is the sample
//! and the others stand in their columns.

use pipe_history::Stated;
use pipe_model::{Case, Commit};

use crate::{
    draft::{Draft, Findings, Row},
    json::Node,
    names::{Quantity, set_parameter},
};

pub(crate) fn is(root: &Node) -> bool {
    root.get("machine_info").is_some() && root.get("benchmarks").is_some_and(Node::is_list)
}

pub(crate) fn read(root: &Node, findings: &mut Findings) -> Result<(), String> {
    let mut draft = Draft::default();
    if let Some(commit) = root.get("commit_info") {
        draft.commit = commit.get("id").and_then(|id| id.text()?.parse::<Commit>().ok());
        // pytest-benchmark's `unversioned` says that it found no repository, not that there is none.
        draft.commit = draft.commit.filter(|commit| matches!(commit, Commit::Hash(_)));
        draft.dirty = commit.get("dirty").and_then(Node::bool).unwrap_or(false);
    }
    draft.recorded_at = root.get("datetime").and_then(|node| time(node.take().text()?));
    let machine = root.get("machine_info");
    let brand = machine.and_then(|node| node.get("cpu")?.get("brand_raw")?.text());
    draft.device = brand.or_else(|| machine?.get("node")?.text()).unwrap_or_default().to_owned();
    for (index, entry) in root.get("benchmarks").map(Node::items).unwrap_or_default().iter().enumerate() {
        benchmark(entry, index, &mut draft, findings);
    }
    for row in &mut draft.rows {
        row.measurement.dirty = draft.dirty;
    }
    draft.note_leftovers(root, &["machine_info.", "commit_info."]);
    findings.runs.push(draft);
    Ok(())
}

/// Times with an offset, and those of old versions without one, which are UTC.
fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

fn benchmark(entry: &Node, index: usize, draft: &mut Draft, findings: &mut Findings) {
    let place = |key: &str| format!("benchmarks.{index}.{key}");
    let Some(name) = entry.get("fullname").or_else(|| entry.get("name")).and_then(Node::text) else {
        return findings.skip(format!("benchmarks.{index}"), "it has no name; kept in the environment");
    };
    // The parameters in brackets are spelt out beside it.
    let implementation = name.split_once('[').map_or(name, |(function, _)| function);
    let mut case = Case::default();
    for part in ["params", "extra_info"].into_iter().filter_map(|key| entry.get(key)) {
        for (key, node) in part.fields() {
            set_parameter(&mut case, key, &node.take().written());
        }
    }
    if let Some(param) = entry.get("param").filter(|node| !node.is_null())
        && entry.get("params").is_none_or(Node::is_null)
    {
        set_parameter(&mut case, "param", &param.written());
    }
    if let Some(group) = entry.get("group").and_then(|node| node.take().text()) {
        set_parameter(&mut case, "group", group);
    }
    for key in ["name", "fullname", "param"] {
        entry.get(key).map(Node::take);
    }
    for (key, node) in entry.get("options").map(Node::fields).unwrap_or_default() {
        if node.is_scalar() && !node.is_null() {
            draft.note(&format!("options.{key}"), &node.take().written());
        }
    }
    let Some(stats) = entry.get("stats").filter(|node| node.is_object()) else {
        return findings.skip(place("stats"), "there are none");
    };
    let data = stats.get("data").map(Node::items).unwrap_or_default();
    let samples: Vec<f64> =
        data.iter().filter_map(Node::number).filter(|sample| sample.is_finite()).collect();
    if samples.len() < data.len() {
        findings.skip(
            place("stats.data"),
            format!("{} of {} samples are no finite numbers", data.len() - samples.len(), data.len()),
        );
    }
    let iterations = stats.take_number("iterations");
    if !samples.is_empty() {
        draft.rows.push(Row::new(implementation, &case, &Quantity::seconds("time"), &samples));
        stats.get("data").map(Node::take);
        for (key, node) in
            stats.fields().iter().filter(|(key, _)| !matches!(key.as_str(), "data" | "iterations"))
        {
            node.take();
            findings.skip(place(&format!("stats.{key}")), "computed from the samples, which are imported");
        }
    } else if let Some(mean) = stats.take_number("mean").filter(|mean| mean.is_finite()) {
        let value =
            |key: &str| stats.take_number(key).filter(|value| value.is_finite()).map(|value| value * 1e9);
        let stated = Stated {
            std_dev: value("stddev"),
            min: value("min"),
            q1: value("q1"),
            median: value("median"),
            q3: value("q3"),
            max: value("max"),
            ..Stated::default()
        };
        draft
            .rows
            .push(Row::new(implementation, &case, &Quantity::seconds("mean_time"), &[mean]).stated(stated));
        if let Some(rounds) = stats.take_number("rounds") {
            draft.rows.push(Row::new(
                implementation,
                &case,
                &Quantity::of("rounds", "count", 1.0),
                &[rounds],
            ));
        }
        for (key, node) in stats.fields().iter().filter(|(_, node)| node.is_scalar() && !node.is_null()) {
            if !matches!(
                key.as_str(),
                "mean" | "stddev" | "min" | "q1" | "median" | "q3" | "max" | "rounds" | "iterations"
            ) {
                node.take();
                findings
                    .skip(place(&format!("stats.{key}")), "describes samples that the file does not hold");
            }
        }
    } else {
        findings.skip(place("stats"), "neither samples nor a mean; kept in the environment");
    }
    if let Some(iterations) = iterations {
        draft.rows.push(Row::new(
            implementation,
            &case,
            &Quantity::of("iterations", "count", 1.0),
            &[iterations],
        ));
    }
}
