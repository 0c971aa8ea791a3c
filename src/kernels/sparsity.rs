//! Block sparsity: which blocks of keys a block of queries sees.
//!
//! The kept positions of a segment are cut into blocks of `block`. Of the *n* blocks that a query could see, which are all of
//! its segment's or, where causal, those up to its own, it sees at most *m* = max(1, ⌊*n* · (1 − `sparsity`)⌋), its own
//! always among them:
//!
//! | `pattern` | seen |
//! | --- | --- |
//! | `local-window` | the *m* nearest to its own |
//! | `dilated-sparse` | every *s*-th, counted from its own, *s* = ⌈*n* / *m*⌉ |
//! | `global-local` | the first ⌊*m* / 2⌋ of the segment, and of the others the *m* − ⌊*m* / 2⌋ nearest |
//!
//! So the share of what dense attention computes that is left is never above 1 − `sparsity`, as long as there are blocks
//! enough to leave out. All three patterns are a run of blocks from the first on and a strided run, [`Visible`].

use std::{fmt, str::FromStr};

use pipe_model::Case;

use crate::PlanError;

/// Kept positions of a block, where the case does not say.
const BLOCK: u64 = 128;
/// The share of the blocks that is left out, where the case does not say.
const SPARSITY: f64 = 0.9;
/// What a share is counted in, so that kernels and reference round alike.
const WHOLE: u64 = 1 << 16;

/// Which blocks are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pattern {
    /// The nearest.
    #[default]
    LocalWindow,
    /// Spread evenly.
    DilatedSparse,
    /// The first of the segment, and of the others the nearest.
    GlobalLocal,
}

impl Pattern {
    /// Every pattern.
    pub const ALL: &[Pattern] = &[Pattern::LocalWindow, Pattern::DilatedSparse, Pattern::GlobalLocal];

    /// The name a case uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pattern::LocalWindow => "local-window",
            Pattern::DilatedSparse => "dilated-sparse",
            Pattern::GlobalLocal => "global-local",
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Pattern::ALL.iter().copied().find(|pattern| pattern.as_str() == text).ok_or_else(|| {
            let known = Pattern::ALL.iter().map(|pattern| pattern.as_str()).collect::<Vec<_>>().join(", ");
            format!("'{text}' is no pattern, there are {known}")
        })
    }
}

/// The sparsity of a case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sparsity {
    /// Which blocks are seen.
    pub pattern: Pattern,
    /// Kept positions of a block, at least 1.
    pub block: u64,
    /// The share of the blocks that is left out, from 0 up to but not including 1.
    pub sparsity: f64,
}

impl Sparsity {
    /// The parameters that fix it.
    pub const PARAMETERS: [&str; 3] = ["block", "pattern", "sparsity"];

    /// What the parameters of `case` say; where it lacks one: blocks of 128, `local-window`, 0.9.
    ///
    /// # Errors
    /// [`PlanError::Case`] where one is malformed or out of its range.
    pub fn of(case: &Case) -> Result<Self, PlanError> {
        let text = |name: &str| case.parameters.get(name).map(String::as_str);
        let pattern = text("pattern").map_or(Ok(Pattern::default()), str::parse);
        let block = text("block").map_or(Some(BLOCK), |text| text.parse().ok()).filter(|block| *block > 0);
        let sparsity = text("sparsity").map_or(Some(SPARSITY), |text| text.parse().ok());
        Ok(Self {
            pattern: pattern.map_err(|message| PlanError::case("pattern", message))?,
            block: block.ok_or_else(|| PlanError::case("block", "is not a positive integer"))?,
            sparsity: sparsity
                .filter(|share| (0.0..1.0).contains(share))
                .ok_or_else(|| PlanError::case("sparsity", "is not a number from 0 up to 1, 1 excluded"))?,
        })
    }

    /// The share of the blocks that is kept, in 65536ths, rounded up: 0.9 leaves a whole tenth.
    pub fn kept_share(&self) -> u64 {
        ((1.0 - self.sparsity) * WHOLE as f64).ceil() as u64
    }

    /// What the queries of block `own` of a segment with `blocks` blocks see.
    pub fn visible(&self, own: u64, blocks: u64, causal: bool) -> Visible {
        let blocks = if causal { own + 1 } else { blocks };
        let count = (u128::from(blocks) * u128::from(self.kept_share()) / u128::from(WHOLE)).max(1) as u64;
        if self.pattern == Pattern::DilatedSparse {
            let stride = blocks.div_ceil(count);
            return Visible { globals: 0, window: own % stride, stride, end: blocks };
        }
        let globals = if self.pattern == Pattern::GlobalLocal { count / 2 } else { 0 };
        let width = count - globals;
        let window = own.saturating_sub((width - 1) / 2).max(globals).min(blocks - width);
        Visible { globals, window, stride: 1, end: window + width }
    }
}

/// The blocks that a block of queries sees: `0..globals`, and every `stride`-th of `window..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visible {
    /// How many from the first on.
    pub globals: u64,
    /// The first of the rest; none of `globals`.
    pub window: u64,
    /// From one of the rest to the next.
    pub stride: u64,
    /// One past the last of all.
    pub end: u64,
}

impl Visible {
    /// The blocks, in ascending order.
    pub fn blocks(self) -> impl Iterator<Item = u64> {
        (0..self.globals).chain((self.window..self.end).step_by(self.stride as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sparsity(pattern: Pattern, sparsity: f64) -> Sparsity {
        Sparsity { pattern, block: 128, sparsity }
    }

    fn seen(pattern: Pattern, share: f64, own: u64, blocks: u64, causal: bool) -> Vec<u64> {
        sparsity(pattern, share).visible(own, blocks, causal).blocks().collect()
    }

    #[test]
    fn patterns_by_hand() {
        use Pattern::*;
        assert_eq!(seen(LocalWindow, 0.7, 5, 10, false), [4, 5, 6]);
        assert_eq!(seen(LocalWindow, 0.7, 0, 10, false), [0, 1, 2]);
        assert_eq!(seen(LocalWindow, 0.7, 9, 10, false), [7, 8, 9]);
        assert_eq!(seen(LocalWindow, 0.7, 9, 10, true), [7, 8, 9]);
        assert_eq!(seen(LocalWindow, 0.5, 3, 10, true), [2, 3]);
        assert_eq!(seen(DilatedSparse, 0.7, 5, 10, false), [1, 5, 9]);
        assert_eq!(seen(DilatedSparse, 0.7, 6, 10, true), [2, 6]);
        assert_eq!(seen(GlobalLocal, 0.6, 7, 10, false), [0, 1, 7, 8]);
        assert_eq!(seen(GlobalLocal, 0.6, 1, 10, false), [0, 1, 2, 3]);
        assert_eq!(seen(GlobalLocal, 0.8, 0, 10, false), [0, 1]);
    }

    #[test]
    fn at_most_the_share_is_seen_ascending_and_the_own_block_always() {
        for pattern in Pattern::ALL {
            for share in [0.0, 0.25, 0.5, 0.9, 0.99] {
                for (blocks, causal) in (1..70).flat_map(|blocks| [(blocks, false), (blocks, true)]) {
                    for own in 0..blocks {
                        let seen = seen(*pattern, share, own, blocks, causal);
                        let there = if causal { own + 1 } else { blocks };
                        let most = ((there as f64 * (1.0 - share) + 1e-9) as usize).max(1);
                        assert!(seen.len() <= most, "{pattern} {share} {own} of {blocks}: {seen:?}");
                        assert!(seen.contains(&own), "{pattern}: {seen:?}");
                        assert!(seen.is_sorted_by(|a, b| a < b) && seen.iter().all(|block| *block < there));
                        if share == 0.0 {
                            assert_eq!(seen.len() as u64, there, "{pattern} leaves something out of {there}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn parameters_have_their_ranges() {
        let of = |name: &str, value: &str| {
            let parameters = [(name.to_owned(), value.to_owned())].into();
            Sparsity::of(&Case { parameters, ..Case::default() })
        };
        assert_eq!(of("ring_size", "2").unwrap(), sparsity(Pattern::LocalWindow, 0.9));
        assert_eq!(of("pattern", "global-local").unwrap().pattern, Pattern::GlobalLocal);
        let message = |name, value| of(name, value).unwrap_err().to_string();
        assert_eq!(
            message("pattern", "local"),
            "pattern: 'local' is no pattern, there are local-window, dilated-sparse, global-local"
        );
        assert_eq!(message("sparsity", "1"), "sparsity: is not a number from 0 up to 1, 1 excluded");
        assert_eq!(message("block", "0"), "block: is not a positive integer");
    }
}
