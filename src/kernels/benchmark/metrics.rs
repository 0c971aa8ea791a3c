//! Which metrics a benchmark type records.

use std::str::FromStr;

use pipe_model::Metric;
use serde::{Deserialize, de};

use super::axis::one_or_more;
use crate::near::suggestion;

/// Metrics by name; everything unless the type says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricSelection(Option<Vec<Pattern>>);

/// `peak_memory`, or `roofline_*`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// The name, or how it begins.
    text: String,
    is_prefix: bool,
}

impl MetricSelection {
    /// Whether a metric is recorded.
    pub fn includes(&self, metric: &Metric) -> bool {
        self.0.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(metric.as_str())))
    }
}

impl Pattern {
    fn matches(&self, name: &str) -> bool {
        if self.is_prefix { name.starts_with(&self.text) } else { name == self.text }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (start, is_prefix) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
        let pattern = Pattern { text: start.to_owned(), is_prefix };
        let known: Vec<Metric> = Metric::known().collect();
        if known.iter().any(|metric| pattern.matches(metric.as_str())) {
            return Ok(pattern);
        }
        let near = suggestion(start, known.iter().map(Metric::as_str));
        Err(format!("no metric is called '{text}'{near}"))
    }
}

impl<'de> Deserialize<'de> for MetricSelection {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names: Vec<String> = one_or_more(deserializer)?;
        let patterns = names.iter().map(|name| name.parse().map_err(de::Error::custom));
        Ok(Self(Some(patterns.collect::<Result<_, _>>()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_beginnings_of_names() {
        let selection =
            MetricSelection(Some(vec!["peak_memory".parse().unwrap(), "roofline_*".parse().unwrap()]));
        assert!(selection.includes(&Metric::PEAK_MEMORY) && selection.includes(&Metric::ROOFLINE_TIME));
        assert!(!selection.includes(&Metric::GPU_TIME));
        assert!(MetricSelection::default().includes(&Metric::GPU_TIME));
        insta::assert_snapshot!("peak_memry".parse::<Pattern>().unwrap_err(), @"no metric is called 'peak_memry'; did you mean 'peak_memory'?");
        insta::assert_snapshot!("zzz*".parse::<Pattern>().unwrap_err(), @"no metric is called 'zzz*'");
    }
}
