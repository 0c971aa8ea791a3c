//! A case: the problem size and parameters that one measurement is of.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::names::words;

words! {
    /// Element type of the tensors.
    Dtype, "dtype" {
        /// IEEE 754 binary32.
        F32 = "f32",
        /// IEEE 754 binary16.
        F16 = "f16",
        /// bfloat16.
        Bf16 = "bf16",
    }
}

impl Dtype {
    /// Bytes of one element.
    pub const fn size(self) -> u64 {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
        }
    }
}

/// A problem size. Dimensions are `None` only where imported results do not give them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Case {
    /// Independent sequences.
    pub batch_size: Option<u64>,
    /// Tokens of a sequence.
    pub seq_len: Option<u64>,
    /// Attention heads.
    pub num_heads: Option<u64>,
    /// Elements of one head's vector.
    pub head_dim: Option<u64>,
    /// Element type.
    pub dtype: Option<Dtype>,
    /// Everything else that tells two cases apart: `segment_lengths`, `dilation_rates`, `causal` …
    pub parameters: BTreeMap<String, String>,
}

impl Case {
    /// The canonical text of all parameters, sorted by name: `batch_size=1 causal=false dtype=f32 …`.
    ///
    /// With type, implementation, device and metric it is the identity of a series in the history.
    pub fn config(&self) -> String {
        let mut fields: BTreeMap<&str, String> =
            self.parameters.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let dimensions = [
            ("batch_size", self.batch_size),
            ("seq_len", self.seq_len),
            ("num_heads", self.num_heads),
            ("head_dim", self.head_dim),
        ];
        fields.extend(dimensions.into_iter().filter_map(|(name, value)| Some((name, value?.to_string()))));
        fields.extend(self.dtype.map(|dtype| ("dtype", dtype.to_string())));

        let mut text = String::new();
        for (name, value) in fields {
            if !text.is_empty() {
                text.push(' ');
            }
            // A value with white space is quoted, so that the text stays unambiguous.
            if value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '"') {
                let _ = write!(text, "{name}={value:?}");
            } else {
                let _ = write!(text, "{name}={value}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_is_sorted_and_complete() {
        let case = Case {
            batch_size: Some(1),
            seq_len: Some(2048),
            num_heads: Some(8),
            head_dim: Some(64),
            dtype: Some(Dtype::F32),
            parameters: [("causal", "false"), ("segment_lengths", "512,1024")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
        };
        assert_eq!(
            case.config(),
            "batch_size=1 causal=false dtype=f32 head_dim=64 num_heads=8 segment_lengths=512,1024 seq_len=2048"
        );
    }

    #[test]
    fn odd_values_stay_unambiguous() {
        let case =
            |value: &str| Case { parameters: [("a".to_owned(), value.to_owned())].into(), ..Case::default() };
        assert_eq!(case("x y=1").config(), r#"a="x y=1""#);
        assert_eq!(case("").config(), r#"a="""#);
        assert_ne!(case("1 b=2").config(), case("1").config());
    }
}
