//! hyperfine: one command.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "hyperfine.json",
    r#"{"results": [{"command": "c", "mean": 1, "#,
    data,
    r#"}]}"#
));
