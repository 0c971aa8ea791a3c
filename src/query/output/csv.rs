//! An answer as comma-separated values. A list or a map is one field that holds JSON.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, RecordBatch, StringBuilder},
    csv::WriterBuilder,
    datatypes::{DataType, Field, FieldRef, Schema},
    error::ArrowError,
    json::writer::{EncoderOptions, make_encoder},
};

use super::{Format, Sink, unwritable};
use crate::{Answer, Error};

pub(super) fn write(answer: Answer, out: &mut Sink<'_>) -> Result<(), Error> {
    let failed = |error: ArrowError| unwritable(Format::Csv, error);
    let mut writer = WriterBuilder::new().build(out);
    // The header is written with the first batch, which may have no row.
    let empty = RecordBatch::new_empty(Arc::clone(answer.schema()));
    writer.write(&flat(&empty).map_err(failed)?).map_err(failed)?;
    for batch in answer {
        writer.write(&flat(&batch?).map_err(failed)?).map_err(failed)?;
    }
    Ok(())
}

/// The same rows with nested columns as JSON text.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        if field.data_type().is_nested() && !matches!(field.data_type(), DataType::Dictionary(..)) {
            let text = json_text(field, column)?;
            Ok((Arc::new(Field::new(field.name(), DataType::Utf8, true)), text))
        } else {
            Ok((Arc::clone(field), Arc::clone(column)))
        }
    });
    let (fields, columns): (Vec<_>, Vec<_>) =
        columns.collect::<Result<Vec<_>, ArrowError>>()?.into_iter().unzip();
    if columns.is_empty() {
        return Ok(batch.clone());
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn json_text(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(field, column.as_ref(), &options)?;
    let mut texts = StringBuilder::new();
    let mut bytes = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
            continue;
        }
        bytes.clear();
        encoder.encode(row, &mut bytes);
        texts.append_value(String::from_utf8_lossy(&bytes));
    }
    Ok(Arc::new(texts.finish()))
}
