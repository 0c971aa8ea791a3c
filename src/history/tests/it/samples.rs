//! Runs to write.

use std::collections::BTreeMap;

use pipe_model::{
    Basis, Case, Commit, Device, DeviceKind, Dtype, Measurement, Metric, Run, RunId, Status, Unit,
};

pub(crate) fn text_map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn commit(digit: char) -> Commit {
    digit.to_string().repeat(40).parse().unwrap()
}

/// A measured case of `seq_len` tokens.
pub(crate) fn measurement(implementation: &str, seq_len: u64, metric: &str, samples: &[f64]) -> Measurement {
    let metric: Metric = metric.parse().unwrap();
    Measurement {
        implementation: implementation.to_owned(),
        case: Case {
            batch_size: Some(1),
            seq_len: Some(seq_len),
            num_heads: Some(8),
            head_dim: Some(64),
            dtype: Some(Dtype::F32),
            parameters: text_map(&[("segment_lengths", "512,1024"), ("causal", "false")]),
        },
        unit: metric.unit(),
        metric,
        basis: Basis::Measured,
        samples: samples.to_vec(),
        status: Status::Ok,
        message: String::new(),
        dirty: false,
        kernel_digest: "abc123".to_owned(),
    }
}

/// A run with a time, a count, an imported row that says little, and a failure; in the order in which a file
/// holds them.
pub(crate) fn run(commit: Commit, benchmark_type: &str) -> Run {
    let mut counted = measurement("dilated", 2048, "instructions", &[1e15]);
    counted.basis = Basis::Counted;
    let mut sparse = measurement("imported", 1, "throughput", &[2.5, -0.0]);
    sparse.unit = Unit::named("tokens/s");
    sparse.case = Case::default();
    sparse.kernel_digest = String::new();
    let mut failed = measurement("ring", 1 << 40, "zz_time", &[]);
    failed.status = Status::OutOfMemory;
    failed.message = "wanted 1 TiB, \"had\" 4 GiB\nof it".to_owned();
    failed.dirty = true;
    Run {
        id: RunId::new(),
        recorded_at: "2026-11-24T02:32:00.123456Z".parse().unwrap(),
        commit,
        benchmark_type: benchmark_type.parse().unwrap(),
        device: Device { name: "NVIDIA H200 µ".to_owned(), kind: DeviceKind::Embedded },
        environment: text_map(&[("os", "linux"), ("driver", "580.1"), ("empty", "")]),
        source: "pipe 0.1.0".to_owned(),
        measurements: vec![
            measurement("dilated", 2048, "emulation_time", &[3.0, 1.0, 2.0]),
            measurement("improved-dilated", 2048, "emulation_time", &[1.5]),
            counted,
            sparse,
            failed,
        ],
    }
}
