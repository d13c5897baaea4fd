use value::DateTime;

use crate::cells::{self, COLUMNS};
use crate::formats::into_datetime::{expand, moved, offset_of};
use crate::prelude::*;

pub static NOW: Command = Command {
    name: "date now",
    category: Category::Core,
    summary: "Gives the moment it is",
    io: &[("nothing", "datetime")],
    examples: &[try_it("An hour ago", "(date now) - 1hr")],
    search: &["time", "clock", "today"],
    run: |call, _| match DateTime::from_zoned(&jiff::Zoned::now()) {
        Some(now) => Ok(Data::Value(Value::DateTime(now))),
        None => Err(Diagnostic::new(codes::OVERFLOW, "the clock stands outside the years that can be told")
            .label(call.head, "")),
    },
    ..Command::DEFAULT
};

pub static TO_TIMEZONE: Command = Command {
    name: "date to-timezone",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Tells the same moment in another timezone",
    params: &[Param::required(
        "zone",
        Takes::Type("string"),
        "`utc`, `local`, an offset such as `+0200`, or a name such as `Europe/Berlin`",
    )],
    io: &[("datetime", "datetime"), ("string", "datetime")],
    examples: &[example(
        "By an offset",
        "2026-01-31T10:00:00Z | date to-timezone '+0200' | format date '%H:%M'",
        "\"12:00\"",
    )],
    run: |call, input| {
        let zone: String = call.required("zone")?;
        let value = call.collect(input)?;
        let at = moment(&value).map_err(|error| error.or_label(call.head, ""))?;
        let offset = match jiff::tz::TimeZone::get(&zone) {
            // A named zone's offset depends on the moment.
            Ok(named) => Some(at.zoned().timestamp().to_zoned(named).offset().seconds()),
            Err(_) => offset_of(&zone),
        };
        match offset {
            Some(offset) => Ok(Data::Value(Value::DateTime(moved(at, Some(offset))))),
            None => Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{zone}` is not a timezone"))
                .label(call.span("zone"), "here")),
        }
    },
    ..Command::DEFAULT
};

pub static FORMAT_DATE: Command = Command {
    name: "format date",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes moments by a format such as `%Y-%m-%d %H:%M:%S`",
    params: &[Param::required("format", Takes::Type("string"), "The format, as strftime has it"), COLUMNS],
    io: &[
        ("datetime", "string"),
        ("string", "string"),
        ("list<any>", "list<string>"),
        ("table", "table"),
        ("record", "record"),
    ],
    examples: &[example("A day", "2026-01-31T10:00:00Z | format date '%d.%m.%Y'", "\"31.01.2026\"")],
    search: &["strftime", "time"],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    run: |call, input| {
        let format = expand(&call.required::<String>("format")?);
        let place = call.span("format");
        cells::change(call, input, move |value| {
            if value.is_nothing() {
                return Ok(Value::Nothing);
            }
            let at = moment(value)?;
            let broken = jiff::fmt::strtime::BrokenDownTime::from(&at.zoned());
            broken.to_string(&format).map(Value::string).map_err(|error| {
                Diagnostic::new(codes::BAD_ARGUMENT, format!("`{format}` is not a format of dates: {error}"))
                    .label(place, "")
            })
        })
    },
    ..Command::DEFAULT
};

fn moment(value: &Value) -> Result<DateTime> {
    match value {
        Value::DateTime(at) => Ok(*at),
        Value::String(text) => DateTime::parse(text).ok_or_else(|| {
            Diagnostic::new(codes::BAD_CONVERSION, format!("`{text}` is not a datetime"))
                .help("`into datetime --format` reads other forms")
        }),
        other => Err(Diagnostic::new(codes::WRONG_INPUT, format!("expected a datetime, found {}", other.type_of()))),
    }
}
