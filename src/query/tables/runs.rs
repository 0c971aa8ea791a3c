//! The table `runs`, as far as the summary has them: a row of its own for every run, so that no row of a measurement is read.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::{
    catalog::{MemTable, Session, TableProvider},
    error::Result,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};

use crate::{error::external, facts::Facts, summary::runs_schema};

/// The runs that the summary has.
#[derive(Debug)]
pub(crate) struct SummarisedRuns {
    facts: Arc<Facts>,
}

impl SummarisedRuns {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        Self { facts }
    }
}

#[async_trait]
impl TableProvider for SummarisedRuns {
    fn schema(&self) -> SchemaRef {
        runs_schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let runs = self.facts.summarised().map_err(external)?.runs()?;
        MemTable::try_new(runs_schema(), vec![runs])?.scan(state, projection, filters, limit).await
    }
}
