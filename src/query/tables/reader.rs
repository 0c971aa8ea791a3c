//! Reads one file of the history: only the columns and rows that are asked for, in today's types.
//!
//! Files of older versions lack columns, files that other tools rewrote have other physical types, and the partitions
//! are in no file: all that is made even here. A file is read whole before any of its rows is handed on, so that one
//! that turns out to be damaged contributes nothing rather than a part.

use std::{
    fs::{self, File},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow::{
    array::{
        Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringViewArray, new_null_array,
    },
    compute::{CastOptions, cast_with_options},
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
};
use datafusion::{
    datasource::physical_plan::{
        ParquetFileMetrics,
        parquet::{ParquetAccessPlan, RowGroupAccessPlanFilter},
    },
    physical_expr::{
        PhysicalExpr,
        utils::{collect_columns, reassign_expr_columns},
    },
    physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder},
    physical_plan::metrics::ExecutionPlanMetricsSet,
};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
            RowFilter, RowSelection,
        },
    },
    file::reader::ChunkReader,
};
use pipe_history::{HistoryFile, archive::COMMIT_COLUMN};

use super::piece::Piece;
use crate::Warning;

/// Up to this size a file is read in one piece, which takes fewer calls than picking the columns out of it.
const WHOLE_BYTES: u64 = 1 << 20;

/// What is wanted of every file.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The columns, in order; any of the table's.
    columns: SchemaRef,
    filter: Option<Filter>,
}

/// Which rows are wanted.
#[derive(Debug)]
struct Filter {
    /// The columns that `predicate` looks at, in the order it numbers them.
    columns: SchemaRef,
    predicate: Arc<dyn PhysicalExpr>,
    /// Tells from a row group's statistics that it has no such row.
    pruning: Option<Arc<PruningPredicate>>,
}

impl Reading {
    /// The columns `columns` of the rows for which `predicate`, over the columns of `table`, is true.
    pub(crate) fn new(
        table: &SchemaRef,
        columns: SchemaRef,
        predicate: Option<Arc<dyn PhysicalExpr>>,
    ) -> datafusion::error::Result<Self> {
        let filter = predicate.map(|predicate| Filter::new(table, predicate)).transpose()?;
        Ok(Self { columns, filter })
    }

    /// Whole columns.
    pub(crate) fn all(columns: SchemaRef) -> Self {
        Self { columns, filter: None }
    }

    pub(crate) fn columns(&self) -> &SchemaRef {
        &self.columns
    }

    pub(crate) fn predicate(&self) -> Option<&Arc<dyn PhysicalExpr>> {
        self.filter.as_ref().map(|filter| &filter.predicate)
    }

    /// The rows of one run.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_run(&self, file: &HistoryFile) -> Result<Vec<RecordBatch>, Warning> {
        self.read(&Piece::of(file.clone()))
    }

    /// The rows of one piece.
    ///
    /// # Errors
    /// The file and what is wrong with it: it vanished, it is damaged, or it is no file of a history.
    pub(crate) fn read(&self, piece: &Piece) -> Result<Vec<RecordBatch>, Warning> {
        // The Parquet reader has been seen to panic on damaged pages; that is the file's fault, not the program's.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if piece.size() <= WHOLE_BYTES && !piece.is_archived() {
                let bytes = fs::read(piece.path()).map_err(cannot_open)?;
                self.read_from(piece, bytes::Bytes::from(bytes))
            } else {
                self.read_from(piece, File::open(piece.path()).map_err(cannot_open)?)
            }
        }));
        outcome
            .unwrap_or_else(
                |_| Err("not readable as Parquet: its contents contradict one another".to_owned()),
            )
            .map_err(|reason| Warning { path: piece.path().to_owned(), reason })
    }

    fn read_from<T: ChunkReader + 'static>(
        &self,
        piece: &Piece,
        source: T,
    ) -> Result<Vec<RecordBatch>, String> {
        let metadata = ArrowReaderMetadata::load(&source, ArrowReaderOptions::new()).map_err(corrupt)?;
        let stored = Arc::clone(metadata.schema());
        pipe_history::compatible(&stored)
            .map_err(|error| format!("not a file of a pipe history: {error}"))?;

        let mask = |columns: &Schema| {
            let name = |name: &str| if name == "commit" { COMMIT_COLUMN } else { name }.to_owned();
            let stored_columns =
                columns.fields().iter().filter_map(|field| stored.index_of(&name(field.name())).ok());
            ProjectionMask::roots(metadata.parquet_schema(), stored_columns)
        };
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata.clone())
            .with_projection(mask(&self.columns));
        let mut groups: Vec<usize> = (0..metadata.metadata().num_row_groups()).collect();
        if let Some(filter) = &self.filter {
            groups = filter.row_groups(&metadata);
            reader = reader.with_row_filter(filter.rows(mask(&filter.columns), piece));
        }
        if piece.is_archived() {
            let sizes = metadata.metadata().row_groups().iter();
            let sizes: Vec<usize> =
                sizes.map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).collect();
            let selectors;
            (groups, selectors) = piece.selection(&sizes, &groups);
            reader = reader.with_row_selection(RowSelection::from(selectors));
        }
        reader
            .with_row_groups(groups)
            .build()
            .map_err(corrupt)?
            .map(|batch| evened(&batch?, &self.columns, piece))
            .filter(|batch| !matches!(batch, Ok(batch) if batch.num_rows() == 0))
            .collect::<Result<_, ArrowError>>()
            .map_err(corrupt)
    }
}

impl Filter {
    fn new(table: &SchemaRef, predicate: Arc<dyn PhysicalExpr>) -> datafusion::error::Result<Self> {
        let mut indices: Vec<usize> =
            collect_columns(&predicate).iter().map(|column| column.index()).collect();
        indices.sort_unstable();
        let columns = Arc::new(table.project(&indices)?);
        let predicate = reassign_expr_columns(predicate, &columns)?;
        let pruning = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(&columns))
            .build(Arc::clone(&predicate));
        Ok(Self { columns, predicate, pruning })
    }

    /// The row groups that may have a row that is wanted. A run's file has one, which is read as fast as its
    /// statistics are weighed; a file that many runs were folded into has many.
    fn row_groups(&self, metadata: &ArrowReaderMetadata) -> Vec<usize> {
        let groups = metadata.metadata().row_groups();
        let mut plan = RowGroupAccessPlanFilter::new(ParquetAccessPlan::new_all(groups.len()));
        if let (Some(pruning), true) = (&self.pruning, groups.len() > 1) {
            let metrics = ParquetFileMetrics::new(0, "", &ExecutionPlanMetricsSet::new());
            plan.prune_by_statistics(metadata.schema(), metadata.parquet_schema(), groups, pruning, &metrics);
        }
        plan.row_group_indexes().collect()
    }

    /// Decodes the filter's own columns first, and of the others only the rows that pass.
    fn rows(&self, mask: ProjectionMask, piece: &Piece) -> RowFilter {
        let (columns, predicate) = (Arc::clone(&self.columns), Arc::clone(&self.predicate));
        let piece = piece.clone();
        RowFilter::new(vec![Box::new(ArrowPredicateFn::new(mask, move |batch| {
            let batch = evened(&batch, &columns, &piece)?;
            let chosen = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
            let chosen = chosen.as_any().downcast_ref::<BooleanArray>().cloned();
            chosen.ok_or_else(|| ArrowError::ComputeError("a filter must be true or false".to_owned()))
        }))])
    }
}

/// A batch of a file as `columns` of the table.
fn evened(batch: &RecordBatch, columns: &SchemaRef, piece: &Piece) -> Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let constant = |value: &str| -> ArrayRef {
        Arc::new(std::iter::repeat_n(Some(value), rows).collect::<StringViewArray>())
    };
    let column = |name: &str, data_type| match (name, batch.column_by_name(name)) {
        ("commit", _) => match (piece.commit(), batch.column_by_name(COMMIT_COLUMN)) {
            (None, Some(column)) => cast_with_options(column, data_type, &strict),
            (commit, _) => Ok(constant(commit.map_or("", |commit| commit.as_str()))),
        },
        ("type", _) => Ok(constant(piece.benchmark_type().as_str())),
        (_, Some(column)) if column.data_type() == data_type => Ok(Arc::clone(column)),
        (_, Some(column)) => cast_with_options(column, data_type, &strict),
        (_, None) => Ok(new_null_array(data_type, rows)),
    };
    let arrays = columns.fields().iter().map(|field| column(field.name(), field.data_type()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(columns), arrays.collect::<Result<_, _>>()?, &options)
}

fn cannot_open(error: std::io::Error) -> String {
    format!("cannot read it: {error}")
}

fn corrupt(error: impl std::fmt::Display) -> String {
    let reason = error.to_string();
    format!("not readable as Parquet: {}", reason.trim_start_matches("Parquet error: "))
}
