//! Where the level of a series, one value a commit, changed: steps, drifts, and a last point that nothing confirms yet.
//!
//! [`find`] is what pipe uses. [`e_divisive`] alone is Apache Otava's algorithm, index for index, for those who want its answers.
//!
//! Candidates come from two sides: e-divisive, which assumes little of the values and misses short segments, and a
//! [least-squares partition](partition), which finds segments of two values. Both go through one elimination like Otava's,
//! weakest first, against a noise that is estimated inside the segments. Spikes of a single value are no change.
//! What is left is looked at once more: where a straight line describes a run of steps in one direction better than the steps do,
//! it is a drift.

pub mod e_divisive;
mod line;
mod partition;

use statrs::function::beta::beta_reg;

use crate::{mean, noise_of_differences};

/// How [`find`] tells changes from noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The probability of a false change in a series without any, over all its places.
    pub max_p_value: f64,
    /// The least relative change that matters: 0.01 is one per cent of the smaller level.
    pub min_magnitude: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_p_value: 0.001, min_magnitude: 0.0 }
    }
}

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From one value to the next, and at least two values confirm the new level.
    Step,
    /// Slowly, from `index` to `end`.
    Drift,
    /// A step at the last value, which no later one confirms.
    Unconfirmed,
}

impl Kind {
    /// The word for it: `step`, `drift` or `unconfirmed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Step => "step",
            Kind::Drift => "drift",
            Kind::Unconfirmed => "unconfirmed",
        }
    }
}

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The first value of the new level, from 0; of a drift the value at which it begins.
    pub index: usize,
    /// One behind the last value of the new level, or of the drift.
    pub end: usize,
    /// What kind.
    pub kind: Kind,
    /// Mean of the level before; of a drift the value of its line where it begins.
    pub before: f64,
    /// Mean of the new level; of a drift the value of its line where it ends.
    pub after: f64,
    /// The probability of such a change by chance, over all places of the series.
    pub p_value: f64,
}

impl Change {
    /// The level after over the level before; `None` where that says nothing.
    pub fn ratio(&self) -> Option<f64> {
        let ratio = self.after / self.before;
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    fn magnitude(&self) -> f64 {
        let relative = |from: f64, to: f64| if from == 0.0 { f64::INFINITY } else { (to / from - 1.0).abs() };
        if self.before == self.after {
            return 0.0;
        }
        relative(self.before, self.after).max(relative(self.after, self.before))
    }
}

/// The changes of a series, oldest first. `None` where a value is NaN or infinite.
pub fn find(series: &[f64], options: &Options) -> Option<Vec<Change>> {
    if !series.iter().all(|value| value.is_finite()) {
        return None;
    }
    let Some(noise) = noise_of_differences(series) else { return Some(Vec::new()) };
    let kept = without_spikes(series, noise);
    let values: Vec<f64> = kept.iter().map(|index| series[*index]).collect();

    let weak = e_divisive::Options { max_p_value: options.max_p_value, ..e_divisive::Options::default() };
    let mut boundaries: Vec<usize> =
        e_divisive::weak(&values, &weak).iter().map(|point| point.index).collect();
    boundaries.extend(partition::boundaries(&values, noise));
    boundaries.sort_unstable();
    boundaries.dedup();
    let mut changes = eliminate(&values, boundaries, noise, options);
    line::replace_by_drifts(&values, &mut changes);

    // Back to the places in the whole series.
    for change in &mut changes {
        change.end = kept.get(change.end).copied().unwrap_or(series.len());
        change.index = kept[change.index];
    }
    Some(changes)
}

/// How many noises a single value must lie beyond both neighbours to be a spike.
const SPIKE: f64 = 5.0;

/// The indices of the values that are no spike: no single value far off both neighbours, on one side. A last value has only
/// one neighbour and stays.
fn without_spikes(series: &[f64], noise: f64) -> Vec<usize> {
    let far = |from: f64, to: f64| if (to - from).abs() > SPIKE * noise { (to - from).signum() } else { 0.0 };
    let is_spike = |index: usize| {
        let (before, after) = match (index.checked_sub(1), index + 1) {
            // The first value is held against the two that follow.
            (None, 1) if series.len() > 3 => (series[1], series[2]),
            (Some(before), after) if after < series.len() => (series[before], series[after]),
            _ => return false,
        };
        let direction = far(before, series[index]);
        let apart = (before - after).abs();
        direction != 0.0
            && direction == far(after, series[index])
            && apart < (series[index] - before).abs() / 2.0
    };
    (0..series.len()).filter(|index| !is_spike(*index)).collect()
}

/// Drops the weakest boundary until all that are left are changes.
fn eliminate(values: &[f64], mut boundaries: Vec<usize>, noise: f64, options: &Options) -> Vec<Change> {
    loop {
        let changes = changes_at(values, &boundaries, noise);
        // A segment of one value that is not the last is no level: it goes with its weaker edge.
        let is_weak = |change: &Change| {
            change.p_value > options.max_p_value
                || (change.end - change.index == 1 && change.end < values.len())
        };
        let weakest = changes
            .iter()
            .enumerate()
            .filter(|(_, change)| is_weak(change))
            .max_by(|(_, a), (_, b)| a.p_value.total_cmp(&b.p_value))
            .or_else(|| {
                let smallest = changes
                    .iter()
                    .enumerate()
                    .min_by(|(_, a), (_, b)| a.magnitude().total_cmp(&b.magnitude()));
                smallest.filter(|(_, change)| change.magnitude() <= options.min_magnitude)
            });
        match weakest {
            Some((index, _)) => drop(boundaries.remove(index)),
            None => return changes,
        }
    }
}

/// What the boundaries are worth, each against the segments on its two sides.
fn changes_at(values: &[f64], boundaries: &[usize], noise: f64) -> Vec<Change> {
    let ends: Vec<usize> =
        std::iter::once(0).chain(boundaries.iter().copied()).chain([values.len()]).collect();
    let segments: Vec<(usize, usize, f64)> = ends
        .windows(2)
        .map(|pair| (pair[0], pair[1], mean(&values[pair[0]..pair[1]]).unwrap_or(f64::NAN)))
        .collect();
    let squares: f64 = segments
        .iter()
        .flat_map(|(start, end, level)| values[*start..*end].iter().map(move |value| (value - level).powi(2)))
        .sum();
    let freedom = (values.len() - segments.len()).max(1) as f64;
    // Inside the segments, so that a change does not widen it; and no less than neighbours differ.
    let noise = noise.max((squares / freedom).sqrt());
    let places = values.len() as f64;
    segments
        .windows(2)
        .map(|pair| {
            let ((left, index, before), (_, end, after)) = (pair[0], pair[1]);
            let (m, n) = ((index - left) as f64, (end - index) as f64);
            let t = (after - before) / (noise * (1.0 / m + 1.0 / n).sqrt());
            // Every place of the series could have been the one (Bonferroni).
            let p_value = (two_sided_t(t, freedom) * places).min(1.0);
            let kind = if n < 2.0 { Kind::Unconfirmed } else { Kind::Step };
            Change { index, end, kind, before, after, p_value }
        })
        .collect()
}

/// The probability that Student's t with `freedom` degrees of freedom is as far from 0 as `t`; 1 where t is no number, because
/// nothing moved and nothing is noisy.
pub(crate) fn two_sided_t(t: f64, freedom: f64) -> f64 {
    if t.is_nan() {
        return 1.0;
    }
    if t.is_infinite() {
        return 0.0;
    }
    beta_reg(freedom / 2.0, 0.5, (freedom / (freedom + t * t)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wobble(i: usize) -> f64 {
        // A fixed sample of a normal distribution with standard deviation 1.
        let sample = [
            0.3, -1.2, 0.8, 0.1, -0.5, 1.4, -0.2, 0.6, -1.7, 0.4, 0.9, -0.7, 0.0, 1.1, -0.9, -0.3, 0.5, -0.1,
            2.0, -1.0, 0.2,
        ];
        sample[(i * 8 + i / 21) % 21]
    }

    fn found(levels: impl Fn(usize) -> f64, n: usize) -> Vec<(usize, usize, Kind)> {
        let series: Vec<f64> = (0..n).map(|i| levels(i) + wobble(i)).collect();
        let changes = find(&series, &Options::default()).unwrap();
        changes.iter().map(|change| (change.index, change.end, change.kind)).collect()
    }

    #[test]
    fn nothing_in_noise() {
        for n in 0..200 {
            assert_eq!(found(|_| 100.0, n), [], "{n} values");
        }
    }

    #[test]
    fn a_regression_fixed_three_commits_later_has_both_edges() {
        for (n, at) in [(12, 5), (60, 30), (200, 150)] {
            let bump = |i: usize| if (at..at + 3).contains(&i) { 110.0 } else { 100.0 };
            assert_eq!(found(bump, n), [(at, at + 3, Kind::Step), (at + 3, n, Kind::Step)], "{n} values");
        }
    }

    #[test]
    fn a_lone_last_point_is_unconfirmed_until_a_second_one_comes() {
        let step = |i: usize| if i < 40 { 100.0 } else { 112.0 };
        assert_eq!(found(step, 41), [(40, 41, Kind::Unconfirmed)]);
        assert_eq!(found(step, 42), [(40, 42, Kind::Step)]);
    }

    #[test]
    fn a_drift_is_one_change_and_a_step_after_it_another() {
        let drift = |i: usize| 100.0 + 20.0 * (i.min(80) as f64) / 80.0;
        let changes = found(drift, 81);
        assert_eq!(changes, [(0, 81, Kind::Drift)]);
        let then_step = |i: usize| drift(i) + if i >= 100 { 30.0 } else { 0.0 };
        let changes = found(then_step, 140);
        assert!(changes.contains(&(100, 140, Kind::Step)), "{changes:?}");
        assert!(changes.iter().any(|change| change.2 == Kind::Drift), "{changes:?}");
    }

    #[test]
    fn spikes_are_no_change() {
        for at in [0, 1, 20, 38] {
            assert_eq!(found(|i| if i == at { 160.0 } else { 100.0 }, 40), [], "at {at}");
        }
    }

    #[test]
    fn exact_series_are_taken_at_their_word() {
        let series: Vec<f64> = (0..30).map(|i| if i < 10 { 7.0 } else { 7.001 }).collect();
        let changes = find(&series, &Options::default()).unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].index, changes[0].kind), (10, Kind::Step));
        assert!(changes[0].p_value < 1e-300, "{changes:?}");
        let large = Options { min_magnitude: 0.01, ..Options::default() };
        assert_eq!(find(&series, &large), Some(vec![]));
        assert_eq!(find(&[1.0, f64::NAN], &large), None);
    }

    /// `scipy.stats.ttest_ind_from_stats(10, 1.5, 7, 12, 2.0, 5)`, scipy 1.17.1.
    #[test]
    fn the_tails_of_t_are_scipys() {
        assert!((two_sided_t(-1.988668464044976, 10.0) - 0.0747861868978423).abs() < 1e-14);
    }
}
