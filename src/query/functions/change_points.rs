//! `change_points(series)`: where the level of a series changed.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Builder, Int64Builder, ListBuilder, StringBuilder, StructBuilder,
    },
    datatypes::{DataType, Field, Fields, Float64Type},
};
use datafusion::{
    error::{DataFusionError, Result},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};
use pipe_stats::change_points::{self, Options};

use super::samples;

/// A list of the changes, oldest first; NULL for a NULL series and for one with a NaN or an infinity.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ChangePoints {
    signature: Signature,
}

impl ChangePoints {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

fn fields() -> Fields {
    [
        ("position", DataType::Int64),
        ("last", DataType::Int64),
        ("kind", DataType::Utf8),
        ("before", DataType::Float64),
        ("after", DataType::Float64),
        ("ratio", DataType::Float64),
        ("p_value", DataType::Float64),
    ]
    .into_iter()
    .map(|(name, data_type)| Field::new(name, data_type, true))
    .collect()
}

fn item() -> Field {
    Field::new_list_field(DataType::Struct(fields()), true)
}

impl ScalarUDFImpl for ChangePoints {
    fn name(&self) -> &str {
        "change_points"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [series, options @ ..] if options.len() <= 2 => {
                if samples::sample_type(self.name(), series)? != samples::list_of_floats() {
                    return Err(DataFusionError::Plan(
                        "change_points takes a list; array_agg(value ORDER BY position) makes one".to_owned(),
                    ));
                }
                let options = options.iter().map(|_| DataType::Float64);
                Ok(std::iter::once(samples::list_of_floats()).chain(options).collect())
            }
            _ => Err(DataFusionError::Plan(
                "change_points takes a series, then a p-value and a least magnitude where they are not the defaults"
                    .to_owned(),
            )),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(item())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays: Vec<ArrayRef> =
            args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect::<Result<_>>()?;
        let Some((series, options)) = arrays.split_first() else {
            return Err(DataFusionError::Plan("change_points takes a series".to_owned()));
        };
        let series = series.as_list::<i32>();
        let option = |number: usize, row: usize, default: f64| -> f64 {
            let numbers = options.get(number).map(|array| array.as_primitive::<Float64Type>());
            numbers.filter(|numbers| numbers.is_valid(row)).map_or(default, |numbers| numbers.value(row))
        };
        let defaults = Options::default();
        let builder = StructBuilder::from_fields(fields(), 0);
        let mut lists = ListBuilder::new(builder).with_field(Arc::new(item()));
        for row in 0..series.len() {
            let options = Options {
                max_p_value: option(0, row, defaults.max_p_value),
                min_magnitude: option(1, row, defaults.min_magnitude),
            };
            let values = series.is_valid(row).then(|| samples::row(series, row));
            let changes = values.and_then(|values| change_points::find(&values, &options));
            for change in changes.iter().flatten() {
                append(lists.values(), change);
            }
            lists.append(changes.is_some());
        }
        Ok(ColumnarValue::Array(Arc::new(lists.finish())))
    }
}

fn append(row: &mut StructBuilder, change: &change_points::Change) {
    let place = |index: usize| i64::try_from(index).ok();
    for (column, place) in [(0, place(change.index + 1)), (1, place(change.end))] {
        if let Some(builder) = row.field_builder::<Int64Builder>(column) {
            builder.append_option(place);
        }
    }
    if let Some(builder) = row.field_builder::<StringBuilder>(2) {
        builder.append_value(change.kind.as_str());
    }
    let numbers = [Some(change.before), Some(change.after), change.ratio(), Some(change.p_value)];
    for (column, number) in (3..).zip(numbers) {
        if let Some(builder) = row.field_builder::<Float64Builder>(column) {
            builder.append_option(number);
        }
    }
    row.append(true);
}
