//! The generic table: rows below a header.
#![no_main]

mod frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame::import(
    "table.csv",
    r#"implementation,metric,value,samples,unit,status,parameters,recorded_at,note
"#,
    data,
    r#""#
));
