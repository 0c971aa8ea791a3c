//! The command line's grammar: global options and one struct a subcommand, with the help users read.

pub(crate) mod adding;
mod comparing;
mod transfer;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, builder::styling};
use pipe_model::{BenchmarkType, Dtype};

pub(crate) use self::adding::AddArgs;
pub(crate) use self::comparing::{
    BaselineArgs, BaselineCommand, BisectArgs, CheckArgs, CheckFormat, CompareArgs, CompareFormat,
    FilterArgs, share,
};
pub(crate) use transfer::{ArchiveArgs, ExportArgs, ExportFormat, ImportArgs};

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default().bold())
    .placeholder(styling::AnsiColor::Cyan.on_default());

/// The performance history of hand-written PTX kernels.
///
/// pipe benchmarks the PTX kernels of a git repository, keeps every sample as Parquet partitioned by commit and
/// benchmark type, and answers questions about that history in SQL and markdown. Without a GPU the same PTX runs on an
/// embedded CUDA device that counts exactly what it does.
#[derive(Debug, Parser)]
#[command(name = "pipe", version, styles = STYLES, max_term_width = 110, after_help = "\
Examples:
  pipe bench                                   measure every implementation, write the history
  pipe profile improved-dilated                where a kernel spends its instructions, line by line
  pipe query rankings                          which implementation is fastest on the latest commit
  pipe query \"select * from runs\"              any SQL over the history
  pipe report performance -o performance.md    the report, as markdown
  pipe compare HEAD~1                          what changed since the commit before, case by case
  pipe check                                   the gate: fails where a kernel became slower or wrong

Exit codes:
  0 done   1 pipe failed   2 wrong usage   130 interrupted
  10 slower   11 unclear or not measured   12 a kernel failed or is wrong")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Folder of the history [default: `history/` at the repository's root]
    #[arg(long, global = true, value_name = "DIR", env = "PIPE_HISTORY")]
    pub(crate) history: Option<PathBuf>,
    /// Run as if started in DIR
    #[arg(short = 'C', global = true, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub(crate) directory: PathBuf,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
    /// Print results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more of what is done
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// `--color`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check and time kernels, and write the samples to the history
    Bench(BenchArgs),
    /// Run a named query or SQL over the history
    Query(QueryArgs),
    /// Render a markdown report from the history
    Report(ReportArgs),
    /// Print a kernel's PTX with what each line was counted to do
    Profile(ProfileArgs),
    /// Bring results of other tools into the history
    Import(ImportArgs),
    /// Write measurements of the history in the formats of other tools
    Export(ExportArgs),
    /// Fold old runs into few large files, or unfold them
    Archive(ArchiveArgs),
    /// Compare two commits, runs, files or baselines, case by case
    Compare(CompareArgs),
    /// Fail where a kernel became slower or wrong: the gate
    Check(CheckArgs),
    /// Name commits to compare with, and accept changes
    Baseline(BaselineArgs),
    /// Find the commit at which a kernel's metric changed
    Bisect(BisectArgs),
    /// Show the state of the history: types, commits, runs, trends, regressions, stale results
    Dashboard(DashboardArgs),
    /// List the kernels that can be benchmarked, check that they do nothing wrong, or add one
    Kernels(KernelsArgs),
    /// Say which device is used, and why
    Device(DeviceArgs),
    /// Print a shell's completion script
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// Which device runs the kernels. Flattened into the subcommands that run any.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// Device to use: `auto` takes a GPU where there is one [auto, embedded, cuda:N]
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    #[command(flatten)]
    pub(crate) embedded: EmbeddedArgs,
}

/// What the embedded device is like.
#[derive(Debug, Args)]
pub(crate) struct EmbeddedArgs {
    /// Memory of an embedded device, as `512MiB` or `8GiB`
    #[arg(long, value_name = "SIZE", env = "PIPE_EMBEDDED_MEMORY", default_value = "8GiB", value_parser = parse_size)]
    pub(crate) embedded_memory: u64,
    /// How many embedded devices there are
    #[arg(long, value_name = "N", env = "PIPE_EMBEDDED_DEVICES", default_value = "1",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) embedded_devices: u16,
    /// Threads the embedded device runs blocks on [default: one a core]
    #[arg(long, value_name = "N", env = "PIPE_THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Instructions that one warp may issue on the embedded device before it counts as an endless loop
    #[arg(long, value_name = "N", env = "PIPE_INSTRUCTION_BUDGET", default_value = "4000000000",
          value_parser = positive)]
    pub(crate) instruction_budget: u64,
}

/// `--device`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceChoice {
    Auto,
    Embedded,
    Cuda(u32),
}

impl std::str::FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "embedded" => Ok(Self::Embedded),
            "cuda" => Ok(Self::Cuda(0)),
            other => other
                .strip_prefix("cuda:")
                .and_then(|ordinal| ordinal.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| "expected auto, embedded or cuda:N".to_owned()),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pipe bench                                                     everything, in the quick profile without a GPU
  pipe bench --implementation improved-dilated --seq-len 2048    one kernel at one length
  pipe bench --rev HEAD~5..HEAD                                  the kernels of the last five commits, without a build
  pipe bench --against main                                      did the work tree's kernels become slower than main's
  pipe bench --profile full --device cuda:0                      every case, on the first GPU
  pipe bench --sanitize                                          look for races and uninitialised reads as well")]
pub(crate) struct BenchArgs {
    /// Benchmark types [default: all-implementations]
    #[arg(value_name = "TYPE")]
    pub(crate) types: Vec<BenchmarkType>,
    /// Only these implementations (comma-separated or repeated)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) implementation: Vec<String>,
    /// Sequence lengths instead of the profile's, in tokens
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = positive)]
    pub(crate) seq_len: Vec<u64>,
    /// Batch sizes instead of the profile's
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = positive)]
    pub(crate) batch_size: Vec<u64>,
    /// Numbers of heads instead of the profile's
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = positive)]
    pub(crate) num_heads: Vec<u64>,
    /// Head dimensions instead of the profile's
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = positive)]
    pub(crate) head_dim: Vec<u64>,
    /// Element types instead of the profile's [f32, f16, bf16]
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    pub(crate) dtype: Vec<Dtype>,
    /// How many cases, how large [default: quick on the embedded device, standard on a GPU]
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<ProfileArg>,
    /// Measure the kernels of a commit, or of every commit of a range A..B, instead of the work tree's
    #[arg(long, value_name = "REV|A..B")]
    pub(crate) rev: Option<String>,
    /// Measure the kernels of a commit beside, their samples taken in turns in one process, and compare
    #[arg(long, value_name = "REV")]
    pub(crate) against: Option<String>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Run each case's first launch under the sanitizer of the embedded device; a kernel with a fault is not timed
    #[arg(long)]
    pub(crate) sanitize: bool,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
}

/// What `roofline_time` is a bound for. Flattened into the subcommands that compute it.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// GPU that roofline times are for: h100, a100, … [a file of `kernels-ptx/gpus/`]
    #[arg(long, value_name = "NAME", default_value = "h100")]
    pub(crate) gpu: String,
    /// NVIDIA's assembler, to learn how many registers kernels get [default: the embedded device's estimate]
    #[arg(long, value_name = "FILE", env = "PIPE_PTXAS")]
    pub(crate) ptxas: Option<PathBuf>,
}

/// `--profile`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArg {
    /// Within a minute on two cores
    Quick,
    /// Several lengths
    Standard,
    /// Everything
    Full,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pipe query                                         interactive, on a terminal; \\? shows the help there
  pipe query rankings --param type=all-implementations
  pipe query \"select commit, count(*) from runs group by commit\" --format markdown
  echo \"select * from commits\" | pipe query - --format csv -o commits.csv

`pipe query --list` lists the named queries, `pipe query --functions` the SQL functions that pipe adds.")]
pub(crate) struct QueryArgs {
    /// A named query, SQL text, or `-` for SQL on standard input
    #[arg(value_name = "NAME|SQL")]
    pub(crate) query: Option<String>,
    /// A query's parameter
    #[arg(long = "param", value_name = "K=V", value_parser = key_value)]
    pub(crate) params: Vec<(String, String)>,
    /// Output format [default: table, or by the ending of the output file]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FormatArg>,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// List the named queries and their parameters
    #[arg(long, conflicts_with_all = ["query", "params"])]
    pub(crate) list: bool,
    /// List the SQL functions that pipe adds, with examples
    #[arg(long, conflicts_with_all = ["query", "params", "list"])]
    pub(crate) functions: bool,
    /// Fail on a file of the history that cannot be read, instead of skipping it with a warning
    #[arg(long)]
    pub(crate) strict: bool,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Aligned columns
    Table,
    /// Comma-separated values
    Csv,
    /// One array of objects
    Json,
    /// One object a line
    Ndjson,
    /// Apache Parquet
    Parquet,
    /// A GitHub table
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pipe report                                  the performance report on standard output
  pipe report performance -o performance.md

`pipe report --list` lists the reports. A folder `reports/` at the repository's root adds to them or replaces them.")]
pub(crate) struct ReportArgs {
    /// Name of the report
    #[arg(value_name = "NAME", default_value = "performance")]
    pub(crate) name: String,
    /// A report's parameter
    #[arg(long = "param", value_name = "K=V", value_parser = key_value)]
    pub(crate) params: Vec<(String, String)>,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// List the reports
    #[arg(long)]
    pub(crate) list: bool,
    /// Fail on a file of the history that cannot be read, instead of skipping it with a warning
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pipe profile improved-dilated                                        the first case of all-implementations
  pipe profile improved-dilated --seq-len 512 --head-dim 64 --dtype f32
  pipe profile dilated --by global_load_sectors --gpu rtx-4090         where the memory traffic comes from
  pipe profile attention --rev HEAD~1 --format json -o before.json     a commit's kernel, for a program

A line's % is its share of the warp instructions, or of the count that --by names. Lines over 5 % are marked.")]
pub(crate) struct ProfileArgs {
    /// Implementation to profile
    #[arg(value_name = "KERNEL")]
    pub(crate) implementation: String,
    /// Benchmark type whose first case is taken
    #[arg(long = "type", value_name = "TYPE", default_value = "all-implementations")]
    pub(crate) benchmark_type: BenchmarkType,
    /// Sequence length instead of the case's, in tokens
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) seq_len: Option<u64>,
    /// Batch size instead of the case's
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) batch_size: Option<u64>,
    /// Number of heads instead of the case's
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) num_heads: Option<u64>,
    /// Head dimension instead of the case's
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) head_dim: Option<u64>,
    /// Element type instead of the case's [f32, f16, bf16]
    #[arg(long, value_name = "TYPE")]
    pub(crate) dtype: Option<Dtype>,
    /// Count that lines are ranked by
    #[arg(long, value_name = "COUNT", default_value = "instructions")]
    pub(crate) by: String,
    /// Profile the kernel of a commit instead of the work tree's
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: ProfileFormat,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) embedded: EmbeddedArgs,
}

/// `--format` of `pipe profile`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileFormat {
    /// A summary, then the text with counts in front
    Table,
    /// One object with every count of every line
    Json,
    /// A row a line
    Csv,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pipe dashboard                          the state of the history on one screen
  pipe dashboard --watch                  the same, again whenever the history changes; q ends it
  pipe dashboard --type long-sequences --commits 200

Everything shown comes from queries that can be run by themselves: dashboard-types, dashboard-commits, dashboard-runs,
dashboard-trends, regressions and stale. Piped into a file or a program it is plain text.")]
pub(crate) struct DashboardArgs {
    /// Only this benchmark type
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) benchmark_type: Option<BenchmarkType>,
    /// Only results of this device, by name
    #[arg(long = "on", value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Trends and regressions of the latest N commits; 0 for all
    #[arg(long, value_name = "N", default_value = "40")]
    pub(crate) commits: u32,
    /// The most commits and runs that are listed
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rows: u32,
    /// Stay, and show what changes
    #[arg(long)]
    pub(crate) watch: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value = "2", requires = "watch",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) interval: u64,
}

#[derive(Debug, Args)]
pub(crate) struct KernelsArgs {
    #[command(subcommand)]
    pub(crate) command: KernelsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KernelsCommand {
    /// List implementations and benchmark types
    List {
        /// Those of a commit instead of the work tree's
        #[arg(long, value_name = "REV")]
        rev: Option<String>,
    },
    /// Load every kernel and run it on small cases under the sanitizer, and print every fault with its place
    #[command(after_help = "\
Examples:
  pipe kernels check                      every implementation
  pipe kernels check mine --no-run        only whether it loads

A kernel is run on a case of each element type and head dimension, causal and not, on the embedded device: its result is
held against the reference, and accesses out of bounds, misaligned or to freed memory, reads of what nothing wrote, races
and divergent barriers are found. Exit code 12 says that something was.")]
    Check {
        /// Only these implementations [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Load them only
        #[arg(long)]
        no_run: bool,
        #[command(flatten)]
        embedded: EmbeddedArgs,
    },
    /// Make an existing PTX file an implementation, unchanged
    Add(Box<AddArgs>),
}

fn positive(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" | "K" | "k" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        "TiB" | "T" => 1 << 40,
        _ => return Err("expected a size such as 512MiB or 16GiB".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "expected a size such as 512MiB or 16GiB".to_owned())?;
    number.checked_mul(unit).filter(|size| *size > 0).ok_or_else(|| "size is out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("16GiB"), Ok(16 << 30));
        assert_eq!(parse_size("1024"), Ok(1024));
        for bad in ["", "GiB", "1.5GiB", "0", "1XB", "99999999TiB"] {
            assert!(parse_size(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn devices() {
        assert_eq!("cuda:3".parse(), Ok(DeviceChoice::Cuda(3)));
        assert!("cuda:".parse::<DeviceChoice>().is_err());
        assert!("gpu".parse::<DeviceChoice>().is_err());
    }
}
