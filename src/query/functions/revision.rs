//! `revision(text)`: the commit that a revision names.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{array::StringViewArray, datatypes::DataType};
use datafusion::{
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};
use pipe_model::Commit;

use crate::{Error, error::external, facts::Facts};

/// Fewest digits of a hash that name a commit of the history which the repository does not have.
const FEWEST_DIGITS: usize = 4;

/// A revision as git understands it (`HEAD~2`, a branch, a tag, the first digits of a hash), or the first digits of a
/// commit of the history that is not in the repository, or `unversioned` or `unknown`. NULL for NULL.
#[derive(Debug)]
pub(super) struct Revision {
    facts: Arc<Facts>,
    signature: Signature,
}

impl Revision {
    pub(super) fn new(facts: Arc<Facts>) -> Self {
        Self { facts, signature: Signature::string(1, Volatility::Stable) }
    }

    fn resolve(&self, text: &str) -> Result<Commit, Error> {
        if let Ok(commit) = text.parse() {
            return Ok(commit);
        }
        let in_git = self.facts.repository()?.map(|repository| repository.resolve(text));
        if let Some(Ok(commit)) = in_git {
            return Ok(commit);
        }
        let commits = self.facts.commits()?;
        let mut named = commits.into_iter().filter(|commit| {
            text.len() >= FEWEST_DIGITS && matches!(commit, Commit::Hash(hash) if hash.starts_with(text))
        });
        match (named.next(), named.next(), in_git) {
            (Some(commit), None, _) => Ok(commit),
            (None, _, Some(Err(error))) => Err(Error::History(Box::new(error))),
            (found, ..) => {
                let how_many = if found.is_some() { "more than one commit" } else { "no commit" };
                Err(Error::Execution(format!("revision '{text}' names {how_many} of the history")))
            }
        }
    }
}

impl ScalarUDFImpl for Revision {
    fn name(&self) -> &str {
        "revision"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut commits = Vec::new();
        for text in super::texts(&args)?.iter().flatten() {
            commits.push(text.map(|text| self.resolve(text).map_err(external)).transpose()?);
        }
        let values: StringViewArray =
            commits.iter().map(|commit| commit.as_ref().map(Commit::as_str)).collect();
        super::answer(&args, values)
    }
}

// Two of them are the same function where they ask the same history.
impl PartialEq for Revision {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.facts, &other.facts)
    }
}

impl Eq for Revision {}

impl Hash for Revision {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.facts).hash(state);
    }
}
