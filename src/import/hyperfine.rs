//! hyperfine: `--export-json`.
//!
//! A command is an implementation; its `--parameter`s are the case. A command that exited with anything but 0 (`--ignore-failure`) is a failure that keeps its
//! samples.

use pipe_model::{Case, Status};

use crate::{
    draft::{Draft, Findings, Row},
    json::Node,
    names::{Quantity, metric, set_parameter},
};

pub(crate) fn is(root: &Node) -> bool {
    let list = root.get("results").map(Node::items).unwrap_or_default();
    !list.is_empty() && list.iter().all(|entry| entry.get("command").is_some() && entry.get("mean").is_some())
}

pub(crate) fn read(root: &Node, findings: &mut Findings) -> Result<(), String> {
    let mut draft = Draft::default();
    for (index, entry) in root.get("results").map(Node::items).unwrap_or_default().iter().enumerate() {
        command(entry, index, &mut draft, findings);
    }
    draft.note_leftovers(root, &[]);
    findings.runs.push(draft);
    Ok(())
}

fn command(entry: &Node, index: usize, draft: &mut Draft, findings: &mut Findings) {
    let place = |key: &str| format!("results.{index}.{key}");
    let Some(command) = entry.take_text("command") else {
        return findings.skip(place("command"), "not a text; kept in the environment");
    };
    let mut case = Case::default();
    for (key, node) in entry.get("parameters").map(Node::fields).unwrap_or_default() {
        set_parameter(&mut case, key, &node.take().written());
    }
    let times = entry.get("times").map(Node::items).unwrap_or_default();
    let samples: Vec<f64> =
        times.iter().filter_map(Node::number).filter(|sample| sample.is_finite()).collect();
    if samples.len() < times.len() {
        findings.skip(
            place("times"),
            format!("{} of {} samples are no finite numbers", times.len() - samples.len(), times.len()),
        );
    }
    let before = draft.rows.len();
    let stated =
        |key: &str| entry.take_number(key).filter(|value| value.is_finite()).map(|value| value * 1e9);
    if samples.is_empty() {
        if let Some(mean) = entry.take_number("mean").filter(|mean| mean.is_finite()) {
            let stated = pipe_history::Stated {
                std_dev: stated("stddev"),
                median: stated("median"),
                min: stated("min"),
                max: stated("max"),
                ..Default::default()
            };
            draft
                .rows
                .push(Row::new(command, &case, &Quantity::seconds("mean_time"), &[mean]).stated(stated));
        }
    } else {
        entry.get("times").map(Node::take);
        draft.rows.push(Row::new(command, &case, &Quantity::seconds("time"), &samples));
        for key in ["mean", "stddev", "median", "min", "max"] {
            if let Some(node) = entry.get(key) {
                node.take();
                findings.skip(place(key), "computed from the samples, which are imported");
            }
        }
    }
    for (key, name) in [("user", "mean_user_time"), ("system", "mean_system_time")] {
        if let Some(value) = entry.take_number(key).filter(|value| value.is_finite()) {
            draft.rows.push(Row::new(command, &case, &Quantity::seconds(name), &[value]));
        }
    }
    if let Some(memory) = entry.take_numbers("memory_usage_byte") {
        draft.rows.push(Row::new(command, &case, &Quantity::of("peak_memory", "bytes", 1.0), &memory));
    }
    let codes = entry.get("exit_codes").map(|node| node.take().items()).unwrap_or_default();
    let bad: Vec<String> =
        codes.iter().filter(|code| code.number() != Some(0.0)).map(Node::written).collect();
    if let Some(first) = bad.first() {
        let code = if first == "null" {
            "it was killed by a signal".to_owned()
        } else {
            format!("it exited with {first}")
        };
        let message = format!("{code} in {} of {} runs", bad.len(), codes.len());
        if draft.rows.len() == before {
            draft.rows.push(Row::failed(command, &case, metric("time"), Status::Error, &message));
        }
        for row in &mut draft.rows[before..] {
            row.measurement.status = Status::Error;
            row.measurement.message.clone_from(&message);
        }
    } else if draft.rows.len() == before {
        findings.skip(format!("results.{index}"), "neither samples nor a mean");
    }
}
