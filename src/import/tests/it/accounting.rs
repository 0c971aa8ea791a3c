//! No value is lost silently: every leaf of a file is found in a column, a parameter or the environment, or is skipped by
//! name.

use std::path::Path;

use pipe_import::Imported;
use serde_json::Value;

use crate::support::{fixture, import, real_results};

/// By what a value may have been multiplied on its way to the unit it is stored in.
const SCALES: [f64; 8] = [1.0, 1e3, 1e6, 1e9, 1e12, 1024.0, 1048576.0, 1073741824.0];

struct Ledger {
    numbers: Vec<f64>,
    texts: Vec<String>,
    skipped: Vec<String>,
}

impl Ledger {
    fn of(imported: &Imported) -> Self {
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for imported in &imported.runs {
            let run = &imported.run;
            texts.extend([run.commit.to_string(), run.device.name.clone(), run.benchmark_type.to_string()]);
            texts.push(run.recorded_at.to_string());
            texts.push(run.recorded_at.strftime("%Y-%m-%d-%H%M-UTC").to_string());
            numbers.push(run.recorded_at.as_millisecond() as f64);
            texts.extend(run.environment.iter().flat_map(|(key, value)| [key.clone(), value.clone()]));
            for (m, stated) in run.measurements.iter().zip(&imported.stated) {
                numbers.extend(&m.samples);
                let stated = [
                    stated.mean,
                    stated.std_dev,
                    stated.min,
                    stated.q1,
                    stated.median,
                    stated.q3,
                    stated.max,
                ];
                numbers.extend(stated.into_iter().flatten());
                let case = &m.case;
                for dimension in
                    [case.batch_size, case.seq_len, case.num_heads, case.head_dim].into_iter().flatten()
                {
                    numbers.push(dimension as f64);
                    texts.push(dimension.to_string());
                }
                texts.extend(case.dtype.map(|dtype| dtype.to_string()));
                texts.extend(case.parameters.iter().flat_map(|(key, value)| [key.clone(), value.clone()]));
                texts.extend(["batch_size", "seq_len", "num_heads", "head_dim", "dtype"].map(str::to_owned));
                texts.extend([m.implementation.clone(), m.message.clone(), m.kernel_digest.clone()]);
                texts.extend(m.implementation.split('/').map(str::to_owned));
                texts.extend([m.status.to_string(), m.basis.to_string(), m.dirty.to_string()]);
            }
        }
        // criterion gives iterations and their time, of which the samples are the quotients.
        for run in imported.runs.iter().map(|imported| &imported.run) {
            let of =
                |name: &str| run.measurements.iter().find(|m| m.metric.as_str() == name).map(|m| &m.samples);
            if let (Some(times), Some(counts)) = (of("time"), of("iterations")) {
                numbers.extend(times.iter().zip(counts).map(|(time, count)| time * count));
            }
        }
        texts.sort();
        texts.dedup();
        Self {
            numbers,
            texts,
            skipped: imported.skipped.iter().map(|skipped| skipped.place.clone()).collect(),
        }
    }

    fn has_text(&self, text: &str) -> bool {
        let text = text.trim().trim_matches('\'');
        self.texts.iter().any(|known| {
            known == text
                || known.split("; ").any(|part| part == text)
                || known.split([',', ' ']).any(|part| part == text)
                || (text.len() > 3 && known.contains(text))
        })
    }

    fn has_number(&self, number: f64) -> bool {
        let near = |known: f64, scale: f64| (known - number * scale).abs() <= 1e-12 * known.abs();
        self.numbers.iter().any(|known| SCALES.iter().any(|scale| near(*known, *scale)))
    }

    fn accounts_for(&self, path: &str, leaf: &Value) -> bool {
        let is_skipped = self.skipped.iter().any(|place| {
            path == place || (path.starts_with(place.as_str()) && path[place.len()..].starts_with('.'))
        });
        is_skipped
            || match leaf {
                Value::Null => true,
                Value::Bool(true) => {
                    self.has_text("true")
                        || self.has_number(1.0)
                        || self.has_text("ok")
                        || self.has_text("extrapolated")
                }
                Value::Bool(false) => {
                    self.has_text("false") || self.has_number(0.0) || self.texts.iter().any(|t| t != "ok")
                }
                Value::Number(number) => {
                    let value = number.as_f64().unwrap();
                    self.has_number(value)
                        || self.has_text(&number.to_string())
                        || self.has_text(&value.to_string())
                }
                Value::String(text) => {
                    self.has_text(text)
                        || text.strip_prefix("torch.float16").is_some_and(|_| self.has_text("f16"))
                        || (text == "float16" && self.has_text("f16"))
                        || text.parse().is_ok_and(|number| self.has_number(number))
                        || text.parse::<jiff::Timestamp>().is_ok_and(|at| self.has_text(&at.to_string()))
                        || text.split(['/', ':', '[', ']']).all(|part| part.is_empty() || self.has_text(part))
                }
                _ => unreachable!("a leaf is a scalar"),
            }
    }
}

fn walk(value: &Value, path: &str, leaf: &mut dyn FnMut(&str, &Value)) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| walk(value, &join(key), leaf)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| walk(value, &join(&index.to_string()), leaf));
        }
        scalar => leaf(path, scalar),
    }
}

/// The leaves of a file that are nowhere.
fn lost(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    // Python's constants, which a strict parser refuses.
    let text = text.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
    let document: Value = serde_json::from_str(&text).unwrap();
    let imported = import(path).unwrap();
    let ledger = Ledger::of(&imported);
    let mut lost = Vec::new();
    walk(&document, "", &mut |at, leaf| {
        // NVBench says beside every value what it is called and how it is written.
        let is_wrapping = at.contains(".data.") && (at.ends_with(".name") || at.ends_with(".type"));
        if is_wrapping || (at.contains(".axis_values.") && at.ends_with(".type")) {
            return;
        }
        if !ledger.accounts_for(at, leaf) {
            lost.push(format!("{}: {at} = {leaf}", path.file_name().unwrap().to_string_lossy()));
        }
    });
    lost
}

#[test]
fn every_leaf_of_every_tools_file_is_accounted_for() {
    let files = [
        "google.json",
        "google-aggregates.json",
        "pytest.json",
        "pytest-statistics.json",
        "hyperfine.json",
        "hyperfine-parameters.json",
        "hyperfine-failed.json",
        "asv/box/343fe150-existing-py3.json",
        "criterion/plain/new/sample.json",
        "nvbench/result.json",
    ];
    let lost: Vec<String> = files.iter().flat_map(|name| lost(&fixture(name))).collect();
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn every_leaf_of_the_predecessors_real_files_is_accounted_for() {
    let Some(files) = real_results() else { return };
    assert_eq!(files.len(), 13);
    let lost: Vec<String> = files.iter().flat_map(|path| lost(path)).collect();
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn a_ledger_misses_what_is_not_there() {
    let imported = import(&fixture("hyperfine.json")).unwrap();
    let ledger = Ledger::of(&imported);
    assert!(!ledger.accounts_for("results.0.new", &Value::from(123.456)));
    assert!(!ledger.accounts_for("results.0.new", &Value::from("nowhere to be found")));
    assert!(ledger.accounts_for("results.0.mean", &Value::from(123.456)), "skipped by name");
}
