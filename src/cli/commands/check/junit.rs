//! A check as JUnit's XML: a test suite a benchmark type and device, a test a case and metric.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use super::words::{change, values};
use crate::{
    comparison::ending,
    gate::{Finding, Kind, Outcome},
};

pub(super) fn write(outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<(&str, &str), Vec<&Finding<'_>>> = BTreeMap::new();
    for finding in &outcome.findings {
        suites.entry((&finding.row.benchmark_type, &finding.row.device)).or_default().push(finding);
    }
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.write_event(Event::Start(BytesStart::new("testsuites").with_attributes([("name", "pipe check")])))?;
    for ((benchmark_type, device), findings) in suites {
        let count = |kinds: &[Kind]| {
            findings.iter().filter(|finding| kinds.contains(&finding.kind)).count().to_string()
        };
        let (tests, failures) = (findings.len().to_string(), count(&[Kind::Slower, Kind::Unclear]));
        let (errors, skipped) = (count(&[Kind::Failed]), count(&[Kind::NotMeasured, Kind::Accepted]));
        let name = format!("{benchmark_type} on {device}");
        xml.write_event(Event::Start(BytesStart::new("testsuite").with_attributes([
            ("name", name.as_str()),
            ("tests", tests.as_str()),
            ("failures", failures.as_str()),
            ("errors", errors.as_str()),
            ("skipped", skipped.as_str()),
        ])))?;
        for finding in findings {
            test(finding, &mut xml)?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    writeln!(xml.into_inner())
}

fn test(finding: &Finding<'_>, xml: &mut Writer<&mut dyn Write>) -> io::Result<()> {
    let row = finding.row;
    let class = format!("{}.{}", row.benchmark_type, row.implementation);
    let metric = row.metric.as_ref().map_or("outcome", |metric| metric.name.as_str());
    let name = format!("{metric} [{}]", row.config);
    let start =
        BytesStart::new("testcase").with_attributes([("classname", class.as_str()), ("name", name.as_str())]);
    let element = match finding.kind {
        Kind::Failed => "error",
        Kind::Slower | Kind::Unclear => "failure",
        Kind::NotMeasured | Kind::Accepted => "skipped",
        Kind::Faster | Kind::New | Kind::Ungated | Kind::Why | Kind::Same => {
            return xml.write_event(Event::Empty(start));
        }
    };
    let (base, new) = values(row);
    let what = match &row.metric {
        Some(_) => {
            let because = finding.why.as_ref().map(|why| format!(" because {why}")).unwrap_or_default();
            format!("{base} → {new} ({}){because}", change(row))
        }
        None => ending(row),
    };
    let message = match finding.reason {
        Some(reason) => format!("{what}; accepted: {reason}"),
        None => what,
    };
    xml.write_event(Event::Start(start))?;
    let start = BytesStart::new(element).with_attributes([("message", message.as_str())]);
    if element == "skipped" {
        xml.write_event(Event::Empty(start))?;
    } else {
        let text = row.message.as_deref().unwrap_or_default();
        xml.write_event(Event::Start(start.with_attributes([("type", finding.kind.as_str())])))?;
        xml.write_event(Event::Text(BytesText::new(text)))?;
        xml.write_event(Event::End(BytesEnd::new(element)))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}
