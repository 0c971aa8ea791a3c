//! What a run produced, as a table: one line a case of an implementation.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use pipe_model::{Basis, Case, Measurement, Metric, Run, Status, Unit};
use pipe_report::format;
use pipe_stats::{Summary, median_interval};

/// The rows of one case of one implementation.
pub(super) struct CaseResult<'a> {
    implementation: &'a str,
    case: &'a Case,
    rows: Vec<&'a Measurement>,
}

impl CaseResult<'_> {
    fn metric(&self, name: &str) -> Option<&Measurement> {
        self.rows.iter().copied().find(|row| row.metric.as_str() == name && !row.samples.is_empty())
    }

    /// The first sample of a metric that has only one.
    fn value(&self, name: &str) -> Option<f64> {
        self.metric(name)?.samples.first().copied()
    }

    fn failure(&self) -> Option<&Measurement> {
        self.rows.iter().copied().find(|row| row.status != Status::Ok)
    }
}

/// The cases of a run, in the order they were measured.
pub(super) fn cases(run: &Run) -> Vec<CaseResult<'_>> {
    let mut results: Vec<CaseResult<'_>> = Vec::new();
    for row in &run.measurements {
        match results.last_mut() {
            Some(last) if last.implementation == row.implementation && *last.case == row.case => {
                last.rows.push(row)
            }
            _ => results.push(CaseResult {
                implementation: &row.implementation,
                case: &row.case,
                rows: vec![row],
            }),
        }
    }
    results
}

/// Displays a run's results.
pub(super) struct Results<'a> {
    run: &'a Run,
    width: Option<u16>,
}

impl<'a> Results<'a> {
    pub(super) fn new(run: &'a Run, width: Option<u16>) -> Self {
        Self { run, width }
    }
}

impl fmt::Display for Results<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.run;
        let results = cases(run);
        let (common, differing) = split_fields(&results);
        let columns = columns(&results);
        writeln!(
            f,
            "{} at {} on {} ({})",
            run.benchmark_type,
            run.commit.short(),
            run.device.name,
            run.device.kind
        )?;
        if !common.is_empty() {
            let common: Vec<String> = common.iter().map(|(name, value)| format!("{name}={value}")).collect();
            writeln!(f, "all cases: {}", common.join(" "))?;
        }

        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = self.width {
            table.set_width(width);
        }
        let mut header: Vec<String> = vec!["implementation".to_owned()];
        header.extend(differing.iter().cloned());
        header.extend(columns.iter().map(|column| column.name().to_owned()));
        let text_columns = 1 + differing.len();
        table.set_header(header);
        for result in &results {
            let fields = fields(result.case);
            let mut line = vec![result.implementation.to_owned()];
            line.extend(
                differing.iter().map(|name| fields.get(name).cloned().unwrap_or_else(|| "-".to_owned())),
            );
            line.extend(numbers(result, &columns));
            table.add_row(line);
        }
        for column in text_columns..text_columns + columns.len() {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(f, "{}", table.trim_fmt())?;
        for result in &results {
            if let Some(failure) = result.failure() {
                writeln!(
                    f,
                    "{} {}: {}: {}",
                    result.implementation,
                    result.case.config(),
                    failure.status,
                    failure.message
                )?;
            }
        }
        Ok(())
    }
}

/// A number of each line.
enum Column<'a> {
    /// A metric's, as its unit is written.
    Metric(&'a str),
    /// Sectors of global memory, loaded and stored.
    Sectors,
}

impl Column<'_> {
    fn name(&self) -> &str {
        match self {
            Column::Metric(name) => name,
            Column::Sectors => "global_sectors",
        }
    }

    fn text(&self, result: &CaseResult<'_>) -> Option<String> {
        match self {
            Column::Metric(name) => Some(number(result.metric(name)?)),
            Column::Sectors => {
                let loads = result.value("global_load_sectors")?;
                Some(format::count(loads + result.value("global_store_sectors")?))
            }
        }
    }
}

/// What a run of kernels is looked at for, where times of plans were measured; and everything else that was measured.
fn columns<'a>(results: &'a [CaseResult<'_>]) -> Vec<Column<'a>> {
    let rows = || results.iter().flat_map(|result| result.rows.iter().copied());
    let is_time = |row: &&Measurement| [Metric::GPU_TIME, Metric::EMULATION_TIME].contains(&row.metric);
    let mut columns = match rows().find(is_time) {
        Some(time) if rows().filter(is_time).all(|row| row.basis == Basis::Measured) => vec![
            Column::Metric(time.metric.as_str()),
            Column::Metric("instructions"),
            Column::Sectors,
            Column::Metric("peak_memory"),
            Column::Metric("relative_error"),
        ],
        _ => Vec::new(),
    };
    for row in rows().filter(|row| matches!(row.basis, Basis::Measured | Basis::Extrapolated)) {
        let name = row.metric.as_str();
        if !columns.iter().any(|column| column.name() == name) {
            columns.push(Column::Metric(name));
        }
    }
    columns
}

/// The numbers of a line; the status in the place of the first where there is none.
fn numbers(result: &CaseResult<'_>, columns: &[Column<'_>]) -> Vec<String> {
    let mut numbers: Vec<Option<String>> = columns.iter().map(|column| column.text(result)).collect();
    if let (Some(first @ None), Some(failure)) = (numbers.first_mut(), result.failure()) {
        *first = Some(failure.status.to_string());
    }
    numbers.into_iter().map(|number| number.unwrap_or_else(|| "-".to_owned())).collect()
}

/// A row's median as its unit is written.
fn number(row: &Measurement) -> String {
    let Some(summary) = Summary::of(&row.samples) else { return "-".to_owned() };
    match &row.unit {
        unit if *unit == Unit::NANOSECONDS => median_and_interval(&row.samples),
        unit if *unit == Unit::BYTES => format::bytes(summary.median),
        unit if *unit == Unit::ONE && row.metric != Metric::RELATIVE_ERROR => {
            format!("{:.3}", summary.median)
        }
        unit if *unit == Unit::ONE => format::scientific(summary.median),
        _ => format::count(summary.median),
    }
}

/// `1.23 ms ±2 %`: the median, and half the width of its confidence interval where the samples give one.
fn median_and_interval(samples: &[f64]) -> String {
    let Some(summary) = Summary::of(samples) else { return "-".to_owned() };
    let median = format::nanoseconds(summary.median);
    match median_interval(samples, pipe_bench::CONFIDENCE) {
        Some(interval) if summary.median > 0.0 => {
            format!("{median} ±{:.0} %", 50.0 * (interval.high - interval.low) / summary.median)
        }
        _ => median,
    }
}

/// A case's parameters by name.
fn fields(case: &Case) -> BTreeMap<String, String> {
    let mut fields = case.parameters.clone();
    let dimensions = [
        ("batch_size", case.batch_size),
        ("seq_len", case.seq_len),
        ("num_heads", case.num_heads),
        ("head_dim", case.head_dim),
    ];
    fields.extend(
        dimensions.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_string()))),
    );
    fields.extend(case.dtype.map(|dtype| ("dtype".to_owned(), dtype.to_string())));
    fields
}

/// The parameters that all cases share, and the names of those in which they differ.
fn split_fields(results: &[CaseResult<'_>]) -> (BTreeMap<String, String>, Vec<String>) {
    let all: Vec<_> = results.iter().map(|result| fields(result.case)).collect();
    let names: BTreeSet<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    let mut common = BTreeMap::new();
    let mut differing = Vec::new();
    for name in names {
        let first = all.first().and_then(|fields| fields.get(name));
        match first {
            Some(value) if all.iter().all(|fields| fields.get(name) == first) => {
                common.insert(name.clone(), value.clone());
            }
            _ => differing.push(name.clone()),
        }
    }
    (common, differing)
}
