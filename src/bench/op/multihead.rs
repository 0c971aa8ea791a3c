//! Ops `multihead-dilated-attention` and `block-sparse-multihead-dilated-attention`: dilated self-attention with its projections, as the predecessor's multi-head modules
//! compute it, without dropout and layer norm.
//!
//! `x` and `out` are `[batch_size, seq_len, embed_dim]`, `embed_dim = num_heads * head_dim`:
//!
//! ```text
//! [q, k, v] = x · w_qkvᵀ + b_qkv          w_qkv [3 * embed_dim, embed_dim], b_qkv [3 * embed_dim]
//! out = dilated_attention(q, k, v) · w_outᵀ + b_out       w_out [embed_dim, embed_dim], b_out [embed_dim]
//! ```
//!
//! with `q`, `k` and `v` read as `[batch_size, seq_len, num_heads, head_dim]`.

use pipe_kernels::{Op, PlanError};
use pipe_model::Case;
use rayon::prelude::*;

use super::{Problem, dilated_attention::Shape, inputs};

/// The inputs of a case and the right answer.
pub(super) fn problem(op: Op, case: &Case, slice: u64) -> Result<Problem, PlanError> {
    let shape = Shape::new(op, case)?;
    let dtype = case.dtype.ok_or_else(|| PlanError::Case {
        parameter: "dtype".to_owned(),
        message: "the case does not give it".to_owned(),
    })?;
    let sizes = shape.sizes();
    let embed_dim = shape.num_heads * shape.head_dim;
    let tokens = shape.batch_size * shape.seq_len;
    // Weights as a trained layer has them at its start: what they give is about as large as what they take.
    let spread = (3.0 / embed_dim as f32).sqrt();
    let tensor = |stream, elements, bound| inputs::uniform_tensor(sizes, stream, elements, bound, dtype);
    let x = inputs::uniform_slice(sizes, slice, 0, tokens * embed_dim, 1.0, dtype);
    let w_qkv = tensor(1, 3 * embed_dim * embed_dim, spread);
    let b_qkv = tensor(2, 3 * embed_dim, 0.5);
    let w_out = tensor(3, embed_dim * embed_dim, spread);
    let b_out = tensor(4, embed_dim, 0.5);

    let wide: Vec<f64> = x.iter().copied().map(f64::from).collect();
    let projected = linear(&wide, &w_qkv, &b_qkv, embed_dim);
    // f32 keeps 24 bits, far more than any bound on the result asks for.
    let part = |which: usize| -> Vec<f32> {
        let rows = projected.chunks_exact(3 * embed_dim);
        rows.flat_map(|row| row[which * embed_dim..][..embed_dim].iter().map(|value| *value as f32)).collect()
    };
    let heads = shape.reference(&part(0), &part(1), &part(2));
    let expected = linear(&heads, &w_out, &b_out, embed_dim);

    let named = vec![("x", x), ("w_qkv", w_qkv), ("b_qkv", b_qkv), ("w_out", w_out), ("b_out", b_out)];
    Ok(Problem::of(dtype, named, expected, vec![shape.batch_size, shape.seq_len, embed_dim]))
}

/// `x · wᵀ + b` in f64: `x` `[rows, depth]`, `w` `[columns, depth]`, `b` `[columns]`.
fn linear(x: &[f64], w: &[f32], b: &[f32], depth: usize) -> Vec<f64> {
    let columns = b.len();
    let mut out = vec![0.0; x.len() / depth * columns];
    out.par_chunks_mut(columns).zip(x.par_chunks(depth)).for_each(|(out, row)| {
        for ((value, weights), bias) in out.iter_mut().zip(w.chunks_exact(depth)).zip(b) {
            // Four sums, so that the additions do not wait for each other.
            let mut sums = [0.0; 4];
            for (xs, ws) in row.chunks(4).zip(weights.chunks(4)) {
                for ((sum, x), w) in sums.iter_mut().zip(xs).zip(ws) {
                    *sum += x * f64::from(*w);
                }
            }
            *value = sums.iter().sum::<f64>() + f64::from(*bias);
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use pipe_model::Dtype;

    use super::*;

    #[test]
    fn a_linear_layer_is_what_its_formula_says() {
        let x = [1.0, 2.0, 3.0, -1.0, 0.5, 4.0];
        let w = [1.0, 0.0, 2.0, -1.0, 1.0, 1.0];
        assert_eq!(linear(&x, &w, &[10.0, 20.0], 3), [17.0, 24.0, 17.0, 25.5]);
    }

    #[test]
    fn a_position_that_no_head_keeps_is_the_bias() {
        let case = Case {
            batch_size: Some(1),
            seq_len: Some(8),
            num_heads: Some(1),
            head_dim: Some(4),
            dtype: Some(Dtype::F32),
            parameters: [("segment_lengths", "8"), ("dilation_rates", "2")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let problem = problem(Op::MultiheadDilatedAttention, &case, 0).unwrap();
        assert_eq!(problem.outputs[0].shape, [1, 8, 4]);
        let bias = super::super::decode(Dtype::F32, &problem.inputs[4].content);
        let row = |position: usize| &problem.outputs[0].values[position * 4..][..4];
        assert_eq!(row(1), bias);
        assert_ne!(row(2), bias);
    }
}
