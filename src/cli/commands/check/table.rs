//! A check as aligned text: what the gate found, then the sentence that says how it ends.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use pipe_report::cases;

use super::words::{change, kind, name, sentence, values, why};
use crate::{
    comparison::{Comparison, case},
    gate::Outcome,
};

pub(super) fn write(
    comparison: &Comparison,
    outcome: &Outcome<'_>,
    width: Option<u16>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "base  {}\nnew   {}", comparison.base.label(), comparison.new.label())?;
    let common = cases::common(comparison.rows.iter().map(|row| row.config.as_str()));
    if !common.is_empty() {
        writeln!(out, "all cases: {}", common.join(" "))?;
    }
    writeln!(out)?;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    table.set_header(["", "type", "implementation", "case", "metric", "base", "new", "change", "because"]);
    for finding in outcome.findings.iter().filter(|finding| finding.is_told()) {
        let row = finding.row;
        let (base, new) = values(row);
        table.add_row([
            kind(finding),
            row.benchmark_type.clone(),
            row.implementation.clone(),
            case(&row.config, &common),
            name(row),
            base,
            new,
            change(row),
            why(finding),
        ]);
    }
    for column in 5..8 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    if !table.is_empty() {
        writeln!(out, "{}\n", table.trim_fmt())?;
    }
    writeln!(out, "{}", sentence(comparison, outcome))
}
