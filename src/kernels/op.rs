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
    /// Dilated self-attention with its projections: `q`, `k` and `v` are linear in `x`, and so is `out` in what the
    /// heads give.
    MultiheadDilatedAttention,
    /// Dilated attention in which a query sees only the blocks of keys that a pattern keeps, see [`crate::Sparsity`].
    BlockSparseDilatedAttention,
    /// [`Op::MultiheadDilatedAttention`] on [`Op::BlockSparseDilatedAttention`].
    BlockSparseMultiheadDilatedAttention,
    /// What no other op is: the manifest declares the tensors and says what is right.
    Custom,
}

impl Op {
    /// Every op.
    pub const ALL: &[Op] = &[
        Op::Attention,
        Op::DilatedAttention,
        Op::MultiheadDilatedAttention,
        Op::BlockSparseDilatedAttention,
        Op::BlockSparseMultiheadDilatedAttention,
        Op::Custom,
    ];

    /// The name a manifest uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Op::Attention => "attention",
            Op::DilatedAttention => "dilated-attention",
            Op::MultiheadDilatedAttention => "multihead-dilated-attention",
            Op::BlockSparseDilatedAttention => "block-sparse-dilated-attention",
            Op::BlockSparseMultiheadDilatedAttention => "block-sparse-multihead-dilated-attention",
            Op::Custom => "custom",
        }
    }

    /// Input tensors, row-major; none of `custom`, whose manifests declare them.
    pub const fn inputs(self) -> &'static [&'static str] {
        match self {
            Op::Attention | Op::DilatedAttention | Op::BlockSparseDilatedAttention => &["q", "k", "v"],
            Op::MultiheadDilatedAttention | Op::BlockSparseMultiheadDilatedAttention => {
                &["x", "w_qkv", "b_qkv", "w_out", "b_out"]
            }
            Op::Custom => &[],
        }
    }

    /// Whether a query sees only some blocks of keys.
    pub const fn is_block_sparse(self) -> bool {
        matches!(self, Op::BlockSparseDilatedAttention | Op::BlockSparseMultiheadDilatedAttention)
    }

    /// Output tensors, row-major; likewise.
    pub const fn outputs(self) -> &'static [&'static str] {
        match self {
            Op::Custom => &[],
            _ => &["out"],
        }
    }

    /// Elements of a tensor for `[batch_size, seq_len, num_heads, head_dim]`; `None` where they are more than 2^64.
    ///
    /// With `embed_dim = num_heads * head_dim`: `w_qkv` is `[3 * embed_dim, embed_dim]`, `b_qkv` `[3 * embed_dim]`, `w_out`
    /// `[embed_dim, embed_dim]`, `b_out` `[embed_dim]`; every other tensor is `[batch_size, seq_len, embed_dim]`, which is
    /// `[batch_size, seq_len, num_heads, head_dim]`.
    pub fn elements(self, tensor: &str, sizes: [u64; 4]) -> Option<u64> {
        let [batch_size, seq_len, num_heads, head_dim] = sizes;
        let embed_dim = num_heads.checked_mul(head_dim)?;
        let product =
            |sizes: &[u64]| sizes.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
        match tensor {
            "w_qkv" => product(&[3, embed_dim, embed_dim]),
            "b_qkv" => product(&[3, embed_dim]),
            "w_out" => product(&[embed_dim, embed_dim]),
            "b_out" => Some(embed_dim),
            _ => product(&[batch_size, seq_len, embed_dim]),
        }
    }

    /// The case parameters that fix what is computed.
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Op::Attention => &["causal"],
            Op::DilatedAttention | Op::MultiheadDilatedAttention => {
                &["causal", "dilation_rates", "segment_lengths"]
            }
            Op::BlockSparseDilatedAttention | Op::BlockSparseMultiheadDilatedAttention => {
                &["block", "causal", "dilation_rates", "pattern", "segment_lengths", "sparsity"]
            }
            Op::Custom => &[],
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
