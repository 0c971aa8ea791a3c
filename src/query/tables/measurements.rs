//! The table `measurements`: every row of the history, with the partitions as columns.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{Array, BooleanArray, RecordBatch, StringViewArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{DFSchema, cast::as_boolean_array},
    error::Result,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction},
    physical_plan::ExecutionPlan,
};
use pipe_history::{HistoryFile, schema::PARTITIONS};

use super::{piece::pieces, reader::Reading, scan::HistoryScan};
use crate::{
    error::external,
    facts::Facts,
    summary::{SAMPLES, WORTH},
};

/// Every row of the history, or those of the runs that the summary has not.
#[derive(Debug)]
pub(crate) struct Measurements {
    facts: Arc<Facts>,
    of_summary: bool,
}

impl Measurements {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        Self { facts, of_summary: true }
    }

    /// Without the runs that the summary has.
    pub(crate) fn not_summarised(facts: Arc<Facts>) -> Self {
        Self { facts, of_summary: false }
    }

    /// The files whose partition passes `filters`, which look at partitions only.
    fn chosen(
        &self,
        files: &[HistoryFile],
        filters: Vec<Expr>,
        state: &dyn Session,
    ) -> Result<Vec<HistoryFile>> {
        let Some(filter) = conjunction(filters) else { return Ok(files.to_vec()) };
        let schema = Arc::new(partitions());
        let filter = state.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(&schema))?)?;
        let commits: StringViewArray = files.iter().map(|file| Some(file.commit.as_str())).collect();
        let types: StringViewArray = files.iter().map(|file| Some(file.benchmark_type.as_str())).collect();
        let batch = RecordBatch::try_new(schema, vec![Arc::new(commits), Arc::new(types)])?;
        let chosen = filter.evaluate(&batch)?.into_array(files.len())?;
        let chosen: &BooleanArray = as_boolean_array(&chosen)?;
        let is_chosen = |number: usize| chosen.is_valid(number) && chosen.value(number);
        Ok(files
            .iter()
            .enumerate()
            .filter(|(number, _)| is_chosen(*number))
            .map(|(_, file)| file.clone())
            .collect())
    }
}

/// The table's columns: those of a file, the partitions after the first two, and every text as a view, which is the
/// form that the engine is fastest at and all its functions take.
pub(crate) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let stored = pipe_history::schema::schema();
        let viewed = |field: &Field| match field.data_type() {
            DataType::Utf8 => field.clone().with_data_type(DataType::Utf8View),
            DataType::Dictionary(_, value) if **value == DataType::Utf8 => {
                field.clone().with_data_type(DataType::Utf8View)
            }
            _ => field.clone(),
        };
        let mut fields: Vec<Field> = stored.fields().iter().map(|field| viewed(field)).collect();
        let behind_time = 2.min(fields.len());
        fields.splice(
            behind_time..behind_time,
            partitions().fields().iter().map(|field| field.as_ref().clone()),
        );
        Arc::new(Schema::new(fields))
    });
    Arc::clone(&SCHEMA)
}

fn partitions() -> Schema {
    Schema::new(PARTITIONS.map(|name| Field::new(name, DataType::Utf8View, false)).to_vec())
}

/// Whether a filter looks at nothing but partitions, so that a file's path decides it.
fn is_of_partition(filter: &Expr) -> bool {
    filter.column_refs().iter().all(|column| PARTITIONS.contains(&column.name.as_str()))
}

#[async_trait]
impl TableProvider for Measurements {
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
        let (of_partition, of_row): (Vec<Expr>, Vec<Expr>) =
            filters.iter().cloned().partition(is_of_partition);
        let predicate = conjunction(of_row)
            .map(|filter| state.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(&table))?))
            .transpose()?;
        let reading = Reading::new(&table, columns, predicate)?;

        let listing = self.facts.listing().map_err(external)?;
        let pieces = if self.of_summary {
            let files = self.chosen(&listing.files, of_partition, state)?;
            // Few files are read faster than a part of the summary, and samples are nowhere else.
            if files.len() < WORTH || reading.uses(SAMPLES) {
                pieces(files)
            } else {
                self.facts.summarised().map_err(external)?.pieces(files)
            }
        } else {
            pieces(self.chosen(&self.facts.summarised().map_err(external)?.rest, of_partition, state)?)
        };
        Ok(Arc::new(HistoryScan::new(Arc::clone(&self.facts), reading, pieces, listing.files.len(), limit)))
    }
}
