//! What every target does: put a frame around the fuzzer's bytes, import them, and hold the result to what a history needs.

use std::path::Path;

use pipe_import::{Options, Source};

/// Imports `before`, `data` and `after` as one file.
pub fn import(name: &str, before: &str, data: &[u8], after: &str) {
    let bytes = [before.as_bytes(), data, after.as_bytes()].concat();
    let source = Source::of_bytes(Path::new(name), bytes);
    let Ok(imported) = pipe_import::read(&source, &Options::default()) else { return };
    assert!(!imported.runs.is_empty());
    for imported in imported.runs {
        assert!(!imported.run.measurements.is_empty());
        assert_eq!(imported.run.measurements.len(), imported.stated.len());
        for measurement in imported.run.measurements {
            assert!(measurement.samples.iter().all(|sample| sample.is_finite()));
        }
    }
}
