use value::DateTime;

use crate::prelude::*;
use crate::rows;

pub static SEQ: Command = Command {
    name: "seq",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Lists numbers: up to one, from one to another, or by a step in the middle",
    params: &[Param::rest("numbers", Takes::Type("number"), "`last`, `first last`, or `first step last`")],
    io: &[("nothing", "list<number>")],
    examples: &[example("To three", "seq 1 3", "[1 2 3]"), example("By a step", "seq 1 2 6", "[1 3 5]")],
    search: &["range", "sequence", "count"],
    run: |call, input| {
        let numbers: Vec<Value> = call.rest("numbers")?;
        let (first, step, last) = match numbers.as_slice() {
            [last] => (&Value::Int(1), &Value::Int(1), last),
            [first, last] => (first, &Value::Int(1), last),
            [first, step, last] => (first, step, last),
            _ => {
                return Err(
                    Diagnostic::new(codes::MISSING_ARGUMENT, "`seq` needs one to three numbers").label(call.head, "")
                );
            }
        };
        let next = value::ops::apply(value::ops::Operator::Add, first, step)?;
        let range = value::Range::new(first, Some(&next), Some(last), true)
            .map_err(|error| error.or_label(call.span("numbers"), "here"))?;
        drop(input);
        rows::map(call, Data::Value(Value::range(range)), false, |n| Ok(Some(n)))
    },
    ..Command::DEFAULT
};

pub static SEQ_CHAR: Command = Command {
    name: "seq char",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Lists the characters from one to another",
    params: &[
        Param::required("first", Takes::Type("string"), "The first one"),
        Param::required("last", Takes::Type("string"), "The last one"),
    ],
    io: &[("nothing", "list<string>")],
    examples: &[example("Three letters", "seq char a c", "[a b c]")],
    search: &["alphabet", "letters"],
    run: |call, _| {
        let end = |name: &str| -> Result<char> {
            let text: String = call.required(name)?;
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(char), None) => Ok(char),
                _ => Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{text}` is not one character"))
                    .label(call.span(name), "one character")),
            }
        };
        let chars = (end("first")?..=end("last")?).map(|char| Value::string(char.to_string()));
        Ok(Data::Value(Value::list(chars.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};

pub static SEQ_DATE: Command = Command {
    name: "seq date",
    category: Category::Core,
    summary: "Lists days, or moments at a distance, as texts",
    details: "It begins today unless `--begin-date` says otherwise, and ends at `--end-date`, after `--days`, or after `--periods` \
              of them.",
    params: &[
        Param::flag("begin-date", Some('b'), Takes::Type("string"), "The first one"),
        Param::flag("end-date", Some('e'), Takes::Type("string"), "The last one"),
        Param::flag("days", Some('d'), Takes::Type("int"), "For how many days"),
        Param::flag("periods", Some('p'), Takes::Type("int"), "How many of them"),
        Param::flag(
            "increment",
            Some('n'),
            Takes::Type("oneof<duration, int>"),
            "How far they are apart, a whole number in days; one day by default",
        ),
        Param::flag(
            "input-format",
            Some('i'),
            Takes::Type("string"),
            "How the ends are written; `%Y-%m-%d` by default",
        ),
        Param::flag("output-format", Some('o'), Takes::Type("string"), "How to write them; `%Y-%m-%d` by default"),
        Param::switch("reverse", Some('r'), "Backwards in time"),
    ],
    io: &[("nothing", "list<string>")],
    examples: &[
        try_it("The next ten days", "seq date --days 10"),
        example(
            "Every other day",
            "seq date --begin-date 2026-01-30 --end-date 2026-02-04 --increment 2day",
            "['2026-01-30' '2026-02-01' '2026-02-03']",
        ),
    ],
    search: &["calendar", "days"],
    run: dates,
    ..Command::DEFAULT
};

const DAY: i64 = 86_400_000_000_000;

fn dates(call: &mut Call<'_>, _input: Data) -> Result<Data> {
    let format = |name: &str| call.optional::<String>(name).map(|format| format.unwrap_or_else(|| "%Y-%m-%d".into()));
    let (written, wanted) = (format("input-format")?, format("output-format")?);
    let end = |name: &str| -> Result<Option<DateTime>> {
        let Some(text) = call.optional::<String>(name)? else { return Ok(None) };
        let at = |text| crate::formats::into_datetime::by_format(text, &written, None);
        at(&text)
            .or_else(|error| DateTime::parse(&text).ok_or(error))
            .map(Some)
            .map_err(|error| error.label(call.span(name), "here"))
    };
    let today = || {
        let midnight = jiff::Zoned::now().start_of_day().ok().and_then(|day| DateTime::from_zoned(&day));
        midnight.ok_or_else(|| Diagnostic::new(codes::OVERFLOW, "the clock stands outside the years that can be told"))
    };
    let begin = match end("begin-date")? {
        Some(begin) => begin,
        None => today()?,
    };
    let reverse = call.switch("reverse");
    let step = match call.value("increment") {
        Some(Value::Duration(nanos)) => *nanos,
        Some(Value::Int(days)) => days.saturating_mul(DAY),
        _ => DAY,
    };
    if step <= 0 {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, "with such an increment it would never end")
            .label(call.span("increment"), "must be positive")
            .help("`--reverse` goes backwards"));
    }
    let (days, periods) = (rows::count(call, "days")?, rows::count(call, "periods")?);
    let until = match end("end-date")? {
        Some(end) => Some((end.nanos - begin.nanos).abs()),
        // The last day is the one before so many days are over.
        None => days.map(|days| i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY) - 1),
    };
    let reverse = reverse || end("end-date")?.is_some_and(|end| end.nanos < begin.nanos);
    let most = match (until, periods) {
        (None, None) => 1,
        (until, periods) => {
            let fitting = until.map_or(i64::MAX, |until| until / step + 1);
            fitting.min(periods.map_or(i64::MAX, |periods| i64::try_from(periods).unwrap_or(i64::MAX)))
        }
    };
    let moments = (0..most).map(move |number| {
        let by = number.checked_mul(step).map(|by| if reverse { -by } else { by });
        let nanos = by.and_then(|by| begin.nanos.checked_add(by));
        let at = nanos.map(|nanos| DateTime { nanos, offset: begin.offset });
        let at = at.ok_or_else(|| Diagnostic::new(codes::OVERFLOW, "the dates lie too far from now"))?;
        super::date::written(at, &wanted).map(Value::string)
    });
    Ok(Data::Stream(Stream::new(moments)))
}
