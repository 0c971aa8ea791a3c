//! Charts of a report: SVG files that stand beside the markdown, which links them.
//!
//! A template makes one with `rows | line_chart(…)` or `rows | ratio_chart(…)`. Where the report is written somewhere without a
//! place beside it, standard output for instance, both give nothing. The same rows give the same bytes.

mod axis;
mod canvas;
mod lines;
mod ratios;

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Environment, Error, ErrorKind, Value, value::Kwargs};

pub(crate) use self::canvas::DrawError;
use self::{
    axis::Unit,
    lines::{Lines, Point, Series},
    ratios::{Ratio, Ratios},
};
use crate::filters::number;

/// A chart that a report links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The file's name, as the markdown links it.
    pub file: String,
    /// The file's content.
    pub svg: String,
}

/// The charts of one report, in the order in which its template makes them.
#[derive(Debug, Clone)]
pub(crate) struct Charts {
    /// What the file names begin with; no chart is made where there is none.
    stem: Option<Arc<str>>,
    made: Arc<Mutex<Vec<Chart>>>,
}

impl Charts {
    pub(crate) fn new(stem: Option<&str>) -> Self {
        Self { stem: stem.map(Arc::from), made: Arc::default() }
    }

    pub(crate) fn made(&self) -> Vec<Chart> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a chart, and gives the markdown that shows it.
    fn add(
        &self,
        name: &str,
        title: &str,
        draw: impl FnOnce() -> Result<Option<String>, Error>,
    ) -> Result<String, Error> {
        let Some(stem) = &self.stem else { return Ok(String::new()) };
        let Some(svg) = draw()? else { return Ok(String::new()) };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = |file: &str| made.iter().any(|chart| chart.file == file);
        let mut file = format!("{stem}-{name}.svg");
        let mut number = 1;
        while taken(&file) {
            number += 1;
            file = format!("{stem}-{name}-{number}.svg");
        }
        // In angle brackets a link may hold spaces and brackets.
        let markdown = format!("![{}](<{file}>)", title.replace(['[', ']'], ""));
        made.push(Chart { file, svg });
        Ok(markdown)
    }
}

/// Adds the filters `line_chart` and `ratio_chart`, and `charts`: whether they make any.
///
/// `rows | line_chart(name, title, x, y, by, x_label, y_label, unit)` draws the column `y` over the column `x`, a line a value of the
/// column `by`. `low` and `high` are columns of an interval, drawn as a band; `mark` one that is true where the level changed; `ticks`
/// one of labels for `x`, whose axis is then linear. `unit` is `ns`, `bytes`, `count` or `ratio`.
///
/// `rows | ratio_chart(name, title, label, x_label)` draws the columns `ratio`, `low`, `high` and `verdict` of every row, one below
/// the other; `label` lists the columns that name a row.
pub(crate) fn register(environment: &mut Environment<'_>, charts: &Charts) {
    environment.add_global("charts", charts.stem.is_some());
    let of = charts.clone();
    environment.add_filter("line_chart", move |rows: Value, options: Kwargs| -> Result<String, Error> {
        let (name, title): (String, String) = (options.get("name")?, options.get("title")?);
        let lines = lines(&rows, &title, &options)?;
        options.assert_all_used()?;
        of.add(&name, &title, || lines.draw().map_err(failed))
    });
    let of = charts.clone();
    environment.add_filter("ratio_chart", move |rows: Value, options: Kwargs| -> Result<String, Error> {
        let (name, title): (String, String) = (options.get("name")?, options.get("title")?);
        let (label, x_label): (Vec<String>, String) = (options.get("label")?, options.get("x_label")?);
        options.assert_all_used()?;
        let mut ratios = Vec::new();
        for row in rows.try_iter()? {
            let cell = |column: &str| number(&row.get_attr(column)?, "ratio_chart");
            let Some(ratio) = cell("ratio")?.filter(|ratio| *ratio > 0.0) else { continue };
            ratios.push(Ratio {
                label: words(&row, &label)?,
                ratio,
                interval: cell("low")?.zip(cell("high")?),
                verdict: row.get_attr("verdict")?.to_string(),
            });
        }
        of.add(&name, &title, || Ratios { title: title.clone(), x_label, ratios }.draw().map_err(failed))
    });
}

/// The cells of some columns, one after the other.
fn words(row: &Value, columns: &[String]) -> Result<String, Error> {
    let words = columns.iter().map(|column| Ok(row.get_attr(column)?.to_string()));
    Ok(words.collect::<Result<Vec<_>, Error>>()?.join("  "))
}

fn lines(rows: &Value, title: &str, options: &Kwargs) -> Result<Lines, Error> {
    let (x, y, by): (String, String, String) = (options.get("x")?, options.get("y")?, options.get("by")?);
    let (x_label, y_label): (String, String) = (options.get("x_label")?, options.get("y_label")?);
    let unit: String = options.get("unit")?;
    let unit = Unit::named(&unit).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("unit is ns, bytes, count or ratio, and not '{unit}'"),
        )
    })?;
    let [low, high, mark, ticks]: [Option<String>; 4] =
        [options.get("low")?, options.get("high")?, options.get("mark")?, options.get("ticks")?];
    let mut lines = Lines {
        title: title.to_owned(),
        x_label,
        y_label,
        unit,
        ticks: ticks.as_ref().map(|_| Vec::new()),
        series: Vec::new(),
    };
    for row in rows.try_iter()? {
        let cell = |column: &Option<String>| match column {
            Some(column) => number(&row.get_attr(column)?, "line_chart"),
            None => Ok(None),
        };
        let (Some(x), Some(y)) = (cell(&Some(x.clone()))?, cell(&Some(y.clone()))?) else { continue };
        let changed = match &mark {
            Some(mark) => row.get_attr(mark)?.is_true(),
            None => false,
        };
        if let (Some(column), Some(ticks)) = (&ticks, &mut lines.ticks) {
            ticks.push((x, row.get_attr(column)?.to_string()));
        }
        let name = row.get_attr(&by)?.to_string();
        let point = Point { x, y, interval: cell(&low)?.zip(cell(&high)?), changed };
        match lines.series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => lines.series.push(Series { name, points: vec![point] }),
        }
    }
    Ok(lines)
}

fn failed(error: DrawError) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("cannot draw the chart: {error}"))
}
