//! Words a dashboard: six sections, each a table of the rows of one query.

use pipe_report::{format, sparkline};

use crate::{
    CommitState, Dashboard, Regression, RunState, Stale, Trend, TypeState,
    section::{MISSING, Section, Text, Tone},
};

/// How a dashboard looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Columns of the terminal; as wide as it takes where there is none.
    pub width: Option<u16>,
    /// Whether colours and weights are written, as ANSI escape codes.
    pub styled: bool,
}

/// A ratio of times further from 1 than this is coloured.
const NOTABLE: f64 = 0.02;
/// Regressions and stale results that are listed; of more only how many.
const LISTED: usize = 10;
/// The longest subject.
const LONGEST: usize = 40;
/// Rounding a ratio to a tenth of a per cent leaves this much.
const ROUNDS_TO_ZERO: f64 = 0.0005;

impl Dashboard {
    /// The dashboard as text that ends with a line break.
    pub fn render(&self, look: &Look) -> String {
        let mut out = format!("{}\n", self.headline());
        if self.runs.is_empty() {
            return out;
        }
        let sections = [
            types(&self.types),
            // Before what is long: a watched screen ends somewhere.
            regressions(&self.regressions),
            commits(&self.commits),
            runs(&self.runs),
            trends(&self.trends),
            stale(&self.stale),
        ];
        for section in sections {
            section.write(look.width, look.styled, &mut out);
        }
        out
    }

    fn headline(&self) -> String {
        let Some(run) = self.runs.first() else {
            return "the history has nothing yet; `pipe bench` measures".to_owned();
        };
        let commits = self.commits.last().map_or(0, |commit| commit.commits);
        let open = self.regressions.iter().filter(|r| r.state == "open" && r.place == 1).count();
        format!(
            "{}, last run {}, {}",
            plural(commits, "commit"),
            minute(&run.recorded_at),
            plural(open as u64, "open regression"),
        )
    }
}

fn types(types: &[TypeState]) -> Section {
    let rows = types.iter().map(|row| {
        vec![
            Text::from(&row.benchmark_type),
            Text::from(&row.device),
            Text::from(&row.commit),
            behind(row.behind),
            row.cases.to_string().into(),
            failed(row.failed),
            Text::from(row.fastest.as_deref().unwrap_or(MISSING)),
            row.lead.map_or_else(|| MISSING.to_owned(), times).into(),
            change(row.ratio),
            sparkline::draw(&row.trend).into(),
            Text::from(row.metric.as_deref().unwrap_or(MISSING)),
        ]
    });
    Section {
        title: "types".to_owned(),
        columns: &[
            "type",
            "device",
            "commit",
            "behind>",
            "cases>",
            "failed>",
            "fastest",
            "next takes>",
            "change>",
            "trend",
            "of",
        ],
        rows: rows.collect(),
        notes: Vec::new(),
    }
}

fn commits(commits: &[CommitState]) -> Section {
    let rows = commits.iter().map(|row| {
        vec![
            Text::from(&row.commit),
            row.committed_at.as_deref().map_or(MISSING, day).into(),
            row.subject.as_deref().map_or_else(|| MISSING.to_owned(), shortened).into(),
            row.runs.to_string().into(),
            row.cases.to_string().into(),
            failed(row.failed),
            change(row.time),
            change_of_count(row.instructions),
        ]
    });
    Section {
        title: "commits in git's order, the latest last".to_owned(),
        columns: &["commit", "date", "subject", "runs>", "cases>", "failed>", "times>", "instructions>"],
        rows: rows.collect(),
        notes: Vec::new(),
    }
}

fn runs(runs: &[RunState]) -> Section {
    let rows = runs.iter().map(|row| {
        vec![
            minute(&row.recorded_at).into(),
            Text::from(&row.benchmark_type),
            if row.dirty {
                Text::toned(format!("{}, dirty", row.commit), Tone::Warning)
            } else {
                Text::from(&row.commit)
            },
            Text::from(&row.device),
            row.rows.to_string().into(),
            failed(row.failures),
            Text::from(&row.source),
        ]
    });
    Section {
        title: "last runs".to_owned(),
        columns: &["began", "type", "commit", "device", "rows>", "failed>", "by"],
        rows: rows.collect(),
        notes: Vec::new(),
    }
}

fn trends(trends: &[Trend]) -> Section {
    let rows = trends.iter().map(|row| {
        vec![
            Text::from(&row.benchmark_type),
            Text::from(&row.device),
            Text::from(&row.implementation),
            row.time.map_or_else(|| MISSING.to_owned(), format::nanoseconds).into(),
            change(row.ratio),
            change(row.trend.iter().rev().flatten().next().copied().filter(|_| row.trend.len() > 1)),
            sparkline::draw(&row.trend).into(),
            failed(row.failed),
            behind(row.behind),
        ]
    });
    Section {
        title: "trends, from the first commit of the window to the last".to_owned(),
        columns: &[
            "type",
            "device",
            "implementation",
            "time>",
            "change>",
            "over all>",
            "trend",
            "failed>",
            "behind>",
        ],
        rows: rows.collect(),
        notes: Vec::new(),
    }
}

fn regressions(regressions: &[Regression]) -> Section {
    let mut alarms = regressions.iter().filter(|row| row.place == 1 && row.state != "accepted");
    let rows: Vec<Vec<Text>> = alarms
        .by_ref()
        .take(LISTED)
        .map(|row| {
            let tone = if row.state == "open" { Tone::Bad } else { Tone::Warning };
            vec![
                Text::toned(&row.state, tone),
                Text::from(&row.since),
                row.subject.as_deref().map_or_else(|| MISSING.to_owned(), shortened).into(),
                Text::from(&row.benchmark_type),
                Text::from(&row.implementation),
                Text::from(&row.metric),
                row.cases.to_string().into(),
                Text::toned(row.mean_ratio.map_or_else(|| MISSING.to_owned(), percent), tone),
                format!(
                    "{} → {}",
                    format::with_unit(&row.unit, row.before),
                    format::with_unit(&row.unit, row.after)
                )
                .into(),
            ]
        })
        .collect();
    let mut notes = Vec::new();
    if rows.is_empty() {
        notes.push("none".to_owned());
    }
    let more = alarms.count();
    if more > 0 {
        notes.push(format!("{more} more: pipe query regressions"));
    }
    let accepted = regressions.iter().filter(|row| row.place == 1 && row.state == "accepted").count();
    if accepted > 0 {
        notes.push(format!("{accepted} accepted"));
    }
    Section {
        title: "regressions".to_owned(),
        columns: &[
            "state",
            "since",
            "subject",
            "type",
            "implementation",
            "metric",
            "cases>",
            "worse by>",
            "worst case",
        ],
        rows,
        notes,
    }
}

fn stale(stale: &[Stale]) -> Section {
    let rows = stale.iter().take(LISTED).map(|row| {
        vec![
            Text::from(&row.benchmark_type),
            Text::from(&row.device),
            Text::from(&row.implementation),
            Text::from(&row.commit),
            behind(row.behind),
            minute(&row.recorded_at).into(),
        ]
    });
    let mut notes = Vec::new();
    if stale.is_empty() {
        notes.push("none: everything was measured at the latest commit".to_owned());
    } else if stale.len() > LISTED {
        notes.push(format!("{} more: pipe query stale", stale.len() - LISTED));
    }
    Section {
        title: "stale: not measured at the latest commit".to_owned(),
        columns: &["type", "device", "implementation", "last commit", "behind>", "last measured"],
        rows: rows.collect(),
        notes,
    }
}

/// How many newer commits there are; nothing to say where there is none.
fn behind(commits: u64) -> Text {
    if commits == 0 { MISSING.into() } else { Text::toned(commits.to_string(), Tone::Warning) }
}

fn failed(number: u64) -> Text {
    if number == 0 { MISSING.into() } else { Text::toned(number.to_string(), Tone::Bad) }
}

/// A ratio of times as a change; noise is not coloured.
fn change(ratio: Option<f64>) -> Text {
    toned(ratio, NOTABLE)
}

/// A ratio of counts, of which any change is one.
fn change_of_count(ratio: Option<f64>) -> Text {
    toned(ratio, 0.0)
}

fn toned(ratio: Option<f64>, notable: f64) -> Text {
    let Some(ratio) = ratio else { return MISSING.into() };
    let tone = if ratio > 1.0 + notable {
        Tone::Bad
    } else if ratio < 1.0 - notable {
        Tone::Good
    } else {
        Tone::Plain
    };
    Text::toned(percent(ratio), tone)
}

/// `+12.3 %`; a large one as `3.20×`.
fn percent(ratio: f64) -> String {
    if ratio >= 2.0 {
        return times(ratio);
    }
    let change = ratio - 1.0;
    if change.abs() < ROUNDS_TO_ZERO { "0.0 %".to_owned() } else { format!("{:+.1} %", 100.0 * change) }
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2}×")
}

fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `2026-11-24 14:09` of an RFC 3339 time.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST - 1).collect();
    format!("{}…", kept.trim_end())
}
