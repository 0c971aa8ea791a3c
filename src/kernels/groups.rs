//! The groups of dilated attention: which heads look at which positions.

use pipe_model::Case;

use crate::{Op, PlanError};

/// One group of a case: its share of the heads attends within segments, to every `dilation_rate`-th position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Position in the group list.
    pub index: u64,
    /// Consecutive positions of a segment.
    pub segment_length: u64,
    /// Every how many positions one is kept.
    pub dilation_rate: u64,
    /// The first kept position of a segment: `index mod dilation_rate`.
    pub offset: u64,
    /// The first head of the group.
    pub first_head: u64,
    /// Heads of the group; 0 where there are more groups than heads.
    pub num_heads: u64,
    /// Positions kept of a segment.
    pub kept: u64,
}

/// The groups of `case` under `op`: heads are dealt in order, `num_heads / groups` each, the first
/// `num_heads % groups` groups one more. `attention` has one group that keeps everything, `custom` has none.
///
/// # Errors
/// [`PlanError::Case`] where the lists are missing, malformed, of different length, or hold a zero.
pub fn groups(op: Op, case: &Case) -> Result<Vec<Group>, PlanError> {
    let (lengths, rates) = match op {
        Op::Attention => {
            let length =
                case.seq_len.ok_or_else(|| PlanError::case("seq_len", "the case does not give it"))?;
            (vec![length], vec![1])
        }
        Op::Custom => return Ok(Vec::new()),
        _ => (list(case, "segment_lengths")?, list(case, "dilation_rates")?),
    };
    let heads = case.num_heads.ok_or_else(|| PlanError::case("num_heads", "the case does not give it"))?;
    if lengths.len() != rates.len() {
        let message =
            format!("{} rates for {} segment lengths; give one for each", rates.len(), lengths.len());
        return Err(PlanError::case("dilation_rates", message));
    }
    let count = lengths.len() as u64;
    let mut first_head = 0;
    let groups = lengths.into_iter().zip(rates).zip(0..).map(|((segment_length, dilation_rate), index)| {
        let offset = index % dilation_rate;
        let num_heads = heads / count + u64::from(index < heads % count);
        let kept = segment_length.saturating_sub(offset).div_ceil(dilation_rate);
        let group = Group { index, segment_length, dilation_rate, offset, first_head, num_heads, kept };
        first_head += num_heads;
        group
    });
    Ok(groups.collect())
}

/// A parameter that is a list of positive integers: `512,1024`.
fn list(case: &Case, parameter: &'static str) -> Result<Vec<u64>, PlanError> {
    let text = case.parameters.get(parameter).ok_or_else(|| {
        PlanError::case(parameter, "the case does not give it; write a list such as 512,1024")
    })?;
    text.split(',')
        .map(|item| match item.trim().parse() {
            Ok(0) | Err(_) => {
                Err(PlanError::case(parameter, format!("'{text}' is not a list of positive integers")))
            }
            Ok(value) => Ok(value),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(heads: u64, lengths: &str, rates: &str) -> Case {
        Case {
            num_heads: Some(heads),
            seq_len: Some(64),
            parameters: [("segment_lengths", lengths), ("dilation_rates", rates)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Case::default()
        }
    }

    #[test]
    fn heads_are_dealt_in_order_and_the_first_groups_take_the_rest() {
        let groups = groups(Op::DilatedAttention, &case(5, "16,32,64", "1, 2, 4")).unwrap();
        let dealt: Vec<_> = groups.iter().map(|g| (g.first_head, g.num_heads, g.offset, g.kept)).collect();
        assert_eq!(dealt, [(0, 2, 0, 16), (2, 2, 1, 16), (4, 1, 2, 16)]);
    }

    #[test]
    fn a_group_can_be_without_heads_or_without_positions() {
        let groups = groups(Op::DilatedAttention, &case(1, "16,2,2", "1,1,9")).unwrap();
        assert_eq!((groups[1].first_head, groups[1].num_heads), (1, 0));
        assert_eq!((groups[2].offset, groups[2].kept), (2, 0));
    }

    #[test]
    fn attention_is_one_group_that_keeps_all() {
        let groups = groups(Op::Attention, &case(3, "16", "2")).unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].segment_length, groups[0].dilation_rate, groups[0].num_heads), (64, 1, 3));
    }

    #[test]
    fn malformed_lists_are_named() {
        for (lengths, rates) in [("16", "1,2"), ("16,x", "1,2"), ("", ""), ("16", "0"), ("-4", "1")] {
            let error = groups(Op::DilatedAttention, &case(4, lengths, rates)).unwrap_err();
            assert!(matches!(error, PlanError::Case { .. }), "{lengths:?} {rates:?}: {error}");
        }
        assert!(groups(Op::DilatedAttention, &Case { num_heads: Some(1), ..Case::default() }).is_err());
    }
}
