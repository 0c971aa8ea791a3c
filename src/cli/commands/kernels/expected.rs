//! Expected outputs in Parquet files, as the `.npy` files that lie beside manifests.

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

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
    Ok(npy(&values))
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

/// One row of f64 in NumPy's format, version 1.0.
fn npy(values: &[f64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({},), }}", values.len());
    // The elements begin at a multiple of 64.
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap_or(u16::MAX).to_le_bytes();
    let elements = values.iter().flat_map(|value| value.to_le_bytes());
    b"\x93NUMPY\x01\x00".iter().copied().chain(length).chain(header.into_bytes()).chain(elements).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let array = pipe_bench::op::npy::read(&npy(&[1.0, -2.5, 1e300])).unwrap();
        assert_eq!((array.values, array.shape), (vec![1.0, -2.5, 1e300], vec![3]));
    }
}
