//! The commands that bring results in, take them out and put them away.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Span;
use pipe_model::BenchmarkType;

#[derive(Debug, Args)]
#[command(after_help = "\
Formats, told by what is in a file:
  legacy            the JSON that pipe's predecessor kept, in every shape of it
  nvbench           --json and --jsonbin, with the binary files of samples
  google-benchmark  --benchmark_out, --benchmark_format=json
  pytest-benchmark  --benchmark-json, --benchmark-save
  criterion         the folder target/criterion
  hyperfine         --export-json
  asv               the results folder
  csv, json, parquet  one row a measurement: implementation, value or samples, and as many of metric, unit, status,
                    seq_len, commit, type, recorded_at … as there are; other columns are parameters

Importing a file again adds nothing. What is left out of a file is said with the reason; -v lists every value.

Examples:
  pipe import results/                            every file in a folder and the folders in it
  pipe import 'runs/*.json' --dry-run             what would come in, nothing written
  pipe import bench.json --commit HEAD~2          measured on another commit than the file says
  hyperfine --export-json - 'make' | pipe import - --type build-time

Exit codes:
  0 all of it is in the history   1 a file could not be imported, the rest is in   2 wrong usage")]
pub(crate) struct ImportArgs {
    /// Files, folders, patterns such as 'runs/*.json', or `-` for standard input
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// The commit that was measured, instead of the file's [a revision, a full hash, `unknown` or `unversioned`]
    #[arg(long, value_name = "REV")]
    pub(crate) commit: Option<String>,
    /// The benchmark type, instead of the file's
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) benchmark_type: Option<BenchmarkType>,
    /// Read and report, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `pipe export --format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Comma-separated values; lists and maps are JSON
    Csv,
    /// One array of objects
    Json,
    /// One object a line
    Ndjson,
    /// Apache Parquet
    Parquet,
    /// Google Benchmark's JSON, for its compare.py: the latest run of every case
    GoogleBenchmark,
    /// The predecessor's folders by-type/ and by-date/, a JSON file a run
    Legacy,
}

#[derive(Debug, Args)]
#[command(after_help = "\
csv, json, ndjson and parquet hold every column of the history, and `pipe import` takes them back as they were.

Examples:
  pipe export -o all.parquet                                      the whole history in one file
  pipe export --type all-implementations --metric gpu_time > times.csv
  pipe export --commit HEAD --format google-benchmark -o new.json  then: compare.py benchmarks old.json new.json
  pipe export --format legacy -o benchmarks/                      folders by type and by date")]
pub(crate) struct ExportArgs {
    /// Output format [default: by the ending of the output file, else csv]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<ExportFormat>,
    /// Only these benchmark types (comma-separated or repeated)
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<BenchmarkType>,
    /// Only these implementations
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) implementation: Vec<String>,
    /// Only these commits [revisions, full hashes, `unknown` or `unversioned`]
    #[arg(long, value_name = "REV", value_delimiter = ',')]
    pub(crate) commit: Vec<String>,
    /// Only these metrics
    #[arg(long, value_name = "METRIC", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,
    /// Write to FILE, or for `legacy` into the folder FILE, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Fail on a file of the history that cannot be read, instead of skipping it with a warning
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Old runs are folded into one file a benchmark type, below commit=archive/ in the history. Every query reads them as before, DuckDB
and others too (README says how). Nothing is removed before its rows have been read back and compared. Interrupted, the
next call goes on; new runs may be recorded meanwhile.

Examples:
  pipe archive --older-than 90d             runs that began more than 90 days ago
  pipe archive --older-than 90d --dry-run   what that would fold
  pipe archive --restore                    every run in a file of its own again

Exit codes:
  0 done   1 pipe failed, nothing is lost   2 wrong usage   130 interrupted, the next call goes on")]
pub(crate) struct ArchiveArgs {
    /// Fold runs that began longer ago than this [90d, 12w, 6mo, 1y, 36h]
    #[arg(long, value_name = "AGE", value_parser = age, required_unless_present = "restore", conflicts_with = "restore")]
    pub(crate) older_than: Option<Span>,
    /// Unfold every archive
    #[arg(long)]
    pub(crate) restore: bool,
    /// Say what would be folded, and change nothing
    #[arg(long, conflicts_with = "restore")]
    pub(crate) dry_run: bool,
}

fn age(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|_| "expected an age such as 90d, 12w, 6mo or 36h".to_owned())?;
    if span.is_negative() { Err("expected an age, which is not negative".to_owned()) } else { Ok(span) }
}
