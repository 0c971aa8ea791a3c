//! Steps told apart from a slow drift.

use super::{Change, Kind, two_sided_t};

/// Fewest values a drift is seen in: fewer are described by a line whatever they do.
const SHORTEST: usize = 8;

/// Replaces each run of steps in one direction by a drift, where a straight line through the values from the level before the
/// first to the end of the last describes them better.
///
/// Better by the Bayesian information criterion, n·ln(sum of squared distances) plus ln n for each number that the description
/// needs (two for a line; for k steps k places and k + 1 levels). A last point that nothing confirms is no part of it.
pub(super) fn replace_by_drifts(values: &[f64], changes: &mut Vec<Change>) {
    let mut first = 0;
    while first < changes.len() {
        let mut run = run_from(changes, first);
        // The longest run that is a drift; its rest may be steps.
        while run > 0 {
            if let Some(drift) = drift(values, changes, first, run) {
                changes.splice(first..first + run, [drift]);
                break;
            }
            run -= 1;
        }
        first += 1;
    }
}

/// How many steps from `first` on go in one direction.
fn run_from(changes: &[Change], first: usize) -> usize {
    let up = |change: &Change| change.after > change.before;
    let direction = up(&changes[first]);
    changes[first..].iter().take_while(|change| change.kind == Kind::Step && up(change) == direction).count()
}

fn drift(values: &[f64], changes: &[Change], first: usize, run: usize) -> Option<Change> {
    let steps = &changes[first..first + run];
    let start = match first.checked_sub(1).map(|before| changes[before]) {
        None => 0,
        Some(Change { kind: Kind::Drift, end, .. }) => end,
        Some(before) => before.index,
    };
    let end = steps.last()?.end;
    // Right behind a drift there is no level before the first step.
    if end - start < SHORTEST || start == steps.first()?.index {
        return None;
    }
    let span = &values[start..end];
    let n = span.len() as f64;
    let mut of_steps = 0.0;
    let mut from = start;
    for (level, to) in std::iter::once((steps.first()?.before, steps.first()?.index))
        .chain(steps.iter().map(|step| (step.after, step.end)))
    {
        of_steps += values[from..to].iter().map(|value| (value - level).powi(2)).sum::<f64>();
        from = to;
    }

    // Least squares around the middle of the span.
    let middle = (n - 1.0) / 2.0;
    let level = span.iter().sum::<f64>() / n;
    let moments = span.iter().enumerate().map(|(i, value)| (i as f64 - middle, value - level));
    let (squares, products) = moments.fold((0.0, 0.0), |(s, p), (x, y)| (s + x * x, p + x * y));
    let slope = products / squares;
    let at = |i: f64| level + slope * (i - middle);
    let of_line: f64 = span.iter().enumerate().map(|(i, value)| (value - at(i as f64)).powi(2)).sum();

    let steps_need_more = (2 * run + 1 - 2) as f64;
    if n * of_line.ln() >= n * of_steps.ln() + steps_need_more * n.ln() {
        return None;
    }
    let error = (of_line / (n - 2.0) / squares).sqrt();
    Some(Change {
        index: start,
        end,
        kind: Kind::Drift,
        before: at(0.0),
        after: at(n - 1.0),
        p_value: two_sided_t(slope / error, n - 2.0),
    })
}
