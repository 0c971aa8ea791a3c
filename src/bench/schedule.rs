//! What a run will measure: every implementation on every case of a benchmark type, known before anything
//! starts.

use std::{collections::BTreeSet, sync::Arc};

use pipe_kernels::{Broken, Implementation, Library, LookupError, Overrides, Profile, Selection};
use pipe_model::{BenchmarkType, Case};

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
    pub(crate) kernels: Result<Arc<Implementation>, Broken>,
}

/// The jobs of one benchmark type, in the order they run: case by case, so that inputs and reference are made
/// once.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// What is measured.
    pub benchmark_type: BenchmarkType,
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
            (Selection::All, []) => all(library),
            (Selection::Named(names), []) => names.clone(),
            (_, asked_for) => asked_for.to_vec(),
        };
        let mut implementations = Vec::new();
        for name in unique(names) {
            let kernels = match library.implementation(&name) {
                Ok(kernels) => Ok(Arc::clone(kernels)),
                Err(LookupError::Broken(broken)) => Err(broken),
                Err(unknown) => return Err(unknown),
            };
            implementations.push((name, kernels));
        }
        let jobs = spec.cases(request.profile, &request.overrides).into_iter().flat_map(|case| {
            implementations.iter().map(move |(name, kernels)| Job {
                implementation: name.clone(),
                case: case.clone(),
                dirty: request.dirty.contains(name),
                kernels: kernels.clone(),
            })
        });
        let fits = |job: &Job| {
            !takes_all || job.kernels.as_ref().map_or(true, |kernels| kernels.has_entry_for(&job.case))
        };
        Ok(Self { benchmark_type: spec.name.clone(), jobs: jobs.filter(fits).collect() })
    }
}

/// Every implementation by name, the broken ones too.
fn all(library: &Library) -> Vec<String> {
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
