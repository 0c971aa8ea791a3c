//! How much an op asks for by its definition, whoever computes it.

use pipe_kernels::{Group, Op, PlanError};
use pipe_model::Case;

use super::dilated_attention::Shape;

/// Floating-point operations of the matrix products of a case, a multiply-add as two; `None` for op `custom`, which says nothing
/// of its own.
///
/// `q·kᵀ` and the weighted sum of `v` are `2 · head_dim` each for every key that a query sees; the projections of the multi-head
/// ops are `8 · embed_dim²` a token. Softmax, scaling and biases are not counted.
///
/// # Errors
/// As [`super::problem`].
pub fn flops(op: Op, case: &Case) -> Result<Option<f64>, PlanError> {
    if op == Op::Custom {
        return Ok(None);
    }
    let shape = Shape::new(op, case)?;
    let segments = |group: &Group| shape.seq_len as f64 / group.segment_length as f64;
    let seen: f64 = shape
        .groups
        .iter()
        .map(|group| group.num_heads as f64 * segments(group) * seen_of_segment(group.kept, &shape))
        .sum();
    let attention = 4.0 * shape.batch_size as f64 * seen * shape.head_dim as f64;
    let projections = match op {
        Op::MultiheadDilatedAttention | Op::BlockSparseMultiheadDilatedAttention => {
            let embed_dim = (shape.num_heads * shape.head_dim) as f64;
            8.0 * (shape.batch_size * shape.seq_len) as f64 * embed_dim * embed_dim
        }
        _ => 0.0,
    };
    Ok(Some(attention + projections))
}

/// The keys that the queries of a segment and head see, summed over the `kept` queries.
fn seen_of_segment(kept: u64, shape: &Shape) -> f64 {
    let triangle = |size: u64| if shape.causal { size * (size + 1) / 2 } else { size * size };
    let Some(sparsity) = &shape.sparsity else { return triangle(kept) as f64 };
    let blocks = kept.div_ceil(sparsity.block);
    let size = |block: u64| sparsity.block.min(kept - block * sparsity.block);
    let seen = |own: u64| -> u64 {
        let visible = sparsity.visible(own, blocks, shape.causal).blocks();
        visible.map(|block| if block == own { triangle(size(own)) } else { size(own) * size(block) }).sum()
    };
    (0..blocks).map(seen).sum::<u64>() as f64
}

#[cfg(test)]
mod tests {
    use pipe_model::Dtype;

    use super::*;

    fn case(seq_len: u64, parameters: &[(&str, &str)]) -> Case {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Case {
            batch_size: Some(3),
            seq_len: Some(seq_len),
            num_heads: Some(2),
            head_dim: Some(8),
            dtype: Some(Dtype::F32),
            parameters: parameters.collect(),
        }
    }

    #[test]
    fn a_key_that_a_query_sees_is_four_operations_an_element() {
        assert_eq!(flops(Op::Attention, &case(16, &[])).unwrap(), Some(4.0 * 3.0 * 2.0 * 256.0 * 8.0));
        let causal = flops(Op::Attention, &case(16, &[("causal", "true")])).unwrap();
        assert_eq!(causal, Some(4.0 * 3.0 * 2.0 * 136.0 * 8.0));
        assert_eq!(flops(Op::Custom, &Case::default()).unwrap(), None);
        assert!(flops(Op::DilatedAttention, &case(16, &[])).is_err());
    }

    #[test]
    fn groups_and_projections_count() {
        let groups = [("segment_lengths", "8,16"), ("dilation_rates", "1,2")];
        // A head with two segments of 8, and one with one of 8 kept positions.
        let attention = 4.0 * 3.0 * (2.0 * 64.0 + 64.0) * 8.0;
        assert_eq!(flops(Op::DilatedAttention, &case(16, &groups)).unwrap(), Some(attention));
        let projections = 8.0 * (3.0 * 16.0) * 16.0 * 16.0;
        assert_eq!(
            flops(Op::MultiheadDilatedAttention, &case(16, &groups)).unwrap(),
            Some(attention + projections)
        );
    }

    /// Counted key by key, as the reference sees them.
    #[test]
    fn blocks_left_out_are_not_asked_for() {
        for pattern in ["local-window", "dilated-sparse", "global-local"] {
            for causal in ["false", "true"] {
                let parameters = [
                    ("segment_lengths", "40"),
                    ("dilation_rates", "1"),
                    ("pattern", pattern),
                    ("sparsity", "0.5"),
                    ("block", "4"),
                    ("causal", causal),
                ];
                let case = case(40, &parameters);
                let shape = Shape::new(Op::BlockSparseDilatedAttention, &case).unwrap();
                let sparsity = shape.sparsity.unwrap();
                let sees = |query: u64, key: u64| {
                    let visible = sparsity.visible(query / 4, 10, shape.causal);
                    (!shape.causal || key <= query) && visible.blocks().any(|block| block == key / 4)
                };
                let pairs = (0..40).flat_map(|query| (0..40).map(move |key| (query, key)));
                let seen = pairs.filter(|(query, key)| sees(*query, *key)).count() as f64;
                let expected = 4.0 * 3.0 * 2.0 * seen * 8.0;
                assert_eq!(
                    flops(Op::BlockSparseDilatedAttention, &case).unwrap(),
                    Some(expected),
                    "{pattern}, causal {causal}"
                );
            }
        }
    }
}
