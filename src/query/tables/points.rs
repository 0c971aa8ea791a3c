//! The table `points`: every series from commit to commit, with the point before.

use std::{
    ops::Range,
    sync::{Arc, LazyLock},
    thread,
};

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{MemTable, Session, TableProvider},
    common::{DFSchema, cast::as_boolean_array},
    error::Result,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction},
    physical_expr::{
        PhysicalExpr,
        utils::{collect_columns, reassign_expr_columns},
    },
    physical_plan::ExecutionPlan,
};

use crate::{
    error::external,
    facts::Facts,
    points::{Point, Points},
};

/// Rows of a batch, which is what the engine likes best.
pub(super) const BATCH_ROWS: usize = 8192;

/// Every point of the history.
#[derive(Debug)]
pub(crate) struct PointsTable {
    facts: Arc<Facts>,
}

impl PointsTable {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        Self { facts }
    }
}

fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name| Field::new(name, DataType::Utf8View, false);
        let number = |name| Field::new(name, DataType::Float64, true);
        let truth = |name| Field::new(name, DataType::Boolean, false);
        Arc::new(Schema::new(vec![
            text("type"),
            text("device"),
            text("device_kind"),
            text("implementation"),
            text("config"),
            text("metric"),
            text("unit"),
            text("basis"),
            text("commit"),
            Field::new("ordinal", DataType::Int64, false),
            truth("is_primary"),
            truth("is_latest"),
            Field::new("sample_count", DataType::Int64, false),
            number("q1"),
            number("median"),
            number("q3"),
            Field::new("previous_commit", DataType::Utf8View, true),
            number("previous_q1"),
            number("previous_median"),
            number("previous_q3"),
        ]))
    });
    Arc::clone(&SCHEMA)
}

/// Makes batches of points.
struct Maker<'a> {
    points: &'a Points,
}

impl Maker<'_> {
    fn batch(&self, columns: &SchemaRef, rows: &[usize]) -> Result<RecordBatch> {
        let arrays = columns.fields().iter().map(|field| self.column(field.name(), rows));
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(columns), arrays.collect::<Result<_>>()?, &options)?)
    }

    fn column(&self, name: &str, rows: &[usize]) -> Result<ArrayRef> {
        let points = || rows.iter().map(|row| self.points.point(*row));
        let previous = || rows.iter().map(|row| self.points.previous(*row));
        let number = |of: fn(&Point) -> f64| -> ArrayRef {
            Arc::new(
                points()
                    .map(|point| Some(of(point)).filter(|value| !value.is_nan()))
                    .collect::<Float64Array>(),
            )
        };
        let before = |of: fn(&Point) -> f64| -> ArrayRef {
            let values = previous().map(|point| point.map(of).filter(|value| !value.is_nan()));
            Arc::new(values.collect::<Float64Array>())
        };
        Ok(match name {
            "ordinal" => Arc::new(points().map(|point| Some(point.ordinal)).collect::<Int64Array>()),
            "is_primary" => Arc::new(points().map(|point| Some(point.is_primary)).collect::<BooleanArray>()),
            "is_latest" => Arc::new(points().map(|point| Some(point.is_latest)).collect::<BooleanArray>()),
            "sample_count" => {
                Arc::new(points().map(|point| Some(point.sample_count)).collect::<Int64Array>())
            }
            "q1" => number(|point| point.q1),
            "median" => number(|point| point.median),
            "q3" => number(|point| point.q3),
            "previous_q1" => before(|point| point.q1),
            "previous_median" => before(|point| point.median),
            "previous_q3" => before(|point| point.q3),
            "previous_commit" => {
                self.points.texts(previous().map(|point| point.map(|point| point.commit)))?
            }
            text => self.points.texts(points().map(|point| self.points.text(text, point)))?,
        })
    }

    /// The points in `range` that pass `filter`, in the columns that are wanted.
    fn batches(
        &self,
        range: Range<usize>,
        columns: &SchemaRef,
        filter: Option<&(SchemaRef, Arc<dyn PhysicalExpr>)>,
    ) -> Result<Vec<RecordBatch>> {
        let all: Vec<usize> = range.collect();
        let mut batches = Vec::new();
        for rows in all.chunks(BATCH_ROWS) {
            let mut chosen = rows.to_vec();
            if let Some((columns, predicate)) = filter {
                let passes = predicate.evaluate(&self.batch(columns, rows)?)?.into_array(rows.len())?;
                let mut passes = as_boolean_array(&passes)?.iter();
                chosen.retain(|_| passes.next().flatten().unwrap_or(false));
            }
            if !chosen.is_empty() {
                batches.push(self.batch(columns, &chosen)?);
            }
        }
        Ok(batches)
    }
}

#[async_trait]
impl TableProvider for PointsTable {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters.iter().map(|filter| super::support(filter)).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let table = schema();
        let columns = match projection {
            Some(indices) => Arc::new(table.project(indices)?),
            None => Arc::clone(&table),
        };
        let filter = conjunction(filters.to_vec())
            .map(|filter| {
                let filter = state.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(&table))?)?;
                let mut indices: Vec<usize> =
                    collect_columns(&filter).iter().map(|column| column.index()).collect();
                indices.sort_unstable();
                let columns = Arc::new(table.project(&indices)?);
                let filter = reassign_expr_columns(filter, &columns)?;
                Ok::<_, datafusion::error::DataFusionError>((columns, filter))
            })
            .transpose()?;
        let points = self.facts.points().map_err(external)?;
        let maker = Maker { points: &points };
        let threads = self.facts.threads();
        let share = points.len().div_ceil(threads).max(1);
        let partitions: Vec<Vec<RecordBatch>> = thread::scope(|scope| {
            let part = |number: usize| {
                let range = (number * share).min(points.len())..((number + 1) * share).min(points.len());
                let (maker, columns, filter) = (&maker, &columns, filter.as_ref());
                scope.spawn(move || maker.batches(range, columns, filter))
            };
            let threads: Vec<_> = (0..threads).map(part).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Result<_>>()
        })?;
        MemTable::try_new(columns, partitions)?.scan(state, None, &[], limit).await
    }
}
