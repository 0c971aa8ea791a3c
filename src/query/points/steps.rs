//! Steps: how the times of an implementation moved from commit to commit, over all its cases.

use datafusion::common::HashMap;

use super::{Id, Points};

/// A time of an implementation at a commit, over its cases there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    line: Line,
    pub(crate) commit: Id,
    pub(crate) ordinal: i64,
    /// Some case is known by the time.
    pub(crate) is_primary: bool,
    pub(crate) cases: i64,
    /// Those that a commit before measured, too.
    pub(crate) compared: i64,
    /// Mean of the medians, in nanoseconds.
    pub(crate) median: f64,
    /// Geometric mean of the medians against those of the points before; NaN where there are none.
    pub(crate) ratio: f64,
    /// Product of the ratios from the first commit on.
    pub(crate) level: f64,
    /// Geometric means of the quartiles against the medians, where there are three samples or more; NaN where there are none.
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// Benchmark type, device, its kind, implementation and metric.
type Line = [Id; 5];

impl Step {
    /// The number of a text, by the name of its column.
    pub(crate) fn text(&self, column: &str) -> Option<Id> {
        let [benchmark_type, device, device_kind, implementation, metric] = self.line;
        Some(match column {
            "type" => benchmark_type,
            "device" => device,
            "device_kind" => device_kind,
            "implementation" => implementation,
            "metric" => metric,
            "commit" => self.commit,
            _ => return None,
        })
    }
}

/// A geometric mean in the making.
#[derive(Debug, Default)]
struct GeometricMean {
    count: i64,
    logarithms: f64,
}

impl GeometricMean {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.logarithms += value.ln();
    }

    fn value(&self) -> f64 {
        (self.logarithms / self.count as f64).exp()
    }
}

#[derive(Debug, Default)]
struct Sums {
    commit: Id,
    is_primary: bool,
    cases: i64,
    medians: f64,
    ratio: GeometricMean,
    lower: GeometricMean,
    upper: GeometricMean,
}

/// The steps of all times, by type, device, implementation and metric, then in git's order.
pub(super) fn of(points: &Points) -> Vec<Step> {
    let mut sums: HashMap<(Line, i64), Sums> = HashMap::new();
    for (number, point) in points.points.iter().enumerate().filter(|(_, point)| point.is_time) {
        let ([benchmark_type, device, implementation, _], [device_kind, ..]) =
            (points.cases[point.series.0 as usize], points.kinds[point.kind as usize]);
        let line = [benchmark_type, device, device_kind, implementation, point.series.1];
        let sums = sums.entry((line, point.ordinal)).or_default();
        sums.commit = point.commit;
        sums.is_primary |= point.is_primary;
        sums.cases += 1;
        sums.medians += point.median;
        if let Some(previous) = points.previous(number) {
            sums.ratio.add(point.median / previous.median);
        }
        if point.sample_count >= 3 {
            for (sums, quartile) in [(&mut sums.lower, point.q1), (&mut sums.upper, point.q3)] {
                if quartile > 0.0 {
                    sums.add(quartile / point.median);
                }
            }
        }
    }
    let step = |((line, ordinal), sums): ((Line, i64), Sums)| Step {
        line,
        commit: sums.commit,
        ordinal,
        is_primary: sums.is_primary,
        cases: sums.cases,
        compared: sums.ratio.count,
        median: sums.medians / sums.cases as f64,
        ratio: sums.ratio.value(),
        level: 1.0,
        lower: sums.lower.value(),
        upper: sums.upper.value(),
    };
    let mut steps: Vec<Step> = sums.into_iter().map(step).collect();
    steps.sort_unstable_by_key(|step| (step.line, step.ordinal));
    for line in steps.chunk_by_mut(|one, next| one.line == next.line) {
        let mut level = 1.0;
        for step in line {
            if !step.ratio.is_nan() {
                level *= step.ratio;
            }
            step.level = level;
        }
    }
    steps
}
