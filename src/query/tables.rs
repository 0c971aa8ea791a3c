//! The tables of a session: which there are, how each is made, and what its columns mean.
//!
//! `measurements`, `commits` and `accepted_changes` are read by code of ours, one file each; the others are views, one SQL file each. All are
//! made when a statement names them.

pub(crate) mod accepted_changes;
mod commits;
mod describe;
mod measurements;
pub(crate) mod piece;
mod points;
pub(crate) mod reader;
mod runs;
pub(crate) mod scan;
mod series;
mod steps;

use arrow::datatypes::DataType;
use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    logical_expr::{Expr, TableProviderFilterPushDown},
};

pub(crate) use commits::Commits;
pub(crate) use describe::meaning;
pub use describe::{ColumnDescription, TableDescription};
pub(crate) use measurements::Measurements;
pub(crate) use measurements::schema as measurements_schema;
pub(crate) use points::PointsTable;
pub(crate) use runs::SummarisedRuns;
pub(crate) use series::SeriesTable;
pub(crate) use steps::StepsTable;

/// A table: its name, one row of it in words, and what makes it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) row: &'static str,
    pub(crate) source: Source,
}

/// What makes a table.
#[derive(Debug)]
pub(crate) enum Source {
    /// Reads the files of the history.
    Measurements,
    /// Reads the repository, and where it must, what this statement says of the runs by commit.
    Commits(&'static str),
    /// Reads the accepted changes beside the history.
    AcceptedChanges,
    /// Which series there are.
    Series,
    /// Follows every series from commit to commit.
    Points,
    /// Follows every implementation from commit to commit.
    Steps,
    /// A statement over other tables.
    View(&'static str),
    /// A statement over other tables, whose rows are kept for as long as the history is held: many statements of one picture ask for them.
    KeptView(&'static str),
    /// The runs that the summary has.
    SummarisedRuns,
    /// The measurements of the others.
    OtherMeasurements,
}

/// Every table, in the order in which they are listed.
pub(crate) const ALL: [Table; 11] = [
    Table {
        name: "measurements",
        row: "one metric of one case of one implementation in one run",
        source: Source::Measurements,
    },
    Table {
        name: "timings",
        row: "one case of one implementation in one run: how it ended, and its primary time (gpu_time, else \
              emulation_time, else the first measured time by name)",
        source: Source::View(include_str!("tables/timings.sql")),
    },
    Table {
        name: "latest_measurements",
        row: "one metric of one case of one implementation, as the newest run has it at the latest commit of its type and device",
        source: Source::KeptView(include_str!("tables/latest_measurements.sql")),
    },
    Table {
        name: "latest_times",
        row: "one time of one case that an implementation did right, at the latest commit of its type and device",
        source: Source::KeptView(include_str!("tables/latest_times.sql")),
    },
    Table {
        name: "series",
        row: "one metric of one case of one implementation on one device, in whichever runs",
        source: Source::Series,
    },
    Table {
        name: "points",
        row: "one time or count of one case at one commit, as the newest run there has it, where none of the case failed; with the \
              point before in its series; times in nanoseconds",
        source: Source::Points,
    },
    Table {
        name: "steps",
        row: "one time of one implementation at one commit, over its points there; in nanoseconds",
        source: Source::Steps,
    },
    Table {
        name: "samples",
        row: "one sample of a measurement",
        source: Source::View(include_str!("tables/samples.sql")),
    },
    Table { name: "runs", row: "one run", source: Source::View(include_str!("tables/runs.sql")) },
    Table {
        name: "commits",
        row: "one commit that was measured",
        source: Source::Commits(include_str!("tables/commits.sql")),
    },
    Table {
        name: "accepted_changes",
        row: "one change of one metric of one case that somebody accepted",
        source: Source::AcceptedChanges,
    },
];

/// What the table `runs` is made of. These are nobody else's concern, and not listed.
const PARTS: [Table; 2] = [
    Table { name: "summarised_runs", row: "one run", source: Source::SummarisedRuns },
    Table { name: "other_measurements", row: "one metric of one case", source: Source::OtherMeasurements },
];

/// The table of a name.
pub(crate) fn table(name: &str) -> Option<&'static Table> {
    ALL.iter().chain(&PARTS).find(|table| table.name == name)
}

/// A type as people call it: every kind of text is `Utf8`.
pub(crate) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => "Utf8".to_owned(),
        DataType::Timestamp(..) => "Timestamp".to_owned(),
        DataType::List(item) => format!("List({})", type_name(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => {
                let types: Vec<_> = pair.iter().map(|field| type_name(field.data_type())).collect();
                format!("Map({})", types.join(", "))
            }
            other => type_name(other),
        },
        other => other.to_string(),
    }
}

/// Whether a table applies a filter itself, which only reads of its rows.
fn support(filter: &Expr) -> TableProviderFilterPushDown {
    if filter.is_volatile() || has_subquery(filter) {
        TableProviderFilterPushDown::Unsupported
    } else {
        TableProviderFilterPushDown::Exact
    }
}

/// Whether a filter asks another query, which only the engine can answer.
pub(crate) fn has_subquery(filter: &Expr) -> bool {
    let mut found = false;
    // The visitor below never fails, so neither does the walk.
    let _ = filter.apply(|expression| {
        found |= matches!(
            expression,
            Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        );
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}
