//! Reading fixtures, and telling what was read.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use pipe_import::{ImportError, Imported, Options, Source};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub(crate) fn import(path: &Path) -> Result<Imported, ImportError> {
    pipe_import::read(&Source::open(path)?, &Options::default())
}

pub(crate) fn import_text(name: &str, text: &str) -> Result<Imported, ImportError> {
    import_bytes(name, text.as_bytes())
}

pub(crate) fn import_bytes(name: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    pipe_import::read(&Source::of_bytes(Path::new(name), bytes.to_vec()), &Options::default())
}

/// What was read, one line a run, a measurement and a reason.
pub(crate) fn told(imported: &Imported) -> String {
    let mut text = String::new();
    for imported in &imported.runs {
        let run = &imported.run;
        writeln!(text, "{} {} on {} by {}", run.benchmark_type, run.commit, run.device.name, run.source)
            .unwrap();
        for (m, stated) in run.measurements.iter().zip(&imported.stated) {
            write!(text, "  {} [{}] {} {}", m.implementation, m.case.config(), m.metric, m.unit).unwrap();
            if m.basis != pipe_model::Basis::Measured {
                write!(text, " {}", m.basis).unwrap();
            }
            match m.samples.as_slice() {
                [] => {}
                [one] => write!(text, " {one}").unwrap(),
                many => write!(text, " {} samples from {}", many.len(), many[0]).unwrap(),
            }
            let parts =
                [("sd", stated.std_dev), ("min", stated.min), ("median", stated.median), ("max", stated.max)];
            for (name, value) in parts.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                write!(text, " {name}={value}").unwrap();
            }
            if m.status != pipe_model::Status::Ok {
                write!(text, " {}: {}", m.status, m.message).unwrap();
            }
            text.push('\n');
        }
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    imported.skipped.iter().for_each(|skipped| *reasons.entry(&skipped.reason).or_default() += 1);
    for (reason, count) in reasons {
        writeln!(text, "skipped {count}: {reason}").unwrap();
    }
    text
}

/// The predecessor's real results, where they lie beside the checkout.
pub(crate) fn real_results() -> Option<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/legacy-results");
    if !folder.is_dir() {
        eprintln!("skipped: {} is missing", folder.display());
        return None;
    }
    let (files, skipped) = pipe_import::discover(&folder).unwrap();
    assert!(skipped.is_empty());
    Some(files)
}
