//! The ops that implementations compute: which tensors they take and which parameters fix their meaning.

use std::{fmt, str::FromStr};

use crate::near::suggestion;

/// What an implementation computes. Implementations of one op agree to rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `out = softmax(q·kᵀ / sqrt(head_dim)) · v` over the whole sequence: dilated attention with one group that
    /// keeps every position.
    Attention,
    /// LongNet's dilated attention: heads dealt to groups of segment length and dilation rate.
    DilatedAttention,
}

impl Op {
    /// Every op.
    pub const ALL: &[Op] = &[Op::Attention, Op::DilatedAttention];

    /// The name a manifest uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Op::Attention => "attention",
            Op::DilatedAttention => "dilated-attention",
        }
    }

    /// Input tensors, all `[batch_size, seq_len, num_heads, head_dim]`, row-major.
    pub const fn inputs(self) -> &'static [&'static str] {
        &["q", "k", "v"]
    }

    /// Output tensors, of the same shape.
    pub const fn outputs(self) -> &'static [&'static str] {
        &["out"]
    }

    /// The case parameters that fix what is computed.
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Op::Attention => &["causal"],
            Op::DilatedAttention => &["causal", "dilation_rates", "segment_lengths"],
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Op {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Op::ALL.iter().map(|op| op.as_str());
        Op::ALL.iter().copied().find(|op| op.as_str() == text).ok_or_else(|| {
            let known = names().collect::<Vec<_>>().join(", ");
            format!("unknown op '{text}', there are {known}{}", suggestion(text, names()))
        })
    }
}
