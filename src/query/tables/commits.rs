//! The table `commits`: what git says of every commit that was measured, and what the runs say of it.
//!
//! The files of the history are read only where a query asks for what the runs say.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{
        ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, RecordBatch, StringViewBuilder,
        TimestampMicrosecondBuilder,
    },
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{MemTable, Session, TableProvider},
    common::JoinType,
    datasource::provider_as_source,
    error::Result,
    functions::expr_fn::coalesce,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableType, col, lit},
    physical_plan::ExecutionPlan,
};
use pipe_model::Commit;

use crate::{Error, error::external, facts::Facts};

/// What git says comes first; from here on the runs.
const FIRST_OF_RUNS: usize = 9;

/// Every commit of the history.
#[derive(Debug)]
pub(crate) struct Commits {
    facts: Arc<Facts>,
    /// `commit`, `runs`, `first_recorded_at`, `last_recorded_at`.
    of_runs: LogicalPlan,
}

impl Commits {
    /// `of_runs` gives what the runs say, by commit.
    pub(crate) fn new(facts: Arc<Facts>, of_runs: LogicalPlan) -> Self {
        Self { facts, of_runs }
    }

    /// What git says, one row a commit, in git's order; before it come those that git has no place for.
    fn of_git(&self) -> Result<RecordBatch, Error> {
        let history = |error| Error::History(Box::new(error));
        let order = self.facts.order()?;
        let repository = self.facts.repository()?;
        let behind = self.facts.behind()?;
        let mut commits: Vec<(&Commit, i64)> =
            behind.iter().map(|(commit, behind)| (commit, *behind)).collect();
        commits.sort_by_key(|(_, behind)| -behind);

        let mut columns = Columns::default();
        for ((commit, behind), ordinal) in commits.into_iter().zip(1..) {
            let info = repository.as_ref().map(|repository| repository.info(commit)).transpose();
            let info = info.map_err(history)?.flatten();
            columns.commit.append_value(commit.as_str());
            columns
                .position
                .append_option(order.position(commit).and_then(|place| i64::try_from(place).ok()));
            columns.ordinal.append_value(ordinal);
            columns.behind.append_value(behind);
            columns.on_head.append_value(order.on_head(commit));
            columns.subject.append_option(info.as_ref().map(|info| &info.subject));
            columns.author.append_option(info.as_ref().map(|info| &info.author));
            columns.committed_at.append_option(info.as_ref().map(|info| info.time.as_microsecond()));
            let parents = info.map(|info| info.parents);
            parents
                .iter()
                .flatten()
                .for_each(|parent| columns.parents.values().append_value(parent.as_str()));
            columns.parents.append(parents.is_some());
        }
        columns.finish().map_err(|error| Error::Execution(error.to_string()))
    }

    /// What git says with what the runs say beside it.
    fn joined(&self, of_git: LogicalPlan) -> Result<LogicalPlan> {
        let runs = LogicalPlanBuilder::from(self.of_runs.clone()).alias("of_runs")?.build()?;
        let mut columns: Vec<Expr> = of_git.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(coalesce(vec![col("of_runs.runs"), lit(0_i64)]).alias("runs"));
        columns.extend(["first_recorded_at", "last_recorded_at"].map(|name| col(format!("of_runs.{name}"))));
        LogicalPlanBuilder::from(of_git)
            .join(runs, JoinType::Left, (vec!["of_git.commit"], vec!["of_runs.commit"]), None)?
            .project(columns)?
            .build()
    }
}

#[derive(Default)]
struct Columns {
    commit: StringViewBuilder,
    position: Int64Builder,
    ordinal: Int64Builder,
    behind: Int64Builder,
    on_head: BooleanBuilder,
    subject: StringViewBuilder,
    author: StringViewBuilder,
    committed_at: TimestampMicrosecondBuilder,
    parents: ListBuilder<StringViewBuilder>,
}

impl Columns {
    fn finish(mut self) -> Result<RecordBatch, arrow::error::ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.commit.finish()),
            Arc::new(self.position.finish()),
            Arc::new(self.ordinal.finish()),
            Arc::new(self.behind.finish()),
            Arc::new(self.on_head.finish()),
            Arc::new(self.subject.finish()),
            Arc::new(self.author.finish()),
            Arc::new(self.committed_at.finish().with_timezone("UTC")),
            Arc::new(self.parents.finish()),
        ];
        RecordBatch::try_new(Arc::new(Schema::new(schema().fields()[..FIRST_OF_RUNS].to_vec())), columns)
    }
}

fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let parent = Field::new("item", DataType::Utf8View, true);
        Arc::new(Schema::new(vec![
            Field::new("commit", DataType::Utf8View, false),
            Field::new("position", DataType::Int64, true),
            Field::new("ordinal", DataType::Int64, false),
            Field::new("behind", DataType::Int64, false),
            Field::new("on_head", DataType::Boolean, false),
            Field::new("subject", DataType::Utf8View, true),
            Field::new("author", DataType::Utf8View, true),
            Field::new("committed_at", time(), true),
            Field::new("parents", DataType::List(Arc::new(parent)), true),
            Field::new("runs", DataType::Int64, true),
            Field::new("first_recorded_at", time(), true),
            Field::new("last_recorded_at", time(), true),
        ]))
    });
    Arc::clone(&SCHEMA)
}

#[async_trait]
impl TableProvider for Commits {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = schema();
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let of_git = self.facts.of_git(|| self.of_git()).map_err(external)?;
        let of_git = MemTable::try_new(of_git.schema(), vec![vec![of_git.as_ref().clone()]])?;
        if wanted.iter().all(|column| *column < FIRST_OF_RUNS) {
            return of_git.scan(state, Some(&wanted), &[], None).await;
        }
        let of_git =
            LogicalPlanBuilder::scan("of_git", provider_as_source(Arc::new(of_git)), None)?.build()?;
        let names = wanted.iter().map(|column| col(schema.field(*column).name()));
        let plan = LogicalPlanBuilder::from(self.joined(of_git)?).project(names)?.build()?;
        state.create_physical_plan(&plan).await
    }
}
