//! Traces of allocations: their kinds and sizes. What they ask for follows from these and a seed.

use std::{fmt, str::FromStr};

use pipe_model::Case;
use serde::Deserialize;

use super::axis::one_or_more;
use crate::{manifest::word, near::suggestion};

/// What a trace is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceKind {
    /// Buffers of every size between the smallest and the largest, each given back some time later.
    VariedSizes,
    /// The same few sizes over and over, as the steps of a training loop ask for them.
    Reuse,
    /// Small buffers, every other one given back, then buffers that fit none of the holes.
    Fragmentation,
}

impl TraceKind {
    /// Every kind.
    pub const ALL: &[TraceKind] = &[TraceKind::VariedSizes, TraceKind::Reuse, TraceKind::Fragmentation];

    /// The name in a type's file and as the parameter `trace` of a case.
    pub const fn as_str(self) -> &'static str {
        match self {
            TraceKind::VariedSizes => "varied-sizes",
            TraceKind::Reuse => "reuse",
            TraceKind::Fragmentation => "fragmentation",
        }
    }
}

impl fmt::Display for TraceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TraceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || TraceKind::ALL.iter().map(|kind| kind.as_str());
        TraceKind::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let known = names().collect::<Vec<_>>().join(", ");
            format!("unknown trace '{text}', there are {known}{}", suggestion(text, names()))
        })
    }
}

impl<'de> Deserialize<'de> for TraceKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer)
    }
}

/// Cases of allocations as the product of their axes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceGrid {
    /// What the trace is like.
    #[serde(deserialize_with = "one_or_more")]
    pub trace: Vec<TraceKind>,
    /// How many allocations it makes.
    #[serde(deserialize_with = "one_or_more")]
    pub allocations: Vec<u64>,
    /// Bytes of the smallest buffer.
    #[serde(deserialize_with = "one_or_more")]
    pub smallest_bytes: Vec<u64>,
    /// Bytes of the largest buffer.
    #[serde(deserialize_with = "one_or_more")]
    pub largest_bytes: Vec<u64>,
    /// Of the random numbers.
    #[serde(default = "first_seed", deserialize_with = "one_or_more")]
    pub seed: Vec<u64>,
}

fn first_seed() -> Vec<u64> {
    vec![1]
}

impl TraceGrid {
    /// The product of the axes, as parameters of cases without dimensions.
    pub(super) fn cases(&self) -> impl Iterator<Item = Case> {
        let kinds: Vec<String> = self.trace.iter().map(ToString::to_string).collect();
        let numbers = |axis: &[u64]| axis.iter().map(u64::to_string).collect::<Vec<_>>();
        let axes = [
            ("trace", kinds),
            ("allocations", numbers(&self.allocations)),
            ("smallest_bytes", numbers(&self.smallest_bytes)),
            ("largest_bytes", numbers(&self.largest_bytes)),
            ("seed", numbers(&self.seed)),
        ];
        let cases = axes.iter().fold(vec![Case::default()], |cases, (name, values)| {
            let with = |case: &Case, value: &String| {
                let mut case = case.clone();
                case.parameters.insert((*name).to_owned(), value.clone());
                case
            };
            cases.iter().flat_map(|case| values.iter().map(move |value| with(case, value))).collect()
        });
        cases.into_iter()
    }
}
