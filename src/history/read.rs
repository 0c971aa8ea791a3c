//! Reading files of the history: today's, older ones, and whatever else has the extension.
//!
//! Every failure names the file. A hostile file is an error like any other: where the Parquet reader panics
//! on one, the panic is caught and becomes [`ReadError::Corrupt`].

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{RecordBatch, RecordBatchOptions, new_null_array},
    compute::{can_cast_types, cast_with_options, concat_batches},
    datatypes::{DataType, Schema},
    error::ArrowError,
};
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    file::metadata::ParquetMetaData,
};
use pipe_model::{BenchmarkType, Commit, Run};

use crate::{
    rows::{self, RowError},
    schema::{self, COMMIT_KEY, PARTITIONS, TYPE_KEY},
};

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is not Parquet, or damaged Parquet.
    #[error("{} is not a readable Parquet file: {reason}; move it away or restore it from a copy", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What the Parquet reader says.
        reason: String,
    },
    /// It is Parquet, and something else than a history.
    #[error("{} is not a file of a pipe history: {source}; move it elsewhere", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: Incompatible,
    },
    /// It has the columns, and values that no pipe writes.
    #[error("{} is not a run: {source}", path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// The first such value.
        source: Box<RowError>,
    },
    /// Neither the path nor the file itself says which commit and benchmark type it is of.
    #[error("{} says nowhere which {what} it is of; put it into commit=…/type=…", path.display())]
    Unplaced {
        /// The file.
        path: PathBuf,
        /// `commit` or `type`.
        what: &'static str,
    },
}

/// Why a schema is not that of a history, of any version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    /// A column every version has is missing.
    #[error("it has no column `{column}`")]
    Missing {
        /// Its name.
        column: String,
    },
    /// A column has a type that does not turn into ours.
    #[error("its column `{column}` is {found}, not {expected}")]
    Type {
        /// Its name.
        column: String,
        /// As in the file.
        found: DataType,
        /// As in the schema.
        expected: DataType,
    },
}

/// Whether a file with the columns of `found` can be read as history: it has every column that is never null,
/// and every column both have turns into our type. Columns we do not know do no harm.
pub fn compatible(found: &Schema) -> Result<(), Incompatible> {
    for expected in schema::schema().fields() {
        let column = expected.name().clone();
        match found.column_with_name(&column) {
            Some((_, field)) if same_kind(field.data_type(), expected.data_type()) => {}
            Some((_, field)) => {
                let (found, expected) = (field.data_type().clone(), expected.data_type().clone());
                return Err(Incompatible::Type { column, found, expected });
            }
            None if expected.is_nullable() => {}
            None => return Err(Incompatible::Missing { column }),
        }
    }
    Ok(())
}

/// Whether values of `found` are values of `expected` in another physical form: texts as any kind of text,
/// integers as any width.
fn same_kind(found: &DataType, expected: &DataType) -> bool {
    use DataType as T;
    let is_text = |data_type: &T| matches!(data_type, T::Utf8 | T::LargeUtf8 | T::Utf8View);
    match (found, expected) {
        (T::Dictionary(_, found), _) => same_kind(found, expected),
        (_, T::Dictionary(_, expected)) => same_kind(found, expected),
        (_, T::Utf8) => is_text(found),
        (_, T::Int64) => found.is_integer(),
        (_, T::Float64) => found.is_floating(),
        (T::Timestamp(_, Some(_)), T::Timestamp(_, Some(_))) => true,
        (T::List(found) | T::LargeList(found), T::List(expected)) => {
            same_kind(found.data_type(), expected.data_type())
        }
        (T::Map(..), T::Map(..)) => can_cast_types(found, expected),
        _ => found == expected,
    }
}

/// Brings a batch of a [`compatible`] file into [`schema()`](schema::schema()): columns in order, types ours,
/// nullable columns an older file lacks null, columns we do not know left out.
pub fn adapt(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = schema::schema();
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    let adapted = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        Some(column) => cast_with_options(column, field.data_type(), &options),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    let columns = adapted.collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

/// Whether a file is Parquet with a history's columns, by its footer alone.
///
/// Does not look at the data: damage there shows when it is read.
pub fn check(path: &Path) -> Result<(), ReadError> {
    open(path).map(drop)
}

/// All rows of a file, in the stored columns of [`schema()`](schema::schema()).
pub fn read_batch(path: &Path) -> Result<RecordBatch, ReadError> {
    let (file, metadata) = open(path)?;
    rows_of(path, file, metadata)
}

fn rows_of(path: &Path, file: File, metadata: ArrowReaderMetadata) -> Result<RecordBatch, ReadError> {
    guarded(path, || {
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).build()?;
        let batches: Vec<RecordBatch> =
            reader.map(|batch| adapt(&batch?)).collect::<Result<_, ArrowError>>()?;
        Ok(concat_batches(&schema::schema(), &batches)?)
    })
}

/// The run a file holds, its measurements in the order of the rows. Commit and type are those of its
/// partition, or where it lies elsewhere, those it was written with.
pub fn read_run(path: &Path) -> Result<Run, ReadError> {
    let (file, metadata) = open(path)?;
    let parquet = Arc::clone(metadata.metadata());
    let batch = rows_of(path, file, metadata)?;
    let stored = |key: &str| {
        let facts = parquet.file_metadata().key_value_metadata()?;
        facts.iter().find(|fact| fact.key == key)?.value.as_deref()
    };
    let commit: Option<Commit> = partition(path, PARTITIONS[0]).or_else(|| stored(COMMIT_KEY)?.parse().ok());
    let benchmark_type: Option<BenchmarkType> =
        partition(path, PARTITIONS[1]).or_else(|| stored(TYPE_KEY)?.parse().ok());
    let unplaced = |what| ReadError::Unplaced { path: path.to_owned(), what };
    let (commit, benchmark_type) = (
        commit.ok_or_else(|| unplaced(PARTITIONS[0]))?,
        benchmark_type.ok_or_else(|| unplaced(PARTITIONS[1]))?,
    );
    rows::from_batch(&batch, commit, benchmark_type)
        .map_err(|source| ReadError::Rows { path: path.to_owned(), source: Box::new(source) })
}

/// The value of the partition `key` in a path.
fn partition<T: std::str::FromStr>(path: &Path, key: &str) -> Option<T> {
    path.ancestors()
        .skip(1)
        .find_map(|folder| folder.file_name()?.to_str()?.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

/// Opens a file, reads its footer and checks what the Parquet reader takes on trust, and that the columns are
/// a history's.
pub(crate) fn open(path: &Path) -> Result<(File, ArrowReaderMetadata), ReadError> {
    let io_error = |source| ReadError::Io { path: path.to_owned(), source };
    // Before it is opened: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(io_error)?.is_file() {
        return Err(io_error(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let file = File::open(path).map_err(io_error)?;
    let size = file.metadata().map_err(io_error)?.len();
    // The types are Parquet's own. Arrow's hints beside them could contradict them, and the reader would
    // believe both.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = guarded(path, || Ok(ArrowReaderMetadata::load(&file, options)?))?;
    if !lies_inside(metadata.metadata(), size) {
        let reason = "its footer points outside the file".to_owned();
        return Err(ReadError::Corrupt { path: path.to_owned(), reason });
    }
    compatible(metadata.schema()).map_err(|source| ReadError::Foreign { path: path.to_owned(), source })?;
    Ok((file, metadata))
}

/// Whether every column's pages lie inside a file of `size` bytes; the reader panics where they begin or end
/// below 0.
fn lies_inside(metadata: &ParquetMetaData, size: u64) -> bool {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    columns.into_iter().all(|column| {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let range = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
        column.data_page_offset() >= 0
            && range.and_then(|(start, length)| start.checked_add(length)).is_some_and(|end| end <= size)
    })
}

/// Runs a part of the Parquet reader; its errors and its panics say that the file is corrupt.
pub(crate) fn guarded<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, Box<dyn std::error::Error>>,
) -> Result<T, ReadError> {
    let reason = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its contents contradict one another".to_owned(),
    };
    Err(ReadError::Corrupt { path: path.to_owned(), reason })
}
