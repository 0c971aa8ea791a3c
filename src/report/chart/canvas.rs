//! What all charts share: the paper, the colours, the texts, and the way from drawing to a string.

use plotters::{
    backend::SVGBackend,
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{Circle, PathElement, TriangleMarker},
    style::{
        Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// Why a chart cannot be drawn.
pub(crate) type DrawError = DrawingAreaErrorKind<std::io::Error>;
/// A part of the paper.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The colours of Okabe and Ito without their yellow, which is too light on white: told apart by all kinds of colour vision.
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];
/// Of texts and axes.
pub(super) const INK: RGBColor = RGBColor(51, 51, 51);
/// Of the lines at the ticks.
pub(super) const GRID: RGBColor = RGBColor(225, 225, 225);
/// Of what says nothing.
pub(super) const GREY: RGBColor = RGBColor(125, 125, 125);
/// Of what became better.
pub(super) const BETTER: RGBColor = COLORS[0];
/// Of what became worse.
pub(super) const WORSE: RGBColor = COLORS[1];

/// The size of axis labels, legends and descriptions, in pixels.
pub(super) const TEXT: f64 = 13.0;
/// The width of a character of that size, on average, rather more than less.
pub(super) const CHARACTER: usize = 7;

/// Draws on white paper of this size, in pixels.
pub(super) fn draw(
    (width, height): (u32, u32),
    title: &str,
    body: impl FnOnce(&Area<'_>) -> Result<(), DrawError>,
) -> Result<String, DrawError> {
    let mut svg = String::new();
    {
        let paper = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        paper.fill(&WHITE)?;
        paper.draw_text(title, &style(TEXT + 3.0, FontStyle::Bold), (16, 14))?;
        body(&paper.margin(40, 0, 0, 0))?;
        paper.present()?;
    }
    Ok(svg)
}

/// Text in ink.
pub(super) fn text() -> TextStyle<'static> {
    style(TEXT, FontStyle::Normal)
}

/// Text in ink whose anchor is where it is drawn.
pub(super) fn anchored(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    text().pos(Pos::new(horizontal, vertical))
}

fn style(size: f64, weight: FontStyle) -> TextStyle<'static> {
    TextStyle::from(FontDesc::new(FontFamily::SansSerif, size, weight)).color(&INK)
}

/// The color of the series of a number; after the last one they begin again, with another marker.
pub(super) fn color(series: usize) -> RGBColor {
    COLORS[series % COLORS.len()]
}

/// A line of a colour.
pub(super) fn stroke(color: RGBColor, width: u32) -> ShapeStyle {
    color.stroke_width(width)
}

/// The marker of the series of a number, at a place of a chart.
pub(super) enum Marker<C> {
    Disc(Circle<C, i32>),
    Triangle(TriangleMarker<C, i32>),
    Ring(Circle<C, i32>),
}

/// The marker of the series of a number.
pub(super) fn marker<C>(series: usize, place: C) -> Marker<C> {
    let color = color(series);
    match series / COLORS.len() {
        0 => Marker::Disc(Circle::new(place, 3, color.filled())),
        1 => Marker::Triangle(TriangleMarker::new(place, 5, color.filled())),
        _ => Marker::Ring(Circle::new(place, 4, stroke(color, 2))),
    }
}

/// A row of a legend: a line and a marker, or either, and its text.
pub(super) fn legend_row(
    area: &Area<'_>,
    row: usize,
    line: Option<ShapeStyle>,
    mark: impl FnOnce((i32, i32)) -> Option<Marker<(i32, i32)>>,
    label: &str,
) -> Result<(), DrawError> {
    let y = 16 + 20 * i32::try_from(row).unwrap_or(i32::MAX / 40);
    if let Some(line) = line {
        area.draw(&PathElement::new([(4, y), (28, y)], line))?;
    }
    match mark((16, y)) {
        Some(Marker::Disc(marker) | Marker::Ring(marker)) => area.draw(&marker)?,
        Some(Marker::Triangle(marker)) => area.draw(&marker)?,
        None => {}
    }
    area.draw_text(label, &anchored(HPos::Left, VPos::Center), (36, y))
}
