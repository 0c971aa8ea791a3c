//! `direction(metric, unit)`: which way of a metric is better.

use arrow::{array::StringViewArray, datatypes::DataType};
use datafusion::{
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};
use pipe_model::{Direction, Metric};

/// Units of time: whatever is measured in one is better when it is less.
const UNITS_OF_TIME: [&str; 4] = ["ns", "us", "ms", "s"];

/// `lower`, `higher` or `neutral`; NULL for a metric that is NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DirectionOf {
    signature: Signature,
}

impl DirectionOf {
    pub(super) fn new() -> Self {
        Self { signature: Signature::string(2, Volatility::Immutable) }
    }
}

fn direction(metric: &str, unit: Option<&str>) -> Direction {
    match metric.parse::<Metric>().map(|metric| metric.direction()) {
        Ok(Direction::Neutral) | Err(_) if unit.is_some_and(|unit| UNITS_OF_TIME.contains(&unit)) => {
            Direction::Lower
        }
        Ok(known) => known,
        Err(_) => Direction::Neutral,
    }
}

impl ScalarUDFImpl for DirectionOf {
    fn name(&self) -> &str {
        "direction"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = super::texts(&args)?;
        let words: StringViewArray = (0..args.number_rows)
            .map(|row| {
                let metric = super::text(texts.first()?, row)?;
                Some(direction(metric, super::text(texts.get(1)?, row)).as_str())
            })
            .collect();
        super::answer(&args, words)
    }
}
