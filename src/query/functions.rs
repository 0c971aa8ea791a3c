//! SQL functions of our own: which there are. One file a function.

mod latest_commit;
mod revision;
mod short;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, StringViewArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use crate::facts::Facts;

/// Every function of ours.
pub(crate) fn all(facts: &Arc<Facts>) -> Vec<Arc<ScalarUDF>> {
    let functions: [ScalarUDF; 3] = [
        latest_commit::LatestCommit::new(Arc::clone(facts)).into(),
        revision::Revision::new(Arc::clone(facts)).into(),
        short::Short::new().into(),
    ];
    functions.map(Arc::new).into()
}

/// The arguments of a call as text, row by row.
fn texts(args: &ScalarFunctionArgs) -> Result<Vec<StringViewArray>> {
    let text = |argument: &ColumnarValue| -> Result<StringViewArray> {
        let array: ArrayRef = argument.to_array(args.number_rows)?;
        Ok(cast(&array, &DataType::Utf8View)?.as_string_view().clone())
    };
    args.args.iter().map(text).collect()
}

/// The text of a row; `None` for NULL.
fn text(array: &StringViewArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

/// The answer to a call: one value where every argument is one, so that the planner can compute it once.
fn answer(args: &ScalarFunctionArgs, values: StringViewArray) -> Result<ColumnarValue> {
    let scalar = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    if scalar && !values.is_empty() {
        let value = datafusion::scalar::ScalarValue::try_from_array(&values, 0)?;
        return Ok(ColumnarValue::Scalar(value));
    }
    Ok(ColumnarValue::Array(Arc::new(values)))
}
