//! The generic formats: one row a measurement, as CSV, JSON or Parquet.
//!
//! These columns have a meaning; only `implementation` and one of `value`, `samples`, `mean` must be there:
//!
//! | column | meaning |
//! | --- | --- |
//! | `implementation` | what was measured |
//! | `value` or `samples` | one number, or all of them: a list, or a text as `1.5;1.7` or `[1.5,1.7]` |
//! | `metric`, `unit` | `time` and the unit that the metric's name ends in (`time_ms`), where they are not given; seconds, ms and us become ns |
//! | `mean`, `std_dev`, `min`, `q1`, `median`, `q3`, `max` | statistics of samples that are not there |
//! | `basis`, `status`, `message`, `dirty`, `kernel_digest` | as in the history |
//! | `batch_size`, `seq_len`, `num_heads`, `head_dim`, `dtype` | dimensions |
//! | `parameters`, `environment` | an object (in CSV its JSON text) |
//! | `commit`, `type`, `recorded_at`, `device`, `run_id`, `source` | which run; rows that agree in all of them are one. A row that has `run_id`, `source` and `device_kind` is another history's and keeps them |
//! | `config`, `sample_count`, `device_kind` | what `pipe export` writes besides; they follow from the others |
//! | any other | a parameter of its name |
//!
//! `pipe export` writes these columns, so what it wrote comes back as it was. JSON is a list of objects, an object
//! `{"measurements": [...]}`, or an object a line.

mod cell;
mod columns;
mod parquet;

use std::collections::{BTreeMap, HashMap};

use pipe_history::Stated;
use pipe_model::{Basis, Commit, DeviceKind, Status};

pub(crate) use self::cell::Cell;
pub(crate) use self::parquet::read as read_parquet;
use crate::{
    draft::{Draft, Findings, Row},
    json::Node,
    names::{Quantity, benchmark_type, metric, quantity, set_parameter},
};

/// Rows of one file.
pub(crate) const MAX_ROWS: usize = 5_000_000;

/// A row of a table: its columns by name.
pub(crate) type Record = BTreeMap<String, Cell>;

/// What a file says of all its rows besides its columns.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub(crate) commit: Option<Commit>,
    pub(crate) benchmark_type: Option<String>,
    /// Whether the file is one of a pipe history, whose rows keep their source and device kind.
    pub(crate) is_history: bool,
}

/// Puts rows into the runs they belong to.
#[derive(Default)]
pub(crate) struct Table {
    runs: Vec<Draft>,
    numbers: HashMap<String, usize>,
}

impl Table {
    /// Adds a row, which stands at `place`; a row that cannot be one is skipped by name.
    pub(crate) fn add(&mut self, record: Record, place: &str, origin: &Origin, findings: &mut Findings) {
        if let Err(reason) = self.try_add(record, origin) {
            findings.skip(place, reason);
        }
    }

    /// The runs, in the order in which they first appeared.
    pub(crate) fn finish(self, findings: &mut Findings) {
        findings.runs.extend(self.runs);
    }

    fn try_add(&mut self, mut record: Record, origin: &Origin) -> Result<(), String> {
        let mut columns = columns::Columns(&mut record);
        let row = row(&mut columns)?;
        let [run_id, recorded_at, device, source] =
            ["run_id", "recorded_at", "device", "source"].map(|name| columns.text(name).unwrap_or_default());
        let archived = columns.text("archived_commit");
        let commit = columns.text("commit").filter(|commit| commit != "archive").or(archived);
        let commit =
            commit.map(|commit| commit.parse::<Commit>().map_err(|error| error.to_string())).transpose()?;
        let commit = commit.or_else(|| origin.commit.clone());
        let type_name = columns.text("type").or_else(|| origin.benchmark_type.clone());
        let kind = columns.text("device_kind");
        // What `pipe export` wrote is as good as the history it came from.
        let is_history = origin.is_history || (kind.is_some() && !run_id.is_empty() && !source.is_empty());
        let kind = kind.filter(|_| is_history);
        let kind: Option<DeviceKind> = kind
            .map(|kind| kind.parse())
            .transpose()
            .map_err(|error: pipe_model::NameError| error.to_string())?;
        let recorded = match recorded_at.as_str() {
            "" => None,
            text => Some(
                columns::time(text)
                    .ok_or_else(|| format!("recorded_at is '{text}'; write it as 2026-11-24T02:40:00Z"))?,
            ),
        };
        let dirty = columns.flag("dirty")?;
        let environment = columns.pairs("environment")?;

        let mut row = row;
        row.measurement.dirty = dirty;
        for (name, cell) in std::mem::take(columns.0) {
            if let Some(text) = cell.written() {
                set_parameter(&mut row.measurement.case, &name, &text);
            }
        }

        let commit_text = commit.as_ref().map(Commit::as_str).unwrap_or_default();
        let key =
            [&run_id, &recorded_at, &device, &source, commit_text, type_name.as_deref().unwrap_or_default()]
                .join("\n");
        let number = *self.numbers.entry(key.clone()).or_insert_with(|| {
            self.runs.push(Draft {
                id: run_id.parse().ok(),
                key,
                recorded_at: recorded,
                commit,
                benchmark_type: type_name.as_deref().and_then(benchmark_type),
                device,
                dirty,
                device_kind: kind,
                source: (is_history && !source.is_empty()).then(|| source.clone()),
                ..Draft::default()
            });
            self.runs.len() - 1
        });
        let draft = &mut self.runs[number];
        if !is_history && !source.is_empty() {
            draft.note("source", &source);
        }
        for (name, value) in environment {
            draft.note(&name, &value);
        }
        draft.rows.push(row);
        Ok(())
    }
}

/// The measurement of a row; what says which run it is of is left in `columns`.
fn row(columns: &mut columns::Columns<'_>) -> Result<Row, String> {
    let implementation =
        columns.text("implementation").filter(|name| !name.is_empty()).ok_or("it has no implementation")?;
    let name = columns.text("metric").filter(|name| !name.is_empty()).unwrap_or_else(|| "time".to_owned());
    let status: Status = columns.word("status")?.unwrap_or(Status::Ok);
    let basis: Basis = columns.word("basis")?.unwrap_or(Basis::Measured);
    let stated = Stated {
        mean: columns.number("mean")?,
        std_dev: columns.number("std_dev")?,
        min: columns.number("min")?,
        q1: columns.number("q1")?,
        median: columns.number("median")?,
        q3: columns.number("q3")?,
        max: columns.number("max")?,
    };
    let value = columns.number("value")?;
    let mut samples = columns.numbers("samples")?.unwrap_or_default();
    if let Some(value) = value {
        if !samples.is_empty() && samples != [value] {
            return Err("it has both value and samples, which differ; leave one out".to_owned());
        }
        samples = vec![value];
    }
    let mut of = match columns.text("unit").filter(|unit| !unit.is_empty()) {
        Some(unit) => in_unit(&name, &unit),
        None if name == "time" && status != Status::Ok => Quantity::of("time", "ns", 1.0),
        None => quantity(&name),
    };
    if samples.is_empty() && status == Status::Ok {
        let mean = stated
            .mean
            .ok_or("it has neither value nor samples nor mean, and does not say that it failed")?;
        of.metric = metric(&format!("mean_{}", of.metric));
        samples = vec![mean];
    }
    let mut case = pipe_model::Case::default();
    for dimension in ["batch_size", "seq_len", "num_heads", "head_dim", "dtype"] {
        if let Some(value) = columns.text(dimension).filter(|value| !value.is_empty()) {
            set_parameter(&mut case, dimension, &value);
        }
    }
    for (name, value) in columns.pairs("parameters")? {
        set_parameter(&mut case, &name, &value);
    }
    for follows in ["config", "sample_count"] {
        columns.0.remove(follows);
    }
    let scaled = |value: Option<f64>| value.map(|value| value * of.scale);
    let stated = Stated {
        mean: scaled(stated.mean),
        std_dev: scaled(stated.std_dev),
        min: scaled(stated.min),
        q1: scaled(stated.q1),
        median: scaled(stated.median),
        q3: scaled(stated.q3),
        max: scaled(stated.max),
    };
    let mut row = Row::new(&implementation, &case, &of, &samples).basis(basis).stated(stated);
    row.measurement.status = status;
    row.measurement.message = columns.text("message").unwrap_or_default();
    row.measurement.kernel_digest = columns.text("kernel_digest").unwrap_or_default();
    Ok(row)
}

/// A metric in a unit; times become nanoseconds.
fn in_unit(name: &str, unit: &str) -> Quantity {
    match unit {
        "s" | "sec" | "seconds" => Quantity::of(name, "ns", 1e9),
        "ms" => Quantity::of(name, "ns", 1e6),
        "us" | "µs" => Quantity::of(name, "ns", 1e3),
        _ => Quantity::of(name, unit, 1.0),
    }
}

/// Whether a JSON document is a table: objects with an implementation each, alone, in a list or under `measurements`. The
/// predecessor's records have one too, and are told by their other keys.
pub(crate) fn is(root: &Node) -> bool {
    let is_row = |row: &Node| {
        let has = |key: &str| row.get(key).is_some();
        let is_predecessors = ["success", "error", "times", "mean_time_ms", "time_ms"].into_iter().any(has);
        has("implementation") && !is_predecessors
    };
    rows_of(root).iter().any(is_row)
}

fn rows_of(root: &Node) -> &[Node] {
    let rows = root.get("measurements").unwrap_or(root);
    if rows.is_list() { rows.items() } else { std::slice::from_ref(rows) }
}

pub(crate) fn read_json(root: &Node, findings: &mut Findings) {
    let mut table = Table::default();
    for (index, row) in rows_of(root).iter().enumerate() {
        table.add(cell::record_of(row), &format!("row {}", index + 1), &Origin::default(), findings);
    }
    table.finish(findings);
}

pub(crate) fn read_lines<'a>(lines: impl Iterator<Item = (usize, &'a str)>, findings: &mut Findings) {
    let mut table = Table::default();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("line {}", number + 1);
        match crate::json::parse(line) {
            Ok(node) if node.is_object() => {
                table.add(cell::record_of(&node), &place, &Origin::default(), findings)
            }
            Ok(_) => findings.skip(place, "not an object"),
            Err(error) => findings.skip(place, error.to_string()),
        }
    }
    table.finish(findings);
}

pub(crate) fn read_csv(text: &str, findings: &mut Findings) -> Result<(), String> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    if !header.iter().any(|name| name == "implementation") {
        let names: Vec<&str> = header.iter().take(12).collect();
        return Err(format!("no column is called implementation; the columns are {}", names.join(", ")));
    }
    let mut table = Table::default();
    for (number, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                findings.skip(format!("row {}", number + 1), error.to_string());
                continue;
            }
        };
        let place = record
            .position()
            .map_or_else(|| format!("row {}", number + 1), |at| format!("line {}", at.line()));
        if record.len() != header.len() {
            findings.skip(place, format!("it has {} fields, and the header {}", record.len(), header.len()));
            continue;
        }
        let cells = header.iter().zip(&record).filter(|(_, text)| !text.is_empty());
        let cells = cells.map(|(name, text)| (name.to_owned(), Cell::Text(text.to_owned()))).collect();
        table.add(cells, &place, &Origin::default(), findings);
    }
    table.finish(findings);
    Ok(())
}
