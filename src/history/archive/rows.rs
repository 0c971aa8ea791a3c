//! The rows of an archive, read run by run, and the rows of files, compared.

use std::path::{Path, PathBuf};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, RecordBatchReader as _},
    compute::{cast, concat_batches},
    datatypes::{DataType, Schema, SchemaRef},
};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::{ReadError, read, schema};

use super::COMMIT_COLUMN;

/// Reads an archive from its first row on.
pub(super) struct Rows {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    buffered: Vec<RecordBatch>,
}

impl Rows {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let (file, metadata) = read::open(path)?;
        read::guarded(path, || {
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).build()?;
            let schema = reader.schema();
            Ok(Self { path: path.to_owned(), reader, schema, buffered: Vec::new() })
        })
    }

    /// The next `count` rows, in the history's columns and the one of an archive; fewer where there are no more.
    pub(super) fn take(&mut self, count: usize) -> Result<RecordBatch, ReadError> {
        let Self { path, reader, schema, buffered } = self;
        read::guarded(path, || {
            let have = |buffered: &[RecordBatch]| buffered.iter().map(RecordBatch::num_rows).sum::<usize>();
            while have(buffered) < count {
                let Some(batch) = reader.next() else { break };
                buffered.push(batch?);
            }
            let all = concat_batches(schema, buffered.iter())?;
            let taken = count.min(all.num_rows());
            buffered.clear();
            if taken < all.num_rows() {
                buffered.push(all.slice(taken, all.num_rows() - taken));
            }
            Ok(all.slice(0, taken))
        })
    }
}

/// The columns of an archive.
pub(super) fn archive_schema() -> SchemaRef {
    let mut fields: Vec<_> = schema::schema().fields().iter().cloned().collect();
    fields.push(schema::archived_commit());
    Schema::new(fields).into()
}

/// Whether two batches have the same rows in every column of the history, bit for bit.
pub(super) fn same(one: &RecordBatch, other: &RecordBatch) -> bool {
    let plain = |batch: &RecordBatch| -> Option<Vec<ArrayRef>> {
        let batch = read::adapt(batch).ok()?;
        batch.columns().iter().map(plain).collect()
    };
    one.num_rows() == other.num_rows()
        && plain(one).is_some_and(|one| plain(other).is_some_and(|other| one == other))
}

/// Whether every row of a batch says this commit.
pub(super) fn is_of(batch: &RecordBatch, commit: &str) -> bool {
    let Some(column) =
        batch.column_by_name(COMMIT_COLUMN).and_then(|column| cast(column, &DataType::Utf8).ok())
    else {
        return false;
    };
    let texts = column.as_any().downcast_ref::<arrow::array::StringArray>();
    texts.is_some_and(|texts| texts.null_count() == 0 && texts.iter().all(|text| text == Some(commit)))
}

/// A dictionary's values instead of its keys, which may number the same values in another way.
fn plain(column: &ArrayRef) -> Option<ArrayRef> {
    match column.data_type() {
        DataType::Dictionary(_, value) => cast(column, value).ok(),
        _ => Some(column.clone()),
    }
}
