//! `commits_behind(commit [, type])`: how many measured commits are newer.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, Int64Builder},
    datatypes::DataType,
};
use datafusion::{
    common::internal_err,
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility},
    scalar::ScalarValue,
};
use pipe_model::Commit;

use crate::{error::external, facts::Facts};

/// How many commits of the history come after a commit: in git's order, before which come those that git has no place for, by the time of
/// their first run; where a benchmark type is given, of the commits that measured it. NULL for a commit that was not measured.
///
/// Looks at paths and at git, so that a filter by it reads the files of the commits that pass and no other.
#[derive(Debug)]
pub(super) struct CommitsBehind {
    facts: Arc<Facts>,
    signature: Signature,
}

impl CommitsBehind {
    pub(super) fn new(facts: Arc<Facts>) -> Self {
        let texts = [TypeSignature::String(1), TypeSignature::String(2)];
        Self { facts, signature: Signature::one_of(texts.into(), Volatility::Stable) }
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
        let texts = super::texts(&args)?;
        let Some(commits) = texts.first() else { return internal_err!("commits_behind takes an argument") };
        let mut known: HashMap<Option<&str>, Arc<HashMap<Commit, i64>>> = HashMap::new();
        let mut values = Int64Builder::with_capacity(args.number_rows);
        for (row, commit) in commits.iter().enumerate() {
            let benchmark_type = texts.get(1).and_then(|types| super::text(types, row));
            let behind = match known.entry(benchmark_type) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.facts.behind_in(benchmark_type).map_err(external)?),
            };
            let commit = commit.and_then(|commit| commit.parse::<Commit>().ok());
            values.append_option(commit.and_then(|commit| behind.get(&commit).copied()));
        }
        let values = values.finish();
        if args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) && !values.is_empty()
        {
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
