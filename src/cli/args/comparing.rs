//! The grammar of the commands that compare: `compare`, `check`, `baseline` and `bisect`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pipe_model::BenchmarkType;

use super::{DeviceArgs, ModelArgs};

/// Which cases are looked at.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only this benchmark type
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) benchmark_type: Option<BenchmarkType>,
    /// Only this implementation
    #[arg(long, value_name = "NAME")]
    pub(crate) implementation: Option<String>,
    /// Only this metric
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// Only cases with this among their parameters, `seq_len=2048` for instance
    #[arg(long, value_name = "TEXT")]
    pub(crate) case: Option<String>,
    /// Only results of this device, by name
    #[arg(long = "on", value_name = "DEVICE")]
    pub(crate) device: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pipe compare HEAD~1                          the last commit against what is checked out, uncommitted kernels too
  pipe compare v1.0 v2.0 --type all-implementations
  pipe compare release --metric gpu_time       a baseline (`pipe baseline list`)
  pipe compare old.parquet new.parquet         the files of two runs
  pipe query compare --param base=HEAD~1       the same as a query; `queries/compare.sql` is its text

A time is slower or faster where the Mann-Whitney test proves a difference (false discoveries controlled at 5 % over all
cases of a metric) and the ratio of the medians is further from 1 than the threshold; the same where the whole 95 %
interval of the ratio is within it; unclear otherwise. Counts are exact: any change is a change.")]
pub(crate) struct CompareArgs {
    /// What to compare with: a revision, a baseline, a run's id or a run's file
    #[arg(value_name = "BASE")]
    pub(crate) base: String,
    /// What is compared [default: what is checked out, uncommitted kernels too]
    #[arg(value_name = "NEW")]
    pub(crate) new: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Least change of a time that matters, `3%` or `0.03` [default: 2% on a GPU, 5% elsewhere]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) threshold: Option<f64>,
    /// Show cases that did not change, too, however many
    #[arg(long)]
    pub(crate) all: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: CompareFormat,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `--format` of `pipe compare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// Aligned columns, what matters most first
    Table,
    /// Every row of the query `compare`
    Csv,
    /// The same rows as one array of objects
    Json,
    /// The table as GitHub's markdown
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Exit codes:
  0   no regression
  10  a gated metric is slower
  11  a gated metric is unclear, or a case was not measured
  12  a kernel failed or gave a wrong result
  1   pipe failed   2 wrong usage

pipe.toml at the repository's root, every key optional:
  default_branch = \"main\"         # the branch whose merge base with HEAD is the base
  baselines = \"perf\"              # folder of baselines and accepted changes [<history>/_baselines]
  [check]
  baseline = \"release\"            # a baseline or revision as the base
  gate = [\"instructions\"]         # metrics that can fail the check
  allow_unclear = true            # unclear and unmeasured cases do not fail it
  [[check.rule]]                  # the last rule that fits decides
  metric = \"gpu_time\"             # what it fits: metric, type, implementation, device by name; each a name or a list
  case = \"seq_len=2048\"           # and a part of the case's parameters
  threshold = \"5%\"                # least change that matters
  gate = false                    # whether it can fail the check

Examples:
  pipe bench && pipe check                         what is checked out against the merge base with the default branch
  pipe check --baseline HEAD^1 --format markdown   a pull request's merge commit against its target, as a comment")]
pub(crate) struct CheckArgs {
    /// What is checked: a revision, a run's id or a run's file [default: what is checked out, uncommitted kernels too]
    #[arg(value_name = "NEW")]
    pub(crate) new: Option<String>,
    /// What to compare with [default: the merge base with the default branch; on that branch itself the commit before]
    #[arg(long, value_name = "NAME|REV")]
    pub(crate) baseline: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Settings instead of `pipe.toml` at the repository's root
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: CheckFormat,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `--format` of `pipe check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Aligned columns
    Table,
    /// A short comment for a pull request
    Markdown,
    /// GitHub's workflow commands, which annotate the kernels
    Github,
    /// JUnit's XML, a test a case and metric
    Junit,
    /// Everything, as one object
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Give a measured commit a name to compare with
    Set {
        /// The name
        #[arg(value_name = "NAME")]
        name: String,
        /// The commit
        #[arg(value_name = "REV", default_value = "HEAD")]
        rev: String,
    },
    /// List the baselines, and the changes that were accepted
    List,
    /// Remove a baseline
    Remove {
        /// The name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Accept the changes that `pipe check` complains of, so that they are no alarm any more
    ///
    /// An accepted change stays accepted up to the value it has now: a further one is an alarm again, and so is the same
    /// one after the base has become better.
    Accept {
        /// Why they are right
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// What to compare with, as in `pipe check`
        #[arg(long, value_name = "NAME|REV")]
        baseline: Option<String>,
        #[command(flatten)]
        filter: FilterArgs,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pipe bisect v1.0 --implementation improved-dilated                which commit since v1.0 changed its instructions
  pipe bisect HEAD~20 HEAD~3 --implementation dilated --metric gpu_time --case seq_len=4096

Kernels are read out of each commit and measured by this binary where the history lacks them; nothing is checked out.
Commits whose kernel is the same, digest by digest, are not measured twice.")]
pub(crate) struct BisectArgs {
    /// The last revision known to be as it should
    #[arg(value_name = "GOOD")]
    pub(crate) good: String,
    /// A later revision that is not
    #[arg(value_name = "BAD", default_value = "HEAD")]
    pub(crate) bad: String,
    /// The implementation
    #[arg(long, value_name = "NAME")]
    pub(crate) implementation: String,
    /// The metric whose change is looked for
    #[arg(long, value_name = "NAME", default_value = "instructions")]
    pub(crate) metric: String,
    /// The benchmark type
    #[arg(long = "type", value_name = "TYPE", default_value = "all-implementations")]
    pub(crate) benchmark_type: BenchmarkType,
    /// The case, by a part of its parameters [default: the one that changed most]
    #[arg(long, value_name = "TEXT")]
    pub(crate) case: Option<String>,
    /// Least change of a time that matters, `3%` or `0.03` [default: 2% on a GPU, 5% elsewhere]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) threshold: Option<f64>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
}

/// A share as `5%` or `0.05`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), 0.01),
        None => (text, 1.0),
    };
    match number.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number * scale),
        _ => Err("expected a share from 0 such as 5% or 0.05".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(share("0.5 %"), Ok(0.005));
        assert_eq!(share("0.05"), Ok(0.05));
        for bad in ["", "%", "-1%", "nan", "5 percent"] {
            assert!(share(bad).is_err(), "{bad:?} must be refused");
        }
    }
}
