//! Reading: older files, newer files, other writers' files, and what is no history at all.

use std::{fs, path::Path, sync::Arc};

use arrow::{
    array::{ArrayRef, Int32Array, RecordBatch},
    compute::cast,
    datatypes::{DataType, Field, Schema},
};
use parquet::arrow::ArrowWriter;
use pipe_history::{History, ReadError, check, read_batch, read_run, schema};

use crate::samples::{commit, run};

/// A history of one run; the folder, its file and its rows.
fn one_run() -> (tempfile::TempDir, std::path::PathBuf, RecordBatch) {
    let folder = tempfile::tempdir().unwrap();
    let path = History::at(folder.path()).write(&run(commit('a'), "x")).unwrap();
    let batch = read_batch(&path).unwrap();
    (folder, path, batch)
}

fn overwrite(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// The batch with `columns` changed: replaced, added, or taken out where there is no array.
fn with(batch: &RecordBatch, changes: Vec<(&str, Option<ArrayRef>)>) -> RecordBatch {
    let schema = batch.schema();
    let mut columns: Vec<(String, ArrayRef, bool)> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column), field.is_nullable()))
        .collect();
    for (name, column) in changes {
        let position = columns.iter().position(|(found, ..)| found == name);
        match (position, column) {
            (Some(position), Some(column)) => columns[position].1 = column,
            (Some(position), None) => drop(columns.remove(position)),
            (None, column) => columns.insert(0, (name.to_owned(), column.unwrap(), true)),
        }
    }
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column, nullable)| Field::new(name, column.data_type().clone(), *nullable))
        .collect();
    let columns = columns.into_iter().map(|(_, column, _)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

#[test]
fn the_stored_columns_are_exactly_the_schema() {
    let (_folder, path, _) = one_run();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        fs::File::open(&path).unwrap(),
    );
    let reader = reader.unwrap();
    assert_eq!(reader.schema().fields(), schema::schema().fields());
    let facts = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let keys: Vec<_> =
        facts.iter().map(|fact| fact.key.as_str()).filter(|key| key.starts_with("pipe")).collect();
    assert_eq!(keys, [schema::VERSION_KEY, schema::RUN_ID_KEY, schema::COMMIT_KEY, schema::TYPE_KEY]);
}

#[test]
fn a_file_without_a_newer_column_reads_as_null() {
    let (_folder, path, batch) = one_run();
    let missing = ["kernel_digest", "message", "q1", "dtype", "head_dim"];
    overwrite(&path, &with(&batch, missing.map(|name| (name, None)).into()));
    check(&path).unwrap();
    let read = read_batch(&path).unwrap();
    assert_eq!(read.schema(), schema::schema());
    assert!(missing.iter().all(|name| read[*name].null_count() == read.num_rows()));
    assert_eq!(read["median"].as_ref(), batch["median"].as_ref());
    assert!(read_run(&path).unwrap().measurements.iter().all(|m| m.kernel_digest.is_empty()));
}

#[test]
fn a_column_nobody_knows_yet_does_no_harm() {
    let (_folder, path, batch) = one_run();
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..batch.num_rows() as i32));
    overwrite(&path, &with(&batch, vec![("from_the_future", Some(numbers))]));
    assert_eq!(read_batch(&path).unwrap(), batch);
}

#[test]
fn other_writers_types_become_ours() {
    let (_folder, path, batch) = one_run();
    let expected = read_run(&path).unwrap();
    let plain = |name: &str, data_type| Some(cast(&batch[name], &data_type).unwrap());
    overwrite(
        &path,
        &with(
            &batch,
            vec![
                ("implementation", plain("implementation", DataType::Utf8)),
                ("config", plain("config", DataType::LargeUtf8)),
                ("message", plain("message", DataType::Utf8View)),
                ("sample_count", plain("sample_count", DataType::Int32)),
            ],
        ),
    );
    check(&path).unwrap();
    assert_eq!(read_run(&path).unwrap(), expected);
}

#[test]
fn a_schema_that_is_not_a_historys_is_named() {
    let (_folder, path, batch) = one_run();
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..batch.num_rows() as i32));
    overwrite(&path, &with(&batch, vec![("metric", None)]));
    let error = check(&path).unwrap_err().to_string();
    assert!(error.contains("is not a file of a pipe history: it has no column `metric`"), "{error}");
    overwrite(&path, &with(&batch, vec![("samples", Some(numbers))]));
    let error = read_run(&path).unwrap_err().to_string();
    assert!(error.contains("its column `samples` is Int32, not List("), "{error}");
}

#[test]
fn values_that_no_pipe_writes_are_named() {
    let (_folder, path, batch) = one_run();
    let words: ArrayRef = Arc::new(arrow::array::StringArray::from_iter_values(
        (0..batch.num_rows()).map(|row| if row == 2 { "splendid" } else { "ok" }),
    ));
    overwrite(&path, &with(&batch, vec![("status", Some(words))]));
    let error = read_run(&path).unwrap_err();
    assert!(matches!(error, ReadError::Rows { .. }));
    assert!(error.to_string().contains("column `status`, row 2: 'splendid' is not a status"), "{error}");

    let none = batch.slice(0, 0);
    overwrite(&path, &none);
    let error = read_run(&path).unwrap_err().to_string();
    assert!(error.ends_with("is not a run: it holds no row"), "{error}");
}

#[test]
fn a_file_away_from_its_partition_still_knows_where_it_is_from() {
    let (folder, path, batch) = one_run();
    let away = folder.path().join("copy.parquet");
    fs::copy(&path, &away).unwrap();
    assert_eq!(read_run(&away).unwrap(), read_run(&path).unwrap());
    // Another writer's file says nothing.
    overwrite(&away, &batch);
    let error = read_run(&away).unwrap_err().to_string();
    assert!(error.contains("says nowhere which commit it is of"), "{error}");
}
