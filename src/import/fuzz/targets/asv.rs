//! asv: columns and results.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "asv.json",
    r#"{"version": 2, "commit_hash": "x", "results": "#,
    data,
    r#"}"#
));
