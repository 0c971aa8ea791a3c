//! SQL functions of our own: which there are, what they answer, and an example of each. One file a function.

mod benjamini_hochberg;
mod change_points;
mod commits_behind;
mod direction;
mod is_latest;
mod latest_commit;
mod mann_whitney;
mod median_ci;
mod ratio_ci;
mod revision;
mod samples;
mod short;
mod verdict;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, StringViewArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    error::Result,
    execution::SessionStateBuilder,
    logical_expr::{AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, WindowUDF},
};

use crate::facts::Facts;

/// A function of ours, for those who write queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionDescription {
    /// How it is called: `short(commit)`.
    pub usage: &'static str,
    /// What it answers.
    pub meaning: &'static str,
    /// A statement that calls it.
    pub example: &'static str,
    /// The first value that the example answers, as CSV; `None` where that depends on the history.
    pub answer: Option<&'static str>,
}

impl FunctionDescription {
    /// The function's name.
    pub fn name(&self) -> &'static str {
        self.usage.split('(').next().unwrap_or_default()
    }
}

/// What a function is made of, by kind.
enum Made {
    Scalar(ScalarUDF),
    Aggregate(AggregateUDF),
    Window(WindowUDF),
}

struct Function {
    description: FunctionDescription,
    make: fn(&Arc<Facts>) -> Made,
}

const ALL: [Function; 13] = [
    Function {
        description: FunctionDescription {
            usage: "revision(text)",
            meaning: "the commit that a revision names: HEAD~2, a branch, a tag, the first digits of a hash",
            example: "SELECT revision('unversioned')",
            answer: Some("unversioned"),
        },
        make: |facts| Made::Scalar(revision::Revision::new(Arc::clone(facts)).into()),
    },
    Function {
        description: FunctionDescription {
            usage: "latest_commit([type [, device]])",
            meaning: "the last commit in git's order that was measured, of a benchmark type and on a device where they are given",
            example: "SELECT latest_commit('all-implementations')",
            answer: None,
        },
        make: |facts| Made::Scalar(latest_commit::LatestCommit::new(Arc::clone(facts)).into()),
    },
    Function {
        description: FunctionDescription {
            usage: "is_latest(commit, type)",
            meaning: "whether a commit is the last in git's order that measured a benchmark type on one of its devices. A filter by it \
                      reads no other file than those of the commits that pass",
            example: "SELECT is_latest(latest_commit('all-implementations'), 'all-implementations')",
            answer: Some("true"),
        },
        make: |facts| Made::Scalar(is_latest::IsLatest::new(Arc::clone(facts)).into()),
    },
    Function {
        description: FunctionDescription {
            usage: "commits_behind(commit [, type])",
            meaning: "how many measured commits come after a commit in git's order, 0 for the latest; where a benchmark type is given, \
                      of the commits that measured it. Commits that the repository does not have come first. A filter by it reads \
                      no other file than those of the commits that pass",
            example: "SELECT commits_behind(latest_commit())",
            answer: Some("0"),
        },
        make: |facts| Made::Scalar(commits_behind::CommitsBehind::new(Arc::clone(facts)).into()),
    },
    Function {
        description: FunctionDescription {
            usage: "short(commit)",
            meaning: "a commit as people write it: the first ten digits of its hash",
            example: "SELECT short('0123456789abcdef0123456789abcdef01234567')",
            answer: Some("0123456789"),
        },
        make: |_| Made::Scalar(short::Short::new().into()),
    },
    Function {
        description: FunctionDescription {
            usage: "direction(metric, unit)",
            meaning: "which way of a metric is better: lower, higher or neutral; any time is better lower",
            example: "SELECT direction('instructions', 'count')",
            answer: Some("lower"),
        },
        make: |_| Made::Scalar(direction::DirectionOf::new().into()),
    },
    Function {
        description: FunctionDescription {
            usage: "median_ci(samples)",
            meaning: "aggregate: the median of all samples of the group, {low, median, high}, with the 95 % interval between two of \
                      them; no interval below 6 samples. Takes numbers or lists of numbers",
            example: "SELECT median_ci(x) FROM (VALUES (5), (1), (4), (2), (3), (6)) AS t(x)",
            answer: Some(r#"{"low":1.0,"median":3.5,"high":6.0}"#),
        },
        make: |_| Made::Aggregate(median_ci::function()),
    },
    Function {
        description: FunctionDescription {
            usage: "ratio_ci(base, new)",
            meaning: "aggregate: the median of new over the median of base, {low, ratio, high}, with the 95 % bootstrap interval; no \
                      interval below 6 samples a side. Takes numbers or lists of numbers, NULLs passed over",
            example: "SELECT ratio_ci([10, 10, 10, 10, 10, 10], [11, 11, 11, 11, 11, 11])",
            answer: Some(r#"{"low":1.1,"ratio":1.1,"high":1.1}"#),
        },
        make: |_| Made::Aggregate(ratio_ci::function()),
    },
    Function {
        description: FunctionDescription {
            usage: "mann_whitney(base, new)",
            meaning: "aggregate: the Mann-Whitney test, {u, p_value, shift, cliffs_delta}: p exact up to 50 samples, ties counted; \
                      the Hodges-Lehmann shift in the samples' unit; Cliff's delta from -1 to 1",
            example: "SELECT mann_whitney([1, 2, 3], [4, 5, 6])",
            answer: Some(r#"{"u":9.0,"p_value":0.1,"shift":3.0,"cliffs_delta":1.0}"#),
        },
        make: |_| Made::Aggregate(mann_whitney::function()),
    },
    Function {
        description: FunctionDescription {
            usage: "benjamini_hochberg(p_value) OVER (…)",
            meaning: "window function: p-values adjusted for how many the partition has, so that of all up to 0.05 no more than 5 % \
                      are chance",
            example: "SELECT benjamini_hochberg(p) OVER () FROM (VALUES (0.01), (0.04)) AS t(p) ORDER BY p",
            answer: Some("0.02"),
        },
        make: |_| Made::Window(benjamini_hochberg::function()),
    },
    Function {
        description: FunctionDescription {
            usage: "change_points(series [, max_p_value [, min_magnitude]])",
            meaning: "where the level of a list of values changed: a list of {position, last, kind, before, after, ratio, p_value}, \
                      positions from 1, kind step, drift or unconfirmed. unnest makes rows of it",
            example: "SELECT change_points([1, 1, 1, 1, 1, 2, 2, 2, 2, 2])[1]['position']",
            answer: Some("6"),
        },
        make: |_| Made::Scalar(change_points::ChangePoints::new().into()),
    },
    Function {
        description: FunctionDescription {
            usage: "verdict(base, new [, threshold [, direction]])",
            meaning: "faster, slower, same or unclear: of two lists of samples by the interval of the ratio and the Mann-Whitney test \
                      with a threshold of 0.02; of two numbers exactly, with a threshold of 0",
            example: "SELECT verdict([10, 10, 10, 11, 11, 11], [20, 20, 20, 21, 21, 21])",
            answer: Some("slower"),
        },
        make: |_| Made::Scalar(verdict::OfSides::new().into()),
    },
    Function {
        description: FunctionDescription {
            usage: "verdict_of(low, ratio, high, p_value, threshold, direction)",
            meaning: "the same verdict from an interval of the ratio and a p-value, adjusted ones for instance; unclear without an \
                      interval",
            example: "SELECT verdict_of(1.08, 1.1, 1.12, 0.001, 0.02, 'lower')",
            answer: Some("slower"),
        },
        make: |_| Made::Scalar(verdict::OfRatio::new().into()),
    },
];

/// The functions for those who write queries, in the order in which they are listed.
pub(crate) fn descriptions() -> Vec<FunctionDescription> {
    ALL.iter().map(|function| function.description).collect()
}

/// Makes every function known to a session.
pub(crate) fn register(facts: &Arc<Facts>, state: &mut SessionStateBuilder) {
    for function in &ALL {
        match (function.make)(facts) {
            Made::Scalar(made) => state.scalar_functions().get_or_insert_default().push(Arc::new(made)),
            Made::Aggregate(made) => state.aggregate_functions().get_or_insert_default().push(Arc::new(made)),
            Made::Window(made) => state.window_functions().get_or_insert_default().push(Arc::new(made)),
        }
    }
}

/// The arguments of a call as text, row by row.
fn texts(args: &ScalarFunctionArgs) -> Result<Vec<StringViewArray>> {
    let text = |argument: &ColumnarValue| -> Result<StringViewArray> {
        let array: ArrayRef = argument.to_array(args.number_rows)?;
        Ok(cast(&array, &DataType::Utf8View)?.as_string_view().clone())
    };
    args.args.iter().map(text).collect()
}

/// The text of a row; `None` for NULL.
fn text(array: &StringViewArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

/// The answer to a call: one value where every argument is one, so that the planner can compute it once.
fn answer(args: &ScalarFunctionArgs, values: StringViewArray) -> Result<ColumnarValue> {
    let scalar = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    if scalar && !values.is_empty() {
        let value = datafusion::scalar::ScalarValue::try_from_array(&values, 0)?;
        return Ok(ColumnarValue::Scalar(value));
    }
    Ok(ColumnarValue::Array(Arc::new(values)))
}
