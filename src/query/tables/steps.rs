//! The table `steps`: how the times of every implementation moved from commit to commit.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{MemTable, Session, TableProvider},
    error::Result,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};

use super::points::BATCH_ROWS;
use crate::{
    error::external,
    facts::Facts,
    points::{Points, Step},
};

/// Every step of the history.
#[derive(Debug)]
pub(crate) struct StepsTable {
    facts: Arc<Facts>,
}

impl StepsTable {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        Self { facts }
    }
}

fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name| Field::new(name, DataType::Utf8View, false);
        let count = |name| Field::new(name, DataType::Int64, false);
        let number = |name| Field::new(name, DataType::Float64, true);
        Arc::new(Schema::new(vec![
            text("type"),
            text("device"),
            text("device_kind"),
            text("implementation"),
            text("metric"),
            text("commit"),
            count("ordinal"),
            Field::new("is_primary", DataType::Boolean, false),
            count("cases_done"),
            count("cases_compared"),
            number("mean_median"),
            number("to_previous"),
            number("since_first"),
            number("q1_to_median"),
            number("q3_to_median"),
        ]))
    });
    Arc::clone(&SCHEMA)
}

fn batch(points: &Points, steps: &[Step]) -> Result<RecordBatch> {
    let count = |of: fn(&Step) -> i64| -> ArrayRef { Arc::new(steps.iter().map(of).collect::<Int64Array>()) };
    let number = |of: fn(&Step) -> f64| -> ArrayRef {
        Arc::new(
            steps.iter().map(|step| Some(of(step)).filter(|value| !value.is_nan())).collect::<Float64Array>(),
        )
    };
    let table = schema();
    let columns = table.fields().iter().map(|field| {
        Ok(match field.name().as_str() {
            "ordinal" => count(|step| step.ordinal),
            "is_primary" => {
                Arc::new(steps.iter().map(|step| Some(step.is_primary)).collect::<BooleanArray>())
            }
            "cases_done" => count(|step| step.cases),
            "cases_compared" => count(|step| step.compared),
            "mean_median" => number(|step| step.median),
            "to_previous" => number(|step| step.ratio),
            "since_first" => number(|step| step.level),
            "q1_to_median" => number(|step| step.lower),
            "q3_to_median" => number(|step| step.upper),
            text => points.texts(steps.iter().map(|step| step.text(text)))?,
        })
    });
    Ok(RecordBatch::try_new(Arc::clone(&table), columns.collect::<Result<_>>()?)?)
}

#[async_trait]
impl TableProvider for StepsTable {
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
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let points = self.facts.points().map_err(external)?;
        let batches = points.steps().chunks(BATCH_ROWS).map(|steps| batch(&points, steps));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        MemTable::try_new(schema(), vec![batches])?.scan(state, projection, &[], limit).await
    }
}
