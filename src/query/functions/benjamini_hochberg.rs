//! `benjamini_hochberg(p_value) OVER (…)`: p-values adjusted for how many were looked at.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Float64Array},
    datatypes::{DataType, Field, FieldRef, Float64Type},
};
use datafusion::{
    error::{DataFusionError, Result},
    logical_expr::{
        PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
        function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
    },
};

/// Over the whole partition, whatever its order. A NULL was not tested: it stays NULL and does not count.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct BenjaminiHochberg {
    signature: Signature,
}

pub(super) fn function() -> WindowUDF {
    let signature = Signature::exact(vec![DataType::Float64], Volatility::Immutable);
    WindowUDF::from(BenjaminiHochberg { signature })
}

impl WindowUDFImpl for BenjaminiHochberg {
    fn name(&self) -> &str {
        "benjamini_hochberg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(WholePartition))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Float64, true)))
    }
}

#[derive(Debug)]
struct WholePartition;

impl PartitionEvaluator for WholePartition {
    fn evaluate_all(&mut self, values: &[ArrayRef], _: usize) -> Result<ArrayRef> {
        let Some(values) = values.first() else {
            return Err(DataFusionError::Plan("benjamini_hochberg takes a p-value".to_owned()));
        };
        let p_values: Vec<f64> =
            values.as_primitive::<Float64Type>().iter().map(|p| p.unwrap_or(f64::NAN)).collect();
        let adjusted = pipe_stats::benjamini_hochberg(&p_values);
        let adjusted: Float64Array = adjusted.into_iter().map(|p| (!p.is_nan()).then_some(p)).collect();
        Ok(Arc::new(adjusted))
    }
}
