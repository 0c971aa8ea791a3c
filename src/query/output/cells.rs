//! The cells of a batch as text for people, and which columns are numbers.

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};

/// What NULL looks like.
pub(super) const NULL: &str = "NULL";

/// Every row of a batch as text. Times are RFC 3339; NULL is visible.
pub(super) fn rows(batch: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::new().with_null(NULL).with_display_error(false);
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()?;
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).try_to_string()).collect())
        .collect()
}

/// For each column, whether it holds numbers, which are set to the right.
pub(super) fn numeric(schema: &Schema) -> Vec<bool> {
    let is_number =
        |data_type: &DataType| data_type.is_numeric() || matches!(data_type, DataType::Duration(_));
    schema.fields().iter().map(|field| is_number(field.data_type())).collect()
}
