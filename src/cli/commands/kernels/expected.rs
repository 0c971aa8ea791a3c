//! Expected outputs in Parquet files, as the `.npy` files that lie beside manifests.

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipe_bench::op::npy;

/// The column `name`, or the only one, of a Parquet file as a `.npy` file of f64. Lists are opened, one row after the other.
pub(super) fn from_parquet(bytes: Vec<u8>, name: &str) -> Result<Vec<u8>, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))
        .map_err(|error| format!("not a Parquet file: {error}"))?;
    let columns: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    let column = match (columns.iter().position(|column| column == name), columns.as_slice()) {
        (Some(column), _) => column,
        (None, [_]) => 0,
        (None, _) => {
            return Err(format!(
                "which of the columns {} is meant? name the output: --check-against COLUMN=FILE",
                columns.join(", ")
            ));
        }
    };
    let mut values = Vec::new();
    for batch in reader.build().map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        append(batch.column(column), &mut values)?;
    }
    Ok(npy::write(&values))
}

fn append(column: &ArrayRef, values: &mut Vec<f64>) -> Result<(), String> {
    if column.null_count() > 0 {
        return Err("the column has nulls; every element must be there".to_owned());
    }
    match column.data_type() {
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            (0..lists.len()).try_for_each(|row| append(&lists.value(row), values))
        }
        DataType::LargeList(_) => {
            let lists = column.as_list::<i64>();
            (0..lists.len()).try_for_each(|row| append(&lists.value(row), values))
        }
        other if other.is_numeric() => {
            let floats = cast(column, &DataType::Float64).map_err(|error| error.to_string())?;
            values.extend_from_slice(floats.as_primitive::<Float64Type>().values());
            Ok(())
        }
        other => Err(format!("the column holds {other}, not numbers")),
    }
}
