//! Points: every time, and the counts that tell most, of every case at every commit, with the point before it in git's order.
//!
//! Reports follow all series of a history from commit to commit. Grouping and sorting millions of rows by half a dozen texts is what that
//! costs; here each text becomes a number when it is read, and the rest is arithmetic on numbers. The points are made once for as long as
//! the history is held, and the table `points` hands them on, the filtered ones only.

mod gather;
mod steps;

use std::{cmp::Ordering, collections, sync::OnceLock};

use arrow::{
    array::{ArrayRef, StringViewArray, UInt32Array},
    compute::take,
    error::ArrowError,
};
use datafusion::common::HashMap;
use pipe_model::Commit;

pub(crate) use self::{gather::gather, steps::Step};

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

    /// Takes in the values of another, and says which number each of them has here.
    fn take_in(&mut self, values: impl IntoIterator<Item = T>) -> Vec<Id> {
        values.into_iter().map(|value| self.id(value)).collect()
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

impl Attempt {
    fn new(case: Id, run: Id, commit: Id, recorded_at: i64) -> Self {
        Self { case, run, commit, recorded_at, good: true, primary: None }
    }
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
    is_time: bool,
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
    texts: Vec<String>,
    cases: Vec<Case>,
    kinds: Vec<[Id; 3]>,
    /// Every metric of every case, and how many rows it has in all runs; in units as measured.
    series: Vec<([Id; 3], i64)>,
    /// By series, then in git's order.
    points: Vec<Point>,
    steps: OnceLock<Vec<Step>>,
}

impl Points {
    /// The newest good points of what was gathered; `behind` says how many of the history's commits come after one.
    fn new(gathered: Gathered, behind: &collections::HashMap<Commit, i64>) -> Self {
        let Gathered { texts, cases, kinds, series, counts, attempts, rows, .. } = gathered;
        let commits = i64::try_from(behind.len()).unwrap_or(i64::MAX);
        let mut ordinals: HashMap<Id, Option<i64>> = HashMap::new();
        let ordinals: Vec<Option<i64>> = attempts
            .iter()
            .map(|attempt| {
                *ordinals.entry(attempt.commit).or_insert_with(|| {
                    Some(commits - behind.get(&texts.value(attempt.commit).parse().ok()?)?)
                })
            })
            .collect();

        // A case counts as the newest run at a commit has it.
        let mut newest: HashMap<(Id, Id), usize> = HashMap::with_capacity(attempts.len());
        let mut latest: HashMap<[Id; 2], i64> = HashMap::new();
        for (number, attempt) in attempts.iter().enumerate() {
            let age = |attempt: &Attempt| (attempt.recorded_at, texts.value(attempt.run).as_str());
            let place = newest.entry((attempt.case, attempt.commit)).or_insert(number);
            if age(attempt) > age(&attempts[*place]) {
                *place = number;
            }
            let [benchmark_type, device, ..] = *cases.value(attempt.case);
            if let Some(ordinal) = ordinals[number] {
                let last = latest.entry([benchmark_type, device]).or_insert(ordinal);
                *last = (*last).max(ordinal);
            }
        }
        // The ordinal of every attempt that gives points, and whether it is the latest of its type and device.
        let mut shown: Vec<Option<(i64, bool)>> = vec![None; attempts.len()];
        for number in newest.into_values().filter(|number| attempts[*number].good) {
            let [benchmark_type, device, ..] = *cases.value(attempts[number].case);
            shown[number] = ordinals[number]
                .map(|ordinal| (ordinal, latest.get(&[benchmark_type, device]) == Some(&ordinal)));
        }

        let point = |row: &Row| {
            let (ordinal, is_latest) = shown[row.attempt as usize]?;
            let is_measured = row.median > 0.0 || (!row.is_time && !row.median.is_nan());
            let attempt = &attempts[row.attempt as usize];
            is_measured.then(|| Point {
                series: (attempt.case, row.metric),
                kind: row.kind,
                commit: attempt.commit,
                ordinal,
                is_time: row.is_time,
                is_primary: attempt.primary.is_some_and(|(_, metric)| metric == row.metric),
                is_latest,
                sample_count: row.sample_count,
                q1: row.q1,
                median: row.median,
                q3: row.q3,
            })
        };
        let mut points: Vec<Point> = rows.iter().filter_map(point).collect();
        points.sort_unstable_by_key(|point| (point.series, point.ordinal, point.kind));
        let series = series.values.into_iter().zip(counts).collect();
        Self {
            texts: texts.values,
            cases: cases.values,
            kinds: kinds.values,
            series,
            points,
            steps: OnceLock::new(),
        }
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

    /// The points of an implementation's cases taken together, by type, device, implementation and metric, then in git's order.
    pub(crate) fn steps(&self) -> &[Step] {
        self.steps.get_or_init(|| steps::of(self))
    }

    /// A column of the texts that have these numbers. It holds each of them once and no others, since the engine counts what a column
    /// holds as often as a batch has it.
    pub(crate) fn texts(&self, ids: impl Iterator<Item = Option<Id>>) -> Result<ArrayRef, ArrowError> {
        let mut own = Numbered::default();
        let places: UInt32Array = ids.map(|id| id.map(|id| own.id(id))).collect();
        let texts = own.values.iter().map(|id| Some(self.texts[*id as usize].as_str()));
        take(&texts.collect::<StringViewArray>(), &places, None)
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
fn first(texts: &Numbered<String>, one: Option<(u8, Id)>, other: Option<(u8, Id)>) -> Option<(u8, Id)> {
    let (Some((rank, metric)), Some((other_rank, other_metric))) = (one, other) else { return one.or(other) };
    let names = || texts.value(metric).cmp(texts.value(other_metric));
    if rank.cmp(&other_rank).then_with(names) == Ordering::Greater { other } else { one }
}
