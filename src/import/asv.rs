//! asv (airspeed velocity): `results/<machine>/<commit>-<environment>.json`, version 2 of its results.
//!
//! `benchmarks.json` one folder up gives the names of parameters, kinds and units; without it the kind is told from the
//! name (`time_`, `mem_`, `peakmem_`, `track_`) and parameters are numbered. Where samples were recorded (`--record-samples`) they are
//! taken, else the median that asv states, with its quartiles. `null` is a failure, NaN a combination that does not apply.

use std::collections::HashMap;

use jiff::Timestamp;
use pipe_history::Stated;
use pipe_model::{Case, Status};

use crate::{
    draft::{Draft, Findings, Row},
    json::{self, Node},
    names::{Quantity, metric, set_parameter},
    source::Source,
};

/// Combinations of parameters of one benchmark.
const MAX_COMBINATIONS: usize = 100_000;

pub(crate) fn is(root: &Node) -> bool {
    root.get("commit_hash").is_some() && root.get("results").is_some_and(Node::is_object)
}

/// Whether a document is one of those that asv keeps beside its results.
pub(crate) fn is_companion(root: &Node) -> bool {
    let is_machine = root.get("machine").is_some()
        && root.get("num_cpu").or_else(|| root.get("cpu")).is_some()
        && root.get("version").is_some();
    let is_list = root.get("version").is_some()
        && root
            .fields()
            .iter()
            .any(|(_, node)| node.get("param_names").is_some() && node.get("code").is_some());
    is_machine || is_list
}

pub(crate) fn read(root: &Node, source: &Source, findings: &mut Findings) -> Result<(), String> {
    if root.get("version").and_then(Node::number) != Some(2.0) {
        return Err("its version is not 2; `asv update` brings results up to date".to_owned());
    }
    let described = source
        .beside("../benchmarks.json")
        .and_then(|bytes| json::parse(std::str::from_utf8(&bytes).ok()?).ok());
    let columns: Vec<&str> = root
        .get("result_columns")
        .map(|list| list.items())
        .unwrap_or_default()
        .iter()
        .filter_map(Node::text)
        .collect();
    let mut draft = Draft {
        commit: root.take_text("commit_hash").and_then(|hash| hash.parse().ok()),
        ..Draft::default()
    };
    draft.device =
        root.get("params").and_then(|node| node.get("machine")?.text()).unwrap_or_default().to_owned();
    if let Some(date) = root.get("date").filter(|date| date.number().is_some()) {
        draft.note("commit_date", &date.take().written());
    }
    for (name, result) in root.get("results").map(Node::fields).unwrap_or_default() {
        let values: HashMap<&str, &Node> = columns.iter().copied().zip(result.items()).collect();
        if result.items().len() > columns.len() {
            findings.skip(
                format!("results.{name}"),
                "it has more values than there are columns; they are kept in the environment",
            );
        }
        benchmark(
            name,
            &columns,
            &values,
            described.as_ref().and_then(|all| all.get(name)),
            &mut draft,
            findings,
        );
    }
    draft.note_leftovers(root, &[]);
    findings.runs.push(draft);
    Ok(())
}

fn benchmark(
    name: &str,
    columns: &[&str],
    values: &HashMap<&str, &Node>,
    described: Option<&Node>,
    draft: &mut Draft,
    findings: &mut Findings,
) {
    // As the file numbers them, which is in the order of its columns.
    let place = |column: &str| {
        let at = columns.iter().position(|name| *name == column);
        at.map_or_else(|| format!("results.{name}.{column}"), |at| format!("results.{name}.{at}"))
    };
    let Some(result) = values.get("result") else {
        return findings.skip(place("result"), "there is none");
    };
    let quantity = kind(name, described);
    let params: Vec<&[Node]> =
        values.get("params").map(|list| list.items().iter().map(Node::items).collect()).unwrap_or_default();
    let combinations = params.iter().try_fold(1_usize, |count, values| count.checked_mul(values.len()));
    let Some(combinations) = combinations.filter(|count| *count <= MAX_COMBINATIONS) else {
        return findings.skip(
            place("params"),
            format!("more than {MAX_COMBINATIONS} combinations; kept in the environment"),
        );
    };
    values.get("params").map(|node| node.take());
    let names: Vec<String> = (0..params.len())
        .map(|index| {
            let name = described.and_then(|node| node.get("param_names")?.items().get(index)?.text());
            name.map_or_else(|| format!("param{index}"), str::to_owned)
        })
        .collect();
    if let Some(started) = values.get("started_at").and_then(|node| node.take().number())
        && let Ok(started) = Timestamp::from_millisecond(started as i64)
    {
        draft.recorded_at = Some(draft.recorded_at.map_or(started, |known| known.min(started)));
        findings.skip(place("started_at"), "when asv came to it; the run has the earliest of all");
    }
    let digest = values.get("version").and_then(|node| node.take().text()).unwrap_or_default();
    let at = |column: &str, index: usize| values.get(column).and_then(|list| list.items().get(index));
    let before = draft.rows.len();
    let mut has_samples = false;
    for index in 0..combinations {
        let mut case = Case::default();
        let mut rest = index;
        // The last parameter turns fastest.
        for (values, name) in params.iter().zip(&names).rev() {
            set_parameter(&mut case, name, values[rest % values.len()].written().trim_matches('\''));
            rest /= values.len();
        }
        let samples: Vec<f64> = at("samples", index)
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Node::number)
            .collect();
        let row = match result.items().get(index).map(|node| (node, node.number())) {
            Some((_, Some(value))) if value.is_nan() => Row::failed(
                name,
                &case,
                quantity.metric.clone(),
                Status::Skipped,
                "it does not apply to these parameters",
            ),
            Some((_, Some(_))) if !samples.is_empty() && samples.iter().all(|sample| sample.is_finite()) => {
                has_samples = true;
                Row::new(name, &case, &quantity, &samples)
            }
            Some((_, Some(value))) if value.is_finite() => {
                stated(name, &case, &quantity, value, &|column| at(column, index))
            }
            Some((node, None)) if !node.is_null() => {
                findings.skip(place(&format!("result.{index}")), "not a number; kept in the environment");
                continue;
            }
            Some((_, Some(_))) => {
                findings.skip(place(&format!("result.{index}")), "not a finite number");
                continue;
            }
            _ => Row::failed(
                name,
                &case,
                quantity.metric.clone(),
                Status::Error,
                "asv says that it failed, and no more",
            ),
        };
        draft.rows.push(row);
    }
    for row in &mut draft.rows[before..] {
        digest.clone_into(&mut row.measurement.kernel_digest);
    }
    if result.items().iter().all(|node| node.number().is_some() || node.is_null()) {
        result.take();
    }
    if has_samples {
        values.get("samples").map(|node| node.take());
    }
    for (column, node) in values.iter().filter(|(column, node)| {
        !node.is_null() && (column.starts_with("stats_") || matches!(**column, "duration" | "profile"))
    }) {
        node.take();
        let used = !has_samples && matches!(*column, "stats_q_25" | "stats_q_75");
        if !used {
            findings.skip(
                place(column),
                if *column == "duration" {
                    "how long asv was at it"
                } else {
                    "how asv sampled, or computed from the samples"
                },
            );
        }
    }
}

/// The median as the one sample, with its quartiles.
fn stated<'a>(
    name: &str,
    case: &Case,
    quantity: &Quantity,
    value: f64,
    at: &dyn Fn(&str) -> Option<&'a Node>,
) -> Row {
    if quantity.metric.as_str() != "time" {
        return Row::new(name, case, quantity, &[value]);
    }
    let quartile = |column| {
        at(column)
            .and_then(Node::number)
            .filter(|value| value.is_finite())
            .map(|value| value * quantity.scale)
    };
    let stated = Stated { q1: quartile("stats_q_25"), q3: quartile("stats_q_75"), ..Stated::default() };
    let median = Quantity { metric: metric("median_time"), ..quantity.clone() };
    Row::new(name, case, &median, &[value]).stated(stated)
}

/// What a benchmark measures.
fn kind(name: &str, described: Option<&Node>) -> Quantity {
    let told = described.and_then(|node| node.get("type")?.text());
    let unit = described.and_then(|node| node.get("unit")?.text());
    let function = name.rsplit('.').next().unwrap_or(name).to_lowercase();
    let starts = |prefix: &str| function.starts_with(prefix);
    match told {
        Some("time") => Quantity::seconds("time"),
        Some("memory") => Quantity::of("memory", "bytes", 1.0),
        Some("peakmemory") => Quantity::of("peak_memory", "bytes", 1.0),
        Some(_) => Quantity::of("value", unit.unwrap_or("1"), 1.0),
        None if starts("time") => Quantity::seconds("time"),
        None if starts("mem") => Quantity::of("memory", "bytes", 1.0),
        None if starts("peakmem") => Quantity::of("peak_memory", "bytes", 1.0),
        None => Quantity::of("value", "1", 1.0),
    }
}
