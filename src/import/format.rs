//! Which format a file is of, and the importer for it.

use std::fmt;

use pipe_model::BenchmarkType;

use crate::{
    asv, criterion,
    draft::Findings,
    error::ImportError,
    google, hyperfine,
    json::{self, Node},
    legacy, names, nvbench, pytest,
    source::Source,
    table,
};

/// A format that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Result files of pipe's predecessor.
    Legacy,
    /// NVBench's JSON, with its binary files of samples.
    Nvbench,
    /// Google Benchmark's JSON.
    GoogleBenchmark,
    /// pytest-benchmark's JSON.
    PytestBenchmark,
    /// A benchmark of criterion.rs.
    Criterion,
    /// hyperfine's JSON.
    Hyperfine,
    /// Results of airspeed velocity.
    Asv,
    /// A table of comma-separated values.
    Csv,
    /// A table of JSON objects.
    Json,
    /// A table in Parquet.
    Parquet,
    /// A file of a pipe history.
    History,
}

impl Format {
    /// The name, as in a run's `source` after `import:`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Legacy => "legacy",
            Format::Nvbench => "nvbench",
            Format::GoogleBenchmark => "google-benchmark",
            Format::PytestBenchmark => "pytest-benchmark",
            Format::Criterion => "criterion",
            Format::Hyperfine => "hyperfine",
            Format::Asv => "asv",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Parquet => "parquet",
            Format::History => "history",
        }
    }

    /// The benchmark type of results that name none.
    pub(crate) fn default_type(self) -> BenchmarkType {
        let name = match self {
            Format::Csv | Format::Json | Format::Parquet | Format::History => "imported",
            tool => tool.as_str(),
        };
        // Every name above is well-formed; the second is there for the compiler's sake.
        names::benchmark_type(name).unwrap_or_else(|| self.default_type())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads a file into `findings` and answers what it is: by its first bytes, never by its name alone.
pub(crate) fn read(source: &Source, findings: &mut Findings) -> Result<Format, ImportError> {
    let path = || source.path().to_owned();
    if source.bytes().is_empty() {
        return Err(ImportError::Empty { path: path() });
    }
    if source.bytes().starts_with(b"PAR1") {
        let is_history = table::read_parquet(source, findings).map_err(|reason| ImportError::Syntax {
            path: path(),
            what: "Parquet",
            reason,
        })?;
        return Ok(if is_history { Format::History } else { Format::Parquet });
    }
    let text = source.text()?;
    if !text.trim_start().starts_with(['{', '[']) {
        table::read_csv(&text, findings).map_err(|found| ImportError::Unknown {
            path: path(),
            found: format!("neither JSON nor Parquet, and as CSV {found}"),
        })?;
        return Ok(Format::Csv);
    }
    match json::parse(&text) {
        Ok(root) => read_json(&root, source, findings),
        Err(error) if is_lines(&text) => {
            table::read_lines(text.lines().enumerate(), findings);
            if findings.runs.is_empty() {
                return Err(ImportError::Syntax { path: path(), what: "JSON", reason: error.to_string() });
            }
            Ok(Format::Json)
        }
        Err(error) => Err(ImportError::Syntax { path: path(), what: "JSON", reason: error.to_string() }),
    }
}

/// Whether every line may be a document of its own: the first one that has anything is.
fn is_lines(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty());
    first.is_some_and(|line| json::parse(line).is_ok_and(|node| node.is_object()))
}

fn read_json(root: &Node, source: &Source, findings: &mut Findings) -> Result<Format, ImportError> {
    let path = || source.path().to_owned();
    let (format, outcome) = if nvbench::is(root) {
        (Format::Nvbench, nvbench::read(root, source, findings))
    } else if google::is(root) {
        (Format::GoogleBenchmark, google::read(root, findings))
    } else if pytest::is(root) {
        (Format::PytestBenchmark, pytest::read(root, findings))
    } else if criterion::is(root) {
        (Format::Criterion, criterion::read(root, source, findings))
    } else if criterion::is_companion(root) {
        return Err(ImportError::Companion {
            path: path(),
            reason: "belongs to the sample.json of its benchmark, with which it is read",
        });
    } else if asv::is(root) {
        (Format::Asv, asv::read(root, source, findings))
    } else if asv::is_companion(root) {
        return Err(ImportError::Companion {
            path: path(),
            reason: "describes asv's results, with which it is read",
        });
    } else if hyperfine::is(root) {
        (Format::Hyperfine, hyperfine::read(root, findings))
    } else if table::is(root) {
        table::read_json(root, findings);
        (Format::Json, Ok(()))
    } else if legacy::is(root) {
        (Format::Legacy, legacy::read(root, source, findings))
    } else {
        return Err(ImportError::Unknown { path: path(), found: seen(root) });
    };
    outcome.map_err(|reason| ImportError::Malformed { path: path(), format: format.as_str(), reason })?;
    Ok(format)
}

/// What a document of no known format looks like from outside.
fn seen(root: &Node) -> String {
    const SHOWN: usize = 8;
    let keys: Vec<&str> = root.fields().iter().take(SHOWN).map(|(key, _)| key.as_str()).collect();
    let more = if root.fields().len() > SHOWN { " and more" } else { "" };
    if root.is_object() && !keys.is_empty() {
        format!("a JSON object with the keys {}{more}", keys.join(", "))
    } else if root.is_object() {
        "an empty JSON object".to_owned()
    } else if root.is_list() {
        format!("a JSON list of {} values that are no measurements", root.items().len())
    } else {
        "a single JSON value".to_owned()
    }
}
