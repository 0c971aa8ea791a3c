//! `short(commit)`: a commit as people write it.

use arrow::{array::StringViewArray, datatypes::DataType};
use datafusion::{
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};
use pipe_model::Commit;

/// The first ten digits of a hash, any other text whole.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Short {
    signature: Signature,
}

impl Short {
    pub(super) fn new() -> Self {
        Self { signature: Signature::string(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Short {
    fn name(&self) -> &str {
        "short"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let short =
            |text: &str| text.parse().map_or_else(|_| text.to_owned(), |c: Commit| c.short().to_owned());
        let texts = super::texts(&args)?;
        let values: StringViewArray = texts.iter().flatten().map(|value| value.map(short)).collect();
        super::answer(&args, values)
    }
}
