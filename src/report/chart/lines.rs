//! Lines: a number over another one or over commits, a line an implementation, with bands and marks where there are any.

use plotters::{
    chart::ChartBuilder,
    element::{Circle, PathElement, Polygon},
    style::Color as _,
};

use super::{
    axis::{Axis, Unit},
    canvas::{self, CHARACTER, DrawError, GRID, INK, Marker, color, legend_row, marker, stroke, text},
};

/// A chart of lines.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    pub(super) title: String,
    pub(super) x_label: String,
    pub(super) y_label: String,
    /// Of `y`.
    pub(super) unit: Unit,
    /// Labels of `x`, where it is evenly spaced; otherwise it is a length, on a logarithmic scale.
    pub(super) ticks: Option<Vec<(f64, String)>>,
    pub(super) series: Vec<Series>,
}

/// A line.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

/// A point of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    /// From where to where `y` may be.
    pub(super) interval: Option<(f64, f64)>,
    /// Whether the level changed here.
    pub(super) changed: bool,
}

/// Pixels: the paper without the legend, and the legend's least width.
const SIZE: (u32, u32) = (700, 420);
const LEGEND: usize = 120;
/// Ratios further apart than this are drawn on a logarithmic scale.
const LINEAR_UP_TO: f64 = 3.0;

impl Lines {
    /// The chart as SVG; `None` where fewer than two places of `x` have a number, since that is no line.
    pub(super) fn draw(mut self) -> Result<Option<String>, DrawError> {
        for series in &mut self.series {
            series.points.retain(|point| {
                point.y > 0.0 && point.y.is_finite() && (self.ticks.is_some() || point.x > 0.0)
            });
            series.points.sort_by(|a, b| a.x.total_cmp(&b.x));
        }
        self.series.retain(|series| !series.points.is_empty());
        let points = || self.series.iter().flat_map(|series| &series.points);
        let xs: Vec<f64> = points().map(|point| point.x).collect();
        if !xs.iter().any(|x| Some(x) != xs.first()) {
            return Ok(None);
        }
        let ys = points().flat_map(|point| {
            let (low, high) = point.interval.unwrap_or((point.y, point.y));
            [point.y, low.max(f64::MIN_POSITIVE), high]
        });
        let (low, high) = ys.fold((f64::INFINITY, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
        let x_axis = match &self.ticks {
            Some(ticks) => Axis::of_labels(ticks),
            None => Axis::of_values(&xs, Unit::Length),
        };
        let y_axis = if self.ticks.is_some() && high / low < LINEAR_UP_TO {
            Axis::linear(low, high, self.unit)
        } else {
            Axis::logarithmic(low, high, self.unit)
        };
        self.paint(&x_axis, &y_axis).map(Some)
    }

    fn paint(&self, x_axis: &Axis, y_axis: &Axis) -> Result<String, DrawError> {
        let longest = self.series.iter().map(|series| series.name.chars().count()).max().unwrap_or_default();
        let legend = (longest * CHARACTER + 44).max(LEGEND) as u32;
        let changed = self.series.iter().flat_map(|series| &series.points).any(|point| point.changed);
        let banded =
            self.series.iter().flat_map(|series| &series.points).any(|point| point.interval.is_some());
        canvas::draw((SIZE.0 + legend, SIZE.1), &self.title, |paper| {
            let (plot, legend) = paper.split_horizontally(SIZE.0);
            self.paint_lines(&plot, x_axis, y_axis)?;
            for (number, series) in self.series.iter().enumerate() {
                let line = Some(stroke(color(number), 2));
                legend_row(&legend, number, line, |place| Some(marker(number, place)), &series.name)?;
            }
            let mut row = self.series.len();
            if changed {
                let ring = |place| Some(Marker::Ring(Circle::new(place, 8, stroke(INK, 1))));
                legend_row(&legend, row, None, ring, "level changed")?;
                row += 1;
            }
            if banded {
                let band = color(0).mix(BAND).stroke_width(12);
                legend_row(&legend, row, Some(band), |_| None, "middle half")?;
            }
            Ok(())
        })
    }

    fn paint_lines(&self, plot: &canvas::Area<'_>, x_axis: &Axis, y_axis: &Axis) -> Result<(), DrawError> {
        let widest = y_axis.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or_default();
        let mut chart = ChartBuilder::on(plot)
            .margin_right(16)
            .margin_bottom(8)
            .margin_left(8)
            .x_label_area_size(44)
            .y_label_area_size((widest * CHARACTER + 34) as u32)
            .build_cartesian_2d(x_axis.clone(), y_axis.clone())?;
        chart
            .configure_mesh()
            .bold_line_style(GRID)
            .light_line_style(GRID)
            .axis_style(INK)
            .label_style(text())
            .axis_desc_style(text())
            .x_desc(&self.x_label)
            .y_desc(&self.y_label)
            .draw()?;
        for (number, series) in self.series.iter().enumerate() {
            let with_interval = || series.points.iter().filter_map(|point| Some((point.x, point.interval?)));
            let lower = with_interval().map(|(x, (low, _))| (x, low.max(f64::MIN_POSITIVE)));
            let upper = with_interval().map(|(x, (_, high))| (x, high));
            let band: Vec<_> = lower.chain(upper.rev()).collect();
            if band.len() > 2 {
                chart.draw_series([Polygon::new(band, color(number).mix(BAND))])?;
            }
            let line: Vec<_> = series.points.iter().map(|point| (point.x, point.y)).collect();
            chart.draw_series([PathElement::new(line.clone(), stroke(color(number), 2))])?;
            for place in line {
                match marker(number, place) {
                    Marker::Disc(marker) | Marker::Ring(marker) => chart.draw_series([marker])?,
                    Marker::Triangle(marker) => chart.draw_series([marker])?,
                };
            }
            let changes = series.points.iter().filter(|point| point.changed);
            chart.draw_series(
                changes.map(|point| Circle::new((point.x, point.y), 8, stroke(color(number), 2))),
            )?;
        }
        Ok(())
    }
}

/// How much of a band's colour is seen.
const BAND: f64 = 0.18;
