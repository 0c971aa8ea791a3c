//! Results of the predecessor.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "legacy.json",
    r#"{"metadata": {}, "results": "#,
    data,
    r#"}"#
));
