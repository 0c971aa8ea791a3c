//! A check as a pull request's comment: a sentence, the alarms, and the rest folded away.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use pipe_report::cases;

use super::words::{change, kind, name, sentence, values, why};
use crate::{
    comparison::{Comparison, case},
    gate::{Finding, Kind, Outcome},
};

/// The first line, by which a bot finds its comment again.
const MARKER: &str = "<!-- pipe check -->";
/// Lines of a table; more are counted.
const MOST_LINES: usize = 20;

pub(super) fn write(comparison: &Comparison, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{MARKER}\n### {}\n", sentence(comparison, outcome))?;
    writeln!(out, "`{}` against `{}`", comparison.new.label(), comparison.base.label())?;
    let devices: BTreeSet<&str> = comparison.rows.iter().map(|row| row.device.as_str()).collect();
    if !devices.is_empty() {
        writeln!(out, "on {}", devices.into_iter().collect::<Vec<_>>().join(", "))?;
    }
    let common = cases::common(comparison.rows.iter().map(|row| row.config.as_str()));
    if !common.is_empty() {
        writeln!(out, "\nall cases: {}", common.join(" "))?;
    }
    let alarms = |kind| matches!(kind, Kind::Failed | Kind::Slower | Kind::Unclear | Kind::NotMeasured);
    let (alarms, others): (Vec<_>, Vec<_>) =
        outcome.findings.iter().filter(|finding| finding.is_told()).partition(|finding| alarms(finding.kind));
    lines(&alarms, &common, out)?;
    if !others.is_empty() {
        writeln!(out, "\n<details><summary>{} other changes</summary>", others.len())?;
        lines(&others, &common, out)?;
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

fn lines(findings: &[&Finding<'_>], common: &[&str], out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| | kernel | case | metric | base | new | change | because |")?;
    writeln!(out, "| --- | --- | --- | --- | ---: | ---: | ---: | --- |")?;
    for finding in findings.iter().take(MOST_LINES) {
        let row = finding.row;
        let (base, new) = values(row);
        let cells = [
            kind(finding),
            row.implementation.clone(),
            case(&row.config, common),
            name(row),
            base,
            new,
            change(row),
            why(finding),
        ]
        .map(|cell| cell.replace('|', "\\|").replace(['\n', '\r'], " "));
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    if findings.len() > MOST_LINES {
        writeln!(out, "\n… and {} more", findings.len() - MOST_LINES)?;
    }
    Ok(())
}
