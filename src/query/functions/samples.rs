//! What the aggregates over samples share: they collect every sample of a group and hand them to one function of `pipe-stats`.
//!
//! Each argument is one side. It may be a number a row (a `sample`) or a list of numbers a row (the `samples` of a
//! measurement); NULLs are passed over, so that `CASE WHEN … THEN samples END` picks a side's rows.

use std::{mem::size_of, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, ListArray},
    datatypes::{DataType, Field, FieldRef, Fields, Float64Type},
};
use datafusion::{
    error::{DataFusionError, Result},
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
    scalar::ScalarValue,
};

/// The numbers of an answer, in the order of the fields; `None` where the samples have none.
pub(super) type Compute = fn(&[Vec<f64>]) -> Option<Vec<Option<f64>>>;

/// An aggregate from the samples of one or two sides to a struct of numbers.
#[derive(Debug)]
pub(super) struct OfSamples {
    name: &'static str,
    sides: usize,
    fields: Fields,
    compute: Compute,
    signature: Signature,
}

impl OfSamples {
    pub(super) fn aggregate(
        name: &'static str,
        sides: usize,
        fields: &[&str],
        compute: Compute,
    ) -> AggregateUDF {
        let field = |name: &&str| Field::new(*name, DataType::Float64, true);
        AggregateUDF::from(Self {
            name,
            sides,
            fields: fields.iter().map(field).collect(),
            compute,
            signature: Signature::user_defined(Volatility::Immutable),
        })
    }
}

/// The type of samples that an argument is read as: a list of numbers, or a number.
pub(super) fn sample_type(function: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => Ok(list_of_floats()),
        DataType::Null => Ok(DataType::Float64),
        number if number.is_numeric() => Ok(DataType::Float64),
        other => Err(DataFusionError::Plan(format!(
            "{function} takes numbers or lists of numbers, not {}",
            crate::tables::type_name(other)
        ))),
    }
}

pub(super) fn list_of_floats() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)))
}

/// The samples of one row of a list; NULLs in it are passed over.
pub(super) fn row(lists: &ListArray, row: usize) -> Vec<f64> {
    if lists.is_null(row) {
        return Vec::new();
    }
    lists.value(row).as_primitive::<Float64Type>().iter().flatten().collect()
}

impl AggregateUDFImpl for OfSamples {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if given.len() != self.sides {
            let message = format!("{} takes {} arguments, {} are given", self.name, self.sides, given.len());
            return Err(DataFusionError::Plan(message));
        }
        given.iter().map(|given| sample_type(self.name, given)).collect()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(self.fields.clone()))
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Collected {
            sides: vec![Vec::new(); self.sides],
            fields: self.fields.clone(),
            compute: self.compute,
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |side: usize| Field::new(format!("{}[{side}]", args.name), list_of_floats(), true);
        Ok((0..self.sides).map(|side| Arc::new(field(side))).collect())
    }
}

// There is one of each name.
impl PartialEq for OfSamples {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for OfSamples {}

impl std::hash::Hash for OfSamples {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

#[derive(Debug)]
struct Collected {
    sides: Vec<Vec<f64>>,
    fields: Fields,
    compute: Compute,
}

impl Accumulator for Collected {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (side, values) in self.sides.iter_mut().zip(values) {
            match values.data_type() {
                DataType::List(_) => {
                    let lists = values.as_list::<i32>();
                    (0..lists.len()).for_each(|index| side.extend(row(lists, index)));
                }
                _ => side.extend(values.as_primitive::<Float64Type>().iter().flatten()),
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |side: &Vec<f64>| {
            let numbers: Vec<ScalarValue> = side.iter().map(|sample| ScalarValue::from(*sample)).collect();
            ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &DataType::Float64))
        };
        Ok(self.sides.iter().map(list).collect())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let Some(numbers) = (self.compute)(&self.sides) else {
            return ScalarValue::try_from(&DataType::Struct(self.fields.clone()));
        };
        let columns: Vec<ArrayRef> = numbers
            .into_iter()
            .map(|number| ScalarValue::Float64(number).to_array())
            .collect::<Result<_>>()?;
        let answer = arrow::array::StructArray::try_new(self.fields.clone(), columns, None)?;
        Ok(ScalarValue::Struct(Arc::new(answer)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.sides.iter().map(|side| side.capacity() * size_of::<f64>()).sum::<usize>()
    }
}
