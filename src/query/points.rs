//! Points: every time, and the counts that tell most, of every case at every commit, with the point before it in git's order.
//!
//! Reports follow all series of a history from commit to commit. Grouping and sorting millions of rows by half a dozen texts is what that
//! costs; here each text becomes a number when it is read, and the rest is arithmetic on numbers. The points are made once for as long as
//! the history is held, and the table `points` hands them on, the filtered ones only.

mod gather;

use std::{cmp::Ordering, collections::HashMap};

use pipe_model::Commit;

pub(crate) use self::gather::gather;

/// Counts and bytes that are followed beside times: those that say why a time moved.
pub(crate) const COUNTS: [&str; 6] = [
    "instructions",
    "global_load_sectors",
    "global_store_sectors",
    "shared_bank_conflicts",
    "divergent_branches",
    "peak_memory",
];

/// The columns that tell series apart.
pub(crate) const SERIES_TEXTS: [&str; 8] =
    ["type", "device", "device_kind", "implementation", "config", "metric", "unit", "basis"];

/// A text's number.
type Id = u32;

/// Distinct values, numbered in the order in which they came.
#[derive(Debug)]
struct Numbered<T> {
    ids: HashMap<T, Id>,
    values: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { ids: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    fn id(&mut self, value: T) -> Id {
        let next = Id::try_from(self.values.len()).unwrap_or(Id::MAX);
        let values = &mut self.values;
        *self.ids.entry(value).or_insert_with_key(|value| {
            values.push(value.clone());
            next
        })
    }

    fn value(&self, id: Id) -> &T {
        &self.values[id as usize]
    }
}

/// Benchmark type, device, implementation and config.
type Case = [Id; 4];

/// A case in a run.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    case: Id,
    run: Id,
    commit: Id,
    recorded_at: i64,
    /// None of its rows failed.
    good: bool,
    /// Its primary time by [`rank`], where it has one.
    primary: Option<(u8, Id)>,
}

/// A row that may become a point.
#[derive(Debug, Clone, Copy)]
struct Row {
    attempt: Id,
    metric: Id,
    /// Kind of device, unit and basis.
    kind: Id,
    is_time: bool,
    sample_count: i64,
    /// Times in nanoseconds.
    q1: f64,
    median: f64,
    q3: f64,
}

/// What was read, in numbers.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    texts: Numbered<String>,
    cases: Numbered<Case>,
    kinds: Numbered<[Id; 3]>,
    /// Case, metric, and kind of device, unit and basis, of every row there is.
    series: Numbered<[Id; 3]>,
    /// The rows of each.
    counts: Vec<i64>,
    attempt_ids: HashMap<[Id; 3], Id>,
    attempts: Vec<Attempt>,
    rows: Vec<Row>,
}

/// One metric of a case at a commit, as the newest run there has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// The case and the metric: which series it belongs to.
    series: (Id, Id),
    kind: Id,
    pub(crate) commit: Id,
    pub(crate) ordinal: i64,
    /// It is the time that its case is known by.
    pub(crate) is_primary: bool,
    /// No later commit measured the type on the device.
    pub(crate) is_latest: bool,
    pub(crate) sample_count: i64,
    pub(crate) q1: f64,
    pub(crate) median: f64,
    pub(crate) q3: f64,
}

/// The points of a history.
#[derive(Debug)]
pub(crate) struct Points {
    pub(crate) texts: Vec<String>,
    cases: Vec<Case>,
    kinds: Vec<[Id; 3]>,
    /// Every metric of every case, and how many rows it has in all runs; in units as measured.
    series: Vec<([Id; 3], i64)>,
    /// By series, then in git's order.
    points: Vec<Point>,
}

impl Points {
    /// The newest good points of what was gathered; `behind` says how many of the history's commits come after one.
    fn new(gathered: Gathered, behind: &HashMap<Commit, i64>) -> Self {
        let Gathered { texts, cases, kinds, series, counts, attempts, rows, .. } = gathered;
        let commits = i64::try_from(behind.len()).unwrap_or(i64::MAX);
        let ordinals: HashMap<Id, i64> = attempts
            .iter()
            .map(|attempt| attempt.commit)
            .collect::<std::collections::HashSet<_>>()
            .into_iter()
            .filter_map(|id| Some((id, commits - behind.get(&texts.value(id).parse().ok()?)?)))
            .collect();

        // A case counts as the newest run at a commit has it.
        let mut newest: HashMap<(Id, Id), Id> = HashMap::with_capacity(attempts.len());
        let mut latest: HashMap<[Id; 2], i64> = HashMap::new();
        for (number, attempt) in (0..).zip(&attempts) {
            let age = |attempt: &Attempt| (attempt.recorded_at, texts.value(attempt.run).as_str());
            let place = newest.entry((attempt.case, attempt.commit)).or_insert(number);
            if age(attempt) > age(&attempts[*place as usize]) {
                *place = number;
            }
            let [benchmark_type, device, ..] = *cases.value(attempt.case);
            if let Some(ordinal) = ordinals.get(&attempt.commit) {
                let last = latest.entry([benchmark_type, device]).or_insert(*ordinal);
                *last = (*last).max(*ordinal);
            }
        }

        let point = |row: &Row| {
            let attempt = &attempts[row.attempt as usize];
            let is_newest = newest.get(&(attempt.case, attempt.commit)) == Some(&row.attempt);
            let is_measured = row.median > 0.0 || (!row.is_time && !row.median.is_nan());
            if !(is_newest && attempt.good && is_measured) {
                return None;
            }
            let ordinal = *ordinals.get(&attempt.commit)?;
            let [benchmark_type, device, ..] = *cases.value(attempt.case);
            Some(Point {
                series: (attempt.case, row.metric),
                kind: row.kind,
                commit: attempt.commit,
                ordinal,
                is_primary: attempt.primary.is_some_and(|(_, metric)| metric == row.metric),
                is_latest: latest.get(&[benchmark_type, device]) == Some(&ordinal),
                sample_count: row.sample_count,
                q1: row.q1,
                median: row.median,
                q3: row.q3,
            })
        };
        let mut points: Vec<Point> = rows.iter().filter_map(point).collect();
        points.sort_by_key(|point| (point.series, point.ordinal));
        let series = series.values.into_iter().zip(counts).collect();
        Self { texts: texts.values, cases: cases.values, kinds: kinds.values, series, points }
    }

    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }

    pub(crate) fn point(&self, number: usize) -> &Point {
        &self.points[number]
    }

    /// The point before in the series.
    pub(crate) fn previous(&self, number: usize) -> Option<&Point> {
        let previous = self.points.get(number.checked_sub(1)?)?;
        (previous.series == self.points[number].series).then_some(previous)
    }

    /// The texts of a series, in the order of [`SERIES_TEXTS`], and how many rows it has.
    pub(crate) fn series(&self) -> impl Iterator<Item = ([&str; 8], i64)> {
        self.series.iter().map(|([case, metric, kind], rows)| {
            let ([a, b, c, d], [e, f, g]) = (self.cases[*case as usize], self.kinds[*kind as usize]);
            ([a, b, e, c, d, *metric, f, g].map(|id| self.texts[id as usize].as_str()), *rows)
        })
    }

    /// The number of a text of a point, by the name of its column.
    pub(crate) fn text(&self, column: &str, point: &Point) -> Option<Id> {
        let (case, kind) = (&self.cases[point.series.0 as usize], &self.kinds[point.kind as usize]);
        Some(match column {
            "type" => case[0],
            "device" => case[1],
            "implementation" => case[2],
            "config" => case[3],
            "metric" => point.series.1,
            "device_kind" => kind[0],
            "unit" => kind[1],
            "basis" => kind[2],
            "commit" => point.commit,
            _ => return None,
        })
    }
}

/// Which of a case's times it is known by: the least.
fn rank(metric: &str) -> u8 {
    match metric {
        "gpu_time" => 1,
        "emulation_time" => 2,
        _ => 3,
    }
}

/// Of two primary times the one that comes first; equal ranks are in the order of their names.
fn first(texts: &Numbered<String>, one: (u8, Id), other: (u8, Id)) -> (u8, Id) {
    let names = || texts.value(one.1).cmp(texts.value(other.1));
    if one.0.cmp(&other.0).then_with(names) == Ordering::Greater { other } else { one }
}
