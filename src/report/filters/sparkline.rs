//! A list of numbers as a line of blocks.

use minijinja::{Error, Value};

use super::number;
use crate::sparkline::draw;

/// One block a number; a null leaves a gap.
pub(super) fn sparkline(values: &Value) -> Result<String, Error> {
    if values.is_none() {
        return Ok(super::MISSING.to_owned());
    }
    let numbers =
        values.try_iter()?.map(|value| number(&value, "sparkline")).collect::<Result<Vec<_>, _>>()?;
    Ok(draw(&numbers))
}
