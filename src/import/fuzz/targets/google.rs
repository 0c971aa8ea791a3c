//! Google Benchmark: the list of entries.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "google.json",
    r#"{"context": {}, "benchmarks": [{"run_name": "a", "#,
    data,
    r#"}]}"#
));
