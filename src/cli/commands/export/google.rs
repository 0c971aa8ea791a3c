//! Google Benchmark's JSON, as its `compare.py` reads it: an entry a sample, named by implementation and case.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    Row,
    case::{Case, number, samples, text},
};

/// The document, and how many rows are left out because a later run has the same case.
pub(super) fn document(rows: &[Row]) -> (Value, usize) {
    let series =
        |row: &Row| ["type", "device", "implementation", "config"].map(|column| text(row, column)).join("\n");
    // Rows come in the order of their runs, so the last one wins.
    let latest: std::collections::HashMap<String, &str> =
        rows.iter().map(|row| (series(row), text(row, "run_id"))).collect();
    let kept: Vec<Row> =
        rows.iter().filter(|row| latest.get(&series(row)) == Some(&text(row, "run_id"))).cloned().collect();
    let several = |column: &str| kept.iter().map(|row| text(row, column)).collect::<BTreeSet<_>>().len() > 1;
    let apart: Vec<&str> = ["type", "device"].into_iter().filter(|column| several(column)).collect();

    let mut entries = Vec::new();
    for (_, case) in Case::gather(&kept, series) {
        entries.extend(entries_of(&case, &apart));
    }
    let last = kept.last();
    let context = json!({
        "date": last.map(|row| text(row, "recorded_at")),
        "host_name": last.map(|row| text(row, "device")),
        "executable": "pipe",
        "num_cpus": 1,
        "mhz_per_cpu": 0,
        "cpu_scaling_enabled": false,
        "caches": [],
        "library_build_type": "release",
    });
    (json!({"context": context, "benchmarks": entries}), rows.len() - kept.len())
}

fn entries_of(case: &Case<'_>, apart: &[&str]) -> Vec<Value> {
    let Some(first) = case.any() else { return Vec::new() };
    let name = name(first, apart);
    let entry = |index: usize, of: usize| {
        let fixed = json!({
            "name": name, "run_name": name, "run_type": "iteration", "repetitions": of, "repetition_index": index,
            "threads": 1, "iterations": 1, "time_unit": "ns",
        });
        if let Value::Object(fields) = fixed { fields } else { Map::new() }
    };
    if let Some(failure) = case.failure() {
        let mut entry = entry(0, 1);
        let message = format!("{}: {}", text(failure, "status"), text(failure, "message"));
        entry.extend([
            ("error_occurred".to_owned(), json!(true)),
            ("error_message".to_owned(), json!(message.trim_end_matches(": "))),
            ("real_time".to_owned(), json!(0.0)),
            ("cpu_time".to_owned(), json!(0.0)),
        ]);
        return vec![Value::Object(entry)];
    }
    let Some(time) = case.time() else { return Vec::new() };
    let times = samples(time);
    // What is not a time is a counter, the same for every repetition.
    let is_counter = |row: &&&Row| text(row, "unit") != "ns";
    let counters: Vec<(String, Value)> = case
        .rows
        .iter()
        .filter(is_counter)
        .filter_map(|row| Some((text(row, "metric").to_owned(), json!(number(row, "median")?))))
        .collect();
    let repetition = |(index, time): (usize, &f64)| {
        let mut entry = entry(index, times.len());
        entry.extend([("real_time".to_owned(), json!(time)), ("cpu_time".to_owned(), json!(time))]);
        entry.extend(counters.iter().cloned());
        Value::Object(entry)
    };
    times.iter().enumerate().map(repetition).collect()
}

/// `improved-dilated/batch_size:1/seq_len:2048`.
fn name(row: &Row, apart: &[&str]) -> String {
    let mut parts = vec![text(row, "implementation").to_owned()];
    parts.extend(apart.iter().map(|column| format!("{column}:{}", text(row, column))));
    for dimension in ["batch_size", "seq_len", "num_heads", "head_dim", "dtype"] {
        match row.get(dimension) {
            Some(Value::String(value)) => parts.push(format!("{dimension}:{value}")),
            Some(Value::Number(value)) => parts.push(format!("{dimension}:{value}")),
            _ => {}
        }
    }
    for (key, value) in row.get("parameters").and_then(Value::as_object).into_iter().flatten() {
        parts.push(format!("{key}:{}", value.as_str().unwrap_or_default()));
    }
    parts.join("/")
}
