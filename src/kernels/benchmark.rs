//! Benchmark types: how is measured, which implementations on which cases, by profile, and which metrics are recorded.

mod axis;
mod grid;
mod metrics;
mod procedure;
mod profile;
mod trace;

use std::collections::BTreeMap;

use pipe_model::{BenchmarkType, Case};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{Broken, FileError, manifest::parse_toml, source::File};

pub use self::{
    grid::{CaseGrid, GroupList, Overrides, ParameterAxis},
    metrics::MetricSelection,
    procedure::Procedure,
    profile::Profile,
    trace::{TraceGrid, TraceKind},
};

/// Which implementations a type measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every one there is.
    All,
    /// These.
    Named(Vec<String>),
}

/// A benchmark type, as `types/<type>.toml` declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchmarkSpec {
    /// The file's name without `.toml`.
    pub name: BenchmarkType,
    /// What it is for, in a sentence.
    pub description: String,
    /// How a case is measured.
    pub procedure: Procedure,
    /// What it measures.
    pub implementations: Selection,
    /// What is recorded of it.
    pub metrics: MetricSelection,
    grids: Grids,
}

/// What cases are made of, which the procedure decides.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Grids {
    Kernels(BTreeMap<Profile, Vec<CaseGrid>>),
    Traces(BTreeMap<Profile, Vec<TraceGrid>>),
}

/// A grid as a file gives it.
trait Grid {
    /// The first axis that is not there although others are.
    fn missing_axis(&self) -> Option<&'static str>;
}

impl Grid for CaseGrid {
    fn missing_axis(&self) -> Option<&'static str> {
        self.missing_axis()
    }
}

impl Grid for TraceGrid {
    /// Reading the file has found them all.
    fn missing_axis(&self) -> Option<&'static str> {
        None
    }
}

/// What decides how the rest of the file is read.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    procedure: Procedure,
}

/// The file, with grids of type `G`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "G: Deserialize<'de>")]
struct Declaration<G> {
    description: String,
    #[serde(default)]
    procedure: Procedure,
    #[serde(deserialize_with = "selection")]
    implementations: Selection,
    #[serde(default)]
    metrics: MetricSelection,
    quick: Vec<G>,
    standard: Vec<G>,
    full: Vec<G>,
}

impl BenchmarkSpec {
    pub(crate) fn load(name: &str, file: &File) -> Result<Self, Broken> {
        let text = || Ok::<_, FileError>((file.text()?, parse_toml::<Head>(&file.name, file.text()?)?));
        let spec = text().and_then(|(text, head)| match head.procedure {
            Procedure::Allocations => Self::parse(name, &file.name, text, Grids::Traces),
            _ => Self::parse(name, &file.name, text, Grids::Kernels),
        });
        spec.map_err(|error| Broken { name: name.to_owned(), errors: vec![error] })
    }

    fn parse<G: DeserializeOwned + Grid>(
        name: &str,
        file: &str,
        text: &str,
        grids: fn(BTreeMap<Profile, Vec<G>>) -> Grids,
    ) -> Result<Self, FileError> {
        let name =
            name.parse::<BenchmarkType>().map_err(|error| FileError::whole(file, error.to_string()))?;
        let declared: Declaration<G> = parse_toml(file, text)?;
        let Declaration { description, procedure, implementations, metrics, quick, standard, full } =
            declared;
        let by_profile = [(Profile::Quick, quick), (Profile::Standard, standard), (Profile::Full, full)];
        for (profile, grids) in &by_profile {
            if let Some(axis) = grids.iter().find_map(Grid::missing_axis) {
                let message = format!(
                    "a [[{profile}]] has no {axis}; give every axis, or `parameters` alone for kernels of op custom"
                );
                return Err(FileError::whole(file, message));
            }
        }
        let grids = grids(by_profile.into());
        Ok(Self { name, description, procedure, implementations, metrics, grids })
    }

    /// The grids of a profile; none where the cases are no problems of an op.
    pub fn grids(&self, profile: Profile) -> &[CaseGrid] {
        match &self.grids {
            Grids::Kernels(grids) => grids.get(&profile).map_or(&[], Vec::as_slice),
            Grids::Traces(_) => &[],
        }
    }

    /// The cases of a profile with the user's axes in place, each once, in the order of the file. Traces have none of those
    /// axes.
    pub fn cases(&self, profile: Profile, overrides: &Overrides) -> Vec<Case> {
        let all: Vec<Case> = match &self.grids {
            Grids::Kernels(grids) => {
                let grids = grids.get(&profile).into_iter().flatten();
                grids.flat_map(|grid| grid.with(overrides).cases()).collect()
            }
            Grids::Traces(grids) => {
                grids.get(&profile).into_iter().flatten().flat_map(TraceGrid::cases).collect()
            }
        };
        let mut cases: Vec<Case> = Vec::new();
        for case in all {
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
        cases
    }
}

/// `"all"`, or a list of names.
fn selection<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Selection, D::Error> {
    let names: Vec<String> = axis::one_or_more(deserializer)?;
    Ok(if names == ["all"] { Selection::All } else { Selection::Named(names) })
}
