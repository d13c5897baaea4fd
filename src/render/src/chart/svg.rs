//! Charts in shapes. Text and lines take the colour of what surrounds the picture, series colours that are told apart
//! on light and dark, also by people who see few colours.

use std::fmt::Write as _;

use super::scale::{self, Unit};
use super::{Chart, Kind, X};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 50.0;
const PLOT: f64 = 320.0;
const BAR: f64 = 22.0;

/// After Okabe and Ito, without yellow and black.
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];

/// Points of a line that a picture of this width can tell apart.
const POINTS: usize = 1600;

pub fn draw(chart: &Chart) -> String {
    let rows = match &chart.x {
        X::Names(names) => names.len() * chart.series.len().max(1),
        X::Numbers(..) => 0,
    };
    let plot = if chart.kind == Kind::Bar { (rows as f64 * BAR).max(BAR) } else { PLOT };
    let height = TOP + plot + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"currentColor\" style=\"color: light-dark(#222, #ddd)\">\n"
    );
    if !chart.title.is_empty() {
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"22\" font-size=\"16\">{}</text>", escaped(&chart.title));
    }
    match (chart.y_range(), &chart.x) {
        (Some(range), X::Numbers(x, unit)) => lines(chart, x, *unit, range, &mut svg),
        (Some(range), X::Names(names)) => bars(chart, names, range, plot, &mut svg),
        (None, _) => {
            let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{TOP}\">(nothing to draw)</text>");
        }
    }
    if chart.series.len() > 1 {
        let mut x = LEFT;
        for (number, series) in chart.series.iter().enumerate() {
            let color = COLORS[number % COLORS.len()];
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"30\" width=\"10\" height=\"10\" fill=\"{color}\"/><text x=\"{}\" y=\"39\">{}</text>",
                x + 15.0,
                escaped(&series.name)
            );
            x += 40.0 + 7.0 * series.name.chars().count() as f64;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Text as XML has it.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn lines(chart: &Chart, x: &[Option<f64>], unit: Unit, y_range: (f64, f64), svg: &mut String) {
    let Some(x_range) = scale::range(x.iter().flatten().copied()) else { return };
    let across = |x: f64| LEFT + scale::share(x, x_range) * (WIDTH - LEFT - RIGHT);
    let down = |y: f64| TOP + (1.0 - scale::share(y, y_range)) * PLOT;
    let bottom = TOP + PLOT;
    let (marks, step) = chart.y_unit.marks(y_range.0, y_range.1, 6);
    for mark in marks {
        let y = down(mark);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{y:.1}\" stroke=\"currentColor\" stroke-opacity=\"0.15\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            escaped(&chart.y_unit.label(mark, step))
        );
    }
    let (marks, step) = unit.marks(x_range.0, x_range.1, 8);
    for mark in marks {
        let x = across(mark);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{bottom}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"currentColor\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            bottom + 5.0,
            bottom + 20.0,
            escaped(&unit.label(mark, step))
        );
    }
    let _ = writeln!(
        svg,
        "<line x1=\"{LEFT}\" y1=\"{bottom}\" x2=\"{}\" y2=\"{bottom}\" stroke=\"currentColor\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        WIDTH - RIGHT,
        (LEFT + WIDTH - RIGHT) / 2.0,
        bottom + 42.0,
        escaped(&chart.x_name)
    );
    for (number, series) in chart.series.iter().enumerate() {
        let color = COLORS[number % COLORS.len()];
        for run in runs(x, &series.values) {
            let points: Vec<String> =
                thinned(&run).iter().map(|(x, y)| format!("{:.1},{:.1}", across(*x), down(*y))).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>",
                points.join(" ")
            );
        }
    }
}

/// The points between gaps.
fn runs(x: &[Option<f64>], y: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for point in x.iter().zip(y) {
        match (point, runs.last_mut()) {
            ((_, Some(y)), _) if y.is_nan() => {}
            ((Some(x), Some(y)), Some(run)) => run.push((*x, *y)),
            (_, Some(run)) if !run.is_empty() => runs.push(Vec::new()),
            _ => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Of each few points the lowest and the highest, so that no peak is lost.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= POINTS {
        return points.to_vec();
    }
    let part = points.len().div_ceil(POINTS / 2);
    let extremes = points.chunks(part).flat_map(|chunk| {
        let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let mut both: Vec<(f64, f64)> =
            chunk.iter().min_by(by_height).into_iter().chain(chunk.iter().max_by(by_height)).copied().collect();
        both.sort_by(|a, b| a.0.total_cmp(&b.0));
        both
    });
    extremes.collect()
}

fn bars(chart: &Chart, names: &[String], range: (f64, f64), plot: f64, svg: &mut String) {
    let left = LEFT + 60.0;
    let across = |x: f64| left + scale::share(x, range) * (WIDTH - left - RIGHT - 70.0);
    let step = (range.1 - range.0) / 100.0;
    let zero = across(0.0);
    let series = chart.series.len().max(1);
    for (at, name) in names.iter().enumerate() {
        let middle = TOP + (at * series) as f64 * BAR + series as f64 * BAR / 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            middle + 4.0,
            escaped(name)
        );
        for (number, series_of) in chart.series.iter().enumerate() {
            let Some(value) = series_of.values.get(at).copied().flatten().filter(|value| !value.is_nan()) else {
                continue;
            };
            let y = TOP + (at * series + number) as f64 * BAR + 3.0;
            let end = across(value);
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{}\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                zero.min(end),
                (end - zero).abs(),
                BAR - 6.0,
                COLORS[number % COLORS.len()],
                zero.max(end) + 6.0,
                y + BAR / 2.0 + 1.0,
                escaped(&chart.y_unit.label(value, step))
            );
        }
    }
    let _ = writeln!(
        svg,
        "<line x1=\"{zero:.1}\" y1=\"{TOP}\" x2=\"{zero:.1}\" y2=\"{:.1}\" stroke=\"currentColor\"/>",
        TOP + plot
    );
}
