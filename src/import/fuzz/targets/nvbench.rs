//! NVBench: the states of a benchmark.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "nvbench.json",
    r#"{"devices": [{"id": 0}], "benchmarks": [{"name": "b", "states": ["#,
    data,
    r#"]}]}"#
));
