//! `verdict(base, new)`: faster, slower, same or unclear.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, StringViewArray},
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    error::{DataFusionError, Result},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};
use pipe_model::{Direction, Verdict};
use pipe_stats::{Comparison, decide_exact};

use super::samples;

/// The threshold where none is given.
const THRESHOLD_OF_SAMPLES: f64 = 0.02;

/// Of two lists of samples the verdict of the tests; of two numbers the verdict on exact values, where any difference is one.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OfSides {
    signature: Signature,
}

impl OfSides {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OfSides {
    fn name(&self) -> &str {
        "verdict"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let wrong = || {
            DataFusionError::Plan(
                "verdict takes base and new, both lists of samples or both numbers, then a threshold and 'lower' or \
                 'higher'"
                    .to_owned(),
            )
        };
        let [base, new, options @ ..] = given else { return Err(wrong()) };
        let (base, new) = (samples::sample_type(self.name(), base)?, samples::sample_type(self.name(), new)?);
        // A NULL is whatever the other side is.
        let (base, new) = match given {
            [DataType::Null, ..] => (new.clone(), new),
            [_, DataType::Null, ..] => (base.clone(), base),
            _ => (base, new),
        };
        if base != new || options.len() > 2 {
            return Err(wrong());
        }
        let options = [DataType::Float64, DataType::Utf8View].into_iter().take(options.len());
        Ok([base, new].into_iter().chain(options).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays: Vec<ArrayRef> =
            args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect::<Result<_>>()?;
        let [base, new, options @ ..] = arrays.as_slice() else {
            return Err(DataFusionError::Plan("verdict takes base and new".to_owned()));
        };
        let of_lists = matches!(base.data_type(), DataType::List(_));
        let verdict = |row: usize| -> Result<Option<Verdict>> {
            if base.is_null(row) || new.is_null(row) {
                return Ok(None);
            }
            let threshold = options.first().map(|array| array.as_primitive::<Float64Type>());
            let threshold = threshold.filter(|array| array.is_valid(row)).map(|array| array.value(row));
            let direction = match options.get(1) {
                Some(array) => direction_of(array.as_string_view(), row)?,
                None => Direction::Lower,
            };
            if !of_lists {
                let [base, new] = [base, new].map(|side| side.as_primitive::<Float64Type>().value(row));
                return Ok(Some(decide_exact(base, new, threshold.unwrap_or(0.0), direction)));
            }
            let [base, new] = [base, new].map(|side| samples::row(side.as_list::<i32>(), row));
            let comparison = Comparison::of(&base, &new);
            let threshold = threshold.unwrap_or(THRESHOLD_OF_SAMPLES);
            Ok(comparison.map(|comparison| comparison.verdict(threshold, direction)))
        };
        words((0..args.number_rows).map(verdict))
    }
}

/// `verdict_of(low, ratio, high, p_value, threshold, direction)`: the verdict on what is already known, such as an adjusted p-value.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OfRatio {
    signature: Signature,
}

impl OfRatio {
    pub(super) fn new() -> Self {
        let numbers = std::iter::repeat_n(DataType::Float64, 5);
        let arguments = numbers.chain([DataType::Utf8View]).collect();
        Self { signature: Signature::exact(arguments, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OfRatio {
    fn name(&self) -> &str {
        "verdict_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays: Vec<ArrayRef> =
            args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect::<Result<_>>()?;
        let number = |column: usize, row: usize| -> Option<f64> {
            let numbers = arrays.get(column)?.as_primitive::<Float64Type>();
            numbers.is_valid(row).then(|| numbers.value(row))
        };
        let verdict = |row: usize| -> Result<Option<Verdict>> {
            let Some(ratio) = number(1, row) else { return Ok(None) };
            let direction = match arrays.get(5) {
                Some(array) => direction_of(array.as_string_view(), row)?,
                None => Direction::Lower,
            };
            // Without an interval the samples were too few to decide anything.
            let (Some(low), Some(high), Some(p_value)) = (number(0, row), number(2, row), number(3, row))
            else {
                return Ok(Some(Verdict::Unclear));
            };
            let interval = pipe_stats::RatioInterval { low, ratio, high };
            let threshold = number(4, row).unwrap_or(THRESHOLD_OF_SAMPLES);
            Ok(Some(pipe_stats::decide(interval, p_value, threshold, direction)))
        };
        words((0..args.number_rows).map(verdict))
    }
}

fn direction_of(directions: &StringViewArray, row: usize) -> Result<Direction> {
    match super::text(directions, row) {
        None => Ok(Direction::Lower),
        Some(word) => {
            word.parse().map_err(|error: pipe_model::NameError| DataFusionError::Execution(error.to_string()))
        }
    }
}

fn words(verdicts: impl Iterator<Item = Result<Option<Verdict>>>) -> Result<ColumnarValue> {
    let verdicts: Vec<Option<Verdict>> = verdicts.collect::<Result<_>>()?;
    let words: StringViewArray = verdicts.into_iter().map(|verdict| verdict.map(Verdict::as_str)).collect();
    Ok(ColumnarValue::Array(Arc::new(words)))
}
