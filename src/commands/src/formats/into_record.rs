use value::DateTime;

use crate::prelude::*;
use crate::rows;

pub static RECORD: Command = Command {
    name: "into record",
    summary: "Converts to a record: a list of pairs or of records, a datetime, a duration",
    params: &[],
    examples: &[
        example("A table", "[{a: 1} {b: 2}] | into record", "{a: 1, b: 2}"),
        example("A duration", "90sec | into record", "{minute: 1, second: 30, sign: \"+\"}"),
    ],
    io: &[("any", "record")],
    infer: Some(|_| Some(Type::Record(Fields::open()))),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let record = match &value {
            Value::Record(_) => return Ok(Data::Value(value)),
            Value::DateTime(at) => of_datetime(*at),
            Value::Duration(nanos) => of_duration(*nanos),
            Value::List(_) | Value::Table(_) | Value::Range(_) => {
                let items = value.items()?;
                let mut record = Record::new();
                for (at, item) in items.iter().enumerate() {
                    match item {
                        Value::Record(fields) => {
                            for (name, value) in fields.iter() {
                                record.insert(name, value.clone());
                            }
                        }
                        Value::List(pair) if pair.len() == 2 => {
                            record.insert(value::text::to_text(&pair[0]), pair[1].clone())
                        }
                        other => record.insert(at.to_string(), other.clone()),
                    }
                }
                record
            }
            other => return Err(super::cannot(other, "a record").label(call.head, "")),
        };
        Ok(Data::Value(Value::record(record)))
    },
    ..super::INTO
};

fn of_datetime(at: DateTime) -> Record {
    let zoned = at.zoned();
    let int = |n: i64| Value::Int(n);
    let text = at.rfc3339();
    let zone = &text[text.len().saturating_sub(6)..];
    [
        ("year", int(zoned.year().into())),
        ("month", int(zoned.month().into())),
        ("day", int(zoned.day().into())),
        ("hour", int(zoned.hour().into())),
        ("minute", int(zoned.minute().into())),
        ("second", int(zoned.second().into())),
        ("millisecond", int(zoned.millisecond().into())),
        ("microsecond", int(zoned.microsecond().into())),
        ("nanosecond", int(zoned.nanosecond().into())),
        ("timezone", Value::from(zone)),
    ]
    .into_iter()
    .collect()
}

fn of_duration(nanos: i64) -> Record {
    let units = ["week", "day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond"];
    let mut record = Record::new();
    let mut rest = nanos.unsigned_abs();
    for (name, (_, unit)) in units.into_iter().zip(value::units::DURATION_UNITS) {
        let count = rest / unit.unsigned_abs();
        rest %= unit.unsigned_abs();
        if count > 0 {
            record.insert(name, Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
        }
    }
    record.insert("sign", Value::from(if nanos < 0 { "-" } else { "+" }));
    record
}
