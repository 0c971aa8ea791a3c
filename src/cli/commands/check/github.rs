//! A check as GitHub's workflow commands: an error a regression, a warning for what is not decided, at the kernel's file.

use std::{
    io::{self, Write},
    path::Path,
};

use super::words::{change, sentence, values};
use crate::{
    comparison::{Comparison, ending},
    error::Exit,
    gate::{Kind, Outcome},
};

pub(super) fn write(
    comparison: &Comparison,
    outcome: &Outcome<'_>,
    root: &Path,
    out: &mut dyn Write,
) -> io::Result<()> {
    for finding in &outcome.findings {
        let level = match finding.kind {
            Kind::Failed | Kind::Slower => "error",
            Kind::Unclear | Kind::NotMeasured => "warning",
            Kind::Accepted | Kind::Faster => "notice",
            Kind::New | Kind::Ungated | Kind::Why | Kind::Same => continue,
        };
        let row = finding.row;
        let (base, new) = values(row);
        let what = match &row.metric {
            Some(metric) => format!("{} {base} → {new} ({})", metric.name, change(row)),
            None => ending(row),
        };
        let because = finding.why.as_ref().map(|why| format!(" because {why}")).unwrap_or_default();
        let reason = finding.reason.map(|reason| format!("; accepted: {reason}")).unwrap_or_default();
        let message = format!("{}: {what}{because}, {}{reason}", row.implementation, row.config);
        let kernel = format!("kernels-ptx/{}/kernel.ptx", row.implementation);
        // Only a file of the repository can be annotated; the others are carried inside pipe.
        let place = if root.join(&kernel).is_file() {
            format!("file={},line=1,", property(&kernel))
        } else {
            String::new()
        };
        let title = property(&format!("{} {}", row.implementation, finding.kind.as_str()));
        writeln!(out, "::{level} {place}title={title}::{}", data(&message))?;
    }
    let level = if outcome.exit == Exit::Done { "notice" } else { "error" };
    writeln!(out, "::{level} title=pipe check::{}", data(&sentence(comparison, outcome)))
}

/// Text as the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text as a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
