//! Reads the history for its points.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use arrow::{
    array::{Array, AsArray, RecordBatch, StringViewArray},
    datatypes::{Float64Type, Int64Type, SchemaRef, TimestampMicrosecondType},
};
use datafusion::common::HashMap;

use super::{Attempt, COUNTS, Gathered, Id, Points, Row, first, rank};
use crate::{
    Error,
    facts::Facts,
    summary::WORTH,
    tables::{
        measurements_schema,
        piece::{Piece, pieces},
        reader::Reading,
        scan::read,
    },
};

/// The columns that are read, the texts first.
const COLUMNS: [&str; 16] = [
    "run_id",
    "commit",
    "type",
    "device",
    "device_kind",
    "implementation",
    "config",
    "metric",
    "unit",
    "basis",
    "status",
    "recorded_at",
    "sample_count",
    "q1",
    "median",
    "q3",
];
const TEXTS: usize = 11;

/// The points of the history that `facts` knows.
///
/// # Errors
/// Where the history cannot be listed, or a file not be read and the session is strict.
pub(crate) fn gather(facts: &Facts) -> Result<Points, Error> {
    let files = facts.listing()?.files.clone();
    let pieces = if files.len() < WORTH { pieces(files) } else { facts.summarised()?.pieces(files) };
    let gathered = read_all(facts, pieces)?;
    Ok(Points::new(gathered, &*facts.behind()?))
}

/// Every thread numbers what it reads for itself; what they have is put together at the end.
fn read_all(facts: &Facts, pieces: Vec<Piece>) -> Result<Gathered, Error> {
    let reading = Reading::all(columns()?);
    let pieces = Mutex::new(pieces.into_iter());
    let next = || pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut gathered = Gathered::default();
        while let Some(piece) = next() {
            match read(&reading, &piece, facts) {
                Ok(batches) => batches.iter().for_each(|batch| gathered.add(batch)),
                Err(warning) => facts.cannot_read(warning).map_err(Error::File)?,
            }
        }
        Ok::<Gathered, Error>(gathered)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..facts.threads().max(1)).map(|_| scope.spawn(work)).collect();
        let mut all: Option<Gathered> = None;
        for thread in threads {
            let gathered = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            match &mut all {
                Some(all) => all.merge(gathered),
                None => all = Some(gathered),
            }
        }
        Ok(all.unwrap_or_default())
    })
}

fn columns() -> Result<SchemaRef, Error> {
    let table = measurements_schema();
    let indices = COLUMNS.map(|name| table.index_of(name));
    let columns =
        indices.into_iter().collect::<Result<Vec<_>, _>>().and_then(|chosen| table.project(&chosen));
    columns.map(Arc::new).map_err(|error| Error::Execution(error.to_string()))
}

/// A column of texts: the distinct ones, and which of them each row has.
struct Texts<'a> {
    distinct: Vec<&'a str>,
    rows: Vec<usize>,
}

impl<'a> Texts<'a> {
    fn of(column: &'a StringViewArray) -> Self {
        // Equal views into the same buffers are equal texts; different ones may be, too.
        let mut known: HashMap<u128, usize> = HashMap::new();
        let (mut distinct, mut rows) = (Vec::new(), Vec::with_capacity(column.len()));
        let mut last: Option<(u128, usize)> = None;
        for (row, view) in column.views().iter().enumerate() {
            let number = match last {
                Some((seen, number)) if seen == *view => number,
                _ => *known.entry(*view).or_insert_with(|| {
                    distinct.push(if column.is_valid(row) { column.value(row) } else { "" });
                    distinct.len() - 1
                }),
            };
            last = Some((*view, number));
            rows.push(number);
        }
        Self { distinct, rows }
    }
}

impl Gathered {
    /// Adds the rows of a batch.
    fn add(&mut self, batch: &RecordBatch) {
        let texts: Vec<Texts<'_>> =
            (0..TEXTS).map(|column| Texts::of(batch.column(column).as_string_view())).collect();
        let recorded_at = batch.column(11).as_primitive::<TimestampMicrosecondType>();
        let sample_counts = batch.column(12).as_primitive::<Int64Type>();
        let [q1, median, q3] = [13, 14, 15].map(|column| batch.column(column).as_primitive::<Float64Type>());

        let ids: Vec<Vec<Id>> = texts
            .iter()
            .map(|column| self.texts.take_in(column.distinct.iter().map(|text| (*text).to_owned())))
            .collect();
        let scales: Vec<Option<f64>> = texts[8].distinct.iter().map(|unit| nanoseconds(unit)).collect();
        let is_count: Vec<bool> = texts[7].distinct.iter().map(|metric| COUNTS.contains(metric)).collect();
        let nanosecond = self.texts.id("ns".to_owned());
        let mut last: Option<([Id; 6], Id)> = None;
        for row in 0..batch.num_rows() {
            let number = |column: usize| texts[column].rows[row];
            let id = |column: usize| ids[column][number(column)];
            let text = |column: usize| texts[column].distinct[number(column)];
            let place = [id(2), id(3), id(5), id(6), id(0), id(1)];
            let attempt = match last {
                Some((seen, attempt)) if seen == place => attempt,
                _ => {
                    let [benchmark_type, device, implementation, config, run, commit] = place;
                    let case = self.cases.id([benchmark_type, device, implementation, config]);
                    self.attempt(Attempt::new(case, run, commit, recorded_at.value(row)))
                }
            };
            last = Some((place, attempt));

            let case = self.attempts[attempt as usize].case;
            let kind = self.kinds.id([id(4), id(8), id(9)]);
            self.count([case, id(7), kind], 1);
            let (scale, basis) = (scales[number(8)], text(9));
            let known = &mut self.attempts[attempt as usize];
            known.recorded_at = known.recorded_at.max(recorded_at.value(row));
            if text(10) != "ok" {
                known.good = false;
                continue;
            }
            let metric = id(7);
            if scale.is_some() && basis == "measured" {
                let candidate = (rank(text(7)), metric);
                known.primary = first(&self.texts, known.primary, Some(candidate));
            }
            if basis == "modelled" || !(scale.is_some() || is_count[number(7)]) {
                continue;
            }
            let kind = if scale.is_some() { self.kinds.id([id(4), nanosecond, id(9)]) } else { kind };
            let scaled = |column: &arrow::array::Float64Array| {
                if column.is_valid(row) { column.value(row) * scale.unwrap_or(1.0) } else { f64::NAN }
            };
            self.rows.push(Row {
                attempt,
                metric,
                kind,
                is_time: scale.is_some(),
                sample_count: if sample_counts.is_valid(row) { sample_counts.value(row) } else { 0 },
                q1: scaled(q1),
                median: scaled(median),
                q3: scaled(q3),
            });
        }
    }

    /// Adds what another thread gathered, under the numbers that are used here.
    fn merge(&mut self, other: Self) {
        let texts = self.texts.take_in(other.texts.values);
        let text = |id: Id| texts[id as usize];
        let cases = self.cases.take_in(other.cases.values.into_iter().map(|case| case.map(text)));
        let kinds = self.kinds.take_in(other.kinds.values.into_iter().map(|kind| kind.map(text)));
        for ([case, metric, kind], rows) in other.series.values.into_iter().zip(other.counts) {
            self.count([cases[case as usize], text(metric), kinds[kind as usize]], rows);
        }
        let attempts: Vec<Id> = other
            .attempts
            .into_iter()
            .map(|attempt| {
                self.attempt(Attempt {
                    case: cases[attempt.case as usize],
                    run: text(attempt.run),
                    commit: text(attempt.commit),
                    primary: attempt.primary.map(|(rank, metric)| (rank, text(metric))),
                    ..attempt
                })
            })
            .collect();
        self.rows.extend(other.rows.into_iter().map(|row| Row {
            attempt: attempts[row.attempt as usize],
            metric: text(row.metric),
            kind: kinds[row.kind as usize],
            ..row
        }));
    }

    /// Counts rows of a series.
    fn count(&mut self, series: [Id; 3], rows: i64) {
        let series = self.series.id(series) as usize;
        self.counts.resize(self.counts.len().max(series + 1), 0);
        self.counts[series] += rows;
    }

    /// Adds what is known of an attempt at a case in a run of a commit, and says its number.
    fn attempt(&mut self, attempt: Attempt) -> Id {
        let next = Id::try_from(self.attempts.len()).unwrap_or(Id::MAX);
        let id = *self.attempt_ids.entry([attempt.case, attempt.run, attempt.commit]).or_insert(next);
        match self.attempts.get_mut(id as usize) {
            Some(known) => {
                known.recorded_at = known.recorded_at.max(attempt.recorded_at);
                known.good &= attempt.good;
                known.primary = first(&self.texts, known.primary, attempt.primary);
            }
            None => self.attempts.push(attempt),
        }
        id
    }
}

/// How many nanoseconds a unit of time has.
fn nanoseconds(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1.0),
        "us" => Some(1e3),
        "ms" => Some(1e6),
        "s" => Some(1e9),
        _ => None,
    }
}
