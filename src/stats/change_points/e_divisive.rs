//! E-divisive change points with the significance test and the merging of Apache Otava (formerly Hunter).
//!
//! Matteson and James, "A nonparametric approach for multiple change point analysis of multivariate data" (2014), gives the
//! divergence; Fleming and others, "Hunter: using change point detection to hunt for performance regressions" (2023), the windows,
//! Student's t-test in place of permutations, and the merging. The indices are those of Otava 0.8.0, quirks included.

use super::two_sided_t;

/// Otava's parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Values that are looked at at a time; windows overlap by half.
    pub window: usize,
    /// Largest p-value of a change point.
    pub max_p_value: f64,
    /// A change point's least relative change, 0.05 for five per cent.
    pub min_magnitude: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: 50, max_p_value: 0.001, min_magnitude: 0.0 }
    }
}

/// A change point between two neighbouring segments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The first value of the segment after it, from 0.
    pub index: usize,
    /// Mean of the segment before.
    pub mean_before: f64,
    /// Mean of the segment after.
    pub mean_after: f64,
    /// Of Student's t-test between the two, two-sided; NaN where neither varies nor differs.
    pub p_value: f64,
}

impl ChangePoint {
    /// The larger of the relative changes forward and backward; 0 where a mean is 0.
    pub fn magnitude(&self) -> f64 {
        let relative = |from: f64, to: f64| if from == 0.0 { 0.0 } else { (to / from - 1.0).abs() };
        relative(self.mean_before, self.mean_after).max(relative(self.mean_after, self.mean_before))
    }
}

/// The change points of a series, ascending. Values must be finite.
pub fn find(series: &[f64], options: &Options) -> Vec<ChangePoint> {
    merge(weak(series, options), series, options)
}

/// The points before merging, found with a laxer p-value.
pub(super) fn weak(series: &[f64], options: &Options) -> Vec<ChangePoint> {
    let lax = match options.max_p_value {
        p if p < 0.05 => p * 10.0,
        p if p < 0.5 => p * 2.0,
        p => p,
    };
    let window = options.window.max(2);
    let mut indices: Vec<usize> = Vec::new();
    let mut start = 0;
    while start < series.len() {
        let end = (start + window).min(series.len());
        let found: Vec<usize> =
            divide(&series[start..end], lax).into_iter().map(|index| start + index).collect();
        let last = found.last().copied().unwrap_or(0);
        start = last.max(start + window / 2);
        indices.extend(found);
    }
    indices.sort_unstable();
    indices.dedup();
    (0..indices.len()).map(|at| point(series, &indices, at)).collect()
}

/// Splits a window where the divergence is largest, again and again, while the split is significant.
fn divide(window: &[f64], max_p_value: f64) -> Vec<usize> {
    let distances = Distances::of(window);
    let mut indices: Vec<usize> = Vec::new();
    loop {
        let ends: Vec<usize> =
            std::iter::once(0).chain(indices.iter().copied()).chain([window.len()]).collect();
        let mut best: Option<(usize, f64)> = None;
        for pair in ends.windows(2).filter(|pair| pair[1] - pair[0] > 1) {
            let candidate = distances.most_divergent(pair[0], pair[1]);
            if best.is_none_or(|(_, divergence)| candidate.1 > divergence) {
                best = Some(candidate);
            }
        }
        let Some((index, _)) = best else { return indices };
        let at = indices.partition_point(|other| *other < index);
        indices.insert(at, index);
        let p_value = point(window, &indices, at).p_value;
        if p_value > max_p_value || p_value.is_nan() {
            indices.remove(at);
            return indices;
        }
    }
}

/// Sums of distances between the values of a window.
struct Distances {
    n: usize,
    /// `within[a * (n + 1) + b]`: the sum over all pairs among the values from a up to b.
    within: Vec<f64>,
}

impl Distances {
    fn of(window: &[f64]) -> Self {
        let n = window.len();
        let mut within = vec![0.0; (n + 1) * (n + 1)];
        for b in 2..=n {
            // The distances of the last value to those from a on.
            let mut to_last = 0.0;
            for a in (0..b - 1).rev() {
                to_last += (window[a] - window[b - 1]).abs();
                within[a * (n + 1) + b] = within[a * (n + 1) + b - 1] + to_last;
            }
        }
        Self { n, within }
    }

    fn within(&self, a: usize, b: usize) -> f64 {
        self.within[a * (self.n + 1) + b]
    }

    /// The place τ in `start..end`, with the divergence, at which the values from start up to τ differ most from those from τ
    /// up to some κ ≤ end.
    fn most_divergent(&self, start: usize, end: usize) -> (usize, f64) {
        let mut best = (start + 1, f64::NEG_INFINITY);
        for tau in start + 1..end {
            // Otava's table of τ by κ has zeros where κ would not lie behind τ, and they can win.
            if tau > start + 1 && 0.0 > best.1 {
                best = (tau, 0.0);
            }
            for kappa in tau + 1..=end {
                let divergence = self.divergence(start, tau, kappa);
                if divergence > best.1 {
                    best = (tau, divergence);
                }
            }
        }
        best
    }

    fn divergence(&self, start: usize, tau: usize, kappa: usize) -> f64 {
        let (m, n) = ((tau - start) as f64, (kappa - tau) as f64);
        let (left, right) = (self.within(start, tau), self.within(tau, kappa));
        let between = self.within(start, kappa) - left - right;
        let mean = |within: f64, count: f64| if count > 1.0 { within / (count - 1.0) } else { 0.0 };
        2.0 / (m + n) * (between - n * mean(left, m) - m * mean(right, n))
    }
}

/// The point `indices[at]` between the segments that its neighbours leave it.
fn point(series: &[f64], indices: &[usize], at: usize) -> ChangePoint {
    let index = indices[at];
    let start = at.checked_sub(1).map_or(0, |before| indices[before]);
    let end = indices.get(at + 1).copied().unwrap_or(series.len());
    let (left, right) = (&series[start..index], &series[index..end]);
    let ((mean_before, var_before), (mean_after, var_after)) = (moments(left), moments(right));
    let (m, n) = (left.len() as f64, right.len() as f64);
    let freedom = m + n - 2.0;
    let p_value = if freedom > 0.0 {
        let variance = ((m - 1.0) * var_before + (n - 1.0) * var_after) / freedom;
        let t = (mean_before - mean_after) / (variance * (1.0 / m + 1.0 / n)).sqrt();
        if t.is_nan() { f64::NAN } else { two_sided_t(t, freedom) }
    } else {
        1.0
    };
    ChangePoint { index, mean_before, mean_after, p_value }
}

/// Mean and variance with divisor n, which Otava hands to a test that expects n − 1.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n)
}

/// Drops the weakest point until every one is significant and large enough.
fn merge(mut points: Vec<ChangePoint>, series: &[f64], options: &Options) -> Vec<ChangePoint> {
    while let Some(mut weakest) = first_best(&points, |a, b| a.p_value > b.p_value) {
        if points[weakest].p_value < options.max_p_value {
            let Some(smallest) = first_best(&points, |a, b| a.magnitude() < b.magnitude()) else { break };
            weakest = smallest;
            if points[weakest].magnitude() > options.min_magnitude {
                break;
            }
        }
        points.remove(weakest);
        let indices: Vec<usize> = points.iter().map(|point| point.index).collect();
        // The two points after the gap, as Otava does; the one before it keeps what it was found with.
        for at in [weakest, weakest + 1] {
            if at < points.len() {
                points[at] = point(series, &indices, at);
            }
        }
    }
    points
}

/// The first point that no later one beats, as Python's `max` and `min` choose.
fn first_best(points: &[ChangePoint], beats: impl Fn(&ChangePoint, &ChangePoint) -> bool) -> Option<usize> {
    (0..points.len()).reduce(|best, next| if beats(&points[next], &points[best]) { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_step_is_found() {
        let series: Vec<f64> =
            (0..40).map(|i| if i < 25 { 10.0 } else { 11.0 } + f64::from(i * 7 % 5) / 20.0).collect();
        let points = find(&series, &Options::default());
        assert_eq!(points.iter().map(|point| point.index).collect::<Vec<_>>(), [25]);
        assert!((points[0].magnitude() - 0.1).abs() < 0.01, "{points:?}");
    }

    #[test]
    fn too_little_has_no_change() {
        for series in [&[][..], &[1.0], &[1.0, 2.0], &[3.0; 100]] {
            assert_eq!(find(series, &Options::default()), []);
        }
    }
}
