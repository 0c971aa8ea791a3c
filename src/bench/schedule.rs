//! What a run will measure: every implementation on every case of a benchmark type, known before anything
//! starts.

use std::{collections::BTreeSet, sync::Arc};

use pipe_kernels::{
    BenchmarkSpec, Broken, Implementation, Library, LookupError, MetricSelection, Overrides, Procedure,
    Profile, Selection,
};
use pipe_model::{BenchmarkType, Case, Measurement, Status, near};

use crate::Strategy;

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Which of a type's grids.
    pub profile: Profile,
    /// Implementations instead of the type's; empty takes the type's.
    pub implementations: Vec<String>,
    /// Axes instead of the type's.
    pub overrides: Overrides,
    /// Implementations whose kernels differ from those of the commit that is measured.
    pub dirty: BTreeSet<String>,
}

/// One implementation on one case.
#[derive(Debug, Clone)]
pub struct Job {
    /// `improved-dilated`, for instance.
    pub implementation: String,
    /// The problem size.
    pub case: Case,
    /// Whether the kernels differ from the commit's.
    pub dirty: bool,
    pub(crate) procedure: Procedure,
    pub(crate) subject: Subject,
}

/// What a job measures.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// Kernels.
    Kernels(Arc<Implementation>),
    /// Kernels that cannot be used.
    Broken(Broken),
    /// A strategy of allocation.
    Strategy(Strategy),
}

impl Subject {
    /// The kernels, where they can be used.
    pub(crate) fn kernels(&self) -> Option<&Arc<Implementation>> {
        match self {
            Subject::Kernels(kernels) => Some(kernels),
            Subject::Broken(_) | Subject::Strategy(_) => None,
        }
    }
}

impl Job {
    /// Whether it is a launch plan that is timed again and again.
    pub(crate) fn is_timed(&self) -> bool {
        self.procedure == Procedure::Time && self.subject.kernels().is_some()
    }
}

/// The jobs of one benchmark type, in the order they run: case by case, so that inputs and reference are made
/// once.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// What is measured.
    pub benchmark_type: BenchmarkType,
    /// How.
    pub procedure: Procedure,
    /// What is recorded of it.
    pub metrics: MetricSelection,
    /// In order.
    pub jobs: Vec<Job>,
}

impl Schedule {
    /// What `request` means for a benchmark type of `library`.
    ///
    /// A broken implementation is scheduled like any other and fails when its turn comes, so that the rest is
    /// measured. Where a type takes all implementations, each has only the cases of which it has the dtype and `head_dim`;
    /// one that is asked for by name has every case, and a row that says why it is skipped.
    ///
    /// # Errors
    /// The type is unknown or broken, or an implementation is unknown.
    pub fn new(library: &Library, benchmark_type: &str, request: &Request) -> Result<Self, LookupError> {
        let spec = library.benchmark_type(benchmark_type)?;
        let takes_all = spec.implementations == Selection::All && request.implementations.is_empty();
        let names = match (&spec.implementations, request.implementations.as_slice()) {
            (Selection::All, []) => all(library, spec.procedure),
            (Selection::Named(names), []) => names.clone(),
            (_, asked_for) => asked_for.to_vec(),
        };
        let subjects = unique(names)
            .into_iter()
            .map(|name| Ok((subject(library, spec, &name)?, name)))
            .collect::<Result<Vec<(Subject, String)>, LookupError>>()?;
        let jobs = spec.cases(request.profile, &request.overrides).into_iter().flat_map(|case| {
            subjects.iter().map(move |(subject, name)| Job {
                implementation: name.clone(),
                case: case.clone(),
                dirty: request.dirty.contains(name),
                procedure: spec.procedure,
                subject: subject.clone(),
            })
        });
        let fits = |job: &Job| {
            !takes_all || job.subject.kernels().is_none_or(|kernels| kernels.has_entry_for(&job.case))
        };
        let jobs = jobs.filter(fits).collect();
        let BenchmarkSpec { name, procedure, metrics, .. } = &**spec;
        Ok(Self { benchmark_type: name.clone(), procedure: *procedure, metrics: metrics.clone(), jobs })
    }
}

impl Schedule {
    /// Drops the rows of metrics that the type does not record. What went wrong stays.
    pub(crate) fn keep_recorded(&self, rows: &mut Vec<Measurement>) {
        rows.retain(|row| row.status != Status::Ok || self.metrics.includes(&row.metric));
    }
}

/// What a type means by a name.
fn subject(library: &Library, spec: &BenchmarkSpec, name: &str) -> Result<Subject, LookupError> {
    if spec.procedure == Procedure::Allocations {
        let known = || Strategy::ALL.iter().map(|strategy| strategy.as_str());
        return name.parse().map(Subject::Strategy).map_err(|_| LookupError::Unknown {
            what: "strategy of allocation",
            name: name.to_owned(),
            near: near(name, known()),
            known: known().map(str::to_owned).collect(),
        });
    }
    match library.implementation(name) {
        Ok(kernels) => Ok(Subject::Kernels(Arc::clone(kernels))),
        Err(LookupError::Broken(broken)) => Ok(Subject::Broken(broken)),
        Err(unknown) => Err(unknown),
    }
}

/// Everything that a procedure measures by name, broken implementations too.
fn all(library: &Library, procedure: Procedure) -> Vec<String> {
    if procedure == Procedure::Allocations {
        return Strategy::ALL.iter().map(ToString::to_string).collect();
    }
    let broken = library.broken().map(|broken| broken.name.clone());
    let broken = broken.filter(|name| matches!(library.implementation(name), Err(LookupError::Broken(_))));
    let mut names: Vec<String> = library.implementations().map(|kernels| kernels.name().to_owned()).collect();
    names.extend(broken);
    names.sort();
    names
}

/// Each name once, where it came first.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}
