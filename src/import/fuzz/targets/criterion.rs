//! criterion: iterations and times, beside the description that they are read with.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use pipe_import::{Options, Source};

/// A folder with the description of a benchmark.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("pipe-import-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    let description =
        r#"{"group_id": "g", "function_id": "f", "value_str": null, "throughput": null, "full_id": "g/f"}"#;
    fs::write(folder.join("benchmark.json"), description).expect("room for a file");
    folder
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let path = FOLDER.join("sample.json");
    let sample = [br#"{"sampling_mode": "Flat", "iters": "#, data, b"}"].concat();
    fs::write(&path, sample).expect("room for a file");
    let source = Source::open(&path).expect("the file was just written");
    let _ = pipe_import::read(&source, &Options::default());
});
