//! Charts in characters: lines with dots of Braille, bars with blocks.

use nu_ansi_term::{Color, Style};

use super::scale::{self, Unit};
use super::{Chart, Kind, X};
use crate::fit::{text_width, truncate};
use crate::options::Options;

/// Off a terminal charts are as wide as the narrowest one usual.
const WIDTH: usize = 80;
/// Lines of a line chart, axes aside.
const HEIGHT: usize = 14;

/// Colours of series, one after the other; readable on light and dark.
const COLORS: [Color; 6] = [Color::Cyan, Color::Purple, Color::Green, Color::Red, Color::Blue, Color::LightMagenta];

pub fn draw(chart: &Chart, options: &Options) -> String {
    let width = options.width.unwrap_or(WIDTH).clamp(20, 300);
    let style = |number: usize| {
        if options.theme.colors { COLORS[number % COLORS.len()].normal() } else { Style::new() }
    };
    let mut lines: Vec<String> = Vec::new();
    if !chart.title.is_empty() {
        lines.push(paint(options.theme.header, &truncate(&chart.title, width)));
    }
    match (chart.y_range(), &chart.x) {
        (Some(range), X::Numbers(x, unit)) if chart.kind == Kind::Line => {
            line(chart, x, *unit, range, width, &style, &mut lines);
        }
        (Some(range), X::Names(names)) => bars(chart, names, range, width, options, &style, &mut lines),
        _ => lines.push("(nothing to draw)".into()),
    }
    if chart.series.len() > 1 {
        let legend = chart.series.iter().enumerate();
        let legend: Vec<String> =
            legend.map(|(number, series)| paint(style(number), &format!("■ {}", series.name))).collect();
        lines.push(legend.join("  "));
    }
    lines.join("\n")
}

fn paint(style: Style, text: &str) -> String {
    if style.is_plain() || text.is_empty() { text.to_string() } else { style.paint(text).to_string() }
}

fn line(
    chart: &Chart,
    x: &[Option<f64>],
    unit: Unit,
    y_range: (f64, f64),
    width: usize,
    style: &dyn Fn(usize) -> Style,
    lines: &mut Vec<String>,
) {
    let Some(x_range) = scale::range(x.iter().flatten().copied()) else {
        lines.push("(nothing to draw)".into());
        return;
    };
    let (marks, step) = chart.y_unit.marks(y_range.0, y_range.1, 5);
    let row_of = |y: f64| ((1.0 - scale::share(y, y_range)) * (HEIGHT - 1) as f64).round() as usize;
    let mut labels = vec![String::new(); HEIGHT];
    for mark in marks {
        labels[row_of(mark)] = chart.y_unit.label(mark, step);
    }
    let margin = labels.iter().map(|label| text_width(label)).max().unwrap_or(0);
    let columns = width.saturating_sub(margin + 2).max(8);
    let mut canvas = Canvas::new(columns, HEIGHT);
    for (number, series) in chart.series.iter().enumerate() {
        let mut last: Option<(i64, i64)> = None;
        for (x, y) in x.iter().zip(&series.values) {
            let (Some(x), Some(y)) = (x, y) else {
                last = None;
                continue;
            };
            if y.is_nan() {
                continue;
            }
            let at = (
                (scale::share(*x, x_range) * (columns * 2 - 1) as f64).round() as i64,
                ((1.0 - scale::share(*y, y_range)) * (HEIGHT * 4 - 1) as f64).round() as i64,
            );
            canvas.line(last.unwrap_or(at), at, number);
            last = Some(at);
        }
    }
    for (row, label) in labels.iter().enumerate() {
        let edge = if label.is_empty() { '│' } else { '┤' };
        let pad = margin - text_width(label);
        lines.push(format!("{}{label} {edge}{}", " ".repeat(pad), canvas.row(row, style)));
    }
    let (marks, step) = unit.marks(x_range.0, x_range.1, (columns / 14).max(1));
    let mut axis = vec!['─'; columns];
    let mut under = String::new();
    for mark in marks {
        let at = (scale::share(mark, x_range) * (columns - 1) as f64).round() as usize;
        let label = unit.label(mark, step);
        let start = at.saturating_sub(text_width(&label) / 2);
        let used = text_width(&under);
        // Labels that would run into each other or over the edge are left out, their marks are not.
        axis[at] = '┬';
        if (under.is_empty() || start > used) && start + text_width(&label) <= columns {
            under.push_str(&" ".repeat(start - used));
            under.push_str(&label);
        }
    }
    lines.push(format!("{} └{}", " ".repeat(margin), axis.into_iter().collect::<String>()));
    lines.push(format!("{}  {under}", " ".repeat(margin)));
    if !chart.x_name.is_empty() {
        let indent = margin + 2 + columns.saturating_sub(text_width(&chart.x_name)) / 2;
        lines.push(format!("{}{}", " ".repeat(indent), chart.x_name));
    }
}

/// Dots, two by four in each character.
struct Canvas {
    columns: usize,
    dots: Vec<u8>,
    /// The series that drew last in a cell.
    series: Vec<usize>,
}

impl Canvas {
    fn new(columns: usize, rows: usize) -> Self {
        Canvas { columns, dots: vec![0; columns * rows], series: vec![0; columns * rows] }
    }

    fn dot(&mut self, x: i64, y: i64, series: usize) {
        // The bits of U+2800, by column and row.
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        let at = y / 4 * self.columns + x / 2;
        if let (true, Some(cell)) = (x / 2 < self.columns, self.dots.get_mut(at)) {
            *cell |= BITS[x % 2][y % 4];
            self.series[at] = series;
        }
    }

    /// A straight line, by Bresenham's algorithm.
    fn line(&mut self, (mut x, mut y): (i64, i64), to: (i64, i64), series: usize) {
        let (dx, dy) = ((to.0 - x).abs(), -(to.1 - y).abs());
        let (step_x, step_y) = ((to.0 - x).signum(), (to.1 - y).signum());
        let mut error = dx + dy;
        loop {
            self.dot(x, y, series);
            if (x, y) == to {
                return;
            }
            let twice = 2 * error;
            if twice >= dy {
                error += dy;
                x += step_x;
            }
            if twice <= dx {
                error += dx;
                y += step_y;
            }
        }
    }

    fn row(&self, row: usize, style: &dyn Fn(usize) -> Style) -> String {
        let cells = row * self.columns..(row + 1) * self.columns;
        let mut text = String::new();
        let mut run = String::new();
        let mut of: Option<usize> = None;
        for at in cells {
            let dots = self.dots[at];
            let series = (dots != 0).then_some(self.series[at]);
            if series != of {
                text.push_str(&paint(of.map_or_else(Style::new, style), &run));
                run.clear();
                of = series;
            }
            run.push(if dots == 0 { ' ' } else { char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ') });
        }
        text.push_str(&paint(of.map_or_else(Style::new, style), &run));
        text.trim_end().to_string()
    }
}

fn bars(
    chart: &Chart,
    names: &[String],
    range: (f64, f64),
    width: usize,
    options: &Options,
    style: &dyn Fn(usize) -> Style,
    lines: &mut Vec<String>,
) {
    let shown: Vec<String> = names.iter().map(|name| truncate(name, width / 3).into_owned()).collect();
    let margin = shown.iter().map(|name| text_width(name)).max().unwrap_or(0);
    let step = (range.1 - range.0) / 100.0;
    let label = |value: f64| chart.y_unit.label(value, step);
    let labels = chart.series.iter().flat_map(|series| series.values.iter().flatten().map(|value| label(*value)));
    let widest = labels.map(|label| text_width(&label)).max().unwrap_or(0);
    let columns = width.saturating_sub(margin + widest + 3).max(4);
    // What is less than zero goes left of where the others start.
    let zero = (scale::share(0.0, range) * columns as f64 * 8.0).round() as usize;
    for (at, name) in shown.iter().enumerate() {
        for (number, series) in chart.series.iter().enumerate() {
            let name = if number == 0 { name.as_str() } else { "" };
            let pad = " ".repeat(margin - text_width(name));
            let Some(value) = series.values.get(at).copied().flatten().filter(|value| !value.is_nan()) else {
                lines.push(format!("{name}{pad} │"));
                continue;
            };
            let end = (scale::share(value, range) * columns as f64 * 8.0).round() as usize;
            let bar = blocks(zero.min(end), zero.max(end));
            let text = paint(options.theme.number, &label(value));
            lines.push(format!(
                "{name}{pad} │{}{}{text}",
                paint(style(number), &bar),
                if bar.is_empty() { "" } else { " " }
            ));
        }
    }
}

/// A bar from one eighth of a column to another.
fn blocks(from: usize, to: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    if from == to {
        return String::new();
    }
    let mut bar = " ".repeat(from / 8);
    bar.push_str(&"█".repeat((to / 8).saturating_sub(from / 8)));
    if !to.is_multiple_of(8) {
        bar.push(EIGHTHS[to % 8]);
    }
    bar
}
