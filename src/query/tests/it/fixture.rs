//! Histories to ask: a repository made by git, and runs written through the history's own store.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use pipe_history::History;
use pipe_model::{
    Basis, BenchmarkType, Case, Commit, Device, DeviceKind, Dtype, Measurement, Metric, Run, RunId, Status,
    Unit,
};
use pipe_query::{Format, Layout, Params, Session, SessionOptions, write};
use tempfile::TempDir;

/// The types of the fixture.
pub(crate) const ALL: &str = "all-implementations";
pub(crate) const LONG: &str = "long-sequences";

/// A history and the repository it is of.
pub(crate) struct Fixture {
    folder: TempDir,
    minute: i64,
}

impl Fixture {
    /// No history and no repository.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), minute: 0 }
    }

    /// The commits `base`, `left`, `right` and `merge` on `main`, where `merge` joins `left` and the branch `right`:
    /// git places them in this order although `right` was committed before `left`.
    pub(crate) fn with_repository() -> Self {
        let fixture = Self::empty();
        fixture.git(0, &["init", "-q", "-b", "main"]);
        fixture.git(0, &["commit", "-q", "--allow-empty", "-m", "base"]);
        fixture.git(0, &["switch", "-q", "-c", "side"]);
        fixture.git(1, &["commit", "-q", "--allow-empty", "-m", "right"]);
        fixture.git(2, &["switch", "-q", "main"]);
        fixture.git(2, &["commit", "-q", "--allow-empty", "-m", "left"]);
        fixture.git(3, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
        fixture
    }

    fn git(&self, minute: u64, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(self.folder.path()).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Ada")
                .env(format!("GIT_{role}_EMAIL"), "ada@example.org");
            command.env(format!("GIT_{role}_DATE"), format!("{} +0000", 1_700_000_000 + 60 * minute));
        }
        let output = command.output().expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The commit with a subject of the fixture.
    pub(crate) fn commit(&self, subject: &str) -> Commit {
        self.git(0, &["log", "--all", "--format=%H", &format!("--grep=^{subject}$")]).parse().unwrap()
    }

    pub(crate) fn history(&self) -> History {
        History::at(self.folder.path().join("history"))
    }

    pub(crate) fn queries(&self) -> PathBuf {
        self.folder.path().join("queries")
    }

    /// Lays a query over the built-in ones.
    pub(crate) fn query(&self, name: &str, sql: &str) {
        fs::create_dir_all(self.queries()).unwrap();
        fs::write(self.queries().join(format!("{name}.sql")), sql).unwrap();
    }

    /// Records a run a minute after the one before.
    pub(crate) fn record(
        &mut self,
        commit: Commit,
        benchmark_type: &str,
        device: Device,
        measurements: Vec<Measurement>,
    ) -> PathBuf {
        self.minute += 1;
        let run = Run {
            id: RunId::new(),
            recorded_at: jiff::Timestamp::from_second(1_790_000_000 + 60 * self.minute).unwrap(),
            commit,
            benchmark_type: benchmark_type.parse::<BenchmarkType>().unwrap(),
            device,
            environment: BTreeMap::from([("os".to_owned(), "linux".to_owned())]),
            source: "pipe 0.1.0".to_owned(),
            measurements,
        };
        self.history().write(&run).unwrap()
    }

    pub(crate) fn session(&self) -> Session {
        self.session_with(SessionOptions::default())
    }

    pub(crate) fn session_with(&self, options: SessionOptions) -> Session {
        let folder = self.folder.path();
        let repository = folder.join(".git").exists().then(|| folder.to_owned());
        let options = SessionOptions { repository, queries: Some(self.queries()), ..options };
        Session::open(&self.history(), options).unwrap()
    }

    /// The history of the golden results: three measured commits, two implementations, two devices, a failure of each kind.
    pub(crate) fn golden() -> Self {
        let mut fixture = Self::with_repository();
        let [base, left, merge] = ["base", "left", "merge"].map(|subject| fixture.commit(subject));
        // Recorded out of order: `merge` before `left`.
        fixture.record(
            base,
            ALL,
            embedded(),
            vec![
                time("dilated", 1024, &[100.0, 110.0, 120.0]),
                time("improved-dilated", 1024, &[50.0, 55.0, 60.0]),
            ],
        );
        fixture.record(
            merge.clone(),
            ALL,
            embedded(),
            vec![
                time("dilated", 1024, &[99.0]),
                time("dilated", 2048, &[400.0, 420.0]),
                time("improved-dilated", 1024, &[44.0, 45.0]),
                time("improved-dilated", 2048, &[150.0, 151.0, 152.0]),
                counted("improved-dilated", 1024, "instructions", 9_007_199_254_740_993.0),
                failed("ring-dilated", 1024, Status::WrongResult, "relative error 0.5"),
                failed("ring-dilated", 2048, Status::Skipped, "seq_len is not a multiple of 512"),
            ],
        );
        fixture.record(
            merge.clone(),
            ALL,
            gpu(),
            vec![gpu_time("dilated", 1024, &[7.0]), time("dilated", 1024, &[1.0])],
        );
        fixture.record(
            left,
            ALL,
            embedded(),
            vec![
                time("dilated", 1024, &[108.0]),
                failed("improved-dilated", 1024, Status::OutOfMemory, "needs 2 GiB"),
            ],
        );
        // Measured again at the same commit: the later run counts.
        fixture.record(merge, ALL, embedded(), vec![time("dilated", 1024, &[88.0])]);
        fixture.record(Commit::Unversioned, LONG, embedded(), vec![time("attention", 65536, &[1e9])]);
        fixture
    }
}

pub(crate) fn embedded() -> Device {
    Device { name: "embedded".to_owned(), kind: DeviceKind::Embedded }
}

pub(crate) fn gpu() -> Device {
    Device { name: "NVIDIA H200".to_owned(), kind: DeviceKind::Cuda }
}

fn measurement(implementation: &str, seq_len: u64, metric: Metric, samples: &[f64]) -> Measurement {
    Measurement {
        implementation: implementation.to_owned(),
        case: Case {
            seq_len: Some(seq_len),
            dtype: Some(Dtype::F32),
            parameters: BTreeMap::from([("causal".to_owned(), "false".to_owned())]),
            ..Case::default()
        },
        unit: metric.unit(),
        metric,
        basis: Basis::Measured,
        samples: samples.to_vec(),
        status: Status::Ok,
        message: String::new(),
        dirty: false,
        kernel_digest: "d1".to_owned(),
    }
}

/// A time on the embedded device, in ns.
pub(crate) fn time(implementation: &str, seq_len: u64, samples: &[f64]) -> Measurement {
    measurement(implementation, seq_len, Metric::EMULATION_TIME, samples)
}

/// A time on a GPU, in ns.
pub(crate) fn gpu_time(implementation: &str, seq_len: u64, samples: &[f64]) -> Measurement {
    measurement(implementation, seq_len, Metric::GPU_TIME, samples)
}

pub(crate) fn counted(implementation: &str, seq_len: u64, metric: &str, count: f64) -> Measurement {
    let metric: Metric = metric.parse().unwrap();
    Measurement {
        basis: Basis::Counted,
        unit: Unit::COUNT,
        ..measurement(implementation, seq_len, metric, &[count])
    }
}

pub(crate) fn failed(implementation: &str, seq_len: u64, status: Status, message: &str) -> Measurement {
    let message = message.to_owned();
    Measurement { status, message, ..measurement(implementation, seq_len, Metric::EMULATION_TIME, &[]) }
}

/// What a statement answers, in a format.
pub(crate) fn answer(session: &Session, text: &str, format: Format) -> String {
    let mut out = Vec::new();
    write(session.sql(text, &Params::new()).unwrap(), format, &Layout::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What a statement answers, as CSV.
pub(crate) fn csv(session: &Session, text: &str) -> String {
    answer(session, text, Format::Csv)
}

/// What is wrong with a statement.
pub(crate) fn error(session: &Session, text: &str) -> String {
    match session.sql(text, &Params::new()) {
        Err(error) => error.to_string(),
        Ok(answer) => answer.rows().unwrap_err().to_string(),
    }
}
