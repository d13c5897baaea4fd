//! Charts: values that are drawn instead of listed.
//!
//! A chart is a record that carries its data, marked as a [`CHART`]: who pipes it on gets the numbers, who looks at it
//! gets the picture. [`Chart::of`] reads such a record; `text` draws it with characters, `svg` with shapes.

mod scale;
mod svg;
mod text;

use value::{Record, Value};

use self::scale::Unit;
use crate::options::Options;

/// Whose records charts are.
pub const CHART: value::Resource = "chart";

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    kind: Kind,
    title: String,
    x_name: String,
    /// For lines where each point stands; for bars what each is called.
    x: X,
    series: Vec<Series>,
    y_unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Bar,
}

#[derive(Debug, Clone, PartialEq)]
enum X {
    Numbers(Vec<Option<f64>>, Unit),
    Names(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
struct Series {
    name: String,
    /// As many as there are places on the x axis. Null leaves a gap; NaN says that a row is not of this series, and
    /// leaves none.
    values: Vec<Option<f64>>,
}

impl Chart {
    /// The chart that a record is: with `chart` (`line` or `bar`), `title`, `x` (the name of a column), `y` (names of
    /// columns) and `data` (their table). `None` when it is no chart.
    pub fn of(record: &Record) -> Option<Chart> {
        if record.resource != Some(CHART) {
            return None;
        }
        let kind = match record.get("chart")?.as_str()? {
            "line" => Kind::Line,
            "bar" => Kind::Bar,
            _ => return None,
        };
        let x_name = record.get("x")?.as_str()?.to_string();
        let names: Vec<String> =
            record.get("y")?.items().ok()?.iter().filter_map(|name| Some(name.as_str()?.to_string())).collect();
        let data = record.get("data")?.items().ok()?;
        let column = |name: &str| -> Vec<Value> {
            let cell = |row: &Value| row.as_record().and_then(|row| row.get(name)).cloned().unwrap_or_default();
            data.iter().map(cell).collect()
        };
        let along = column(&x_name);
        let x = match kind {
            Kind::Line => X::Numbers(along.iter().map(scale::number).collect(), Unit::of(&along)),
            Kind::Bar => X::Names(along.iter().map(value::text::to_text).collect()),
        };
        let columns: Vec<Vec<Value>> = names.iter().map(|name| column(name)).collect();
        let y_unit = columns.first().map_or(Unit::Number, |values| Unit::of(values));
        let series = names
            .into_iter()
            .zip(&columns)
            .map(|(name, values)| {
                let has = |row: &Value| row.as_record().is_some_and(|row| row.contains(&name));
                let cell =
                    |(row, value): (&Value, &Value)| if has(row) { scale::number(value) } else { Some(f64::NAN) };
                let values = data.iter().zip(values).map(cell).collect();
                Series { name, values }
            })
            .collect();
        let title = record.get("title").and_then(Value::as_str).unwrap_or_default().to_string();
        Some(Chart { kind, title, x_name, x, series, y_unit })
    }

    /// The chart in characters, as wide as the terminal.
    pub fn to_text(&self, options: &Options) -> String {
        text::draw(self, options)
    }

    /// The chart as an SVG picture, for light and dark backgrounds.
    pub fn to_svg(&self) -> String {
        svg::draw(self)
    }

    /// The picture in a page of its own.
    pub fn to_html(&self) -> String {
        let title = svg::escaped(if self.title.is_empty() { "Chart" } else { &self.title });
        format!(
            "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
             <title>{title}</title></head>\n<body style=\"margin: 2em\">\n{}</body></html>\n",
            self.to_svg()
        )
    }

    /// Bounds that cut so many values into about so many parts of a length that people count in: the first one, the
    /// length, and how many; `None` when no value is a number.
    pub fn parts(values: &[Value], about: usize) -> Option<(f64, f64, usize)> {
        let (low, high) = scale::range(values.iter().filter_map(scale::number))?;
        let (_, step) = Unit::of(values).marks(low, high, about);
        let first = (low / step).floor() * step;
        Some((first, step, (((high - first) / step).floor() as usize) + 1))
    }

    /// The least and the largest value of all series; bars start at zero.
    fn y_range(&self) -> Option<(f64, f64)> {
        let values = self.series.iter().flat_map(|series| series.values.iter().flatten().copied());
        let values = values.filter(|value| !value.is_nan());
        let (low, high) = scale::range(values)?;
        Some(match self.kind {
            Kind::Bar => (low.min(0.0), high.max(0.0)),
            Kind::Line => (low, high),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(kind: &str, x: &str, y: &[&str], rows: Vec<Value>) -> Chart {
        let names = y.iter().map(|name| Value::from(*name)).collect::<Vec<_>>();
        let record: Record = [
            ("chart", Value::from(kind)),
            ("title", Value::from("Load & latency")),
            ("x", Value::from(x)),
            ("y", Value::list(names)),
            ("data", Value::list(rows)),
        ]
        .into_iter()
        .collect();
        Chart::of(&record.with_resource(Some(CHART))).expect("this is a chart")
    }

    fn waves() -> Chart {
        let rows = (0..60_i64).map(|n| {
            let wave = (n as f64 / 8.0).sin();
            let took = if n == 20 { Value::Nothing } else { Value::Float(wave * 5.0 + 5.0) };
            let fields = [("at", Value::Duration(n * 1_000_000_000)), ("a", took), ("b", Value::Int(n / 6))];
            Value::record(fields.into_iter().collect())
        });
        chart("line", "at", &["a", "b"], rows.collect())
    }

    fn bars() -> Chart {
        let row = |name: &str, n: i64| {
            Value::record([("topic", Value::from(name)), ("size", Value::Filesize(n))].into_iter().collect())
        };
        chart("bar", "topic", &["size"], vec![row("camera/image", 1_200_000), row("imu", 90_000), row("<none>", 0)])
    }

    #[test]
    fn lines_are_drawn_with_dots() {
        insta::assert_snapshot!(waves().to_text(&Options::terminal(60, false)));
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        insta::assert_snapshot!(bars().to_text(&Options::terminal(50, false)));
    }

    #[test]
    fn pictures_are_shapes_with_what_they_mean() {
        insta::assert_snapshot!(bars().to_svg());
        let svg = waves().to_svg();
        assert_eq!(svg.matches("<polyline").count(), 3, "a gap makes two lines of one: {svg}");
        assert!(waves().to_html().contains("<title>Load &amp; latency</title>"));
    }

    #[test]
    fn what_cannot_be_drawn_says_so() {
        let empty = chart("line", "at", &["a"], Vec::new());
        assert_eq!(empty.to_text(&Options::terminal(40, false)), "Load & latency\n(nothing to draw)");
        assert!(empty.to_svg().contains("nothing to draw"));
        assert_eq!(Chart::of(&Record::new()), None);
    }
}
