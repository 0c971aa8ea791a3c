//! Axes: which part of the numbers they show, on which scale, and where their ticks are.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::format;

/// What the numbers on an axis are, which settles how its ticks are worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Nanoseconds,
    Bytes,
    Count,
    Ratio,
    /// A whole number such as a sequence length: `1024`, `16 Ki`.
    Length,
}

impl Unit {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ns" => Unit::Nanoseconds,
            "bytes" => Unit::Bytes,
            "count" => Unit::Count,
            "ratio" => Unit::Ratio,
            _ => return None,
        })
    }

    /// A tick's number: the digits it has and no more.
    fn word(self, value: f64) -> String {
        let short = |text: String| {
            let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
            let number = if number.contains('.') {
                number.trim_end_matches('0').trim_end_matches('.')
            } else {
                number
            };
            if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
        };
        match self {
            Unit::Nanoseconds => short(format::nanoseconds(value)),
            Unit::Bytes => short(format::bytes(value)),
            Unit::Count => short(format::count(value)),
            Unit::Ratio => format!("{}×", short(format::significant(value))),
            Unit::Length => length(value),
        }
    }
}

/// Ten thousand and more in binary steps, where they divide it.
fn length(value: f64) -> String {
    const STEPS: [(f64, &str); 3] = [(1073741824.0, "Gi"), (1048576.0, "Mi"), (1024.0, "Ki")];
    let step = STEPS.iter().find(|(step, _)| value >= 10.0 * step.min(1024.0) && value % step == 0.0);
    match step {
        Some((step, name)) => format!("{} {name}", value / step),
        None => format!("{value}"),
    }
}

/// An axis: a coordinate whose ticks are settled. Its range is of logarithms where it is logarithmic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) log: bool,
    pub(super) range: Range<f64>,
    /// Value and label.
    pub(super) ticks: Vec<(f64, String)>,
}

/// The most ticks of an axis.
const TICKS: usize = 10;
/// Free space at each end, as a part of the range.
const PADDING: f64 = 0.04;

impl Axis {
    /// The axis of the values themselves: a tick at each that there is room for.
    pub(super) fn of_values(values: &[f64], unit: Unit) -> Self {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let ticks = thinned(&values).map(|value| (value, unit.word(value))).collect();
        let place = |value: Option<&f64>| value.map_or(0.0, |value| value.ln());
        Self { log: true, range: padded(place(values.first()), place(values.last())), ticks }
    }

    /// The axis of labelled places, evenly spaced.
    pub(super) fn of_labels(labels: &[(f64, String)]) -> Self {
        let mut labels = labels.to_vec();
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        labels.dedup_by(|a, b| a.0 == b.0);
        let ends = (labels.first().map_or(0.0, |first| first.0), labels.last().map_or(0.0, |last| last.0));
        // Labels are wider than numbers.
        let step = labels.len().div_ceil(TICKS - 2).max(1);
        let ticks = labels.iter().step_by(step).cloned().collect();
        Self { log: false, range: padded(ends.0, ends.1), ticks }
    }

    /// The axis of numbers from `low` to `high`, both above 0, on a logarithmic scale with round ticks.
    pub(super) fn logarithmic(low: f64, high: f64, unit: Unit) -> Self {
        let (base, digits): (f64, &[f64]) = match unit {
            Unit::Bytes => (1024.0, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]),
            _ => (10.0, &[1.0, 2.0, 5.0]),
        };
        let powers = (low.log(base).floor() as i32)..=(high.log(base).ceil() as i32);
        let ticks = powers.flat_map(|power| digits.iter().map(move |digit| digit * base.powi(power)));
        let ticks: Vec<f64> = ticks.filter(|tick| (low..=high).contains(tick)).collect();
        if ticks.len() < 3 {
            return Self::linear_ticks(low, high, unit, true);
        }
        let ticks = thinned(&ticks).map(|value| (value, unit.word(value))).collect();
        Self { log: true, range: padded(low.ln(), high.ln()), ticks }
    }

    /// The axis of numbers from `low` to `high` on a linear scale with round ticks.
    pub(super) fn linear(low: f64, high: f64, unit: Unit) -> Self {
        Self::linear_ticks(low, high, unit, false)
    }

    /// Round ticks at equal steps, whatever the scale.
    fn linear_ticks(low: f64, high: f64, unit: Unit, log: bool) -> Self {
        let place = |value: f64| if log { value.ln() } else { value };
        let rough = (high - low) / 5.0;
        let base: f64 = if unit == Unit::Bytes { 2.0 } else { 10.0 };
        let decade = base.powf(rough.log(base).floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * decade).find(|step| *step >= rough);
        let ticks = match step.filter(|step| step.is_finite() && *step > 0.0) {
            Some(step) => {
                let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
                (first..=last).map(|number| number as f64 * step).filter(|tick| !log || *tick > 0.0).collect()
            }
            None => vec![low],
        };
        let ticks = ticks.into_iter().map(|value| (value, unit.word(value))).collect();
        Self { log, range: padded(place(low), place(high)), ticks }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let place = if self.log { value.ln() } else { *value };
        let share = (place - self.range.start) / (self.range.end - self.range.start);
        first + (share * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // All ticks are bold ones.
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|(value, _)| *value).collect()
    }

    fn range(&self) -> Range<f64> {
        if self.log { self.range.start.exp()..self.range.end.exp() } else { self.range.clone() }
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(tick, _)| tick == value);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// Evenly chosen values, so many as there is room for.
fn thinned(values: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().copied().step_by(values.len().div_ceil(TICKS).max(1))
}

/// A range with some space at its ends; one around a single value where both ends are the same.
fn padded(low: f64, high: f64) -> Range<f64> {
    let space = if high > low { (high - low) * PADDING } else { low.abs().max(1.0) * 0.1 };
    low - space..high + space
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> String {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(
            labels(&Axis::logarithmic(2e5, 3e7, Unit::Nanoseconds)),
            "200 µs | 500 µs | 1 ms | 2 ms | 5 ms | 10 ms | 20 ms"
        );
        assert_eq!(
            labels(&Axis::logarithmic(1.1e6, 1.4e6, Unit::Nanoseconds)),
            "1.1 ms | 1.2 ms | 1.3 ms | 1.4 ms"
        );
        assert_eq!(labels(&Axis::logarithmic(3000.0, 20000.0, Unit::Bytes)), "4 KiB | 8 KiB | 16 KiB");
        assert_eq!(labels(&Axis::linear(0.75, 1.3, Unit::Ratio)), "0.8× | 1× | 1.2×");
        assert!(Axis::logarithmic(1.0, 1e12, Unit::Count).ticks.len() <= TICKS);
    }

    #[test]
    fn lengths_are_ticks_themselves() {
        let axis = Axis::of_values(&[4096.0, 1024.0, 65536.0, 1048576.0, 1000.0, 4096.0], Unit::Length);
        assert_eq!(labels(&axis), "1000 | 1024 | 4096 | 64 Ki | 1 Mi");
        assert!(axis.range().contains(&1024.0));
        assert_eq!(labels(&Axis::of_values(&[512.0], Unit::Length)), "512");
    }

    #[test]
    fn a_single_value_has_a_range() {
        let axis = Axis::linear(1.0, 1.0, Unit::Ratio);
        assert!(axis.range.contains(&1.0) && labels(&axis) == "1×", "{axis:?}");
    }
}
