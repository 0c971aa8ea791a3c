//! The columns of the history: one row is one metric of one case in one run.
//!
//! | column | type | null | meaning |
//! | --- | --- | --- | --- |
//! | `run_id` | Utf8 | no | which run; a UUIDv7, also the name of the file |
//! | `recorded_at` | Timestamp(µs, "UTC") | no | when the run began |
//! | `dirty` | Boolean | no | the kernels differed from the commit's |
//! | `implementation` | Dictionary(Int32, Utf8) | no | `improved-dilated` … |
//! | `config` | Dictionary(Int32, Utf8) | no | canonical text of all parameters, sorted: the identity of a series with type, implementation, device and metric |
//! | `batch_size` | Int64 | yes | independent sequences |
//! | `seq_len` | Int64 | yes | tokens of a sequence |
//! | `num_heads` | Int64 | yes | attention heads |
//! | `head_dim` | Int64 | yes | elements of one head's vector |
//! | `dtype` | Dictionary(Int32, Utf8) | yes | `f32`, `f16`, `bf16` |
//! | `parameters` | Map(Utf8, Utf8) | no | the rest: segment_lengths, dilation_rates, ring_size, sparsity … |
//! | `metric` | Dictionary(Int32, Utf8) | no | `gpu_time`, `emulation_time`, `peak_memory`, `instructions` … |
//! | `unit` | Dictionary(Int32, Utf8) | no | of the samples: `ns`, `bytes`, `count`, `1` |
//! | `basis` | Dictionary(Int32, Utf8) | no | `measured`, `counted`, `modelled`, `extrapolated` |
//! | `samples` | List(Float64) | no | every raw sample, in the order taken; empty where the case failed |
//! | `sample_count` | Int64 | no | how many samples |
//! | `mean` | Float64 | yes | arithmetic mean; like all that follow up to `max`, null without samples and where one is not finite |
//! | `std_dev` | Float64 | yes | sample standard deviation, divisor n − 1; null for a single sample |
//! | `min` | Float64 | yes | smallest sample |
//! | `q1` | Float64 | yes | first quartile, interpolated linearly |
//! | `median` | Float64 | yes | median |
//! | `q3` | Float64 | yes | third quartile |
//! | `max` | Float64 | yes | largest sample |
//! | `status` | Dictionary(Int32, Utf8) | no | `ok`, `out_of_memory`, `wrong_result`, `trap`, `timeout`, `error`, `skipped`: a failure is a row, never a gap |
//! | `message` | Utf8 | yes | why the case ended so; of a few metrics that are `ok` what they are of, else null |
//! | `device` | Dictionary(Int32, Utf8) | no | as the driver names it |
//! | `device_kind` | Dictionary(Int32, Utf8) | no | `cuda`, `embedded`, `imported` |
//! | `kernel_digest` | Utf8 | yes | of the PTX and manifest that ran; null where none is known |
//! | `environment` | Map(Utf8, Utf8) | no | driver, clocks, CPU, OS, pipe version, command line |
//! | `source` | Dictionary(Int32, Utf8) | no | what wrote the row: `pipe 0.1.0`, `import:nvbench` … |
//!
//! An import that has one number for many calls (their mean) gives it as the one sample; what its source states of those
//! calls stands in `mean` to `max`, and is null there where it states nothing.
//!
//! Two more columns, `commit` and `type`, are the partitions `commit=…/type=…` of the path and not in the
//! file; readers of hive-partitioned folders add them. Dictionary types are Arrow's and only a hint: to
//! Parquet they are plain strings.
//!
//! An [archive](crate::archive) holds the rows of many runs under `commit=archive/type=…` and has one column more,
//! `archived_commit`, which says the commit of each row.
//!
//! Changes are additive. A new column is nullable, and a file without it reads as null; a column a reader
//! does not know is ignored. Each file names the version it was written with under [`VERSION_KEY`].

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::schema::types::ColumnPath;

/// Version of the schema; grows when a column is added.
pub const VERSION: u32 = 1;
/// Key of the schema's version in the Parquet file's own metadata.
pub const VERSION_KEY: &str = "pipe.schema_version";
/// Key of the run id in the Parquet file's own metadata.
pub const RUN_ID_KEY: &str = "pipe.run_id";
/// Key of the commit in the Parquet file's own metadata, so that a file stays readable away from its
/// partition.
pub const COMMIT_KEY: &str = "pipe.commit";
/// Key of the benchmark type in the Parquet file's own metadata.
pub const TYPE_KEY: &str = "pipe.type";

/// The partition columns, in the order of the folders.
pub const PARTITIONS: [&str; 2] = ["commit", "type"];

/// The columns stored in a file, in order.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(columns())));
    Arc::clone(&SCHEMA)
}

/// The columns a reader of the whole history sees: the stored ones, then the partitions `commit` and `type`
/// as Utf8.
pub fn table_schema() -> SchemaRef {
    let partitions = PARTITIONS.map(|name| Field::new(name, DataType::Utf8, false));
    Arc::new(Schema::new([columns(), partitions.into()].concat()))
}

fn columns() -> Vec<Field> {
    let required = |name: &str, data_type| Field::new(name, data_type, false);
    let optional = |name: &str, data_type| Field::new(name, data_type, true);
    vec![
        required("run_id", DataType::Utf8),
        required("recorded_at", timestamp()),
        required("dirty", DataType::Boolean),
        required("implementation", word()),
        required("config", word()),
        optional("batch_size", DataType::Int64),
        optional("seq_len", DataType::Int64),
        optional("num_heads", DataType::Int64),
        optional("head_dim", DataType::Int64),
        optional("dtype", word()),
        required("parameters", text_map()),
        required("metric", word()),
        required("unit", word()),
        required("basis", word()),
        required("samples", DataType::List(sample_field())),
        required("sample_count", DataType::Int64),
        optional("mean", DataType::Float64),
        optional("std_dev", DataType::Float64),
        optional("min", DataType::Float64),
        optional("q1", DataType::Float64),
        optional("median", DataType::Float64),
        optional("q3", DataType::Float64),
        optional("max", DataType::Float64),
        required("status", word()),
        optional("message", DataType::Utf8),
        required("device", word()),
        required("device_kind", word()),
        optional("kernel_digest", DataType::Utf8),
        required("environment", text_map()),
        required("source", word()),
    ]
}

/// The Parquet paths of every column of floating-point numbers.
pub(crate) fn float_columns() -> Vec<ColumnPath> {
    let path = |field: &FieldRef| match field.data_type() {
        DataType::Float64 => Some(ColumnPath::from(field.name().as_str())),
        DataType::List(element) => {
            Some(ColumnPath::new(vec![field.name().clone(), "list".to_owned(), element.name().clone()]))
        }
        _ => None,
    };
    schema().fields().iter().filter_map(path).collect()
}

/// The column that an archive has besides: the commit that its partition cannot say.
pub(crate) fn archived_commit() -> FieldRef {
    Arc::new(Field::new(crate::archive::COMMIT_COLUMN, word(), false))
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A word of a small set, stored once a file.
fn word() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The element of `samples`, named as the Parquet format names the element of a list.
pub(crate) fn sample_field() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Float64, true))
}

/// The names Arrow and Parquet agree on for the parts of a map.
pub(crate) const MAP_NAMES: [&str; 3] = ["key_value", "key", "value"];

fn text_map() -> DataType {
    let [entries, key, value] = MAP_NAMES;
    let pair =
        Fields::from(vec![Field::new(key, DataType::Utf8, false), Field::new(value, DataType::Utf8, true)]);
    DataType::Map(Arc::new(Field::new(entries, DataType::Struct(pair), false)), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A type as the table above writes it.
    fn written(data_type: &DataType) -> String {
        match data_type {
            DataType::List(field) => format!("List({})", written(field.data_type())),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) => {
                    let types: Vec<_> = pair.iter().map(|field| written(field.data_type())).collect();
                    format!("Map({})", types.join(", "))
                }
                other => format!("Map({other})"),
            },
            other => other.to_string(),
        }
    }

    #[test]
    fn the_table_in_the_documentation_is_the_schema() {
        let documented: Vec<[&str; 3]> = include_str!("schema.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `"))
            .map(|line| {
                let mut cells = line.split(" | ");
                let mut next = || cells.next().unwrap_or_default();
                [next().trim_end_matches('`'), next(), next()]
            })
            .collect();
        let schema = schema();
        let actual: Vec<_> = schema.fields().iter().map(|f| (f.name(), written(f.data_type()))).collect();
        let actual: Vec<[&str; 3]> = actual
            .iter()
            .zip(schema.fields())
            .map(|((name, data_type), f)| {
                [name.as_str(), data_type, if f.is_nullable() { "yes" } else { "no" }]
            })
            .collect();
        assert_eq!(documented, actual);
    }

    #[test]
    fn the_table_ends_with_the_partitions() {
        let table = table_schema();
        let names: Vec<_> = table.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names.split_at(names.len() - 2).1, PARTITIONS);
        assert_eq!(names.len(), schema().fields().len() + 2);
    }
}
