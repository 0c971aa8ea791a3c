//! Ratios with their intervals, one below the other, around the line where nothing changed.

use plotters::{
    chart::ChartBuilder,
    element::{Circle, PathElement},
    style::{
        Color as _, RGBColor,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    axis::{Axis, Unit},
    canvas::{
        self, BETTER, CHARACTER, DrawError, GREY, GRID, INK, Marker, WORSE, anchored, legend_row, stroke,
        text,
    },
};

/// A chart of ratios.
#[derive(Debug, Clone)]
pub(super) struct Ratios {
    pub(super) title: String,
    pub(super) x_label: String,
    pub(super) ratios: Vec<Ratio>,
}

/// A ratio and what was made of it.
#[derive(Debug, Clone)]
pub(super) struct Ratio {
    pub(super) label: String,
    pub(super) ratio: f64,
    pub(super) interval: Option<(f64, f64)>,
    /// `slower`, `faster`, `same` or `unclear`.
    pub(super) verdict: String,
}

/// Pixels of a row, and of the plot's width.
const ROW: usize = 20;
const PLOT: usize = 460;
const LEGEND: usize = 130;
/// The most rows; the first ones are drawn.
const ROWS: usize = 40;
/// Characters of a label that are drawn.
const LABEL: usize = 64;

fn colored(verdict: &str) -> RGBColor {
    match verdict {
        "slower" => WORSE,
        "faster" => BETTER,
        _ => GREY,
    }
}

impl Ratios {
    /// The chart as SVG; `None` where there is nothing to draw.
    pub(super) fn draw(mut self) -> Result<Option<String>, DrawError> {
        self.ratios.truncate(ROWS);
        for ratio in &mut self.ratios {
            if ratio.label.chars().count() > LABEL {
                ratio.label = ratio.label.chars().take(LABEL - 1).chain(['…']).collect();
            }
        }
        let ends = self.ratios.iter().flat_map(|ratio| {
            let (low, high) = ratio.interval.unwrap_or((ratio.ratio, ratio.ratio));
            [low, high, ratio.ratio]
        });
        let ends = ends.filter(|end| *end > 0.0 && end.is_finite());
        // 1 is always seen, and some space around it.
        let (low, high) = ends.fold((0.95_f64, 1.05_f64), |(low, high), end| (low.min(end), high.max(end)));
        if self.ratios.is_empty() {
            return Ok(None);
        }
        self.paint(&Axis::logarithmic(low, high, Unit::Ratio)).map(Some)
    }

    fn paint(&self, axis: &Axis) -> Result<String, DrawError> {
        let rows = self.ratios.len();
        let longest = self.ratios.iter().map(|ratio| ratio.label.chars().count()).max().unwrap_or_default();
        let labels = longest * CHARACTER + 24;
        let size = ((labels + PLOT + LEGEND) as u32, (40 + rows * ROW + 70) as u32);
        let bottom = rows as f64 - 0.5;
        canvas::draw(size, &self.title, |paper| {
            let (plot, legend) = paper.split_horizontally((labels + PLOT) as u32);
            let mut chart = ChartBuilder::on(&plot)
                .margin_right(16)
                .margin_bottom(8)
                .x_label_area_size(44)
                .y_label_area_size(labels as u32)
                .build_cartesian_2d(axis.clone(), bottom..-0.5)?;
            chart
                .configure_mesh()
                .disable_y_mesh()
                .disable_y_axis()
                .y_labels(0)
                .bold_line_style(GRID)
                .light_line_style(GRID)
                .axis_style(INK)
                .label_style(text())
                .axis_desc_style(text())
                .x_desc(&self.x_label)
                .draw()?;
            chart.draw_series([PathElement::new([(1.0, -0.5), (1.0, bottom)], stroke(INK, 1))])?;
            for (row, ratio) in self.ratios.iter().enumerate() {
                let (color, y) = (colored(&ratio.verdict), row as f64);
                if let Some((low, high)) = ratio.interval.filter(|(low, _)| *low > 0.0) {
                    chart.draw_series([PathElement::new([(low, y), (high, y)], stroke(color, 2))])?;
                }
                chart.draw_series([Circle::new((ratio.ratio, y), 4, color.filled())])?;
                let (_, pixel) = chart.backend_coord(&(1.0, y));
                let (_, top) = plot.get_base_pixel();
                plot.draw_text(
                    &ratio.label,
                    &anchored(HPos::Right, VPos::Center),
                    (labels as i32 - 10, pixel - top),
                )?;
            }
            for (row, (verdict, name)) in
                [("slower", "slower"), ("faster", "faster"), ("", "same or unclear")].into_iter().enumerate()
            {
                let color = colored(verdict);
                let disc = |place| Some(Marker::Disc(Circle::new(place, 4, color.filled())));
                legend_row(&legend, row, Some(stroke(color, 2)), disc, name)?;
            }
            Ok(())
        })
    }
}
