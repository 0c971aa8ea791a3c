//! `pipe bisect`: the commit at which a metric of a kernel changed.
//!
//! A kernel is data, so no commit is built or checked out: its PTX and manifest are read out of git and measured by this binary
//! where the history lacks the result. Only commits at which the kernel's digest changes can be the one, and each digest is
//! measured once.

use std::io::Write as _;

use pipe_bench::{Request, Schedule};
use pipe_history::git::Repository;
use pipe_kernels::{Library, Overrides};
use pipe_model::{Commit, Verdict};
use pipe_query::{Params, Session};
use pipe_report::format::with_unit;

use super::{
    bench::{Bench, Setup},
    query::{open, query_error},
};
use crate::{
    args::{BisectArgs, Global},
    comparison::{Comparison, Filter, Metric, Side},
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

/// A commit at which the kernel is not what it was at the one before.
#[derive(Debug, Clone)]
struct Point {
    commit: Commit,
    digest: String,
}

pub(super) fn run(args: BisectArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let place = Place::find(global)?;
    let repository = place.require_repository("pipe bisect")?;
    let points = points(&place, repository, &args)?;
    let [first, .., last] = points.as_slice() else {
        return Err(CommandError::usage(format!(
            "{} is the same kernel at every commit of {}..{}",
            args.implementation, args.good, args.bad
        ))
        .with_hint("what changed is not in the kernel; `pipe compare` shows both sides"));
    };
    let bench = Bench::open(
        &place,
        &Setup { device: &args.device, model: &args.model, profile: None, sanitize: false },
        ui,
    )?;
    let today = place.work_tree_library()?;
    let mut search = Search {
        place: &place,
        session: open(&place, false)?,
        bench,
        today,
        args: &args,
        config: args.case.clone(),
    };
    search.require(first)?;
    search.require(last)?;
    let change = search.change(first, last)?;

    let mut out = ui.out();
    writeln!(out, "{} {}, {}", args.implementation, args.metric, change.config)?;
    let unit = change.metric.unit.clone();
    let mut tell = |point: &Point, number: f64, what: &str| {
        writeln!(out, "  {}  {:>14}  {what}", point.commit.short(), with_unit(&unit, number))
    };
    tell(first, change.metric.base, "good")?;
    tell(last, change.metric.new, "bad")?;

    let (mut good, mut bad) = (0, points.len() - 1);
    let mut values: Vec<Option<f64>> = vec![None; points.len()];
    (values[good], values[bad]) = (Some(change.metric.base), Some(change.metric.new));
    let mut unmeasurable = vec![false; points.len()];
    while let Some(middle) = middle(good, bad, &unmeasurable) {
        let point = &points[middle];
        let Some(number) = search.measure(point, &change.config)? else {
            unmeasurable[middle] = true;
            ui.note(format_args!("{} cannot be measured and is passed over", point.commit.short()));
            continue;
        };
        values[middle] = Some(number);
        let is_bad = is_bad(number, &change.metric);
        tell(point, number, if is_bad { "bad" } else { "good" })?;
        if is_bad { bad = middle } else { good = middle }
    }

    let culprit = &points[bad];
    let before = values[good].unwrap_or(change.metric.base);
    let after = values[bad].unwrap_or(change.metric.new);
    let passed_over = bad - good - 1;
    let first_or_among = if passed_over == 0 {
        "is the first commit with the change".to_owned()
    } else {
        format!("or one of the {passed_over} before it that cannot be measured has the change")
    };
    writeln!(
        out,
        "{} {first_or_among}: {} → {}",
        culprit.commit,
        with_unit(&unit, before),
        with_unit(&unit, after)
    )?;
    if let Some(info) = repository.info(&culprit.commit).map_err(CommandError::failed)? {
        writeln!(out, "  {}, {}, {}", info.subject, info.author, info.time)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The commits of the range at which the kernel changes, oldest first, GOOD in front.
fn points(place: &Place, repository: &Repository, args: &BisectArgs) -> Result<Vec<Point>, CommandError> {
    let good = repository.resolve(&args.good).map_err(CommandError::usage)?;
    let range = repository.range(&format!("{}..{}", args.good, args.bad)).map_err(CommandError::usage)?;
    if range.is_empty() {
        return Err(CommandError::usage(format!("there is no commit in {}..{}", args.good, args.bad))
            .with_hint("GOOD comes first, then the later BAD"));
    }
    let mut points: Vec<Point> = Vec::new();
    for commit in std::iter::once(good).chain(range) {
        let library = place.commit_library(&commit)?;
        // A commit without the kernel, or with one that is broken, cannot be measured; the next one that has it is the point.
        let Ok(kernels) = library.implementation(&args.implementation) else {
            if points.is_empty() {
                return Err(CommandError::usage(format!(
                    "{} has no usable {}",
                    commit.short(),
                    args.implementation
                ))
                .with_hint("name a GOOD that has it; `pipe kernels list --rev GOOD` lists what there is"));
            }
            continue;
        };
        let digest = kernels.digest().to_owned();
        if points.last().is_none_or(|last| last.digest != digest) {
            points.push(Point { commit, digest });
        }
    }
    Ok(points)
}

/// The measurable point nearest the middle between two; `None` where there is none.
fn middle(good: usize, bad: usize, unmeasurable: &[bool]) -> Option<usize> {
    let center = (good + bad) / 2;
    (good + 1..bad).filter(|point| !unmeasurable[*point]).min_by_key(|point| point.abs_diff(center))
}

/// Whether a value is on the bad side: other than the good one where values are exact, else nearer to the bad one.
fn is_bad(number: f64, change: &Metric) -> bool {
    if change.exact {
        return number != change.base;
    }
    let distance = |from: f64| (number / from).ln().abs();
    distance(change.new) < distance(change.base)
}

/// The change between the two ends: of which case, from what to what.
struct Change {
    config: String,
    metric: Metric,
}

struct Search<'a> {
    place: &'a Place,
    session: Session,
    bench: Bench<'a>,
    today: Library,
    args: &'a BisectArgs,
    /// Part of the parameters of the cases that are looked at.
    config: Option<String>,
}

impl Search<'_> {
    /// Measures an end of the range where the history lacks it.
    fn require(&mut self, point: &Point) -> Result<(), CommandError> {
        if self.known(&point.commit, None)?.is_none() {
            self.run(point, None)?;
        }
        Ok(())
    }

    /// What changed most between the ends.
    fn change(&self, first: &Point, last: &Point) -> Result<Change, CommandError> {
        let filter = Filter {
            benchmark_type: Some(self.args.benchmark_type.to_string()),
            device: Some(self.bench.device().name),
            implementation: Some(self.args.implementation.clone()),
            metric: Some(self.args.metric.clone()),
            config: self.config.clone(),
            threshold: self.args.threshold,
        };
        let (base, new) = (Side::of(first.commit.clone()), Side::of(last.commit.clone()));
        let comparison = Comparison::of(&self.session, base, new, &filter)?;
        let metrics = comparison.rows.into_iter().filter_map(|row| {
            let metric = row.metric?;
            let changed = matches!(metric.verdict, Verdict::Slower | Verdict::Faster)
                || metric.exact && metric.base != metric.new;
            changed.then_some(Change { config: row.config, metric })
        });
        metrics.max_by(|a, b| a.metric.size().total_cmp(&b.metric.size())).ok_or_else(|| {
            CommandError::usage(format!(
                "{} of {} did not change between {} and {}",
                self.args.metric,
                self.args.implementation,
                first.commit.short(),
                last.commit.short()
            ))
            .with_hint("`pipe compare` shows what did")
        })
    }

    /// The value at a point, measured now where the history lacks it; `None` where it cannot be.
    fn measure(&mut self, point: &Point, config: &str) -> Result<Option<f64>, CommandError> {
        if let Some(known) = self.known(&point.commit, Some(config))? {
            return Ok(Some(known));
        }
        self.run(point, Some(config))?;
        self.known(&point.commit, Some(config))
    }

    /// The newest value that the history has of a commit on this device; of one case, or of any that fits.
    fn known(&self, commit: &Commit, config: Option<&str>) -> Result<Option<f64>, CommandError> {
        let sql = "SELECT median AS answer FROM measurements \
                   WHERE commit = $commit AND type = $type AND device = $device AND implementation = $implementation \
                     AND metric = $metric AND status = 'ok' AND NOT coalesce(dirty, false) \
                     AND (config = $config OR $config IS NULL AND ($part IS NULL OR strpos(config, $part) > 0)) \
                   ORDER BY recorded_at DESC, run_id DESC LIMIT 1";
        let params = Params::new()
            .with("commit", commit.as_str())
            .with("type", self.args.benchmark_type.as_str())
            .with("device", self.bench.device().name)
            .with("implementation", self.args.implementation.as_str())
            .with("metric", self.args.metric.as_str())
            .with("config", config)
            .with("part", self.config.clone());
        let answer = self.session.sql(sql, &params).map_err(query_error)?;
        let row = answer.rows().map_err(query_error)?.into_iter().next();
        Ok(row.and_then(|row| row.get("answer")?.as_f64()))
    }

    /// Measures a point: one case, or all that fit.
    fn run(&mut self, point: &Point, config: Option<&str>) -> Result<(), CommandError> {
        let library = self.place.commit_library(&point.commit)?.with_types_of(&self.today);
        let request = Request {
            profile: self.bench.profile,
            implementations: vec![self.args.implementation.clone()],
            overrides: Overrides::default(),
            dirty: Default::default(),
        };
        let mut schedule = Schedule::new(&library, self.args.benchmark_type.as_str(), &request)
            .map_err(CommandError::usage)?;
        let part = self.config.as_deref();
        schedule.jobs.retain(|job| {
            let of = job.case.config();
            config.is_none_or(|config| of == config) && part.is_none_or(|part| of.contains(part))
        });
        let measured = self.bench.measure(&point.commit, &schedule)?;
        self.bench.conclude(&measured)?;
        if measured.interrupted {
            return Err(CommandError::interrupted("bisect was interrupted; what is measured is recorded"));
        }
        Ok(())
    }
}
