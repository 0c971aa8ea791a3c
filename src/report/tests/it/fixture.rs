//! Histories small enough to be read in full: a git repository, runs of made-up numbers, and a session over both.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use pipe_history::History;
use pipe_model::{
    Basis, BenchmarkType, Case, Commit, Device, DeviceKind, Dtype, Measurement, Metric, Run, RunId, Status,
    Unit,
};
use pipe_query::{Session, SessionOptions};
use pipe_report::{Chart, Params, Reports};
use tempfile::TempDir;

/// A repository with a history in it.
pub(crate) struct Project {
    folder: TempDir,
    runs: u64,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self { folder: TempDir::new().unwrap(), runs: 0 };
        project.git(&["init", "--quiet", "--initial-branch=main"], 0);
        project
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str], day: u64) -> String {
        let date = format!("2026-11-{:02}T12:00:00Z", 1 + day);
        let output = Command::new("git")
            .current_dir(self.root())
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")])
            .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.org")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A new commit; the same subjects on the same days give the same hashes.
    pub(crate) fn commit(&self, subject: &str, day: u64) -> Commit {
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject], day);
        self.git(&["rev-parse", "HEAD"], day).parse().unwrap()
    }

    /// A run on `commit` at noon of a day of November 2026, to be filled with rows and recorded.
    pub(crate) fn run(&mut self, commit: &Commit, day: u64) -> Run {
        self.runs += 1;
        Run {
            // Ids that sort as they were made and are the same in every test run.
            id: format!("01970000-0000-7000-8000-{:012}", self.runs).parse::<RunId>().unwrap(),
            recorded_at: format!("2026-11-{:02}T13:00:00Z", 1 + day).parse().unwrap(),
            commit: commit.clone(),
            benchmark_type: "all-implementations".parse::<BenchmarkType>().unwrap(),
            device: Device { name: "Embedded (AVX2)".to_owned(), kind: DeviceKind::Embedded },
            environment: BTreeMap::from([
                ("command_line".to_owned(), "pipe bench --profile quick".to_owned()),
                ("cpu".to_owned(), "Example CPU".to_owned()),
                ("pipe_version".to_owned(), "0.1.0".to_owned()),
            ]),
            source: "pipe 0.1.0".to_owned(),
            measurements: Vec::new(),
        }
    }

    pub(crate) fn record(&self, run: &Run) {
        History::at(self.history_folder()).write(run).unwrap();
    }

    pub(crate) fn history_folder(&self) -> PathBuf {
        self.root().join("history")
    }

    pub(crate) fn session(&self) -> Arc<Session> {
        let history = History::at(self.history_folder());
        let options =
            SessionOptions { repository: Some(self.root().to_owned()), ..SessionOptions::default() };
        Arc::new(Session::open(&history, options).unwrap())
    }

    /// The text of a built-in report.
    pub(crate) fn report(&self, name: &str, params: &[(&str, &str)]) -> String {
        let reports = Reports::new(self.session(), None).unwrap();
        reports.render(name, &owned(params)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The text of a built-in report and the charts it links, in files whose names begin with `report`.
    pub(crate) fn report_with_charts(&self, name: &str) -> (String, Vec<Chart>) {
        let reports = Reports::new(self.session(), None).unwrap();
        reports.render_with_charts(name, &Params::new(), "report").unwrap_or_else(|error| panic!("{error}"))
    }

    /// The text of the built-in report `performance`.
    pub(crate) fn performance(&self, params: &[(&str, &str)]) -> String {
        self.report("performance", params)
    }

    /// Lays a template over the built-in ones and renders it.
    pub(crate) fn render(&self, template: &str) -> Result<String, String> {
        let folder = self.root().join("reports");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("mine.md.j2"), template).unwrap();
        let reports = Reports::new(self.session(), Some(&folder)).unwrap();
        let root = format!("{}/", self.root().display());
        reports.render("mine", &Params::new()).map_err(|error| error.to_string().replace(&root, ""))
    }
}

fn owned(params: &[(&str, &str)]) -> Params {
    params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A case of one sequence of `seq_len` tokens.
pub(crate) fn case(seq_len: u64) -> Case {
    Case {
        batch_size: Some(1),
        seq_len: Some(seq_len),
        num_heads: Some(4),
        head_dim: Some(64),
        dtype: Some(Dtype::F32),
        parameters: BTreeMap::from([("causal".to_owned(), "false".to_owned())]),
    }
}

fn row(implementation: &str, seq_len: u64, metric: Metric, basis: Basis, samples: &[f64]) -> Measurement {
    Measurement {
        implementation: implementation.to_owned(),
        case: case(seq_len),
        unit: metric.unit(),
        metric,
        basis,
        samples: samples.to_vec(),
        status: Status::Ok,
        message: String::new(),
        dirty: false,
        kernel_digest: "ab".repeat(32),
    }
}

/// The rows of a case as the embedded device gives them: a time with five samples, counts, memory and the error.
pub(crate) fn measured(
    implementation: &str,
    seq_len: u64,
    milliseconds: f64,
    scale: f64,
) -> Vec<Measurement> {
    let samples: Vec<f64> = [1.0, 0.99, 1.01, 1.02, 0.98].map(|noise| milliseconds * 1e6 * noise).to_vec();
    let tokens = seq_len as f64;
    let counted = |name: &str, count: f64| {
        row(implementation, seq_len, name.parse().unwrap(), Basis::Counted, &[(count * scale).round()])
    };
    vec![
        row(implementation, seq_len, Metric::EMULATION_TIME, Basis::Measured, &samples),
        counted("instructions", tokens * 5000.0),
        counted("global_load_bytes", tokens * 4096.0),
        counted("global_store_bytes", tokens * 1024.0),
        counted("global_load_sectors", tokens * 128.0),
        counted("global_store_sectors", tokens * 32.0),
        row(implementation, seq_len, Metric::PEAK_MEMORY, Basis::Measured, &[tokens * 4096.0 / scale]),
        row(implementation, seq_len, Metric::RELATIVE_ERROR, Basis::Measured, &[1.5e-7]),
    ]
}

/// What `op` asks for, which names the op that the implementation is of.
pub(crate) fn op_flops(implementation: &str, seq_len: u64, op: &str) -> Vec<Measurement> {
    let mut row = row(implementation, seq_len, Metric::OP_FLOPS, Basis::Counted, &[seq_len as f64]);
    row.message = op.to_owned();
    vec![row]
}

/// A case that was not measured, or not with a right result.
pub(crate) fn failed(implementation: &str, seq_len: u64, status: Status, message: &str) -> Measurement {
    let mut row = row(implementation, seq_len, Metric::EMULATION_TIME, Basis::Measured, &[]);
    row.status = status;
    row.message = message.to_owned();
    row
}

/// One time of another tool, in milliseconds.
pub(crate) fn imported(implementation: &str, seq_len: u64, samples: &[f64]) -> Measurement {
    let mut row = row(implementation, seq_len, "forward_time".parse().unwrap(), Basis::Measured, samples);
    row.unit = Unit::named("ms");
    row.kernel_digest = String::new();
    row
}
