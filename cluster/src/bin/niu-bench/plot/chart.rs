//! Charts of lines and of bars.

use anyhow::{Result, ensure};
use plotters::prelude::*;

const SIZE: (u32, u32) = (760, 420);
const MARGIN: u32 = 12;
const LEFT: u32 = 64;
/// Room for the names of the bars.
const NAMES: u32 = 280;
const BOTTOM: u32 = 44;
const COLOURS: [RGBColor; 4] = [
    RGBColor(0x2f, 0x5d, 0xa8),
    RGBColor(0xc2, 0x6a, 0x1b),
    RGBColor(0x7f, 0x9f, 0xd4),
    RGBColor(0xe3, 0xb0, 0x7c),
];

/// A series of points.
pub struct Line {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

impl Line {
    /// A line with a name for the legend.
    pub fn new(name: &'static str, points: Vec<(f64, f64)>) -> Self {
        Line { name, points }
    }
}

/// A named value.
pub struct Bar {
    /// What it is the value of.
    pub name: String,
    /// At least zero.
    pub value: f64,
}

/// A little more than the largest value.
fn top(values: impl Iterator<Item = f64>) -> Result<f64> {
    let most = values.fold(0.0, f64::max);
    ensure!(most.is_finite() && most > 0.0, "there is nothing to draw");
    Ok(most * 1.08)
}

/// Lines and their points, with a legend.
pub fn lines(title: &str, caption: &str, [x, y]: [&str; 2], lines: &[Line]) -> Result<String> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (right, top) = (
        top(points().map(|point| point.0))?,
        top(points().map(|point| point.1))?,
    );
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        note(&area, caption)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(MARGIN)
            .margin_bottom(MARGIN + 16)
            .caption(title, ("sans-serif", 18))
            .x_label_area_size(BOTTOM)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(0.0..right, 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc(x)
            .y_desc(y)
            .light_line_style(WHITE)
            .label_style(("sans-serif", 13))
            .x_label_formatter(&|value| format!("{value:.0}"))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()?;
        for (line, colour) in lines
            .iter()
            .zip(COLOURS)
            .filter(|(line, _)| !line.points.is_empty())
        {
            chart
                .draw_series(LineSeries::new(
                    line.points.iter().copied(),
                    colour.stroke_width(2),
                ))?
                .label(line.name)
                .legend(move |(x, y)| Circle::new((x + 10, y), 4, colour.filled()));
            let marks = line
                .points
                .iter()
                .map(|&point| Circle::new(point, 4, colour.filled()));
            chart.draw_series(marks)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .border_style(RGBColor(0xbb, 0xbb, 0xbb))
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 13))
            .draw()?;
        area.present()?;
    }
    Ok(finished(&svg))
}

/// A horizontal bar for each value, the first on top.
pub fn bars(title: &str, caption: &str, unit: &str, bars: &[Bar]) -> Result<String> {
    let right = top(bars.iter().map(|bar| bar.value))?;
    let count = bars.len();
    let height = 120 + 34 * count as u32;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (SIZE.0, height)).into_drawing_area();
        area.fill(&WHITE)?;
        note(&area, caption)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(MARGIN)
            .margin_bottom(MARGIN + 16)
            .caption(title, ("sans-serif", 18))
            .x_label_area_size(BOTTOM)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(0.0..right * 1.08, (0..count).into_segmented())?;
        let name = |place: &SegmentValue<usize>| match place {
            SegmentValue::CenterOf(row) if *row < count => bars[count - 1 - row].name.clone(),
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(WHITE)
            .x_desc(unit)
            .y_labels(count)
            .y_label_formatter(&name)
            .label_style(("sans-serif", 13))
            .draw()?;
        let rows = || (0..count).map(|row| (row, bars[count - 1 - row].value));
        chart.draw_series(rows().map(|(row, value)| {
            let (low, high) = (SegmentValue::Exact(row), SegmentValue::Exact(row + 1));
            let mut bar = Rectangle::new([(0.0, low), (value, high)], COLOURS[2].filled());
            bar.set_margin(6, 6, 0, 0);
            bar
        }))?;
        chart.draw_series(rows().map(|(row, value)| {
            let place = (value, SegmentValue::CenterOf(row));
            let digits = if value < 10.0 { 3 } else { 2 };
            Text::new(format!(" {value:.digits$}"), place, ("sans-serif", 13))
        }))?;
        area.present()?;
    }
    Ok(finished(&svg))
}

/// What the numbers were measured on, below the chart.
fn note(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, text: &str) -> Result<()> {
    let (_, height) = area.dim_in_pixel();
    let place = (MARGIN as i32, height as i32 - 18);
    let style = ("sans-serif", 12)
        .into_font()
        .color(&RGBColor(0x55, 0x55, 0x55));
    area.draw(&Text::new(text.to_string(), place, style))?;
    Ok(())
}

/// With a line break at the end, as files have it.
fn finished(svg: &str) -> String {
    format!("{}\n", svg.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_with_points_is_in_the_legend_and_the_others_are_not() {
        let drawn = [
            Line::new("one", vec![(8.0, 5.0), (64.0, 7.0)]),
            Line::new("none", vec![]),
        ];
        let svg = lines("title", "caption", ["x", "y"], &drawn).expect("it can be drawn");
        for (text, there) in [
            ("one", true),
            ("none", false),
            ("title", true),
            ("caption", true),
        ] {
            assert_eq!(svg.contains(&format!("\n{text}\n")), there, "{text}: {svg}");
        }
    }

    #[test]
    fn each_bar_has_its_name_and_its_value() {
        let drawn = [("first", 2.0), ("second", 20.5)];
        let drawn = drawn.map(|(name, value)| Bar {
            name: name.into(),
            value,
        });
        let svg = bars("title", "caption", "unit", &drawn).expect("it can be drawn");
        for text in ["first", "second", "2.000", "20.50"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(bars("title", "caption", "unit", &[]).is_err());
    }
}
