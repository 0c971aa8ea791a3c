//! Files that are truncated, damaged, huge or made to do harm: a named error each, no panic, and the rest comes in.

use pipe_import::ImportError;
use proptest::prelude::*;

use crate::support::{fixture, import, import_bytes, import_text, real_results};

const FIXTURES: [&str; 8] = [
    "google.json",
    "pytest.json",
    "hyperfine.json",
    "asv/box/343fe150-existing-py3.json",
    "criterion/plain/new/sample.json",
    "criterion/plain/new/benchmark.json",
    "nvbench/result.json",
    "hyperfine-failed.json",
];

#[test]
fn files_cut_anywhere_are_errors_that_name_the_file() {
    for name in FIXTURES {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let end = bytes.trim_ascii_end().len();
        for length in (0..end).step_by(1 + end / 97) {
            let error = import_bytes("cut.json", &bytes[..length]).unwrap_err();
            assert!(error.to_string().contains("cut.json"), "{name} cut to {length}: {error}");
        }
    }
}

#[test]
fn empty_files() {
    insta::assert_snapshot!(import_bytes("a.json", b"").unwrap_err(), @"a.json is empty");
    insta::assert_snapshot!(import_bytes("a.json", b" \n\t").unwrap_err(), @"a.json is empty");
    insta::assert_snapshot!(import_bytes("a.json", b"{}").unwrap_err(), @"a.json has an unknown shape: an empty JSON object");
    insta::assert_snapshot!(import_bytes("a.json", b"[]").unwrap_err(), @"a.json has an unknown shape: a JSON list of 0 values that are no measurements");
    insta::assert_snapshot!(import_bytes("a.csv", b"implementation,value\n").unwrap_err(), @"a.csv is not csv as it should be: it holds no measurement");
}

#[test]
fn wrong_encodings() {
    insta::assert_snapshot!(import_bytes("a.json", b"{\"results\": \"caf\xE9\"}").unwrap_err(), @"a.json is not text: byte 16 is not UTF-8; save it as UTF-8");
    let text = std::fs::read_to_string(fixture("hyperfine.json")).unwrap();
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(import_bytes("a.json", &utf16).unwrap().runs.len(), 1);
}

#[test]
fn deep_nesting_is_refused() {
    for opening in ["[", "{\"metadata\":", "{\"results\":{\"a\":["] {
        let error = import_text("deep.json", &opening.repeat(100_000)).unwrap_err();
        assert!(matches!(error, ImportError::Syntax { .. }), "{error}");
    }
}

#[test]
fn a_million_keys_end_quickly_and_by_name() {
    let keys: String = (0..1_000_000).map(|n| format!("\"k{n}\":{n},")).collect();
    let record = format!("{{\"metadata\":{{}},\"results\":{{\"A\":[{{{keys}\"time_ms\":1}}]}}}}");
    insta::assert_snapshot!(import_text("a.json", &record).unwrap_err(), @"a.json is not legacy as it should be: no result of a known shape under metadata, results; results.A.0: a record of 1000001 values; the limit is 4096");
    let metadata = format!("{{\"metadata\":{{{keys}\"x\":1}},\"results\":{{\"A\":[{{\"time_ms\":1}}]}}}}");
    insta::assert_snapshot!(import_text("a.json", &metadata).unwrap_err(), @"a.json has 1000002 values that have no column; the limit is 4096, so split it");
    let unknown = format!("{{{keys}\"x\":1}}");
    insta::assert_snapshot!(import_text("a.json", &unknown).unwrap_err(), @"a.json has an unknown shape: a JSON object with the keys k0, k1, k2, k3, k4, k5, k6, k7 and more");
}

#[test]
fn numbers_beyond_all_bounds() {
    let error = import_text("a.json", r#"{"metadata":{},"results":{"A":[{"time_ms":1e999}]}}"#).unwrap_err();
    assert!(error.to_string().contains("number out of range"), "{error}");
    let part = import_text("a.json", r#"{"metadata":{},"results":{"A":[{"seq_len":-5,"time_ms":1},{"seq_len":99999999999999999999,"time_ms":2}]}}"#).unwrap();
    assert_eq!(part.runs[0].run.measurements.len(), 2);
    assert_eq!(part.runs[0].run.measurements[0].case.seq_len, None);
}

#[test]
fn damaged_parquet_is_an_error() {
    let mut bytes = b"PAR1".to_vec();
    bytes.extend([0xFF; 64]);
    bytes.extend(b"PAR1");
    let error = import_bytes("a.parquet", &bytes).unwrap_err();
    assert!(matches!(error, ImportError::Syntax { what: "Parquet", .. }), "{error}");
}

#[test]
fn folders_pipes_and_missing_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(import(folder.path()).unwrap_err().to_string().contains("not a regular file"));
    assert!(import(&folder.path().join("none.json")).unwrap_err().to_string().contains("none.json"));
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let key = prop::sample::select(vec![
        "metadata",
        "results",
        "benchmarks",
        "context",
        "machine_info",
        "devices",
        "states",
        "summaries",
        "commit_hash",
        "result_columns",
        "implementation",
        "samples",
        "mean_time_ms",
        "seq_lens",
        "seq_len",
        "config",
        "success",
        "error",
        "stats",
        "data",
        "times",
        "command",
        "mean",
        "run_name",
        "run_type",
        "aggregate_name",
        "timestamp",
        "configuration",
        "value",
        "unit",
        "version",
        "params",
        "is_skipped",
        "axis_values",
        "iters",
        "measurements",
        "summary",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        prop::num::f64::NORMAL.prop_map(Into::into),
        prop::sample::select(vec![
            "time",
            "aggregate",
            "mean",
            "NaN",
            "2025-06-27-1714-UTC",
            "1.5",
            "é\u{0}",
            ""
        ])
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 96, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Documents of the words that importers look for, in any arrangement.
    #[test]
    fn no_document_makes_an_importer_panic(document in json_value()) {
        let text = document.to_string();
        if let Ok(imported) = import_text("any.json", &text) {
            for imported in imported.runs {
                prop_assert!(!imported.run.measurements.is_empty());
                prop_assert_eq!(imported.run.measurements.len(), imported.stated.len());
                for measurement in imported.run.measurements {
                    prop_assert!(measurement.samples.iter().all(|sample| sample.is_finite()));
                }
            }
        }
    }

    /// Real files with some bytes changed.
    #[test]
    fn no_damage_makes_an_importer_panic(
        file in prop::sample::select(FIXTURES.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = std::fs::read(fixture(file)).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = import_bytes("damaged.json", &bytes);
    }

    #[test]
    fn no_bytes_make_an_importer_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = import_bytes("any", &bytes);
        let _ = import_bytes("any", &[b"PAR1".as_slice(), &bytes, b"PAR1"].concat());
    }

    #[test]
    fn no_text_makes_the_table_reader_panic(text in "(samples|,|\n|\"|1|;|[ -~]){0,32}") {
        let _ = import_text("any.csv", &format!("implementation,value,samples,status\n{text}"));
    }
}

#[test]
fn damage_to_the_real_files_never_panics() {
    let Some(files) = real_results() else { return };
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        for place in (0..bytes.len()).step_by(1 + bytes.len() / 64) {
            let mut damaged = bytes.clone();
            damaged[place] = b'0';
            let _ = import_bytes("damaged.json", &damaged);
        }
    }
}
