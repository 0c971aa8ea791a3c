//! Parquet tables, and the files of a pipe history, which are tables whose rows keep their source.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::{
    array::{Array, ArrayRef, AsArray, MapArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipe_history::schema::{COMMIT_KEY, PARTITIONS, TYPE_KEY};

use super::{Cell, MAX_ROWS, Origin, Record, Table};
use crate::{draft::Findings, source::Source};

/// Bytes that the columns of one file take when they are unpacked; a small file can claim any number.
const MAX_UNPACKED: i64 = 4 << 30;

/// Reads a file; answers whether it is one of a pipe history.
pub(crate) fn read(source: &Source, findings: &mut Findings) -> Result<bool, String> {
    // The Parquet reader has been seen to panic on damaged files; that is the file's fault.
    catch_unwind(AssertUnwindSafe(|| read_table(source, findings)))
        .unwrap_or_else(|_| Err("its contents contradict one another".to_owned()))
}

fn read_table(source: &Source, findings: &mut Findings) -> Result<bool, String> {
    let bytes = bytes::Bytes::copy_from_slice(source.bytes());
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| error.to_string())?;
    let metadata = builder.metadata();
    let unpacked = metadata
        .row_groups()
        .iter()
        .fold(0_i64, |sum, group| sum.saturating_add(group.total_byte_size().max(0)));
    if metadata.file_metadata().num_rows() > MAX_ROWS as i64 || unpacked > MAX_UNPACKED {
        return Err(format!(
            "it unpacks to {} rows of {unpacked} bytes, which is more than is read",
            metadata.file_metadata().num_rows()
        ));
    }
    let is_history = pipe_history::compatible(builder.schema()).is_ok();
    let stored = |key: &str| {
        let facts = metadata.file_metadata().key_value_metadata()?;
        facts.iter().find(|fact| fact.key == key)?.value.clone()
    };
    let in_path = |key: &str| {
        let mut folders = source.path().ancestors().filter_map(|folder| folder.file_name()?.to_str());
        folders.find_map(|name| Some(name.strip_prefix(key)?.strip_prefix('=')?.to_owned()))
    };
    let [commit, benchmark_type] = [(PARTITIONS[0], COMMIT_KEY), (PARTITIONS[1], TYPE_KEY)]
        .map(|(partition, key)| in_path(partition).or_else(|| stored(key)));
    let origin = Origin { commit: commit.and_then(|commit| commit.parse().ok()), benchmark_type, is_history };
    if !builder.schema().fields().iter().any(|field| field.name() == "implementation") {
        let names: Vec<&str> =
            builder.schema().fields().iter().take(12).map(|field| field.name().as_str()).collect();
        return Err(format!("no column is called implementation; the columns are {}", names.join(", ")));
    }

    let mut table = Table::default();
    let mut number = 0;
    for batch in builder.build().map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        if number + batch.num_rows() > MAX_ROWS {
            return Err(format!("it has more than {MAX_ROWS} rows"));
        }
        let columns = columns(&batch);
        for row in 0..batch.num_rows() {
            number += 1;
            let cells: Record = columns
                .iter()
                .filter_map(|(name, column)| Some((name.clone(), cell(column, row)?)))
                .collect();
            table.add(cells, &format!("row {number}"), &origin, findings);
        }
    }
    table.finish(findings);
    Ok(is_history)
}

/// The columns in one of the few types that cells are read from.
fn columns(batch: &RecordBatch) -> Vec<(String, ArrayRef)> {
    let schema = batch.schema();
    let plain = |column: &ArrayRef| -> ArrayRef {
        let to = match column.data_type() {
            DataType::Dictionary(_, value) if matches!(**value, DataType::Utf8 | DataType::LargeUtf8) => {
                DataType::Utf8
            }
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Date32 | DataType::Date64 => DataType::Utf8,
            DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::List(_) | DataType::LargeList(_) => DataType::new_list(DataType::Float64, true),
            kind if kind.is_integer() => DataType::Int64,
            kind if kind.is_floating() => DataType::Float64,
            _ => return column.clone(),
        };
        cast(column, &to).unwrap_or_else(|_| column.clone())
    };
    schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| (field.name().clone(), plain(column)))
        .collect()
}

fn cell(column: &ArrayRef, row: usize) -> Option<Cell> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::Boolean => Cell::Flag(column.as_boolean().value(row)),
        DataType::Int64 => Cell::Integer(column.as_primitive::<Int64Type>().value(row).into()),
        DataType::Float64 => Cell::Number(column.as_primitive::<Float64Type>().value(row)),
        DataType::Timestamp(..) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            Cell::Text(jiff::Timestamp::from_microsecond(micros).ok()?.to_string())
        }
        DataType::List(_) => {
            let list = column.as_list_opt::<i32>()?.value(row);
            let numbers = list.as_primitive_opt::<Float64Type>()?;
            // A null among samples stands for a number nobody knows.
            Cell::Numbers(numbers.iter().map(|number| number.unwrap_or(f64::NAN)).collect())
        }
        DataType::Map(..) => Cell::Pairs(pairs(column.as_map(), row)),
        _ => Cell::Text(arrow::util::display::array_value_to_string(column, row).ok()?),
    })
}

fn pairs(maps: &MapArray, row: usize) -> Vec<(String, String)> {
    let entries = maps.value(row);
    let text = |column: usize| cast(entries.column(column), &DataType::Utf8).ok();
    let (Some(keys), Some(values)) = (text(0), text(1)) else { return Vec::new() };
    let pair = |(key, value): (Option<&str>, Option<&str>)| {
        Some((key?.to_owned(), value.unwrap_or_default().to_owned()))
    };
    keys.as_string::<i32>().iter().zip(values.as_string::<i32>()).filter_map(pair).collect()
}
