//! pytest-benchmark: the list of benchmarks.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "pytest.json",
    r#"{"machine_info": {}, "benchmarks": ["#,
    data,
    r#"]}"#
));
