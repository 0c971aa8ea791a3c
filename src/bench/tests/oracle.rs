//! The predecessor's own results: nine cases with inputs and f64 output, in `shared/oracles` beside the
//! repository.

use std::{fs::File, path::Path};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{Float32Type, Float64Type, Int64Type},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipe_bench::op::{Input, decode, dilated_attention::Shape, encode, relative_error};
use pipe_kernels::{Library, Op};
use pipe_model::{Case, Dtype};

use crate::support::runner;

/// One row of the file.
struct Oracle {
    case: Case,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    out: Vec<f64>,
}

/// The nine cases; none, with a word on standard error, where the file is not there.
fn oracles() -> Vec<Oracle> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/oracles/dilated_attention.parquet");
    let Ok(file) = File::open(&path) else {
        eprintln!("skipped: there is no {}", path.display());
        return Vec::new();
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| oracle(batch, row)));
    let oracles: Vec<Oracle> = rows.collect();
    assert_eq!(oracles.len(), 9);
    oracles
}

fn oracle(batch: &RecordBatch, row: usize) -> Oracle {
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let integer = |name| Some(column(name).as_primitive::<Int64Type>().value(row) as u64);
    let list = |name| column(name).as_list::<i32>().value(row);
    let integers = |name| {
        let values = list(name);
        let values = values.as_primitive::<Int64Type>().values();
        values.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
    };
    let floats = |name| list(name).as_primitive::<Float32Type>().values().to_vec();
    let parameters = [
        ("segment_lengths", integers("segment_lengths")),
        ("dilation_rates", integers("dilation_rates")),
        ("causal", column("causal").as_boolean().value(row).to_string()),
    ];
    Oracle {
        case: Case {
            batch_size: integer("batch_size"),
            seq_len: integer("seq_len"),
            num_heads: integer("num_heads"),
            head_dim: integer("head_dim"),
            dtype: Some(Dtype::F32),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
        },
        q: floats("q"),
        k: floats("k"),
        v: floats("v"),
        out: list("out").as_primitive::<Float64Type>().values().to_vec(),
    }
}

#[test]
fn the_reference_is_the_predecessors() {
    for Oracle { case, q, k, v, out } in oracles() {
        let reference = Shape::new(Op::DilatedAttention, &case).unwrap().reference(&q, &k, &v);
        let difference: f64 = reference.iter().zip(&out).map(|(a, b)| (a - b).powi(2)).sum();
        let norm: f64 = out.iter().map(|b| b * b).sum();
        let error = (difference / norm).sqrt();
        assert!(error < 1e-12, "{}: off by {error:e}", case.config());
        // The measure that results are judged by agrees: rounding the oracle to f32 is half an ulp of error.
        let rounded: Vec<f64> = out.iter().map(|b| f64::from(*b as f32)).collect();
        assert!(relative_error(&rounded, &reference) < 6e-8, "{}", case.config());
    }
}

#[test]
fn every_implementation_agrees_with_the_predecessor() {
    let library = Library::built_in();
    let mut runner = runner();
    for Oracle { case, q, k, v, out } in oracles() {
        let inputs = [("q", &q), ("k", &k), ("v", &v)]
            .map(|(name, values)| Input { name: name.to_owned(), content: encode(Dtype::F32, values) });
        for name in ["dilated", "improved-dilated"] {
            let implementation = library.implementation(name).unwrap();
            let output = runner.compute(implementation, &case, &inputs).unwrap();
            let error = relative_error(&decode(Dtype::F32, &output[0]), &out);
            assert!(error <= 1e-5, "{name} {}: off by {error:e}", case.config());
        }
    }
}
