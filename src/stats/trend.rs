//! Where a series of values, one a commit, went.

/// The ends of a series in commit order. Ratios are newer over older: below 1 the value shrank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// The oldest value.
    pub first: f64,
    /// The one before the newest.
    pub previous: f64,
    /// The newest.
    pub last: f64,
}

impl Trend {
    /// The trend of values (usually medians), oldest first; `None` below two values and where one is NaN or
    /// infinite.
    pub fn of(values: &[f64]) -> Option<Trend> {
        if !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let [.., previous, last] = *values else { return None };
        Some(Trend { first: *values.first()?, previous, last })
    }

    /// Newest over the one before; `None` where no ratio says anything: a base of 0, or signs that differ.
    pub fn since_previous(&self) -> Option<f64> {
        ratio(self.last, self.previous)
    }

    /// Newest over oldest; `None` as for [`since_previous`](Self::since_previous).
    pub fn since_first(&self) -> Option<f64> {
        ratio(self.last, self.first)
    }
}

fn ratio(new: f64, base: f64) -> Option<f64> {
    let ratio = new / base;
    (ratio.is_finite() && ratio >= 0.0 && base != 0.0).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_newer_over_older() {
        let trend = Trend::of(&[100.0, 80.0, 120.0]).unwrap();
        assert_eq!(trend.since_previous(), Some(1.5));
        assert_eq!(trend.since_first(), Some(1.2));
        let two = Trend::of(&[4.0, 2.0]).unwrap();
        assert_eq!((two.since_previous(), two.since_first()), (Some(0.5), Some(0.5)));
    }

    #[test]
    fn what_has_no_trend_has_none() {
        assert_eq!(Trend::of(&[]), None);
        assert_eq!(Trend::of(&[1.0]), None);
        assert_eq!(Trend::of(&[1.0, f64::NAN, 2.0]), None);
        assert_eq!(Trend::of(&[0.0, 1.0]).unwrap().since_previous(), None);
        assert_eq!(Trend::of(&[-1.0, 1.0]).unwrap().since_previous(), None);
    }
}
