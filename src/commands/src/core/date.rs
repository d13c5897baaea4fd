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
    io: &[("datetime", "datetime"), ("string", "datetime"), ("list<any>", "list<datetime>")],
    examples: &[example(
        "By an offset",
        "2026-01-31T10:00:00Z | date to-timezone '+0200' | format date '%H:%M'",
        "\"12:00\"",
    )],
    infer: Some(|shape| cells::changed_type(shape, Type::DateTime)),
    run: |call, input| {
        let name: String = call.required("zone")?;
        let zone = match jiff::tz::TimeZone::get(&name) {
            // A named zone's offset depends on the moment.
            Ok(named) => Ok(named),
            Err(_) => Err(offset_of(&name).ok_or_else(|| {
                let error = Diagnostic::new(codes::BAD_ARGUMENT, format!("`{name}` is not a timezone"));
                error.label(call.span("zone"), "here").next("date list-timezone")
            })?),
        };
        let head = call.head;
        cells::change(call, input, move |value| {
            if value.is_nothing() {
                return Ok(Value::Nothing);
            }
            let at = moment(value).map_err(|error| error.or_label(head, ""))?;
            let offset = match &zone {
                Ok(named) => at.zoned().timestamp().to_zoned(named.clone()).offset().seconds(),
                Err(offset) => *offset,
            };
            Ok(Value::DateTime(moved(at, Some(offset))))
        })
    },
    ..Command::DEFAULT
};

pub static LIST_TIMEZONE: Command = Command {
    name: "date list-timezone",
    category: Category::Core,
    summary: "Lists the names of timezones",
    io: &[("nothing", "table<timezone: string>")],
    examples: &[try_it("Those of a continent", "date list-timezone | where timezone =~ '^Asia/'")],
    search: &["zone", "city"],
    run: |_, _| {
        let names = jiff::tz::db().available();
        let rows = names.map(|name| Value::record([("timezone", Value::from(name.as_str()))].into_iter().collect()));
        Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};

pub static HUMANIZE: Command = Command {
    name: "date humanize",
    category: Category::Core,
    summary: "Tells how long ago moments are, or in how long they will be, in words",
    io: &[("datetime", "string"), ("string", "string"), ("list<any>", "list<string>")],
    examples: &[try_it("When a file was changed", "ls | get modified | date humanize")],
    search: &["relative", "ago"],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    run: |call, input| {
        let now = DateTime::now();
        cells::change(call, input, move |value| match value {
            Value::Nothing => Ok(Value::Nothing),
            other => Ok(Value::string(in_words(moment(other)?.nanos.saturating_sub(now.nanos)))),
        })
    },
    ..Command::DEFAULT
};

/// A time from now in the largest unit that it has one of.
fn in_words(nanos: i64) -> String {
    const UNITS: [(i64, &str, &str); 7] = [
        (365 * 86_400, "a year", "years"),
        (30 * 86_400, "a month", "months"),
        (7 * 86_400, "a week", "weeks"),
        (86_400, "a day", "days"),
        (3_600, "an hour", "hours"),
        (60, "a minute", "minutes"),
        (1, "a second", "seconds"),
    ];
    let seconds = (nanos.saturating_abs() + 500_000_000) / 1_000_000_000;
    let Some((unit, one, many)) = UNITS.into_iter().find(|(unit, ..)| seconds >= *unit) else {
        return "now".to_string();
    };
    let count = (seconds + unit / 2) / unit;
    let told = if count == 1 { one.to_string() } else { format!("{count} {many}") };
    if nanos < 0 { format!("{told} ago") } else { format!("in {told}") }
}

pub static FORMAT_DATE: Command = Command {
    name: "format date",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes moments by a format such as `%Y-%m-%d %H:%M:%S`",
    params: &[
        Param::optional("format", Takes::Type("string"), "The format, as strftime has it; that of e-mails by default"),
        COLUMNS,
    ],
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
        let format = call.optional::<String>("format")?.unwrap_or_else(|| "%a, %d %b %Y %H:%M:%S %z".into());
        let format = expand(&format);
        let place = call.span("format");
        cells::change(call, input, move |value| {
            if value.is_nothing() {
                return Ok(Value::Nothing);
            }
            written(moment(value)?, &format).map(Value::string).map_err(|error| error.label(place, ""))
        })
    },
    ..Command::DEFAULT
};

/// A moment by a format.
pub(super) fn written(at: DateTime, format: &str) -> Result<String> {
    jiff::fmt::strtime::BrokenDownTime::from(&at.zoned())
        .to_string(format)
        .map_err(|error| Diagnostic::new(codes::BAD_ARGUMENT, format!("`{format}` is not a format of dates: {error}")))
}

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
