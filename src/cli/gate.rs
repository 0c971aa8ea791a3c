//! The gate's decision: what of a comparison is an alarm, what was accepted, and how the process ends.

use pipe_history::{Acceptance, AcceptedChange};
use pipe_model::{Direction, Status, Verdict};

use crate::{
    comparison::{Comparison, Metric, Row, changed_counts},
    config::Policy,
    error::Exit,
};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A kernel failed, is wrong, or no longer fits.
    Failed,
    /// A gated metric is worse.
    Slower,
    /// A gated metric is worse, and somebody said why that is right.
    Accepted,
    /// The samples of a gated metric decide nothing.
    Unclear,
    /// The base has the case and the new side does not.
    NotMeasured,
    /// Better.
    Faster,
    /// The new side has the case and the base does not.
    New,
    /// Worse, and no part of the gate.
    Ungated,
    /// Why a modelled time is worse that is told of.
    Why,
    /// Nothing to say.
    Same,
}

impl Kind {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Kind::Failed => "failed",
            Kind::Slower => "slower",
            Kind::Accepted => "accepted",
            Kind::Unclear => "unclear",
            Kind::NotMeasured => "not measured",
            Kind::Faster => "faster",
            Kind::New => "new",
            Kind::Ungated => "slower, not gated",
            Kind::Why => "why",
            Kind::Same => "same",
        }
    }
}

/// A row with what became of it.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) kind: Kind,
    /// What it would be without the others.
    pub(crate) alone: Kind,
    pub(crate) row: &'a Row,
    /// Why it was accepted.
    pub(crate) reason: Option<&'a str>,
    /// Of a modelled time, the counts that it follows from: `instructions ×1.20`.
    pub(crate) why: Option<String>,
}

impl Finding<'_> {
    /// Whether it has a line of its own.
    pub(crate) fn is_told(&self) -> bool {
        !matches!(self.kind, Kind::Same | Kind::Why)
    }
}

/// Everything the gate found, what matters most first.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) findings: Vec<Finding<'a>>,
    pub(crate) exit: Exit,
}

impl Outcome<'_> {
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.findings.iter().filter(|finding| finding.kind == kind).count()
    }
}

/// Judges a comparison.
pub(crate) fn judge<'a>(
    comparison: &'a Comparison,
    policy: &Policy,
    accepted: &'a [Acceptance],
) -> Outcome<'a> {
    let mut findings: Vec<Finding<'a>> = comparison
        .rows
        .iter()
        .map(|row| {
            let (kind, reason) = match &row.metric {
                None => (ending(row), None),
                Some(metric) => judge_metric(row, metric, policy, accepted),
            };
            Finding { kind, alone: kind, row, reason, why: None }
        })
        .collect();
    tell_once(comparison, &mut findings);
    // Stable: within a kind the order of the comparison stays.
    findings.sort_by_key(|finding| finding.kind);

    let has = |kind| findings.iter().any(|finding| finding.kind == kind);
    let undecided = has(Kind::Unclear) || has(Kind::NotMeasured) || comparison.unmeasured().is_some();
    let exit = if has(Kind::Failed) {
        Exit::KernelFailed
    } else if has(Kind::Slower) {
        Exit::Slower
    } else if undecided && !policy.allow_unclear {
        Exit::Unclear
    } else {
        Exit::Done
    };
    Outcome { findings, exit }
}

/// A modelled time follows from counts: where it is told of, they are not told of by themselves but as the reason.
fn tell_once(comparison: &Comparison, findings: &mut [Finding<'_>]) {
    for index in 0..findings.len() {
        let Finding { kind, row, .. } = findings[index];
        let told = matches!(kind, Kind::Slower | Kind::Accepted);
        if !told || !row.metric.as_ref().is_some_and(|metric| metric.modelled) {
            continue;
        }
        let why = changed_counts(&comparison.rows, row);
        findings[index].why = Some(why).filter(|why| !why.is_empty());
        for other in findings.iter_mut().filter(|other| !std::ptr::eq(other.row, row)) {
            let follows = other.row.metric.as_ref().is_some_and(Metric::is_modelled_or_its_input);
            if follows && other.row.is_case_of(row) && (other.kind == kind || other.kind == Kind::Ungated) {
                other.kind = Kind::Why;
            }
        }
    }
}

/// A case that a side failed or does not have.
fn ending(row: &Row) -> Kind {
    use Status::{Error, Ok, OutOfMemory, Skipped, Timeout, Trap, WrongResult};
    match (row.base_status, row.new_status) {
        (_, Some(WrongResult | Trap | Timeout | Error)) => Kind::Failed,
        // What could be computed and no longer can.
        (Some(Ok), Some(OutOfMemory | Skipped)) => Kind::Failed,
        (Some(Ok), None) => Kind::NotMeasured,
        (None, Some(Ok)) => Kind::New,
        (Some(_), Some(Ok)) => Kind::Faster,
        _ => Kind::Same,
    }
}

fn judge_metric<'a>(
    row: &Row,
    metric: &Metric,
    policy: &Policy,
    accepted: &'a [Acceptance],
) -> (Kind, Option<&'a str>) {
    let (gated, threshold) = policy.of(row, &metric.name);
    let verdict = threshold.map_or(metric.verdict, |threshold| metric.verdict_with(threshold));
    // A time of the same kernel moved by itself; it says how noisy the machine is.
    let controls = row.same_kernel && !metric.exact;
    let kind = match verdict {
        _ if controls => Kind::Same,
        Verdict::Slower if gated => Kind::Slower,
        Verdict::Unclear if gated => Kind::Unclear,
        Verdict::Faster => Kind::Faster,
        Verdict::Slower => Kind::Ungated,
        Verdict::Same | Verdict::Unclear => Kind::Same,
    };
    if kind == Kind::Slower
        && let Some(reason) = acceptance(row, metric, threshold, accepted)
    {
        return (Kind::Accepted, Some(reason));
    }
    (kind, None)
}

/// Why a change was accepted. It holds up to the accepted value, and while the base is no better than it was then.
fn acceptance<'a>(
    row: &Row,
    metric: &Metric,
    threshold: Option<f64>,
    accepted: &'a [Acceptance],
) -> Option<&'a str> {
    let slack =
        if metric.exact { 1.0 } else { 1.0 + threshold.unwrap_or(0.0).max(metric.noise.unwrap_or(0.02)) };
    let no_worse = |value: f64, limit: f64| match metric.direction {
        Direction::Higher => value * slack >= limit,
        Direction::Lower | Direction::Neutral => value <= limit * slack,
    };
    let covers = |change: &AcceptedChange| {
        change.benchmark_type == row.benchmark_type
            && change.device == row.device
            && change.implementation == row.implementation
            && change.config == row.config
            && change.metric == metric.name
            && no_worse(metric.new, change.value)
            && no_worse(change.base, metric.base)
    };
    accepted
        .iter()
        .rev()
        .find(|acceptance| acceptance.changes.iter().any(covers))
        .map(|acceptance| acceptance.reason.as_str())
}

#[cfg(test)]
mod tests {
    use pipe_model::Commit;

    use super::*;
    use crate::comparison::Side;

    fn counted(base: f64, new: f64) -> Metric {
        let verdict = pipe_stats::decide_exact(base, new, 0.0, Direction::Lower);
        Metric {
            name: "instructions".to_owned(),
            unit: "count".to_owned(),
            direction: Direction::Lower,
            exact: true,
            modelled: false,
            base,
            new,
            ratio: Some(new / base),
            interval: None,
            q_value: None,
            noise: None,
            verdict,
            implementation_ratio: Some(new / base),
        }
    }

    fn timed(verdict: Verdict) -> Metric {
        Metric { name: "gpu_time".to_owned(), exact: false, verdict, ..counted(1.0, 2.0) }
    }

    fn row(base: Option<Status>, new: Option<Status>, metric: Option<Metric>) -> Row {
        Row {
            benchmark_type: "tiny".to_owned(),
            device: "embedded".to_owned(),
            implementation: "dilated".to_owned(),
            config: "seq_len=64".to_owned(),
            same_kernel: false,
            base_status: base,
            new_status: new,
            message: None,
            metric,
        }
    }

    fn exit(rows: Vec<Row>, accepted: &[Acceptance]) -> Exit {
        let side = || Side::of(Commit::Unversioned);
        judge(&Comparison { base: side(), new: side(), rows }, &Policy::default(), accepted).exit
    }

    const OK: Option<Status> = Some(Status::Ok);

    #[test]
    fn exit_codes_by_what_is_worst() {
        let same = || row(OK, OK, Some(counted(5.0, 5.0)));
        let slower = || row(OK, OK, Some(counted(5.0, 6.0)));
        let unclear = || row(OK, OK, Some(timed(Verdict::Unclear)));
        let trapped = || row(OK, Some(Status::Trap), None);
        assert_eq!(exit(vec![same()], &[]), Exit::Done);
        assert_eq!(exit(vec![same(), unclear()], &[]), Exit::Unclear);
        assert_eq!(exit(vec![unclear(), slower()], &[]), Exit::Slower);
        assert_eq!(exit(vec![trapped(), unclear(), slower()], &[]), Exit::KernelFailed);
        assert_eq!(exit(vec![same(), row(OK, None, None)], &[]), Exit::Unclear);
        assert_eq!(exit(vec![same(), row(None, OK, None)], &[]), Exit::Done);
        assert_eq!(exit(vec![], &[]), Exit::Unclear);
        assert_eq!(exit(vec![same(), row(OK, Some(Status::OutOfMemory), None)], &[]), Exit::KernelFailed);
        let was_too_large = row(Some(Status::OutOfMemory), Some(Status::OutOfMemory), None);
        assert_eq!(exit(vec![same(), was_too_large], &[]), Exit::Done);
    }

    #[test]
    fn a_modelled_time_is_told_once_with_its_counts() {
        let named = |name: &str, base, new| Metric { name: name.to_owned(), ..counted(base, new) };
        let modelled = |name: &str, base, new| Metric { modelled: true, ..named(name, base, new) };
        let side = || Side::of(Commit::Unversioned);
        let told = |metrics: Vec<Metric>| -> Vec<(String, Kind, Option<String>)> {
            let rows = metrics.into_iter().map(|metric| row(OK, OK, Some(metric))).collect();
            let comparison = Comparison { base: side(), new: side(), rows };
            let outcome = judge(&comparison, &Policy::default(), &[]);
            assert_eq!(outcome.exit, Exit::Slower);
            let name = |finding: &Finding<'_>| finding.row.metric.as_ref().unwrap().name.clone();
            outcome
                .findings
                .iter()
                .map(|finding| (name(finding), finding.kind, finding.why.clone()))
                .collect()
        };
        let with_time = told(vec![
            named("instructions", 100.0, 120.0),
            named("instructions_integer", 10.0, 30.0),
            modelled("roofline_time", 5.0, 6.0),
            modelled("roofline_issue_time", 5.0, 6.0),
            named("peak_memory", 64.0, 128.0),
        ]);
        let why = "instructions ×1.20, peak_memory ×2.00, instructions_integer ×3.00".to_owned();
        let all = |name: &str, kind, why| (name.to_owned(), kind, why);
        assert_eq!(
            with_time,
            [
                all("roofline_time", Kind::Slower, Some(why)),
                all("peak_memory", Kind::Slower, None),
                all("instructions", Kind::Why, None),
                all("instructions_integer", Kind::Why, None),
                all("roofline_issue_time", Kind::Why, None),
            ]
        );
        // A bound that did not move tells nothing, so the count speaks for itself.
        let without = told(vec![named("instructions", 100.0, 120.0), modelled("roofline_time", 5.0, 5.0)]);
        assert_eq!(without[0], all("instructions", Kind::Slower, None));
    }

    #[test]
    fn a_time_of_the_same_kernel_is_noise() {
        let same_kernel = Row { same_kernel: true, ..row(OK, OK, Some(timed(Verdict::Slower))) };
        assert_eq!(exit(vec![same_kernel], &[]), Exit::Done);
        // A count of the same kernel is not: the machine that counts has changed.
        let same_kernel = Row { same_kernel: true, ..row(OK, OK, Some(counted(5.0, 6.0))) };
        assert_eq!(exit(vec![same_kernel], &[]), Exit::Slower);
    }

    #[test]
    fn an_accepted_change_holds_up_to_its_value_and_from_its_base() {
        let accepted = [Acceptance {
            reason: "more accurate".to_owned(),
            accepted_at: String::new(),
            base: String::new(),
            commit: String::new(),
            changes: vec![AcceptedChange {
                benchmark_type: "tiny".to_owned(),
                device: "embedded".to_owned(),
                implementation: "dilated".to_owned(),
                config: "seq_len=64".to_owned(),
                metric: "instructions".to_owned(),
                base: 100.0,
                value: 120.0,
            }],
        }];
        let of = |base, new| exit(vec![row(OK, OK, Some(counted(base, new)))], &accepted);
        assert_eq!(of(100.0, 120.0), Exit::Done);
        assert_eq!(of(100.0, 121.0), Exit::Slower);
        assert_eq!(of(110.0, 115.0), Exit::Done);
        assert_eq!(of(90.0, 120.0), Exit::Slower, "the base has become better since");
    }
}
