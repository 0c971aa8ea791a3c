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
use crate::{Warning, summary::Part};

/// Up to this size a file is read in one piece, which takes fewer calls than picking the columns out of it.
const WHOLE_BYTES: u64 = 1 << 20;
/// Rows of a batch, which is what the engine likes best.
const BATCH_ROWS: usize = 8192;

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

    /// Whether a column is looked at.
    pub(crate) fn uses(&self, column: &str) -> bool {
        let has = |columns: &Schema| columns.column_with_name(column).is_some();
        has(&self.columns) || self.filter.as_ref().is_some_and(|filter| has(&filter.columns))
    }

    /// The rows of a part of the summary, which has every column but the samples.
    ///
    /// # Errors
    /// Where it is damaged.
    pub(crate) fn read_part(&self, part: &Part) -> Result<Vec<RecordBatch>, String> {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let (source, metadata) = part.segment.source().ok_or("damaged")?;
            let size = metadata.metadata().row_groups().get(part.group).ok_or("damaged")?.num_rows();
            let selectors = part.selection(usize::try_from(size).map_err(corrupt)?);
            let is_whole = selectors.iter().all(|selector| !selector.skip);
            let mut reader = self.reader(source, &metadata, Origin::Summary);
            if !is_whole {
                reader = reader.with_row_selection(RowSelection::from(selectors));
            }
            let groups = match &self.filter {
                Some(filter) if !filter.row_groups(&metadata).contains(&part.group) => Vec::new(),
                _ => vec![part.group],
            };
            self.finish(reader.with_row_groups(groups), Origin::Summary)
        }));
        outcome.unwrap_or_else(|_| Err("damaged".to_owned()))
    }

    /// The rows of one piece, from its file.
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

        let mut reader = self.reader(source, &metadata, Origin::File(piece));
        let mut groups: Vec<usize> = (0..metadata.metadata().num_row_groups()).collect();
        if let Some(filter) = &self.filter {
            groups = filter.row_groups(&metadata);
        }
        if piece.is_archived() {
            let sizes = metadata.metadata().row_groups().iter();
            let sizes: Vec<usize> =
                sizes.map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).collect();
            let selectors;
            (groups, selectors) = piece.selection(&sizes, &groups);
            reader = reader.with_row_selection(RowSelection::from(selectors));
        }
        self.finish(reader.with_row_groups(groups), Origin::File(piece))
    }

    /// A reader of the columns and rows that are wanted.
    fn reader<T: ChunkReader + 'static>(
        &self,
        source: T,
        metadata: &ArrowReaderMetadata,
        origin: Origin<'_>,
    ) -> ParquetRecordBatchReaderBuilder<T> {
        let stored = metadata.schema();
        let mask = |columns: &Schema| {
            let stored_columns =
                columns.fields().iter().filter_map(|field| stored.index_of(origin.stored(field.name())).ok());
            ProjectionMask::roots(metadata.parquet_schema(), stored_columns)
        };
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata.clone())
            .with_batch_size(BATCH_ROWS)
            .with_projection(mask(&self.columns));
        match &self.filter {
            Some(filter) => reader.with_row_filter(filter.rows(mask(&filter.columns), origin)),
            None => reader,
        }
    }

    fn finish<T: ChunkReader + 'static>(
        &self,
        reader: ParquetRecordBatchReaderBuilder<T>,
        origin: Origin<'_>,
    ) -> Result<Vec<RecordBatch>, String> {
        reader
            .build()
            .map_err(corrupt)?
            .map(|batch| evened(&batch?, &self.columns, origin))
            .filter(|batch| !matches!(batch, Ok(batch) if batch.num_rows() == 0))
            .collect::<Result<_, ArrowError>>()
            .map_err(corrupt)
    }
}

/// What is read: it says where commit and type are.
#[derive(Debug, Clone, Copy)]
enum Origin<'a> {
    /// In the path, or of an archive the commit in a column of its own.
    File(&'a Piece),
    /// In columns like any other.
    Summary,
}

impl Origin<'_> {
    /// The name that a column of the table has there.
    fn stored<'name>(&self, name: &'name str) -> &'name str {
        match self {
            Origin::File(_) if name == "commit" => COMMIT_COLUMN,
            _ => name,
        }
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
    fn rows(&self, mask: ProjectionMask, origin: Origin<'_>) -> RowFilter {
        let (columns, predicate) = (Arc::clone(&self.columns), Arc::clone(&self.predicate));
        let piece = match origin {
            Origin::File(piece) => Some(piece.clone()),
            Origin::Summary => None,
        };
        RowFilter::new(vec![Box::new(ArrowPredicateFn::new(mask, move |batch| {
            let batch = evened(&batch, &columns, piece.as_ref().map_or(Origin::Summary, Origin::File))?;
            let chosen = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
            let chosen = chosen.as_any().downcast_ref::<BooleanArray>().cloned();
            chosen.ok_or_else(|| ArrowError::ComputeError("a filter must be true or false".to_owned()))
        }))])
    }
}

/// A batch of a file as `columns` of the table.
fn evened(batch: &RecordBatch, columns: &SchemaRef, origin: Origin<'_>) -> Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let constant = |value: &str| -> ArrayRef {
        Arc::new(std::iter::repeat_n(Some(value), rows).collect::<StringViewArray>())
    };
    let column = |name: &str, data_type| match (name, origin, batch.column_by_name(name)) {
        ("commit", Origin::File(piece), _) => match (piece.commit(), batch.column_by_name(COMMIT_COLUMN)) {
            (None, Some(column)) => cast_with_options(column, data_type, &strict),
            (commit, _) => Ok(constant(commit.map_or("", |commit| commit.as_str()))),
        },
        ("type", Origin::File(piece), _) => Ok(constant(piece.benchmark_type().as_str())),
        (_, _, Some(column)) if column.data_type() == data_type => Ok(Arc::clone(column)),
        (_, _, Some(column)) => cast_with_options(column, data_type, &strict),
        (_, _, None) => Ok(new_null_array(data_type, rows)),
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
