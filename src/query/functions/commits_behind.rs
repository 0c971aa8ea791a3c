//! `commits_behind(commit)`: how many measured commits are newer.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, Int64Array},
    datatypes::DataType,
};
use datafusion::{
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
    scalar::ScalarValue,
};
use pipe_model::Commit;

use crate::{error::external, facts::Facts};

/// How many commits of the history come after a commit: in git's order, before which come those that git has no place for, by the time of
/// their first run. NULL for a commit that was not measured.
///
/// Looks at paths and at git, so that a filter by it reads the files of the commits that pass and no other.
#[derive(Debug)]
pub(super) struct CommitsBehind {
    facts: Arc<Facts>,
    signature: Signature,
}

impl CommitsBehind {
    pub(super) fn new(facts: Arc<Facts>) -> Self {
        Self { facts, signature: Signature::string(1, Volatility::Stable) }
    }
}

impl ScalarUDFImpl for CommitsBehind {
    fn name(&self) -> &str {
        "commits_behind"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let behind = self.facts.behind().map_err(external)?;
        let texts = super::texts(&args)?;
        let of = |text: Option<&str>| behind.get(&text?.parse::<Commit>().ok()?).copied();
        let values: Int64Array = texts.iter().flatten().map(of).collect();
        if matches!(args.args[..], [ColumnarValue::Scalar(_)]) && !values.is_empty() {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &(Arc::new(values) as ArrayRef),
                0,
            )?));
        }
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}

// Two of them are the same function where they ask the same history.
impl PartialEq for CommitsBehind {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.facts, &other.facts)
    }
}

impl Eq for CommitsBehind {}

impl Hash for CommitsBehind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.facts).hash(state);
    }
}
