use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use value::DateTime;
use value::units::parse_offset;

use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static DATETIME: Command = Command {
    name: "into datetime",
    summary: "Converts to moments: texts in ISO 8601 or a `--format`, whole numbers of nanoseconds since 1970",
    details: "Without an offset in the text, it is UTC unless `--timezone` or `--offset` says otherwise.",
    params: &[
        COLUMNS,
        Param::flag("format", Some('f'), Takes::Type("string"), "How texts are written, such as `%Y-%m-%d %H:%M`"),
        Param::flag("timezone", Some('z'), Takes::Type("string"), "`utc`, `local`, or an offset such as `+02:00`"),
        Param::flag("offset", Some('o'), Takes::Type("int"), "Hours east of UTC"),
    ],
    examples: &[
        example("A text", "'2026-01-31T10:00:00+01:00' | into datetime", "2026-01-31T10:00:00+01:00"),
        example("A format", "'31.01.2026' | into datetime --format '%d.%m.%Y'", "2026-01-31"),
    ],
    search: &["date", "time", "parse"],
    infer: Some(|shape| match shape.input {
        Type::Record(_) if shape.argument("columns").is_none() => Some(Type::DateTime),
        _ => cells::changed_type(shape, Type::DateTime),
    }),
    run,
    ..super::INTO
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let offset = match (call.optional::<String>("timezone")?, call.optional::<i64>("offset")?) {
        (Some(zone), _) => Some(offset_of(&zone).ok_or_else(|| {
            Diagnostic::new(codes::BAD_ARGUMENT, format!("`{zone}` is not a timezone"))
                .label(call.span("timezone"), "`utc`, `local`, or an offset such as `+02:00`")
        })?),
        (None, Some(hours)) => match i32::try_from(hours).ok().filter(|hours| (-25..=25).contains(hours)) {
            Some(hours) => Some(hours * 3600),
            None => {
                return Err(Diagnostic::new(codes::BAD_ARGUMENT, "no place is so many hours from UTC")
                    .label(call.span("offset"), "here"));
            }
        },
        (None, None) => None,
    };
    if let Some(Value::Record(record)) = super::into_unit::single_record(call, &input) {
        return super::here(call, from_record(&record)).map(|at| Data::Value(Value::DateTime(at)));
    }
    super::into_unit::require_input(call, &input)?;
    let format = call.optional::<String>("format")?.map(|format| expand(&format));
    cells::change(call, input, move |value| match value {
        Value::Nothing => Ok(Value::Nothing),
        Value::DateTime(at) => Ok(Value::DateTime(moved(*at, offset))),
        Value::Int(n) if format.is_some() => {
            let format = format.as_deref().unwrap_or_default();
            Ok(Value::DateTime(by_format(&n.to_string(), format, offset)?))
        }
        Value::Int(n) => Ok(Value::DateTime(DateTime { nanos: *n, offset: offset.unwrap_or(0) })),
        Value::String(text) => {
            let at = match &format {
                Some(format) => by_format(text, format, offset)?,
                None => match DateTime::parse(text) {
                    Some(at) => match offset {
                        Some(offset) if !has_offset(text) => {
                            told_in(at, offset).ok_or_else(|| super::cannot(value, "a datetime").help(TOO_FAR))?
                        }
                        _ => moved(at, offset),
                    },
                    None => match text.trim().parse::<i64>() {
                        Ok(n) => DateTime { nanos: n, offset: offset.unwrap_or(0) },
                        Err(_) => {
                            let mut read = FORMATS.iter().map(|format| by_format(text.trim(), format, offset));
                            read.find_map(Result::ok).ok_or_else(|| {
                                super::cannot(value, "a datetime")
                                    .help("2026-01-31T10:00:00+01:00 is one; `--format` says how others are written")
                            })?
                        }
                    },
                },
            };
            Ok(Value::DateTime(at))
        }
        other => Err(super::cannot(other, "a datetime")),
    })
}

/// Whether a text in ISO 8601 says its offset.
fn has_offset(text: &str) -> bool {
    let time = text.trim().get(10..).unwrap_or("");
    time.contains(['Z', 'z', '+', '-'])
}

/// Other ways of writing moments that leave no doubt which number is the day.
const FORMATS: &[&str] = &[
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
    "%d.%m.%Y %H:%M:%S %z",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M %z",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %I:%M %p %z",
    "%d.%m.%Y %I:%M %p",
    "%d.%m.%Y",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%d %b %Y",
    "%b %d %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d %Y",
    "%B %d, %Y",
];

const TOO_FAR: &str = "it lies too far from now";

/// The moment when clocks with an offset show what `at` shows in UTC.
fn told_in(at: DateTime, offset: i32) -> Option<DateTime> {
    Some(DateTime { nanos: at.nanos.checked_sub(i64::from(offset) * 1_000_000_000)?, offset })
}

/// The same moment told in another offset.
pub(crate) fn moved(at: DateTime, offset: Option<i32>) -> DateTime {
    DateTime { nanos: at.nanos, offset: offset.unwrap_or(at.offset) }
}

/// Seconds east of UTC of a zone's name.
pub(crate) fn offset_of(zone: &str) -> Option<i32> {
    match zone.to_lowercase().as_str() {
        "utc" | "u" | "z" => Some(0),
        "local" | "l" => Some(jiff::Zoned::now().offset().seconds()),
        _ => parse_offset(zone).filter(|_| !zone.is_empty()).or_else(|| {
            let zone = TimeZone::get(zone).ok()?;
            Some(jiff::Timestamp::now().to_zoned(zone).offset().seconds())
        }),
    }
}

/// `%J` and `%Q` are a compact date and time.
pub(crate) fn expand(format: &str) -> String {
    format.replace("%J", "%Y%m%d").replace("%Q", "%H%M%S").replace("%+", "%Y-%m-%dT%H:%M:%S%.f%:z")
}

pub(crate) fn by_format(text: &str, format: &str, offset: Option<i32>) -> Result<DateTime> {
    let wrong = |why: String| {
        Diagnostic::new(codes::BAD_CONVERSION, format!("`{text}` is not written as `{format}`")).cause(why)
    };
    let parsed = BrokenDownTime::parse(format, text).map_err(|error| wrong(error.to_string()))?;
    // Seconds since 1970 say all by themselves.
    if let (Err(_), Ok(at)) = (parsed.to_date(), parsed.to_timestamp()) {
        let zone = Offset::from_seconds(offset.unwrap_or(0)).map_err(|error| wrong(error.to_string()))?;
        return DateTime::from_zoned(&at.to_zoned(TimeZone::fixed(zone))).ok_or_else(|| wrong(TOO_FAR.into()));
    }
    let zone = match (parsed.offset(), offset) {
        (Some(known), _) => known,
        (None, Some(seconds)) => Offset::from_seconds(seconds).map_err(|error| wrong(error.to_string()))?,
        (None, None) => Offset::UTC,
    };
    let date = parsed.to_date().map_err(|error| wrong(error.to_string()))?;
    let time = parsed.to_time().unwrap_or_else(|_| jiff::civil::Time::midnight());
    let zoned = date.to_datetime(time).to_zoned(TimeZone::fixed(zone)).map_err(|error| wrong(error.to_string()))?;
    DateTime::from_zoned(&zoned).ok_or_else(|| wrong(TOO_FAR.into()))
}

fn from_record(record: &Record) -> Result<DateTime> {
    const PARTS: [&str; 10] =
        ["year", "month", "day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond", "timezone"];
    for name in record.names() {
        if !PARTS.contains(&name) {
            return Err(value::cell_path::unknown_column(name, PARTS.into_iter()));
        }
    }
    let part = |name: &str, default: i64| match record.get(name) {
        None | Some(Value::Nothing) => Ok(default),
        Some(Value::Int(n)) => Ok(*n),
        Some(other) => {
            Err(Diagnostic::new(codes::WRONG_INPUT, format!("`{name}` must be an int, not {}", other.type_of())))
        }
    };
    let wrong = |what: &str| Diagnostic::new(codes::BAD_ARGUMENT, format!("this is no moment: {what}"));
    let small = |name: &str, default: i64| -> Result<i8> {
        i8::try_from(part(name, default)?).map_err(|_| wrong(&format!("the {name} is out of range")))
    };
    // Each part that fits its unit keeps the sum within 64 bits.
    let below = |name: &str, limit: i64| match part(name, 0)? {
        n if (0..limit).contains(&n) => Ok(n),
        _ => Err(wrong(&format!("the {name} is out of range"))),
    };
    let subsecond = below("millisecond", 1_000)? * 1_000_000
        + below("microsecond", 1_000_000)? * 1_000
        + below("nanosecond", 1_000_000_000)?;
    let year = i16::try_from(part("year", jiff::Zoned::now().year().into())?)
        .map_err(|_| wrong("the year is out of range"))?;
    let subsecond = i32::try_from(subsecond).map_err(|_| wrong("the fraction of a second is out of range"))?;
    let civil = jiff::civil::DateTime::new(
        year,
        small("month", 1)?,
        small("day", 1)?,
        small("hour", 0)?,
        small("minute", 0)?,
        small("second", 0)?,
        subsecond,
    )
    .map_err(|error| wrong(&error.to_string()))?;
    let offset = match record.get("timezone") {
        None | Some(Value::Nothing) => 0,
        Some(Value::String(zone)) => offset_of(zone).ok_or_else(|| wrong(&format!("`{zone}` is no timezone")))?,
        Some(other) => {
            return Err(Diagnostic::new(
                codes::WRONG_INPUT,
                format!("`timezone` must be a string, not {}", other.type_of()),
            ));
        }
    };
    let offset = Offset::from_seconds(offset).map_err(|error| wrong(&error.to_string()))?;
    let zoned = civil.to_zoned(TimeZone::fixed(offset)).map_err(|error| wrong(&error.to_string()))?;
    DateTime::from_zoned(&zoned).ok_or_else(|| wrong(TOO_FAR))
}
