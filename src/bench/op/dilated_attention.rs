//! Ops `dilated-attention` (LongNet), `block-sparse-dilated-attention` and `attention`, which is the same with one group that spans the
//! sequence.
//!
//! `q`, `k`, `v` and `out` are `[batch_size, seq_len, num_heads, head_dim]`. Group *i* of the case has a
//! segment length and a dilation rate *r*; heads are dealt to the G groups in order, H/G each, the first H
//! mod G one more. In each segment of its group a head keeps the positions `i mod r`, `i mod r + r`, … and
//! attends among them:
//!
//! ```text
//! out[kept] = softmax(q·kᵀ / √head_dim) · v / G      (causal: over the kept positions up to the query's own)
//! ```
//!
//! Positions that a head does not keep are 0. The sequence length is a multiple of every segment length.
//!
//! Op `block-sparse-dilated-attention` is the same where a query sees only the kept positions in the blocks of its segment
//! that the case's pattern keeps, see [`Sparsity`].
//!
//! Source: Ding et al., "LongNet: Scaling Transformers to 1,000,000,000 Tokens" (2023), section 3.

mod reference;

use pipe_kernels::{Group, Op, PlanError, Sparsity, groups};
use pipe_model::Case;

use super::{Problem, inputs};

/// The inputs of an attention case and the right answer; `op` decides whether the case's groups count.
pub(super) fn problem(op: Op, case: &Case, slice: u64) -> Result<Problem, PlanError> {
    let shape = Shape::new(op, case)?;
    let dtype = case.dtype.ok_or_else(|| missing("dtype"))?;
    let [q, k, v] = inputs::attention(shape.sizes(), dtype, slice);
    let expected = shape.reference(&q, &k, &v);
    Ok(Problem::of(dtype, vec![("q", q), ("k", k), ("v", v)], expected, shape.sizes().to_vec()))
}

/// The sizes and parameters of one problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Independent sequences.
    pub batch_size: usize,
    /// Positions of a sequence; a multiple of every segment length.
    pub seq_len: usize,
    /// Attention heads.
    pub num_heads: usize,
    /// Elements of one head's vector.
    pub head_dim: usize,
    /// The groups that heads are dealt to.
    pub groups: Vec<Group>,
    /// Whether a position attends only to those up to itself.
    pub causal: bool,
    /// Which blocks of keys a query sees; all where it is `None`.
    pub sparsity: Option<Sparsity>,
}

impl Shape {
    /// The shape of `case` under `op`.
    ///
    /// # Errors
    /// [`PlanError::Case`] where a dimension or parameter is missing or malformed, [`PlanError::Unsupported`]
    /// where a segment length does not divide the sequence.
    pub fn new(op: Op, case: &Case) -> Result<Self, PlanError> {
        let shape = Self {
            batch_size: dimension("batch_size", case.batch_size)?,
            seq_len: dimension("seq_len", case.seq_len)?,
            num_heads: dimension("num_heads", case.num_heads)?,
            head_dim: dimension("head_dim", case.head_dim)?,
            groups: groups(op, case)?,
            causal: causal(case)?,
            sparsity: op.is_block_sparse().then(|| Sparsity::of(case)).transpose()?,
        };
        let Shape { seq_len, groups, .. } = &shape;
        match groups.iter().find(|group| !(*seq_len as u64).is_multiple_of(group.segment_length)) {
            Some(Group { segment_length, .. }) => Err(PlanError::Unsupported(format!(
                "seq_len {seq_len} is not a multiple of segment length {segment_length}"
            ))),
            None => Ok(shape),
        }
    }

    /// `[batch_size, seq_len, num_heads, head_dim]`: the extents of every tensor.
    pub fn sizes(&self) -> [usize; 4] {
        [self.batch_size, self.seq_len, self.num_heads, self.head_dim]
    }
}

fn dimension(name: &'static str, value: Option<u64>) -> Result<usize, PlanError> {
    match value {
        None => Err(missing(name)),
        Some(0) => Err(malformed(name, "it is 0".to_owned())),
        Some(value) => Ok(value as usize),
    }
}

fn causal(case: &Case) -> Result<bool, PlanError> {
    let Some(value) = case.parameters.get("causal") else { return Ok(false) };
    value.parse().map_err(|_| malformed("causal", format!("'{value}' is neither true nor false")))
}

fn missing(parameter: &str) -> PlanError {
    malformed(parameter, "the case does not give it".to_owned())
}

fn malformed(parameter: &str, message: String) -> PlanError {
    PlanError::Case { parameter: parameter.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use pipe_model::Dtype;

    use super::*;

    #[test]
    fn what_the_op_does_not_define_is_named() {
        let case = |seq_len, parameters: &[(&str, &str)]| Case {
            batch_size: Some(1),
            seq_len: Some(seq_len),
            num_heads: Some(5),
            head_dim: Some(8),
            dtype: Some(Dtype::F32),
            parameters: parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        let message = |op, case: &Case| problem(op, case, 0).unwrap_err().to_string();
        assert_eq!(
            message(
                Op::DilatedAttention,
                &case(96, &[("segment_lengths", "32,64"), ("dilation_rates", "1,2")])
            ),
            "seq_len 96 is not a multiple of segment length 64"
        );
        assert_eq!(message(Op::Attention, &case(0, &[])), "seq_len: it is 0");
        assert_eq!(
            message(Op::Attention, &case(8, &[("causal", "yes")])),
            "causal: 'yes' is neither true nor false"
        );
        assert_eq!(
            message(Op::Attention, &Case { head_dim: None, ..case(8, &[]) }),
            "head_dim: the case does not give it"
        );
        assert!(problem(Op::DilatedAttention, &case(96, &[]), 0).is_err(), "no groups");
    }
}
