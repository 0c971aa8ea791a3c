//! The table `series`: every metric of every case there is.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringViewArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{MemTable, Session, TableProvider},
    error::Result,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};

use crate::{error::external, facts::Facts, points::SERIES_TEXTS};

/// Every series of the history.
#[derive(Debug)]
pub(crate) struct SeriesTable {
    facts: Arc<Facts>,
}

impl SeriesTable {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        Self { facts }
    }
}

#[async_trait]
impl TableProvider for SeriesTable {
    fn schema(&self) -> SchemaRef {
        let mut fields = SERIES_TEXTS.map(|name| Field::new(name, DataType::Utf8View, false)).to_vec();
        fields.push(Field::new("measurements", DataType::Int64, false));
        Arc::new(Schema::new(fields))
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
        let text = |column: usize| -> ArrayRef {
            Arc::new(points.series().map(|(texts, _)| Some(texts[column])).collect::<StringViewArray>())
        };
        let mut columns: Vec<ArrayRef> = (0..SERIES_TEXTS.len()).map(text).collect();
        columns.push(Arc::new(points.series().map(|(_, rows)| Some(rows)).collect::<Int64Array>()));
        let batch = RecordBatch::try_new(self.schema(), columns)?;
        MemTable::try_new(self.schema(), vec![vec![batch]])?.scan(state, projection, &[], limit).await
    }
}
