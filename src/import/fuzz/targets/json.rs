//! The generic table: one row.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "table.json",
    r#"[{"implementation": "a", "#,
    data,
    r#"}]"#
));
