//! `pipe.toml`: what a repository settles for everybody. `pipe check --help` describes every key.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};

use crate::{args::share, comparison::Row, error::CommandError};

/// The file's name at the repository's root.
pub(crate) const FILE: &str = "pipe.toml";

/// Metrics that can fail the check where nothing else is said: the time of a GPU, and of what is exact the sums that cost
/// time. Emulation times are no GPU's, and single instruction classes are traded for each other.
const GATED: [&str; 9] = [
    "gpu_time",
    "roofline_time",
    "peak_memory",
    "instructions",
    "global_load_sectors",
    "global_store_sectors",
    "shared_wavefronts",
    "shared_bank_conflicts",
    "launches",
];

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The branch whose merge base with HEAD is the base of `pipe check`.
    pub(crate) default_branch: Option<String>,
    /// Folder of baselines and accepted changes, from the repository's root.
    pub(crate) baselines: Option<PathBuf>,
    pub(crate) check: Policy,
}

/// `[check]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    pub(crate) baseline: Option<String>,
    gate: Option<Vec<String>>,
    pub(crate) allow_unclear: bool,
    rule: Vec<Rule>,
}

/// `[[check.rule]]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rule {
    metric: Names,
    #[serde(rename = "type")]
    benchmark_type: Names,
    implementation: Names,
    device: Names,
    case: Option<String>,
    #[serde(deserialize_with = "threshold")]
    threshold: Option<f64>,
    gate: Option<bool>,
}

/// One name, several, or none, which is every one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged)]
enum Names {
    #[default]
    Any,
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn fit(&self, name: &str) -> bool {
        match self {
            Names::Any => true,
            Names::One(one) => one == name,
            Names::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

fn threshold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Number(number) => number.to_string(),
        Written::Text(text) => text,
    };
    share(&text).map(Some).map_err(serde::de::Error::custom)
}

impl Config {
    /// Reads `pipe.toml` at `root`, which need not be there, or the file that the user named, which must.
    pub(crate) fn load(root: &Path, named: Option<&Path>) -> Result<Self, CommandError> {
        let path = named.map_or_else(|| root.join(FILE), Path::to_owned);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(CommandError::usage(format!("cannot read {}: {error}", path.display())));
            }
        };
        toml::from_str(&text).map_err(|error| {
            CommandError::usage(format!("{}: {}", path.display(), error.to_string().trim_end()))
                .with_hint("`pipe check --help` describes the file")
        })
    }
}

impl Policy {
    /// Whether a metric of a case can fail the check, and its threshold where one is set.
    pub(crate) fn of(&self, row: &Row, metric: &str) -> (bool, Option<f64>) {
        let gated = match &self.gate {
            Some(gate) => gate.iter().any(|name| name == metric),
            None => GATED.contains(&metric),
        };
        self.rule
            .iter()
            .filter(|rule| rule.fits(row, metric))
            .fold((gated, None), |(gate, threshold), rule| {
                (rule.gate.unwrap_or(gate), rule.threshold.or(threshold))
            })
    }
}

impl Rule {
    fn fits(&self, row: &Row, metric: &str) -> bool {
        self.metric.fit(metric)
            && self.benchmark_type.fit(&row.benchmark_type)
            && self.implementation.fit(&row.implementation)
            && self.device.fit(&row.device)
            && self.case.as_ref().is_none_or(|part| row.config.contains(part.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(implementation: &str, config: &str) -> Row {
        Row {
            benchmark_type: "tiny".to_owned(),
            device: "embedded".to_owned(),
            implementation: implementation.to_owned(),
            config: config.to_owned(),
            same_kernel: false,
            base_status: None,
            new_status: None,
            message: None,
            metric: None,
        }
    }

    fn read(text: &str) -> Result<Config, CommandError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        Config::load(folder.path(), None)
    }

    #[test]
    fn later_rules_override_key_by_key() {
        let config = read(
            "[check]\ngate = ['instructions']\n\
             [[check.rule]]\nmetric = ['gpu_time', 'instructions']\nthreshold = '5%'\n\
             [[check.rule]]\nimplementation = 'ring-dilated'\ngate = false\n\
             [[check.rule]]\ncase = 'seq_len=64'\nthreshold = 0.2\n",
        )
        .unwrap();
        let of = |implementation: &str, case: &str, metric: &str| {
            config.check.of(&row(implementation, case), metric)
        };
        assert_eq!(of("dilated", "seq_len=32", "instructions"), (true, Some(0.05)));
        assert_eq!(of("dilated", "seq_len=32", "gpu_time"), (false, Some(0.05)));
        assert_eq!(of("dilated", "seq_len=64", "instructions"), (true, Some(0.2)));
        assert_eq!(of("ring-dilated", "seq_len=32", "instructions"), (false, Some(0.05)));
        assert_eq!(Policy::default().of(&row("dilated", ""), "emulation_time"), (false, None));
        assert_eq!(Policy::default().of(&row("dilated", ""), "gpu_time"), (true, None));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, expected) in [
            ("[check]\nthreshhold = 1\n", "threshhold"),
            ("default-branch = 'main'\n", "default-branch"),
            ("[[check.rule]]\nthreshold = 'lots'\n", "expected a share"),
            ("[[check.rule]]\nmetrics = 'x'\n", "line 2"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message().contains(expected), "{text}: {}", error.message());
        }
        assert!(Config::load(Path::new("/nowhere"), None).is_ok(), "no file is no settings");
        assert!(Config::load(Path::new("/nowhere"), Some(Path::new("/nowhere/x.toml"))).is_err());
    }
}
