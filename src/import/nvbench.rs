//! NVBench: `--json`, and `--jsonbin` with its binary files of samples.
//!
//! A state is a case, its axis values the parameters. Samples of the isolated ("cold") GPU time are read from the binary file
//! that the state names (32-bit floats, seconds, little-endian); without one the mean is the sample and the other statistics
//! stand in their columns. Every other summary is a metric of its tag. A skipped state is a failure with NVBench's reason.

use std::collections::BTreeMap;

use pipe_history::Stated;
use pipe_model::{Case, Status};

use crate::{
    draft::{Draft, Findings, Row},
    json::Node,
    names::{Quantity, metric, set_parameter},
    source::Source,
};

/// Tags of the files of samples, and what they hold.
const FILES: &[(&str, &str, &str, f64)] = &[
    ("nv/json/bin:nv/cold/sample_times", "gpu_time", "ns", 1e9),
    ("nv/json/bin:sample_times", "gpu_time", "ns", 1e9),
    ("nv/json/freqs-bin:nv/cold/sample_freqs", "sm_clock", "Hz", 1.0),
];

/// Families of statistics of one quantity.
const TIMES: &[(&str, &str)] = &[
    ("nv/cold/time/gpu/", "gpu_time"),
    ("nv/cold/time/cpu/", "cpu_time"),
    ("nv/cpu_only/time/cpu/", "cpu_only_time"),
];

pub(crate) fn is(root: &Node) -> bool {
    let list = root.get("benchmarks").map(Node::items).unwrap_or_default();
    root.get("devices").is_some_and(|node| node.is_list() || node.is_null())
        && list.iter().all(|entry| entry.get("states").is_some())
        || (!list.is_empty() && list.iter().all(|entry| entry.get("states").is_some_and(Node::is_list)))
}

pub(crate) fn read(root: &Node, source: &Source, findings: &mut Findings) -> Result<(), String> {
    // A run is of one device.
    let mut runs: BTreeMap<String, Draft> = BTreeMap::new();
    for (number, benchmark) in root.get("benchmarks").map(Node::items).unwrap_or_default().iter().enumerate()
    {
        let place = format!("benchmarks.{number}");
        let Some(name) = benchmark.take_text("name") else {
            findings.skip(place, "it has no name; kept in the environment");
            continue;
        };
        if let Some(axes) = benchmark.get("axes") {
            axes.take();
            findings.skip(format!("{place}.axes"), "the values of every axis are in the states");
        }
        let mut facts: Vec<(String, String)> = Vec::new();
        for (key, node) in benchmark
            .fields()
            .iter()
            .filter(|(key, node)| key != "states" && (node.is_scalar() || node.is_vector()))
        {
            if !node.is_null() && key != "name" {
                facts.push((format!("benchmark.{key}"), node.take().written()));
            }
        }
        for (index, state) in benchmark.get("states").map(Node::items).unwrap_or_default().iter().enumerate()
        {
            let id = state.get("device").map(|node| node.take().written()).unwrap_or_default();
            let draft =
                runs.entry(id.clone()).or_insert_with(|| Draft { key: id.clone(), ..Draft::default() });
            facts.iter().for_each(|(key, value)| draft.note(key, value));
            one_state(name, state, &format!("{place}.states.{index}"), source, draft, findings);
        }
    }
    for (id, mut draft) in runs {
        let devices = root.get("devices").map(Node::items).unwrap_or_default();
        let device = devices.iter().find(|device| device.get("id").map(Node::written).as_ref() == Some(&id));
        draft.device = device.and_then(|node| node.get("name")?.text()).unwrap_or_default().to_owned();
        draft.note_leftovers(root, &["meta."]);
        findings.runs.push(draft);
    }
    Ok(())
}

/// A summary: a tag, its text, and its data by name.
struct Summary<'a> {
    tag: &'a str,
    hint: &'a str,
    node: &'a Node,
    data: BTreeMap<&'a str, &'a Node>,
}

impl<'a> Summary<'a> {
    /// Of today's list of summaries, or of the object by name that the first versions wrote.
    fn all(state: &'a Node) -> Vec<Self> {
        let Some(node) = state.get("summaries") else { return Vec::new() };
        let listed =
            node.items().iter().map(|node| (node.get("tag").and_then(Node::text).unwrap_or_default(), node));
        let named = node.fields().iter().map(|(name, node)| (name.as_str(), node));
        listed.chain(named).map(|(tag, node)| Self::new(tag, node)).collect()
    }

    fn new(tag: &'a str, node: &'a Node) -> Self {
        let list = node.get("data").or_else(|| node.get("values")).map(Node::items).unwrap_or_default();
        let data: BTreeMap<&str, &Node> =
            list.iter().filter_map(|entry| Some((entry.get("name")?.text()?, entry.get("value")?))).collect();
        let hint =
            node.get("hint").and_then(Node::text).or_else(|| data.get("hint")?.text()).unwrap_or_default();
        Self { tag, hint, node, data }
    }

    fn value(&self) -> Option<f64> {
        self.data.get("value").and_then(|node| node.number())
    }
}

fn one_state(
    name: &str,
    state: &Node,
    place: &str,
    source: &Source,
    draft: &mut Draft,
    findings: &mut Findings,
) {
    let mut case = Case::default();
    for axis in state.get("axis_values").map(Node::items).unwrap_or_default() {
        if let (Some(axis_name), Some(value)) = (axis.get("name").and_then(Node::text), axis.get("value")) {
            set_parameter(&mut case, axis_name, &value.written());
            axis.take();
        }
    }
    for key in ["name", "description", "index", "type_config_index"] {
        if let Some(node) = state.get(key).filter(|node| !node.is_null()) {
            node.take();
            findings.skip(format!("{place}.{key}"), "says again which axis values these are");
        }
    }
    let summaries = Summary::all(state);
    if state.get("is_skipped").and_then(|node| node.take().bool()) == Some(true) {
        let reason = state.take_text("skip_reason").unwrap_or("NVBench gives no reason");
        draft.rows.push(Row::failed(name, &case, metric("gpu_time"), Status::Skipped, reason));
    }
    let mut has_times = false;
    for summary in &summaries {
        let Some((_, what, unit, scale)) = FILES.iter().find(|(tag, ..)| *tag == summary.tag) else {
            continue;
        };
        describe(summary, draft);
        match samples(summary, source) {
            Ok(samples) => {
                has_times |= *what == "gpu_time";
                if let Some(name) = summary.data.get("filename") {
                    draft.note("sample_files", &name.written());
                }
                draft.rows.push(Row::new(name, &case, &Quantity::of(what, unit, *scale), &samples));
            }
            Err(reason) => findings.skip(format!("{place}.{}", summary.tag), reason),
        }
        summary.node.take();
    }
    for (family, what) in TIMES {
        time(family, what, *what == "gpu_time" && has_times, &summaries, name, &case, place, draft, findings);
    }
    for summary in summaries.iter().filter(|summary| !FILES.iter().any(|(tag, ..)| *tag == summary.tag)) {
        if TIMES.iter().any(|(family, _)| summary.tag.starts_with(family)) {
            continue;
        }
        describe(summary, draft);
        let Some(value) = summary.value() else {
            findings.skip(format!("{place}.{}", summary.tag), "it has no value; kept in the environment");
            continue;
        };
        summary.node.take();
        if value.is_finite() {
            draft.rows.push(Row::new(name, &case, &quantity(summary), &[value]));
        } else {
            findings.skip(format!("{place}.{}", summary.tag), "not a finite number");
        }
    }
    for (key, node) in
        state.fields().iter().filter(|(key, node)| !node.is_null() && node.is_scalar() && key != "device")
    {
        if !matches!(
            key.as_str(),
            "name" | "description" | "index" | "type_config_index" | "is_skipped" | "skip_reason"
        ) {
            draft.note(&format!("state.{key}"), &node.take().written());
        }
    }
}

/// Statistics of one time: skipped where its samples are there, else the mean with the others beside it.
#[allow(clippy::too_many_arguments, reason = "a step of the function above, which has all of it at hand")]
fn time(
    family: &str,
    what: &str,
    has_samples: bool,
    summaries: &[Summary<'_>],
    name: &str,
    case: &Case,
    place: &str,
    draft: &mut Draft,
    findings: &mut Findings,
) {
    let mine: Vec<&Summary<'_>> =
        summaries.iter().filter(|summary| summary.tag.starts_with(family)).collect();
    let value = |statistic: &str| {
        mine.iter()
            .find(|summary| summary.tag.strip_prefix(family) == Some(statistic))?
            .value()
            .filter(|value| value.is_finite())
    };
    let scaled = |statistic: &str| value(statistic).map(|value| value * 1e9);
    let mean = value("mean").filter(|_| !has_samples);
    if let Some(mean) = mean {
        let stated = Stated {
            std_dev: scaled("stdev/absolute"),
            min: scaled("min"),
            max: scaled("max"),
            q1: scaled("q1"),
            median: scaled("median"),
            q3: scaled("q3"),
            ..Stated::default()
        };
        draft
            .rows
            .push(Row::new(name, case, &Quantity::seconds(&format!("mean_{what}")), &[mean]).stated(stated));
    }
    for summary in mine {
        describe(summary, draft);
        summary.node.take();
        let statistic = summary.tag.strip_prefix(family).unwrap_or_default();
        let is_column =
            matches!(statistic, "mean" | "stdev/absolute" | "min" | "max" | "q1" | "median" | "q3");
        let at = format!("{place}.{}", summary.tag);
        match (has_samples, mean.is_some() && is_column) {
            (true, _) => findings.skip(at, "computed from the samples, which are imported"),
            (false, true) => {}
            (false, false) if summary.value().is_some_and(f64::is_finite) => {
                let relative = statistic.ends_with("relative");
                let (unit, scale) = if relative { ("1", 1.0) } else { ("ns", 1e9) };
                let of = Quantity::of(&format!("{what}_{statistic}"), unit, scale);
                draft.rows.push(Row::new(name, case, &of, &[summary.value().unwrap_or_default()]));
            }
            (false, false) => findings.skip(at, "not a finite number"),
        }
    }
}

/// Keeps what a summary says of itself.
fn describe(summary: &Summary<'_>, draft: &mut Draft) {
    let text =
        |key: &str| summary.node.get(key).and_then(Node::text).or_else(|| summary.data.get(key)?.text());
    let told: Vec<&str> = ["name", "description", "hint", "hide"].into_iter().filter_map(text).collect();
    if !told.is_empty() {
        draft.note(&format!("summary.{}", summary.tag), &told.join(": "));
    }
}

fn quantity(summary: &Summary<'_>) -> Quantity {
    let name = summary.tag.strip_prefix("nv/").unwrap_or(summary.tag);
    let (unit, scale) = match summary.hint {
        "duration" => ("ns", 1e9),
        "bytes" => ("bytes", 1.0),
        "byte_rate" => ("bytes/s", 1.0),
        "item_rate" => ("items/s", 1.0),
        "sample_size" => ("count", 1.0),
        "frequency" => ("Hz", 1.0),
        _ => ("1", 1.0),
    };
    Quantity::of(name, unit, scale)
}

/// The samples in the file that a summary names.
fn samples(summary: &Summary<'_>, source: &Source) -> Result<Vec<f64>, String> {
    let name = summary.data.get("filename").and_then(|node| node.text()).ok_or("it names no file")?;
    let bytes = source.companion(name).map_err(|error| error.to_string())?;
    if bytes.len() % 4 != 0 {
        return Err(format!("{name} has {} bytes, which is no whole number of samples", bytes.len()));
    }
    let samples: Vec<f64> = bytes
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).into())
        .collect();
    let count = summary.data.get("size").and_then(|node| node.number());
    if count.is_some_and(|count| count != samples.len() as f64) {
        return Err(format!(
            "{name} holds {} samples and should hold {}",
            samples.len(),
            count.unwrap_or_default()
        ));
    }
    if samples.iter().any(|sample| !sample.is_finite()) {
        return Err(format!("{name} holds numbers that are not finite"));
    }
    Ok(samples)
}
