//! The generic table: lines after the first.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "table.jsonl",
    r#"{"implementation": "a", "value": 1}
"#,
    data,
    r#""#
));
