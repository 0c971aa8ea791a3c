//! Parquet: anything that begins as it does.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import("table.parquet", r#"PAR1"#, data, r#""#));
