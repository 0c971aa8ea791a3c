//! A record of a predecessor's file: one object of plain values, as rows.

use std::collections::BTreeMap;

use pipe_history::Stated;
use pipe_model::{Basis, Case, Metric, Status};

use super::walk::Context;
use crate::{
    draft::{Draft, Findings, Row, agree, status_of},
    json::Node,
    names::{Quantity, metric, quantity, set_parameter},
};

/// Names of numbers that say what was run. Every other number of a record says how it went.
const PARAMETERS: &[&str] = &[
    "batch",
    "batch_size",
    "block_size",
    "causal",
    "chunk_size",
    "dilation_rate",
    "dilation_rates",
    "dim_head",
    "dropout",
    "dtype",
    "embed_dim",
    "gpu_id",
    "head_dim",
    "heads",
    "index",
    "is_causal",
    "iteration",
    "max_seq_len_target",
    "n_heads",
    "num_gpus",
    "num_heads",
    "num_iterations",
    "num_layers",
    "num_processes",
    "num_runs",
    "num_segments",
    "rank",
    "ring_size",
    "seed",
    "segment_length",
    "segment_lengths",
    "segment_size",
    "seq_len",
    "seq_length",
    "sequence_length",
    "sparsity",
    "sparsity_ratio",
    "step",
    "test_seq_len",
    "token_count",
    "total_tokens",
    "warmup",
    "warmup_runs",
    "window_size",
    "world_size",
];

/// Values of one record.
const MAX_VALUES: usize = 4096;

/// Names of lists of raw samples, their unit left off.
const SAMPLES: &[&str] =
    &["samples", "times", "raw_times", "raw_samples", "sample_times", "time_samples", "timings"];

/// Names the metric of a record's time, where that is not plainly `time`.
const TIME_METRIC: &str = "time_metric";

/// Words before a metric's name that make it a statistic of that metric.
const STATISTICS: &[(&str, Statistic)] = &[
    ("mean_", Statistic::Mean),
    ("avg_", Statistic::Mean),
    ("average_", Statistic::Mean),
    ("median_", Statistic::Median),
    ("std_", Statistic::StdDev),
    ("stddev_", Statistic::StdDev),
    ("min_", Statistic::Min),
    ("max_", Statistic::Max),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Statistic {
    Mean,
    Median,
    StdDev,
    Min,
    Max,
}

/// `seq_lens` is the column of `seq_len`; any other name is its own.
pub(super) fn singular(key: &str) -> &str {
    key.strip_suffix('s').filter(|stem| PARAMETERS.contains(stem)).unwrap_or(key)
}

/// Whether a value of an object makes the object a record.
pub(super) fn is_result(key: &str, node: &Node) -> bool {
    is_outcome(key) || is_samples(key, node) || (!PARAMETERS.contains(&key) && measured(key, node).is_some())
}

fn is_outcome(key: &str) -> bool {
    matches!(key, "success" | "error" | "status")
}

fn is_samples(key: &str, node: &Node) -> bool {
    node.is_list() && SAMPLES.contains(&quantity(key).metric.as_str())
}

/// The number of a measured value: a number, or a text that spells one under a name with a unit.
fn measured(key: &str, node: &Node) -> Option<f64> {
    node.plain_number().or_else(|| node.number().filter(|_| quantity(key).unit.as_str() != "1"))
}

/// The plain values of an object, of those within it too, and the lists of objects that are left.
#[derive(Default)]
pub(super) struct Record<'a> {
    plain: Vec<(String, &'a Node)>,
    pub(super) containers: Vec<(String, &'a Node)>,
}

/// A statistic as the record states it.
struct Stat<'a> {
    key: &'a str,
    node: &'a Node,
    value: f64,
}

/// How a record ended.
struct Outcome {
    status: Status,
    message: String,
}

impl<'a> Record<'a> {
    /// Adds fields; those of an object within get its key before theirs. Objects named in `without` are left out.
    pub(super) fn flatten(&mut self, prefix: &str, fields: &[(String, &'a Node)], without: &[&str]) {
        for (key, node) in fields {
            let name = format!("{prefix}{key}");
            if node.is_object() {
                if !without.contains(&key.as_str()) {
                    let inner: Vec<(String, &Node)> =
                        node.fields().iter().map(|(key, node)| (key.clone(), node)).collect();
                    self.flatten(&format!("{name}_"), &inner, without);
                }
            } else if node.is_scalar() || node.is_vector() || is_samples(key, node) {
                self.plain.push((name, node));
            } else {
                self.containers.push((key.clone(), node));
            }
        }
    }

    fn get(&self, key: &str) -> Option<&'a Node> {
        self.plain.iter().find(|(name, _)| name == key).map(|(_, node)| *node)
    }

    pub(super) fn implementation(&self) -> Option<&'a str> {
        let node = self.get("implementation").or_else(|| self.get("name"))?;
        node.take().text()
    }

    /// Adds the record's rows to the draft and answers its case.
    pub(super) fn rows(
        &self,
        implementation: &str,
        context: &Context<'_>,
        draft: &mut Draft,
        findings: &mut Findings,
    ) -> Case {
        if self.plain.len() > MAX_VALUES {
            findings.skip(
                &context.place,
                format!("a record of {} values; the limit is {MAX_VALUES}", self.plain.len()),
            );
            for (_, node) in &self.plain {
                node.take();
            }
            return context.case.clone();
        }
        let outcome = self.outcome();
        let case = self.case(implementation, context, findings);
        let simulated = self.get("simulated").and_then(|node| node.take().bool()) == Some(true);
        let basis = if simulated { Basis::Extrapolated } else { context.basis };
        let before = draft.rows.len();

        let mut statistics: BTreeMap<(Metric, &str), BTreeMap<Statistic, Stat<'_>>> = BTreeMap::new();
        let mut samples = None;
        for (key, node) in self.plain.iter().filter(|(key, _)| !PARAMETERS.contains(&key.as_str())) {
            let place = || format!("{}.{key}", context.place);
            if is_samples(key, node) {
                samples = Some((key, *node));
                continue;
            }
            if node.is_vector()
                && quantity(key).unit.as_str() != "1"
                && node.items().iter().all(|n| n.number().is_some())
            {
                let values = finite(node.take().items(), &place(), findings);
                draft.rows.push(
                    Row::new(implementation, &case, &quantity(key), &values).basis(basis_of(key, basis)),
                );
                continue;
            }
            if key == "simulated" || is_outcome(key) {
                continue;
            }
            let Some(value) = measured(key, node).or_else(|| node.bool().map(f64::from)) else { continue };
            if outcome.status != Status::Ok && value == 0.0 && node.bool().is_none() {
                node.take();
                findings.skip(place(), "the 0 of a case that failed is no measurement");
            } else if !value.is_finite() {
                node.take();
                findings.skip(place(), "not a finite number");
            } else if let Some((stem, statistic)) = statistic(key) {
                let quantity = quantity(stem);
                let unit = if quantity.unit.as_str() == "ns" { "ns" } else { "" };
                statistics.entry((quantity.metric, unit)).or_default().entry(statistic).or_insert(Stat {
                    key,
                    node,
                    value,
                });
            } else {
                node.take();
                draft.rows.push(
                    Row::new(implementation, &case, &quantity(key), &[value]).basis(basis_of(key, basis)),
                );
            }
        }

        if let Some((key, node)) = samples {
            let stats = statistics.get(&(metric("time"), "ns"));
            let scale = stats.and_then(|stats| stats.values().next()).map(|stat| quantity(stat.key));
            let name = self.time_metric().unwrap_or_else(|| metric("time"));
            let time = Quantity { metric: name, ..sample_quantity(key, scale) };
            let values = finite(node.take().items(), &format!("{}.{key}", context.place), findings);
            if !values.is_empty() {
                if let Some(stats) = statistics.get_mut(&(metric("time"), "ns")) {
                    restated(stats, &values, context, findings);
                }
                draft.rows.push(Row::new(implementation, &case, &time, &values).basis(basis));
            }
        }
        for stats in statistics.into_values() {
            draft.rows.extend(stated(stats, implementation, &case, basis));
        }

        if outcome.status != Status::Ok {
            // What was measured before it failed is kept, as of a case that failed.
            for row in &mut draft.rows[before..] {
                row.measurement.status = outcome.status;
                row.measurement.message.clone_from(&outcome.message);
            }
            let primary = self.primary();
            if !draft.rows[before..].iter().any(|row| row.measurement.metric == primary) {
                let row = Row::failed(implementation, &case, primary, outcome.status, &outcome.message);
                draft.rows.push(row.basis(basis));
            }
        }
        case
    }

    fn outcome(&self) -> Outcome {
        let success = self.get("success").and_then(|node| node.take().bool());
        let error = self.get("error").filter(|node| !node.is_null()).map(|node| node.take().written());
        let word = self.get("status").and_then(|node| node.take().text()).unwrap_or_default();
        let is_good = matches!(word, "" | "ok" | "success" | "passed" | "completed");
        let stated: Option<Status> = word.parse().ok();
        let failed =
            success == Some(false) || error.as_deref().is_some_and(|error| !error.is_empty()) || !is_good;
        let message = match (error, is_good) {
            (Some(error), _) if is_good || stated.is_some() => error,
            (Some(error), _) => format!("{word}: {error}"),
            (None, _) => word.to_owned(),
        };
        if !failed {
            return Outcome { status: Status::Ok, message: String::new() };
        }
        let status = stated.filter(|status| *status != Status::Ok).unwrap_or_else(|| status_of(&message));
        let message =
            if message.is_empty() { "the file says no more than that it failed".to_owned() } else { message };
        Outcome { status, message }
    }

    /// What was run: everything that is neither measured nor an outcome.
    fn case(&self, implementation: &str, context: &Context<'_>, findings: &mut Findings) -> Case {
        let mut case = context.case.clone();
        for (key, node) in &self.plain {
            let name_of_it =
                node.text() == Some(implementation) && matches!(key.as_str(), "implementation" | "name");
            if is_outcome(key)
                || is_samples(key, node)
                || name_of_it
                || key == "simulated"
                || (key == TIME_METRIC && self.time_metric().is_some())
                || node.is_null()
            {
                node.take();
            } else if PARAMETERS.contains(&key.as_str()) || !is_measured(key, node) {
                if node.number().is_some_and(|number| !number.is_finite()) {
                    findings
                        .skip(format!("{}.{key}", context.place), "a parameter that is not a finite number");
                }
                set_parameter(&mut case, key, &node.take().written());
            }
        }
        case
    }

    /// What the record's time is, where it says so, as those that pipe exports do.
    fn time_metric(&self) -> Option<Metric> {
        self.get(TIME_METRIC)?.text()?.parse().ok()
    }

    /// The metric that a failure counts against: the one its neighbours that went well have.
    fn primary(&self) -> Metric {
        if let Some(named) = self.time_metric() {
            return named;
        }
        let has =
            |wanted: &dyn Fn(&str, &Node) -> bool| self.plain.iter().any(|(key, node)| wanted(key, node));
        let is_mean = |key: &str, _: &Node| matches!(statistic(key), Some((stem, Statistic::Mean)) if quantity(stem).metric.as_str() == "time");
        if !has(&is_samples) && has(&is_mean) { metric("mean_time") } else { metric("time") }
    }
}

/// Whether a value is one of those that rows are made of.
fn is_measured(key: &str, node: &Node) -> bool {
    measured(key, node).is_some()
        || node.bool().is_some()
        || (node.is_vector()
            && quantity(key).unit.as_str() != "1"
            && node.items().iter().all(|n| n.number().is_some()))
}

fn statistic(key: &str) -> Option<(&str, Statistic)> {
    STATISTICS.iter().find_map(|(prefix, statistic)| Some((key.strip_prefix(prefix)?, *statistic)))
}

/// What samples are of: their own name says a unit, or the statistics beside them do.
fn sample_quantity(key: &str, beside: Option<Quantity>) -> Quantity {
    let own = quantity(key);
    if own.unit.as_str() == "1" { beside.unwrap_or(own) } else { own }
}

fn basis_of(key: &str, basis: Basis) -> Basis {
    let is_model = ["estimated_", "theoretical_", "predicted_"].iter().any(|prefix| key.starts_with(prefix));
    if is_model { Basis::Modelled } else { basis }
}

fn finite(items: &[Node], place: &str, findings: &mut Findings) -> Vec<f64> {
    let values: Vec<f64> = items.iter().filter_map(Node::number).filter(|value| value.is_finite()).collect();
    if values.len() < items.len() {
        findings.skip(
            place,
            format!("{} of {} samples are no finite numbers", items.len() - values.len(), items.len()),
        );
    }
    values
}

/// Takes the statistics that the samples give too.
fn restated(
    stats: &mut BTreeMap<Statistic, Stat<'_>>,
    samples: &[f64],
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let Some(summary) = pipe_stats::Summary::of(samples) else { return };
    let count = samples.len() as f64;
    stats.retain(|statistic, stat| {
        let value = match statistic {
            Statistic::Mean => Some(summary.mean),
            Statistic::Median => Some(summary.median),
            Statistic::StdDev => summary.std_dev,
            Statistic::Min => Some(summary.min),
            Statistic::Max => Some(summary.max),
        };
        let of_all = (*statistic == Statistic::StdDev)
            .then(|| summary.std_dev.map(|s| s * ((count - 1.0) / count).sqrt()));
        let same = |value: Option<f64>| value.is_some_and(|value| agree(value, stat.value));
        if same(value) || same(of_all.flatten()) {
            stat.node.take();
            findings
                .skip(format!("{}.{}", context.place, stat.key), "restates the samples, which are imported");
            return false;
        }
        true
    });
}

/// Statistics of samples that the file does not give: one row of the mean, with the others in its columns.
fn stated(
    mut stats: BTreeMap<Statistic, Stat<'_>>,
    implementation: &str,
    case: &Case,
    basis: Basis,
) -> Vec<Row> {
    for stat in stats.values() {
        stat.node.take();
    }
    let carrier =
        [Statistic::Mean, Statistic::Median].into_iter().find_map(|kind| Some((kind, stats.remove(&kind)?)));
    let Some((kind, carrier)) = carrier else {
        let row =
            |stat: &Stat<'_>| Row::new(implementation, case, &quantity(stat.key), &[stat.value]).basis(basis);
        return stats.values().map(row).collect();
    };
    let stem = statistic(carrier.key).map_or(carrier.key, |(stem, _)| stem);
    let own = quantity(stem);
    let word = if kind == Statistic::Mean { "mean" } else { "median" };
    let of = Quantity { metric: metric(&format!("{word}_{}", own.metric)), ..own };
    let value = |kind| stats.get(&kind).map(|stat: &Stat<'_>| stat.value * of.scale);
    let stated = Stated {
        std_dev: value(Statistic::StdDev),
        min: value(Statistic::Min),
        max: value(Statistic::Max),
        median: value(Statistic::Median),
        ..Stated::default()
    };
    vec![Row::new(implementation, case, &of, &[carrier.value]).stated(stated).basis(basis)]
}
