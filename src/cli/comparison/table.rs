//! A comparison for people: the same sections as aligned text and as markdown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{self, Write},
};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use pipe_model::{Status, Verdict};
use pipe_report::{cases, format};

use super::{Comparison, Metric, Row};

/// Up to this many measured rows are all shown; of more only those that changed, or whose counts did.
const SHOWN_WHOLE: usize = 24;
/// Counts named beside a time.
const NAMED_COUNTS: usize = 3;
/// The counts that explain most come first, the others by how much they changed.
const TELLING: [&str; 5] =
    ["instructions", "global_load_sectors", "global_store_sectors", "shared_bank_conflicts", "peak_memory"];

/// A heading, lines of text, and a table that may be empty.
struct Section {
    title: String,
    lines: Vec<String>,
    header: &'static [&'static str],
    /// From this column on cells are numbers, up to the column `last_number`.
    first_number: usize,
    last_number: usize,
    rows: Vec<Vec<String>>,
}

/// Writes aligned text, fitted to `width` where there is one.
pub(crate) fn write_table(
    comparison: &Comparison,
    all: bool,
    width: Option<u16>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "base  {}\nnew   {}", comparison.base.label(), comparison.new.label())?;
    for section in sections(comparison, all) {
        writeln!(out, "\n{}", section.title)?;
        for line in &section.lines {
            writeln!(out, "{line}")?;
        }
        if section.rows.is_empty() {
            continue;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = width {
            table.set_width(width);
        }
        table.set_header(section.header.to_vec());
        for row in section.rows {
            table.add_row(row);
        }
        for column in section.first_number..=section.last_number {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(out, "{}", table.trim_fmt())?;
    }
    Ok(())
}

/// Writes GitHub's markdown.
pub(crate) fn write_markdown(comparison: &Comparison, all: bool, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {} against {}", comparison.new.label(), comparison.base.label())?;
    for section in sections(comparison, all) {
        writeln!(out, "\n## {}", section.title)?;
        for line in &section.lines {
            writeln!(out, "\n{line}")?;
        }
        if section.rows.is_empty() {
            continue;
        }
        writeln!(out, "\n| {} |", section.header.join(" | "))?;
        let rules: Vec<&str> = (0..section.header.len())
            .map(|column| {
                let number = (section.first_number..=section.last_number).contains(&column);
                if number { "---:" } else { "---" }
            })
            .collect();
        writeln!(out, "| {} |", rules.join(" | "))?;
        for row in &section.rows {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
    }
    Ok(())
}

fn sections(comparison: &Comparison, all: bool) -> Vec<Section> {
    let mut sections = vec![];
    sections.extend(endings(comparison));
    let groups: BTreeSet<(&str, &str)> =
        comparison.rows.iter().map(|row| (row.benchmark_type.as_str(), row.device.as_str())).collect();
    for (benchmark_type, device) in groups {
        let here = |row: &Row| row.benchmark_type == benchmark_type && row.device == device;
        let rows: Vec<&Row> = comparison.rows.iter().filter(|row| here(row)).collect();
        let common = cases::common(rows.iter().map(|row| row.config.as_str()));
        let place = format!("{benchmark_type} on {device}");
        sections.extend(measured(&rows, &common, &place, all));
        sections.extend(exact(&rows, &common, &place));
        sections.extend(means(&rows, &place));
    }
    sections
}

/// Cases that a side failed or does not have.
fn endings(comparison: &Comparison) -> Option<Section> {
    let lines: Vec<String> = comparison
        .rows
        .iter()
        .filter(|row| row.metric.is_none())
        .map(|row| format!("{} {}: {}", row.implementation, row.config, ending(row)))
        .collect();
    (!lines.is_empty()).then(|| Section {
        title: "cases without a comparison".to_owned(),
        lines,
        header: &[],
        first_number: 0,
        last_number: 0,
        rows: Vec::new(),
    })
}

/// `trap (ok in the base): kernel …`.
pub(crate) fn ending(row: &Row) -> String {
    let message = row.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    match (row.base_status, row.new_status) {
        (None, Some(Status::Ok)) => "new".to_owned(),
        (None, Some(new)) => format!("{new}, new{message}"),
        (_, None) => "not measured".to_owned(),
        (Some(base), Some(Status::Ok)) => format!("ok, {base} in the base"),
        (Some(base), Some(new)) if base == new => format!("{new} as in the base{message}"),
        (Some(base), Some(new)) => format!("{new}, {base} in the base{message}"),
    }
}

fn measured(rows: &[&Row], common: &[&str], place: &str, all: bool) -> Option<Section> {
    let measured: Vec<(&Row, &Metric)> =
        rows.iter().filter_map(|row| Some((*row, row.metric.as_ref()?))).filter(|(_, m)| !m.exact).collect();
    let first = measured.first()?;
    let changed = |verdict| matches!(verdict, Verdict::Slower | Verdict::Faster);
    let whole = all || measured.len() <= SHOWN_WHOLE;
    let mut hidden: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for (row, metric) in &measured {
        let counts = changed_counts(rows.iter().copied(), row);
        if !whole && !changed(metric.verdict) && counts.is_empty() {
            *hidden.entry(metric.verdict).or_default() += 1;
            continue;
        }
        let interval = metric.interval.map_or_else(
            || "-".to_owned(),
            |interval| format!("{} to {}", ratio(interval.low), ratio(interval.high)),
        );
        let verdict = if row.same_kernel && changed(metric.verdict) {
            // A time that moved by itself.
            format!("{}, same kernel", metric.verdict)
        } else {
            metric.verdict.to_string()
        };
        let (base, new) = format::pair(&metric.unit, metric.base, metric.new);
        shown.push(vec![
            row.implementation.clone(),
            case(&row.config, common),
            metric.name.clone(),
            base,
            new,
            metric.ratio.map_or_else(|| "-".to_owned(), ratio),
            interval,
            verdict,
            if counts.is_empty() { "-".to_owned() } else { counts },
        ]);
    }
    let mut lines = Vec::new();
    if !common.is_empty() {
        lines.push(format!("all cases: {}", common.join(" ")));
    }
    let noise = first.1.noise;
    if let Some(noise) = noise {
        lines.push(format!(
            "unchanged kernels moved by up to {:.1} %: no less counts as a change",
            100.0 * noise
        ));
    }
    if !hidden.is_empty() {
        let hidden: Vec<String> =
            hidden.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        lines.push(format!("not shown: {} (--all shows them)", hidden.join(", ")));
    }
    Some(Section {
        title: format!("times: {place}"),
        lines,
        header: &[
            "implementation",
            "case",
            "metric",
            "base",
            "new",
            "ratio",
            "95 % interval",
            "verdict",
            "counts that changed",
        ],
        first_number: 3,
        last_number: 6,
        rows: shown,
    })
}

fn exact(rows: &[&Row], common: &[&str], place: &str) -> Option<Section> {
    let exact: Vec<(&Row, &Metric)> =
        rows.iter().filter_map(|row| Some((*row, row.metric.as_ref()?))).filter(|(_, m)| m.exact).collect();
    if exact.is_empty() {
        return None;
    }
    let changed: Vec<&(&Row, &Metric)> =
        exact.iter().filter(|(_, metric)| metric.base != metric.new).collect();
    let title = format!("counts: {place}: {} of {} changed", changed.len(), exact.len());
    let rows = changed
        .into_iter()
        .map(|(row, metric)| {
            let (base, new) = format::pair(&metric.unit, metric.base, metric.new);
            vec![
                row.implementation.clone(),
                case(&row.config, common),
                metric.name.clone(),
                base,
                new,
                metric.ratio.map_or_else(|| "-".to_owned(), ratio),
                metric.verdict.to_string(),
            ]
        })
        .collect();
    Some(Section {
        title,
        lines: Vec::new(),
        header: &["implementation", "case", "metric", "base", "new", "ratio", "verdict"],
        first_number: 3,
        last_number: 5,
        rows,
    })
}

/// The geometric mean of the ratios by implementation.
fn means(rows: &[&Row], place: &str) -> Option<Section> {
    struct Mean {
        ratio: f64,
        cases: usize,
        verdicts: BTreeMap<Verdict, usize>,
    }
    let mut means: BTreeMap<(&str, &str), Mean> = BTreeMap::new();
    for (row, metric) in rows.iter().filter_map(|row| Some((*row, row.metric.as_ref()?))) {
        let Some(ratio) = metric.implementation_ratio else { continue };
        if metric.exact && !TELLING.contains(&metric.name.as_str()) {
            continue;
        }
        let mean = means.entry((row.implementation.as_str(), metric.name.as_str())).or_insert(Mean {
            ratio,
            cases: 0,
            verdicts: BTreeMap::new(),
        });
        mean.cases += 1;
        *mean.verdicts.entry(metric.verdict).or_default() += 1;
    }
    means.retain(|_, mean| mean.ratio != 1.0);
    if means.is_empty() {
        return None;
    }
    let rows = means
        .into_iter()
        .map(|((implementation, metric), mean)| {
            let verdicts: Vec<String> =
                mean.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
            vec![
                implementation.to_owned(),
                metric.to_owned(),
                ratio(mean.ratio),
                mean.cases.to_string(),
                verdicts.join(", "),
            ]
        })
        .collect();
    Some(Section {
        title: format!("geometric mean of the ratios by implementation: {place}"),
        lines: Vec::new(),
        header: &["implementation", "metric", "ratio", "cases", "verdicts"],
        first_number: 2,
        last_number: 3,
        rows,
    })
}

/// The counts of a row's case that changed, the telling ones first: `instructions ×1.20, global_load_sectors ×1.33, 4 more`.
pub(crate) fn changed_counts<'a>(rows: impl IntoIterator<Item = &'a Row>, row: &Row) -> String {
    let mut changed: Vec<&Metric> = rows
        .into_iter()
        .filter(|other| other.is_case_of(row))
        .filter_map(|other| other.metric.as_ref())
        .filter(|metric| metric.exact && !metric.modelled && metric.base != metric.new)
        .collect();
    let place =
        |metric: &Metric| TELLING.iter().position(|name| *name == metric.name).unwrap_or(TELLING.len());
    changed.sort_by(|a, b| place(a).cmp(&place(b)).then(b.size().total_cmp(&a.size())));
    let mut text = String::new();
    for metric in changed.iter().take(NAMED_COUNTS) {
        let separator = if text.is_empty() { "" } else { ", " };
        let change = match metric.ratio {
            Some(change) => format!("×{}", ratio(change)),
            None => format!("0 → {}", format::with_unit(&metric.unit, metric.new)),
        };
        let _ = write!(text, "{separator}{} {change}", metric.name);
    }
    if changed.len() > NAMED_COUNTS {
        let _ = write!(text, ", {} more", changed.len() - NAMED_COUNTS);
    }
    text
}

/// What tells a case apart; nothing where all cases are one.
pub(crate) fn case(config: &str, common: &[&str]) -> String {
    let own = cases::own(config, common);
    if own == config { "-".to_owned() } else { own }
}

/// A ratio with as many digits as its distance from 1 needs: `1.25`, `1.003`, `0.99998`.
fn ratio(ratio: f64) -> String {
    let distance = (ratio - 1.0).abs();
    let decimals =
        if distance == 0.0 { 2 } else { (2.0 - distance.log10().floor() - 1.0).clamp(2.0, 7.0) as usize };
    format!("{ratio:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_show_what_tells_them_from_1() {
        for (value, text) in
            [(1.25, "1.25"), (1.0, "1.00"), (2.0, "2.00"), (1.0034, "1.0034"), (0.99998, "0.999980")]
        {
            assert_eq!(ratio(value), text);
        }
    }
}
