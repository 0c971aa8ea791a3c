//! What a dashboard shows, as the queries answer it: a struct a query, a field a column.

use std::thread;

use pipe_query::{Params, Session};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::DashboardError;

/// Which part of the history is shown.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Only this benchmark type.
    pub benchmark_type: Option<String>,
    /// Only this device, by name.
    pub device: Option<String>,
    /// Trends and regressions look at the latest so many commits; all where it is 0.
    pub commits: u32,
    /// The most commits and runs that are listed.
    pub rows: u32,
}

impl Default for Scope {
    fn default() -> Self {
        Self { benchmark_type: None, device: None, commits: 40, rows: 8 }
    }
}

/// The state of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    /// By benchmark type and device.
    pub types: Vec<TypeState>,
    /// In git's order, the latest last.
    pub commits: Vec<CommitState>,
    /// The latest first.
    pub runs: Vec<RunState>,
    /// By type and device, the fastest implementation first.
    pub trends: Vec<Trend>,
    /// What became worse and still is, the open ones first.
    pub regressions: Vec<Regression>,
    /// What was not measured at the latest commit.
    pub stale: Vec<Stale>,
}

/// A row of the query `dashboard-types`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TypeState {
    /// Benchmark type.
    #[serde(rename = "type")]
    pub benchmark_type: String,
    /// Device by name.
    pub device: String,
    /// The time that is shown; `None` where every case failed.
    pub metric: Option<String>,
    /// The last commit measured, short.
    pub commit: String,
    /// Commits of the history that are newer.
    pub behind: u64,
    /// Implementations tried there.
    pub implementations: u64,
    /// Cases tried there.
    pub cases: u64,
    /// Cases of an implementation that failed there.
    pub failed: u64,
    /// The fastest implementation.
    pub fastest: Option<String>,
    /// The time of the next over that of the fastest.
    pub lead: Option<f64>,
    /// Time against the commit before.
    pub ratio: Option<f64>,
    /// Time by commit against the first.
    pub trend: Vec<Option<f64>>,
    /// When the last run began, RFC 3339.
    pub recorded_at: String,
}

/// A row of the query `dashboard-commits`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CommitState {
    /// Commits of the history.
    pub commits: u64,
    /// The commit, short.
    pub commit: String,
    /// First line of its message; `None` where the repository does not have it.
    pub subject: Option<String>,
    /// When it was committed, RFC 3339.
    pub committed_at: Option<String>,
    /// Runs that count.
    pub runs: u64,
    /// Cases of an implementation.
    pub cases: u64,
    /// Those that failed.
    pub failed: u64,
    /// Times against the commit before in each series.
    pub time: Option<f64>,
    /// Instructions against the commit before in each series.
    pub instructions: Option<f64>,
}

/// A row of the query `dashboard-runs`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RunState {
    /// When it began, RFC 3339.
    pub recorded_at: String,
    /// Benchmark type.
    #[serde(rename = "type")]
    pub benchmark_type: String,
    /// The commit, short.
    pub commit: String,
    /// Device by name.
    pub device: String,
    /// Whether the kernels differed from the commit's.
    pub dirty: bool,
    /// Measurements.
    pub rows: u64,
    /// Measurements that failed.
    pub failures: u64,
    /// What wrote it.
    pub source: String,
}

/// A row of the query `dashboard-trends`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Trend {
    /// Benchmark type.
    #[serde(rename = "type")]
    pub benchmark_type: String,
    /// Device by name.
    pub device: String,
    /// Implementation.
    pub implementation: String,
    /// The time that is shown; `None` where every case failed.
    pub metric: Option<String>,
    /// The last commit measured, short.
    pub commit: String,
    /// Cases done right there.
    pub cases: u64,
    /// Cases that failed there.
    pub failed: u64,
    /// Mean of the medians, in nanoseconds.
    pub time: Option<f64>,
    /// Time against the commit before.
    pub ratio: Option<f64>,
    /// Time by commit against the first.
    pub trend: Vec<Option<f64>>,
    /// Commits of the history that are newer.
    pub behind: u64,
}

/// A row of the query `regressions`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Regression {
    /// Benchmark type.
    #[serde(rename = "type")]
    pub benchmark_type: String,
    /// Device by name.
    pub device: String,
    /// Implementation.
    pub implementation: String,
    /// All parameters of the case.
    pub config: String,
    /// Metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// The best value or level before.
    pub before: f64,
    /// The value or level now.
    pub after: f64,
    /// The last commit before it, short.
    pub last_good: String,
    /// The commit since which it is so, short.
    pub since: String,
    /// First line of that commit's message.
    pub subject: Option<String>,
    /// `open`, `unconfirmed` or `accepted`.
    pub state: String,
    /// How many cases of the implementation became worse at the same commit.
    pub cases: u64,
    /// By how much, as a geometric mean.
    pub mean_ratio: Option<f64>,
    /// 1 for the case that became worse most.
    pub place: u64,
}

/// A row of the query `stale`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stale {
    /// Benchmark type.
    #[serde(rename = "type")]
    pub benchmark_type: String,
    /// Device by name.
    pub device: String,
    /// Implementation.
    pub implementation: String,
    /// The last commit that has it, short.
    pub commit: String,
    /// Commits of the history that are newer.
    pub behind: u64,
    /// When it was last measured, RFC 3339.
    pub recorded_at: String,
}

impl Dashboard {
    /// Asks the history.
    ///
    /// # Errors
    /// Where one of the queries fails, or one laid over a built-in one answers with other columns.
    pub fn read(session: &Session, scope: &Scope) -> Result<Self, DashboardError> {
        let _held = session.hold();
        let all =
            Params::new().with("type", scope.benchmark_type.clone()).with("device", scope.device.clone());
        let window = all.clone().with("commits", i64::from(scope.commits));
        let commits = all.clone().with("commits", i64::from(scope.rows));
        let runs = all.clone().with("limit", i64::from(scope.rows));
        // A statement keeps one core busy for most of its time; so two are answered at a time, in pairs that take about as long.
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                let regressions = rows(session, "regressions", &window)?;
                Ok((regressions, rows(session, "stale", &all)?, rows(session, "dashboard-runs", &runs)?))
            });
            let types = rows(session, "dashboard-types", &window)?;
            let trends = rows(session, "dashboard-trends", &window)?;
            let commits = rows(session, "dashboard-commits", &commits)?;
            let (regressions, stale, runs) =
                first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok(Self { types, commits, runs, trends, regressions, stale })
        })
    }
}

fn rows<T: DeserializeOwned>(
    session: &Session,
    query: &'static str,
    params: &Params,
) -> Result<Vec<T>, DashboardError> {
    let failed = |source| DashboardError::Query { query, source: Box::new(source) };
    let rows = session.named(query, params).map_err(failed)?.rows().map_err(failed)?;
    rows.into_iter()
        .map(|row| serde_json::from_value(Value::Object(row)))
        .collect::<Result<_, _>>()
        .map_err(|source| DashboardError::Columns { query, source })
}
