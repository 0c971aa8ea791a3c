//! Cases as the product of axes.

use std::collections::BTreeMap;

use pipe_model::{Case, Dtype};
use serde::{Deserialize, Deserializer};

use super::axis::one_or_more;
use crate::manifest::{DtypeName, Parameter};

/// Segment lengths and dilation rates that go together, one of each a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupList {
    /// Positions of a segment, group by group.
    pub segment_lengths: Vec<u64>,
    /// Every how many positions one is kept, group by group.
    pub dilation_rates: Vec<u64>,
}

/// Cases as the product of their axes. All but `parameters` are given together, or none of them: cases of custom ops.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseGrid {
    /// Batch sizes.
    #[serde(default, deserialize_with = "one_or_more")]
    pub batch_size: Vec<u64>,
    /// Sequence lengths.
    #[serde(default, deserialize_with = "one_or_more")]
    pub seq_len: Vec<u64>,
    /// Numbers of heads.
    #[serde(default, deserialize_with = "one_or_more")]
    pub num_heads: Vec<u64>,
    /// Head dimensions.
    #[serde(default, deserialize_with = "one_or_more")]
    pub head_dim: Vec<u64>,
    /// Element types.
    #[serde(default, deserialize_with = "dtypes")]
    pub dtype: Vec<Dtype>,
    /// Whether a position sees only itself and those before it.
    #[serde(default, deserialize_with = "one_or_more")]
    pub causal: Vec<bool>,
    /// Group lists.
    #[serde(default, deserialize_with = "one_or_more")]
    pub groups: Vec<GroupList>,
    /// Axes of parameters that only some implementations know: `ring_size`.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterAxis>,
}

/// The values of one parameter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ParameterAxis(#[serde(deserialize_with = "texts")] Vec<String>);

/// Axes given by the user, which replace those of a type. An empty one leaves the type's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// Replaces [`CaseGrid::batch_size`].
    pub batch_size: Vec<u64>,
    /// Replaces [`CaseGrid::seq_len`].
    pub seq_len: Vec<u64>,
    /// Replaces [`CaseGrid::num_heads`].
    pub num_heads: Vec<u64>,
    /// Replaces [`CaseGrid::head_dim`].
    pub head_dim: Vec<u64>,
    /// Replaces [`CaseGrid::dtype`].
    pub dtype: Vec<Dtype>,
    /// Replaces [`CaseGrid::causal`].
    pub causal: Vec<bool>,
}

impl CaseGrid {
    /// The first axis that is not there although others are.
    pub(super) fn missing_axis(&self) -> Option<&'static str> {
        let axes = [
            ("batch_size", self.batch_size.is_empty()),
            ("seq_len", self.seq_len.is_empty()),
            ("num_heads", self.num_heads.is_empty()),
            ("head_dim", self.head_dim.is_empty()),
            ("dtype", self.dtype.is_empty()),
            ("causal", self.causal.is_empty()),
            ("groups", self.groups.is_empty()),
        ];
        if axes.iter().all(|(_, is_missing)| *is_missing) && !self.parameters.is_empty() {
            return None;
        }
        axes.iter().find(|(_, is_missing)| *is_missing).map(|(name, _)| *name)
    }

    /// The grid with the user's axes in place.
    #[must_use]
    pub fn with(&self, overrides: &Overrides) -> Self {
        // An axis that the grid does not have stays away.
        fn axis<T: Clone>(own: &[T], given: &[T]) -> Vec<T> {
            if given.is_empty() || own.is_empty() { own.to_vec() } else { given.to_vec() }
        }
        Self {
            batch_size: axis(&self.batch_size, &overrides.batch_size),
            seq_len: axis(&self.seq_len, &overrides.seq_len),
            num_heads: axis(&self.num_heads, &overrides.num_heads),
            head_dim: axis(&self.head_dim, &overrides.head_dim),
            dtype: axis(&self.dtype, &overrides.dtype),
            causal: axis(&self.causal, &overrides.causal),
            groups: self.groups.clone(),
            parameters: self.parameters.clone(),
        }
    }

    /// The product of the axes; the sequence length varies fastest.
    pub fn cases(&self) -> Vec<Case> {
        fn product<T, U: Clone>(cases: Vec<T>, axis: &[U], with: impl Fn(&T, U) -> T + Copy) -> Vec<T> {
            if axis.is_empty() {
                return cases;
            }
            cases.iter().flat_map(|case| axis.iter().map(move |value| with(case, value.clone()))).collect()
        }
        let parameter = |case: &Case, name: &str, value: String| {
            let mut case = case.clone();
            case.parameters.insert(name.to_owned(), value);
            case
        };
        let cases = vec![Case::default()];
        let cases = product(cases, &self.dtype, |case, value| Case { dtype: Some(value), ..case.clone() });
        let cases =
            product(cases, &self.head_dim, |case, value| Case { head_dim: Some(value), ..case.clone() });
        let cases = product(cases, &self.causal, |case, value| parameter(case, "causal", value.to_string()));
        let cases = product(cases, &self.groups, |case, groups| {
            let case = parameter(case, "segment_lengths", comma_separated(&groups.segment_lengths));
            parameter(&case, "dilation_rates", comma_separated(&groups.dilation_rates))
        });
        let cases = self.parameters.iter().fold(cases, |cases, (name, ParameterAxis(values))| {
            product(cases, values, |case, value| parameter(case, name, value))
        });
        let cases =
            product(cases, &self.num_heads, |case, value| Case { num_heads: Some(value), ..case.clone() });
        let cases =
            product(cases, &self.batch_size, |case, value| Case { batch_size: Some(value), ..case.clone() });
        product(cases, &self.seq_len, |case, value| Case { seq_len: Some(value), ..case.clone() })
    }
}

fn comma_separated(values: &[u64]) -> String {
    values.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
}

fn dtypes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Dtype>, D::Error> {
    let names: Vec<DtypeName> = one_or_more(deserializer)?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

/// Values of a parameter as the texts that a case holds.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let values: Vec<Parameter> = one_or_more(deserializer)?;
    Ok(values.iter().map(ToString::to_string).collect())
}
