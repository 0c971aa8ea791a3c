//! The partition of a series into levels that describes it best for the fewest levels.

/// Fewest values of a level, except at the end of the series, where more may still come.
const SHORTEST: usize = 2;
/// What a level costs, in variances of the noise times ln n: the place and the level itself, as in the modified Bayesian
/// information criterion of Zhang and Siegmund (2007).
const PENALTY: f64 = 3.0;

/// Where levels begin, ascending, without 0: the minimum of the squared distances from the levels' means plus a penalty a level.
///
/// Exact, by dynamic programming over the last boundary, and nearly linear where there are many: a boundary that can no longer
/// win is dropped (PELT: Killick, Fearnhead and Eckley, "Optimal detection of changepoints with a linear computational cost",
/// 2012).
pub(super) fn boundaries(values: &[f64], noise: f64) -> Vec<usize> {
    let n = values.len();
    let Some(first) = values.first() else { return Vec::new() };
    // Sums of values from the first one on, which keeps large levels with little noise exact.
    let mut sums = vec![(0.0, 0.0); n + 1];
    for (i, value) in values.iter().enumerate() {
        let value = value - first;
        sums[i + 1] = (sums[i].0 + value, sums[i].1 + value * value);
    }
    let cost = |start: usize, end: usize| {
        let (sum, squares) = (sums[end].0 - sums[start].0, sums[end].1 - sums[start].1);
        (squares - sum * sum / (end - start) as f64).max(0.0)
    };
    // Without noise any difference is a level; the sums above carry this much rounding.
    let rounding = sums[n].1 * f64::EPSILON * n as f64;
    let penalty = PENALTY * noise * noise * (n as f64).ln() + rounding;

    let mut best = vec![f64::INFINITY; n + 1];
    let mut last = vec![0; n + 1];
    best[0] = -penalty;
    let mut candidates: Vec<usize> = vec![0];
    for end in 1..=n {
        let shortest = if end == n { 1 } else { SHORTEST };
        for &start in candidates.iter().filter(|start| end - **start >= shortest) {
            let total = best[start] + cost(start, end) + penalty;
            if total < best[end] {
                (best[end], last[end]) = (total, start);
            }
        }
        let bound = best[end];
        candidates.retain(|&start| end - start < SHORTEST || best[start] + cost(start, end) <= bound);
        candidates.push(end);
    }
    let mut found = Vec::new();
    let mut at = last[n];
    while at > 0 {
        found.push(at);
        at = last[at];
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_found_where_they_begin() {
        let series = [1.0, 1.1, 0.9, 5.0, 5.1, 1.0, 0.9, 1.1, 1.0, 9.0];
        assert_eq!(boundaries(&series, 0.1), [3, 5, 9]);
        assert_eq!(boundaries(&[4.0; 50], 0.0), []);
        assert_eq!(boundaries(&[], 0.0), []);
        let exact: Vec<f64> = (0..40).map(|i| if i < 13 { 1e9 } else { 1e9 + 1.0 }).collect();
        assert_eq!(boundaries(&exact, 0.0), [13]);
    }
}
