//! `is_latest(commit, type)`: whether a commit is the last that measured a type on some device.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::{error::external, facts::Facts};
use arrow::{array::BooleanArray, datatypes::DataType};
use datafusion::{
    common::internal_err,
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

/// Whether a commit is the last, in the order of the table `commits`, that measured a benchmark type on one of its devices.
///
/// Looks at paths, at git and at what is known of the runs, so that a filter by it reads the files of the commits that pass and no other.
#[derive(Debug)]
pub(super) struct IsLatest {
    facts: Arc<Facts>,
    signature: Signature,
}

impl IsLatest {
    pub(super) fn new(facts: Arc<Facts>) -> Self {
        Self { facts, signature: Signature::string(2, Volatility::Stable) }
    }
}

impl ScalarUDFImpl for IsLatest {
    fn name(&self) -> &str {
        "is_latest"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let latest = self.facts.latest().map_err(external)?;
        let texts = super::texts(&args)?;
        let [commits, types] = &texts[..] else { return internal_err!("is_latest takes two arguments") };
        let of = |(commit, benchmark_type): (Option<&str>, Option<&str>)| {
            let (commit, benchmark_type) = (commit?, benchmark_type?);
            Some(latest.get(benchmark_type).is_some_and(|commits| commits.contains(commit)))
        };
        let values: BooleanArray = commits.iter().zip(types.iter()).map(of).collect();
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}

// Two of them are the same function where they ask the same history.
impl PartialEq for IsLatest {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.facts, &other.facts)
    }
}

impl Eq for IsLatest {}

impl Hash for IsLatest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.facts).hash(state);
    }
}
