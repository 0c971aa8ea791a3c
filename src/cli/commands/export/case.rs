//! Measurements of one case, gathered from the rows of the history.

use serde_json::Value;

use super::Row;

/// A text of a row; empty where it is null.
pub(super) fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// A number of a row.
pub(super) fn number(row: &Row, column: &str) -> Option<f64> {
    row.get(column).and_then(Value::as_f64)
}

/// The samples of a row.
pub(super) fn samples(row: &Row) -> Vec<f64> {
    row.get("samples")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_f64).collect())
        .unwrap_or_default()
}

/// Whether the case of a row went well.
pub(super) fn is_ok(row: &Row) -> bool {
    text(row, "status") == "ok"
}

/// The rows of one case of one implementation in one run.
pub(super) struct Case<'a> {
    pub(super) rows: Vec<&'a Row>,
}

impl<'a> Case<'a> {
    /// Gathers rows by `key`, in the order in which the keys first appear.
    pub(super) fn gather(rows: &'a [Row], key: impl Fn(&'a Row) -> String) -> Vec<(String, Self)> {
        let mut cases: Vec<(String, Self)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for row in rows {
            let key = key(row);
            let place = *places.entry(key.clone()).or_insert_with(|| {
                cases.push((key, Case { rows: Vec::new() }));
                cases.len() - 1
            });
            cases[place].1.rows.push(row);
        }
        cases
    }

    /// The row of its primary time: device time, else emulated, else the first time by name.
    pub(super) fn time(&self) -> Option<&'a Row> {
        let rank = |row: &Row| match text(row, "metric") {
            "gpu_time" => 0,
            "emulation_time" => 1,
            "time" => 2,
            "real_time" => 3,
            _ => 4,
        };
        let is_time =
            |row: &&&Row| text(row, "unit") == "ns" && text(row, "basis") != "modelled" && is_ok(row);
        self.rows.iter().filter(is_time).min_by_key(|row| (rank(row), text(row, "metric"))).copied()
    }

    /// The row that says how the case failed.
    pub(super) fn failure(&self) -> Option<&'a Row> {
        self.rows.iter().find(|row| !is_ok(row)).copied()
    }

    /// A row of the case; it has one.
    pub(super) fn any(&self) -> Option<&'a Row> {
        self.rows.first().copied()
    }
}
