//! A run as rows of the [schema](crate::schema), and back.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, Int64Array, ListBuilder,
        MapArray, MapBuilder, MapFieldNames, RecordBatch, StringArray, StringBuilder,
        StringDictionaryBuilder, TimestampMicrosecondArray,
    },
    datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
    error::ArrowError,
};
use pipe_model::{BenchmarkType, Case, Commit, Device, Measurement, NameError, Run, Unit};
use pipe_stats::Summary;

use crate::schema::{self, MAP_NAMES, sample_field};

/// Why the rows of a file are not a run.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// A value is not one of the words or names its column holds.
    #[error("column `{column}`, row {row}: {source}")]
    Value {
        /// The column.
        column: &'static str,
        /// Row of the file, from 0.
        row: usize,
        /// What is wrong with the value.
        source: NameError,
    },
    /// A value is outside the range of its column.
    #[error("column `{column}`, row {row}: {value} is out of range")]
    Range {
        /// The column.
        column: &'static str,
        /// Row of the file, from 0.
        row: usize,
        /// The value.
        value: i128,
    },
    /// There is no row, so nobody knows what ran where.
    #[error("it holds no row")]
    Empty,
    /// Rows of more than one run.
    #[error("row {row} belongs to another run than row 0")]
    Mixed {
        /// Row of the file, from 0.
        row: usize,
    },
    /// The columns do not fit the schema.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

/// The rows of a run, sorted by metric, implementation, config, so that equal words stand together and a
/// reader that wants one metric finds it in one piece.
///
/// `stated` are the statistics of measurements by their index; it may be shorter than the measurements.
pub(crate) fn to_batch(run: &Run, stated: &[Stated]) -> Result<RecordBatch, RowError> {
    let stated = stated.iter().copied().chain(std::iter::repeat(Stated::default()));
    let mut rows: Vec<(&Measurement, String, Stated)> =
        run.measurements.iter().zip(stated).map(|(m, stated)| (m, m.case.config(), stated)).collect();
    rows.sort_by(|(a, a_config, _), (b, b_config, _)| {
        (&a.metric, &a.implementation, a_config).cmp(&(&b.metric, &b.implementation, b_config))
    });
    let summaries: Vec<Statistics> =
        rows.iter().map(|(m, _, stated)| Statistics::of(&m.samples, stated)).collect();
    let rows: Vec<(&Measurement, String)> = rows.into_iter().map(|(m, config, _)| (m, config)).collect();
    let count = rows.len();
    let every = |value: &str| words(std::iter::repeat_n(Some(value), count));
    let each = |word: fn(&Measurement) -> &str| words(rows.iter().map(|(m, _)| Some(word(m))));
    let dimension = |name, of: fn(&Case) -> Option<u64>| {
        integers(name, rows.iter().map(|(m, _)| of(&m.case).map(i128::from)))
    };
    let statistic = |of: fn(&Statistics) -> Option<f64>| -> ArrayRef {
        Arc::new(summaries.iter().map(of).collect::<Float64Array>())
    };
    let recorded_at =
        TimestampMicrosecondArray::from(vec![run.recorded_at.as_microsecond(); count]).with_timezone("UTC");

    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![run.id.to_string(); count])),
        Arc::new(recorded_at),
        Arc::new(BooleanArray::from_iter(rows.iter().map(|(m, _)| Some(m.dirty)))),
        each(|m| &m.implementation),
        words(rows.iter().map(|(_, config)| Some(config.as_str()))),
        dimension("batch_size", |case| case.batch_size)?,
        dimension("seq_len", |case| case.seq_len)?,
        dimension("num_heads", |case| case.num_heads)?,
        dimension("head_dim", |case| case.head_dim)?,
        words(rows.iter().map(|(m, _)| Some(m.case.dtype?.as_str()))),
        maps(rows.iter().map(|(m, _)| &m.case.parameters))?,
        each(|m| m.metric.as_str()),
        each(|m| m.unit.as_str()),
        each(|m| m.basis.as_str()),
        lists(rows.iter().map(|(m, _)| m.samples.as_slice())),
        integers("sample_count", rows.iter().map(|(m, _)| i128::try_from(m.samples.len()).ok()))?,
        statistic(|s| s.mean),
        statistic(|s| s.std_dev),
        statistic(|s| s.min),
        statistic(|s| s.q1),
        statistic(|s| s.median),
        statistic(|s| s.q3),
        statistic(|s| s.max),
        each(|m| m.status.as_str()),
        texts(rows.iter().map(|(m, _)| m.message.as_str())),
        every(&run.device.name),
        every(run.device.kind.as_str()),
        texts(rows.iter().map(|(m, _)| m.kernel_digest.as_str())),
        maps(std::iter::repeat_n(&run.environment, count))?,
        every(&run.source),
    ];
    Ok(RecordBatch::try_new(schema::schema(), columns)?)
}

/// Statistics that a source states of samples that it does not give, in the unit of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stated {
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Standard deviation.
    pub std_dev: Option<f64>,
    /// Smallest sample.
    pub min: Option<f64>,
    /// First quartile.
    pub q1: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Third quartile.
    pub q3: Option<f64>,
    /// Largest sample.
    pub max: Option<f64>,
}

/// The columns of statistics: of the samples; where there is at most one, and the source states others of the samples
/// behind it, those. What a lone sample cannot know (the range of what it is the mean of) is then left open.
type Statistics = Stated;

impl Statistics {
    fn of(samples: &[f64], stated: &Stated) -> Self {
        let Some(Summary { mean, std_dev, min, q1, median, q3, max, .. }) = Summary::of(samples) else {
            return if samples.is_empty() { *stated } else { Self::default() };
        };
        if samples.len() > 1 || *stated == Stated::default() {
            let [mean, min, q1, median, q3, max] = [mean, min, q1, median, q3, max].map(Some);
            return Self { mean, std_dev, min, q1, median, q3, max };
        }
        Self { mean: stated.mean.or(Some(mean)), median: stated.median.or(Some(median)), ..*stated }
    }
}

/// Text where empty stands for none.
fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(values.map(|text| (!text.is_empty()).then_some(text)).collect::<StringArray>())
}

fn words<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    builder.extend(values);
    Arc::new(builder.finish())
}

fn integers(column: &'static str, values: impl Iterator<Item = Option<i128>>) -> Result<ArrayRef, RowError> {
    let in_range = |(row, value): (usize, Option<i128>)| {
        value
            .map(|value| i64::try_from(value).map_err(|_| RowError::Range { column, row, value }))
            .transpose()
    };
    let values: Vec<Option<i64>> = values.enumerate().map(in_range).collect::<Result<_, _>>()?;
    Ok(Arc::new(Int64Array::from(values)))
}

fn lists<'a>(values: impl Iterator<Item = &'a [f64]>) -> ArrayRef {
    let mut builder = ListBuilder::new(Float64Builder::new()).with_field(sample_field());
    for samples in values {
        builder.values().append_slice(samples);
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn maps<'a>(values: impl Iterator<Item = &'a BTreeMap<String, String>>) -> Result<ArrayRef, ArrowError> {
    let [entry, key, value] = MAP_NAMES.map(str::to_owned);
    let names = MapFieldNames { entry, key, value };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for map in values {
        for (key, value) in map {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true)?;
    }
    Ok(Arc::new(builder.finish()))
}

/// The run that `batch`, in the schema of [`schema()`](crate::schema::schema), holds.
pub(crate) fn from_batch(
    batch: &RecordBatch,
    commit: Commit,
    benchmark_type: BenchmarkType,
) -> Result<Run, RowError> {
    if batch.num_rows() == 0 {
        return Err(RowError::Empty);
    }
    let rows = Rows { batch };
    if let Some(row) = (1..batch.num_rows()).find(|row| rows.text("run_id", *row) != rows.text("run_id", 0)) {
        return Err(RowError::Mixed { row });
    }
    let microseconds = rows.column("recorded_at").as_primitive::<TimestampMicrosecondType>().value(0);
    let recorded_at = jiff::Timestamp::from_microsecond(microseconds).map_err(|_| RowError::Range {
        column: "recorded_at",
        row: 0,
        value: microseconds.into(),
    })?;
    Ok(Run {
        id: rows.parse("run_id", 0)?,
        recorded_at,
        commit,
        benchmark_type,
        device: Device { name: rows.text("device", 0).to_owned(), kind: rows.parse("device_kind", 0)? },
        environment: rows.map("environment", 0),
        source: rows.text("source", 0).to_owned(),
        measurements: (0..batch.num_rows()).map(|row| rows.measurement(row)).collect::<Result<_, _>>()?,
    })
}

/// Typed access to a batch whose schema has been checked.
struct Rows<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    fn column(&self, name: &str) -> &'a ArrayRef {
        // Indexing by name panics only for a column the schema lacks, which no name in this file is.
        &self.batch[name]
    }

    /// The text of a Utf8 or dictionary column; empty where null.
    fn text(&self, name: &'static str, row: usize) -> &'a str {
        let column = self.column(name);
        if column.is_null(row) {
            return "";
        }
        match column.as_dictionary_opt::<Int32Type>() {
            Some(words) => words.key(row).map_or("", |key| words.values().as_string::<i32>().value(key)),
            None => column.as_string::<i32>().value(row),
        }
    }

    fn parse<T: FromStr<Err = NameError>>(&self, column: &'static str, row: usize) -> Result<T, RowError> {
        self.text(column, row).parse().map_err(|source| RowError::Value { column, row, source })
    }

    fn dimension(&self, column: &'static str, row: usize) -> Result<Option<u64>, RowError> {
        let values = self.column(column).as_primitive::<Int64Type>();
        let value = values.is_valid(row).then(|| values.value(row));
        value
            .map(|value| {
                u64::try_from(value).map_err(|_| RowError::Range { column, row, value: value.into() })
            })
            .transpose()
    }

    fn map(&self, name: &'static str, row: usize) -> BTreeMap<String, String> {
        let maps: &MapArray = self.column(name).as_map();
        let pairs = maps.value(row);
        let (keys, values) = (pairs.column(0).as_string::<i32>(), pairs.column(1).as_string::<i32>());
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        keys.iter().zip(values).map(|(key, value)| (text(key), text(value))).collect()
    }

    fn measurement(&self, row: usize) -> Result<Measurement, RowError> {
        let samples = self.column("samples").as_list::<i32>().value(row);
        let samples = samples.as_primitive::<Float64Type>();
        let dtype = if self.column("dtype").is_null(row) { None } else { Some(self.parse("dtype", row)?) };
        Ok(Measurement {
            implementation: self.text("implementation", row).to_owned(),
            case: Case {
                batch_size: self.dimension("batch_size", row)?,
                seq_len: self.dimension("seq_len", row)?,
                num_heads: self.dimension("num_heads", row)?,
                head_dim: self.dimension("head_dim", row)?,
                dtype,
                parameters: self.map("parameters", row),
            },
            metric: self.parse("metric", row)?,
            unit: Unit::named(self.text("unit", row)),
            basis: self.parse("basis", row)?,
            // A null among the samples can only come from another writer; it stands for a number nobody
            // knows.
            samples: samples.iter().map(|sample| sample.unwrap_or(f64::NAN)).collect(),
            status: self.parse("status", row)?,
            message: self.text("message", row).to_owned(),
            dirty: self.column("dirty").as_boolean().value(row),
            kernel_digest: self.text("kernel_digest", row).to_owned(),
        })
    }
}
