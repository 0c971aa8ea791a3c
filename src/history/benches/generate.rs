//! Makes a large history to measure with: a git repository of N commits, and in its `history/` a run of every benchmark
//! type at each of them.
//!
//! `cargo bench --bench generate -- FOLDER --commits 2000`
//!
//! A run has 96 rows of 20 samples: 8 implementations × 4 sequence lengths × (time, peak memory, instructions). Times vary by about 1 %
//! from sample to sample, and each implementation becomes slower or faster at some commits, so that trends, rankings and
//! comparisons have something to say. The same arguments make the same history, byte for byte.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "a program for a person")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a program for a person")]

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use oorandom::Rand64;
use pipe_history::History;
use pipe_model::{Basis, Case, Commit, Device, DeviceKind, Dtype, Measurement, Metric, Run, RunId, Status};

const TYPES: [&str; 5] =
    ["all-implementations", "attention-comparison", "flash-attention", "long-sequences", "memory-pool"];
const IMPLEMENTATIONS: [&str; 8] = [
    "attention",
    "block-sparse-ring-dilated",
    "dilated",
    "improved-dilated",
    "improved-multihead-dilated",
    "multihead-dilated",
    "ring-dilated",
    "ring-multihead-dilated",
];
const LENGTHS: [u64; 4] = [1024, 2048, 4096, 8192];
const SAMPLES: usize = 20;
/// When the first commit was made; the others follow an hour apart.
const BEGIN: i64 = 1_700_000_000;
const HOUR: i64 = 3600;
/// Writing a run waits for the disk, again and again.
const WRITERS: usize = 16;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (folder, commits) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder, "--commits", commits] => (PathBuf::from(folder), commits.parse().ok()),
        _ => (PathBuf::new(), None),
    };
    let Some(commits) = commits else {
        eprintln!("usage: cargo bench --bench generate -- FOLDER --commits N");
        std::process::exit(2);
    };
    let ids = make_repository(&folder, commits);
    let history = History::at(folder.join("history"));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(id) = ids.get(number) else { break };
                    for kind in 0..TYPES.len() {
                        history.write(&run(id, number, kind)).expect("the folder can be written");
                    }
                }
            });
        }
    });
    println!("{commits} commits, {} files, {} rows", commits * TYPES.len(), commits * TYPES.len() * 96);
}

/// A repository whose `main` has so many commits; answers them, the oldest first.
fn make_repository(folder: &Path, commits: usize) -> Vec<Commit> {
    fs::create_dir_all(folder).expect("the folder can be made");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command
    };
    assert!(git(&["init", "-q", "-b", "main"]).status().expect("git is installed").success());
    let mut import = git(&["fast-import", "--quiet", "--force"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stream = std::io::BufWriter::new(import.stdin.take().unwrap());
    for number in 0..commits {
        let subject = format!("Change {number}");
        let time = BEGIN + HOUR * number as i64;
        let (person, length) = (format!("Ada <ada@example.org> {time} +0000"), subject.len());
        writeln!(
            stream,
            "commit refs/heads/main\nauthor {person}\ncommitter {person}\ndata {length}\n{subject}"
        )
        .unwrap();
        writeln!(stream, "M 100644 inline VERSION\ndata {length}\n{subject}\n").unwrap();
    }
    drop(stream);
    assert!(import.wait().unwrap().success());
    let listed = git(&["rev-list", "--reverse", "main"]).output().unwrap();
    String::from_utf8(listed.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// The run of a type, by its number, at a commit.
fn run(commit: &Commit, number: usize, kind: usize) -> Run {
    let mut random = Rand64::new((number * TYPES.len() + kind) as u128);
    let second = BEGIN + HOUR * number as i64 + 60 * (kind as i64 + 1);
    let recorded_at = jiff::Timestamp::from_second(second).unwrap();
    let mut digest = [0; 10];
    digest[..8].copy_from_slice(&random.rand_u64().to_be_bytes());
    let mut measurements = Vec::with_capacity(96);
    for (place, implementation) in IMPLEMENTATIONS.into_iter().enumerate() {
        for length in LENGTHS {
            measurements.extend(case(implementation, place, length, number, kind, &mut random));
        }
    }
    Run {
        id: RunId::of_digest(recorded_at, digest),
        recorded_at,
        commit: commit.clone(),
        benchmark_type: TYPES[kind].parse().unwrap(),
        device: Device { name: "NVIDIA H100 80GB HBM3".to_owned(), kind: DeviceKind::Cuda },
        environment: texts(&[
            ("command_line", "pipe bench"),
            ("cpu", "Intel(R) Xeon(R) Platinum 8480+"),
            ("driver", "580.82"),
            ("os", "linux"),
            ("pipe", env!("CARGO_PKG_VERSION")),
        ]),
        source: concat!("pipe ", env!("CARGO_PKG_VERSION")).to_owned(),
        measurements,
    }
}

/// What one implementation does in one case: its time, memory and instructions.
fn case(
    implementation: &str,
    place: usize,
    length: u64,
    number: usize,
    kind: usize,
    random: &mut Rand64,
) -> [Measurement; 3] {
    // Every implementation has a level that steps by 10 %, up or down, at commits of its own.
    let steps = number / (97 + 13 * place);
    let level = if steps.is_multiple_of(2) { 1.0 } else { 1.1 };
    let instructions = (length * (1000 + 37 * place as u64 + 11 * kind as u64)) as f64 * level;
    let time = instructions * 0.8 * (1.0 + 0.1 * place as f64);
    let mut noisy = || time * (1.0 + 0.01 * (random.rand_float() + random.rand_float() - 1.0));
    let times: Vec<f64> = (0..SAMPLES).map(|_| noisy()).collect();
    let measurement = |metric: Metric, basis, samples| Measurement {
        implementation: implementation.to_owned(),
        case: Case {
            batch_size: Some(1),
            seq_len: Some(length),
            num_heads: Some(8),
            head_dim: Some(64),
            dtype: Some(Dtype::F16),
            parameters: texts(&[("causal", "false"), ("segment_lengths", "512,1024")]),
        },
        unit: metric.unit(),
        metric,
        basis,
        samples,
        status: Status::Ok,
        message: String::new(),
        dirty: false,
        kernel_digest: format!("{:032x}", (place + 1) * (steps + 1)),
    };
    let memory = (length * 4096 * (place as u64 + 2)) as f64;
    [
        measurement(Metric::GPU_TIME, Basis::Measured, times),
        measurement(Metric::PEAK_MEMORY, Basis::Measured, vec![memory; SAMPLES]),
        measurement("instructions".parse().unwrap(), Basis::Counted, vec![instructions; SAMPLES]),
    ]
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
