//! Two sides compared: what they are, and the rows of the query `compare`, which every command that compares goes through.

mod row;
mod side;
mod table;

use pipe_query::{Params, Session};

pub(crate) use self::{
    row::{Metric, Row},
    side::{Resolver, Side},
    table::{case, changed_counts, ending, write_markdown, write_table},
};
use crate::{commands::query_error, error::CommandError};

/// Which cases are compared. `None` is all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) benchmark_type: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) implementation: Option<String>,
    pub(crate) metric: Option<String>,
    pub(crate) config: Option<String>,
    pub(crate) threshold: Option<f64>,
}

/// Two sides and what changed between them, the rows that matter most first.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) base: Side,
    pub(crate) new: Side,
    pub(crate) rows: Vec<Row>,
}

/// The parameters of the query `compare`.
pub(crate) fn params(base: &Side, new: &Side, filter: &Filter) -> Params {
    Params::new()
        .with("base", base.commit.as_str())
        .with("base_run", base.run.clone())
        .with("new", new.commit.as_str())
        .with("new_run", new.run.clone())
        .with("dirty", new.work_tree)
        .with("type", filter.benchmark_type.clone())
        .with("device", filter.device.clone())
        .with("implementation", filter.implementation.clone())
        .with("metric", filter.metric.clone())
        .with("config", filter.config.clone())
        .with("threshold", filter.threshold)
}

impl Comparison {
    /// Compares two sides.
    pub(crate) fn of(
        session: &Session,
        base: Side,
        new: Side,
        filter: &Filter,
    ) -> Result<Self, CommandError> {
        let answer = session.named("compare", &params(&base, &new, filter)).map_err(query_error)?;
        let rows = answer.rows().map_err(query_error)?;
        let rows = rows.into_iter().map(Row::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { base, new, rows })
    }

    /// The first of the two sides that has no result at all.
    pub(crate) fn unmeasured(&self) -> Option<&Side> {
        if !self.rows.iter().any(|row| row.base_status.is_some()) {
            return Some(&self.base);
        }
        (!self.rows.iter().any(|row| row.new_status.is_some())).then_some(&self.new)
    }
}
