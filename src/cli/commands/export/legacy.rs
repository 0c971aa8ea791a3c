//! The predecessor's folders: `by-type/<type>/<time>/<type>-<time>.json` and `by-date/<day>/<type>-<time>.json`, a file a run.
//!
//! Records are those of its `benchmark_all_implementations`: times in milliseconds with their samples, memory in
//! mebibytes. Metrics that it did not have stand beside them under their own names; `time_metric` names the time where it
//! is not plainly `time`, and `status` how a case failed, so that `pipe import` finds the history as it was.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Row,
    case::{Case, number, samples, text},
};

/// Nanoseconds of a millisecond.
const MILLISECOND: f64 = 1e6;
/// The metric of a mean that was recorded without its samples.
const MEAN_TIME: &str = "mean_time";
/// Bytes of a mebibyte.
const MEBIBYTE: f64 = 1_048_576.0;

/// A file to write, its path relative to the folder.
pub(super) struct File {
    pub(super) path: String,
    pub(super) document: Value,
}

/// The files of `rows`: two a run, with the same contents.
pub(super) fn files(rows: &[Row]) -> Vec<File> {
    let mut files = Vec::new();
    let mut taken = BTreeSet::new();
    for (_, run) in Case::gather(rows, |row| {
        format!("{}\n{}\n{}", text(row, "run_id"), text(row, "commit"), text(row, "type"))
    }) {
        let Some(first) = run.any() else { continue };
        let time = stamp(text(first, "recorded_at"));
        let benchmark_type = text(first, "type");
        // The predecessor's names are good to the minute; a second run of that minute gets a number.
        let unique = (1..).map(|number| if number == 1 { time.clone() } else { format!("{number}-{time}") });
        let name =
            unique.map(|time| format!("{benchmark_type}-{time}")).find(|name| taken.insert(name.clone()));
        let name = name.unwrap_or_default();
        let document = document(&run, benchmark_type, &time);
        let day = time.get(..10).unwrap_or(&time);
        for path in
            [format!("by-type/{benchmark_type}/{time}/{name}.json"), format!("by-date/{day}/{name}.json")]
        {
            files.push(File { path, document: document.clone() });
        }
    }
    files
}

/// `2025-06-27-1714-UTC`.
fn stamp(recorded_at: &str) -> String {
    let time: Timestamp = recorded_at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d-%H%M-UTC").to_string()
}

fn document(run: &Case<'_>, benchmark_type: &str, time: &str) -> Value {
    let Some(first) = run.any() else { return Value::Null };
    let rows: Vec<Row> = run.rows.iter().map(|row| (*row).clone()).collect();
    let mut results: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (_, case) in
        Case::gather(&rows, |row| format!("{}\n{}", text(row, "implementation"), text(row, "config")))
    {
        let implementation = case.any().map(|row| text(row, "implementation")).unwrap_or_default().to_owned();
        if let (None, Some(time)) = (case.failure(), case.time()) {
            times
                .entry(implementation.clone())
                .or_default()
                .extend(number(time, "mean").map(|mean| mean / MILLISECOND));
        }
        results.entry(implementation).or_default().push(record(&case));
    }
    let summed = |times: &Vec<f64>| {
        json!({
            "avg_time_ms": times.iter().sum::<f64>() / times.len() as f64,
            "min_time_ms": times.iter().copied().fold(f64::INFINITY, f64::min),
            "max_time_ms": times.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            "num_configs": times.len(),
        })
    };
    let summary: Map<String, Value> = times
        .iter()
        .filter(|(_, times)| !times.is_empty())
        .map(|(name, times)| (name.clone(), summed(times)))
        .collect();
    let environment = first.get("environment").and_then(Value::as_object).cloned().unwrap_or_default();
    json!({
        "metadata": {
            "benchmark_type": benchmark_type,
            "timestamp": time,
            "git_commit": text(first, "commit"),
            "git_dirty": first.get("dirty").and_then(Value::as_bool).unwrap_or(false),
            "hardware": {"gpu_count": 1, "gpu_names": [text(first, "device")]},
            "command_line": environment.get("command_line"),
            "source": text(first, "source"),
            "run_id": text(first, "run_id"),
            "environment": environment,
        },
        "results": results,
        "summary": summary,
    })
}

fn record(case: &Case<'_>) -> Value {
    let Some(first) = case.any() else { return Value::Null };
    let mut record = Map::new();
    record.insert("implementation".to_owned(), json!(text(first, "implementation")));
    for dimension in ["batch_size", "seq_len", "num_heads", "head_dim", "dtype"] {
        if let Some(value) = first.get(dimension).filter(|value| !value.is_null()) {
            record.insert(dimension.to_owned(), value.clone());
        }
    }
    for (key, value) in first.get("parameters").and_then(Value::as_object).into_iter().flatten() {
        record.insert(key.clone(), value.clone());
    }
    let time = case.time();
    let scaled = |row, column| number(row, column).map(|value| value / MILLISECOND);
    if let Some(time) = time {
        record.insert("mean_time_ms".to_owned(), json!(scaled(time, "mean")));
        // A mean whose samples are not known has none here either.
        if text(time, "metric") != MEAN_TIME {
            record.insert("std_time_ms".to_owned(), json!(scaled(time, "std_dev")));
            record.insert("min_time_ms".to_owned(), json!(scaled(time, "min")));
            record.insert("samples".to_owned(), json!(divided(time, MILLISECOND)));
        }
    }
    let failed = case.failure();
    let named = time.or(failed.filter(|row| text(row, "unit") == "ns")).map(|row| text(row, "metric"));
    if let Some(metric) = named.filter(|metric| *metric != "time" && (time.is_none() || *metric != MEAN_TIME))
    {
        record.insert("time_metric".to_owned(), json!(metric));
    }
    for row in
        case.rows.iter().filter(|row| time.is_none_or(|time| text(time, "metric") != text(row, "metric")))
    {
        let (suffix, scale) = match text(row, "unit") {
            "ns" => ("_ms", MILLISECOND),
            "bytes" => ("_mb", MEBIBYTE),
            _ => ("", 1.0),
        };
        let values = divided(row, scale);
        let value = match values.as_slice() {
            [] => continue,
            [value] => json!(value),
            values if suffix.is_empty() => json!(number(row, "median").or(values.first().copied())),
            values => json!(values),
        };
        record.insert(format!("{}{suffix}", text(row, "metric")), value);
    }
    if let Some(row) = failed {
        record.insert("status".to_owned(), json!(text(row, "status")));
    }
    let failure = failed.map(|row| match text(row, "message") {
        "" => text(row, "status").replace('_', " "),
        message => message.to_owned(),
    });
    record.insert("success".to_owned(), json!(failure.is_none()));
    record.insert("error".to_owned(), json!(failure));
    Value::Object(record)
}

/// The samples of a row in units of `scale`.
fn divided(row: &Row, scale: f64) -> Vec<f64> {
    samples(row).iter().map(|sample| sample / scale).collect()
}
