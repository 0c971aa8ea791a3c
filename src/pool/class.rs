//! Size classes: eight steps from one power of two to the next, in multiples of the alignment.

/// Every block begins at a multiple of this many bytes, as every allocation of CUDA's does, and has a multiple of it.
pub const ALIGNMENT: u64 = 256;

/// Binary digits of a class's size beside the leading one.
const DIGITS: u32 = 3;

/// The least size of a class that holds `bytes`: less than an eighth more, or than [`ALIGNMENT`]. `None` beyond 2^64.
pub(crate) fn round_up(bytes: u64) -> Option<u64> {
    let granules = bytes.max(1).div_ceil(ALIGNMENT);
    // With four digits or fewer every multiple of the alignment is a class of its own.
    let dropped = granules.ilog2().saturating_sub(DIGITS);
    granules.checked_next_multiple_of(1 << dropped)?.checked_mul(ALIGNMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_up_to_fifteen_granules_are_exact_and_then_eight_a_power_of_two() {
        let of = |granules: u64| round_up(granules * ALIGNMENT).unwrap() / ALIGNMENT;
        assert!((1..=16).all(|granules| of(granules) == granules));
        let classes: std::collections::BTreeSet<u64> = (17..=32).map(of).collect();
        assert_eq!(classes.into_iter().collect::<Vec<_>>(), [18, 20, 22, 24, 26, 28, 30, 32]);
        assert_eq!(round_up(0), Some(ALIGNMENT));
        assert_eq!(round_up(1), Some(ALIGNMENT));
        assert_eq!(round_up(u64::MAX), None);
    }
}
