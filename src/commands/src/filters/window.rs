use std::collections::HashMap;

use value::ops::Operator;

use crate::along::{self, BY};
use crate::filters::chunks::positive;
use crate::groups::{Group, GroupKey, Groups};
use crate::prelude::*;
use crate::rows;

pub static WINDOW: Command = Command {
    name: "window",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives each run of so many neighbours, or groups rows into windows of time",
    details: "A number slides over a list and gives lists. A duration makes groups for `aggregate`, of the rows that lie \
              in the same window: the column of time is the key and holds the window's start. Windows lie side by side, \
              from full units of the clock on; with a shorter `--every` they overlap and a row is in several; with \
              `--rolling` there is one for each row, with what came before it within the time. The column of time is \
              the only one with datetimes, `log_time` where there is one, or that of `--on`, which may hold durations \
              too, or numbers if the size is one. From a stream that never ends each window comes when a row lies \
              outside of it.",
    params: &[
        Param::required("size", Takes::Type("oneof<int, duration>"), "How many items each has, or how long it is"),
        Param::flag("stride", Some('s'), Takes::Type("int"), "How many items to go on each time; 1 by default"),
        Param::switch("remainder", Some('r'), "Give the shorter runs at the end too"),
        Param::flag("on", Some('o'), Takes::Column, "The column of time"),
        Param::flag("every", Some('e'), Takes::Type("oneof<int, duration>"), "How much later the next window starts"),
        Param::switch("rolling", None, "A window for each row, which ends with it"),
        BY,
    ],
    io: &[("table", "any"), ("list<any>", "any"), ("range", "list<list<number>>")],
    examples: &[
        example("Neighbours", "[1 2 3 4] | window 2", "[[1 2] [2 3] [3 4]]"),
        example("Farther apart", "[1 2 3 4 5] | window 3 --stride 2", "[[1 2 3] [3 4 5]]"),
        example(
            "Windows of time",
            "[[at n]; [0.2sec 1] [0.9sec 2] [1.1sec 3]] | window 1sec --on at | aggregate { sum: ($in.n | math sum) }",
            "[[at sum]; [0sec 3] [1sec 3]]",
        ),
        try_it(
            "Of each topic",
            "open runs.parquet | window 1min --by topic | aggregate { p99: ($in.latency | math quantile 0.99) }",
        ),
        try_it("Of what is coming in", "topic echo imu/data | window 1sec | aggregate { rows: (length) }"),
    ],
    search: &["sliding", "rolling", "pairs", "tumbling", "hopping", "time", "resample", "downsample"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let size: Value = call.required("size")?;
    if !matches!(size, Value::Duration(_)) && !call.given("on") {
        return neighbours(call, input);
    }
    for flag in ["stride", "remainder"] {
        if call.given(flag) {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`--{flag}` is of windows of so many items"))
                .label(call.span(flag), "this one has a length")
                .help("`--every` says how much later the next one starts"));
        }
    }
    if input.is_endless() {
        return stream(call, input);
    }
    let table = rows::as_table(call, input)?;
    let Some(windows) = Windows::of(call, &table.schema()?, table.slice(0, 1)?.first())? else {
        return Ok(Data::Value(Groups::of_groups(Vec::new(), &[], None).into_value()));
    };
    if call.switch("rolling") || windows.every < windows.size {
        return windows.overlapping(call, &table);
    }
    Ok(Data::Value(Groups::of_table(table, windows.keys(), Vec::new())?.into_value()))
}

/// Each run of so many items.
fn neighbours(call: &Call<'_>, input: Data) -> Result<Data> {
    for flag in ["every", "rolling", "by"] {
        if call.given(flag) {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`--{flag}` is of windows of time"))
                .label(call.span(flag), "this one has so many items")
                .help("give a duration, or the column that the number is of with `--on`"));
        }
    }
    let size = positive(call, "size", &input)?;
    let stride = if call.given("stride") { positive(call, "stride", &input)? } else { 1 };
    let remainder = call.switch("remainder");
    let endless = input.is_endless();
    let mut items = rows::plain(input)?.into_items(call.interrupt())?;
    let mut run: std::collections::VecDeque<Value> = std::collections::VecDeque::new();
    let mut to_skip = 0_usize;
    let mut ended = false;
    let stream = Stream::new(std::iter::from_fn(move || {
        while run.len() < size && !ended {
            match items.next() {
                Some(Ok(_)) if to_skip > 0 => to_skip -= 1,
                Some(Ok(item)) => run.push_back(item),
                Some(Err(error)) => {
                    ended = true;
                    run.clear();
                    return Some(Err(error));
                }
                None => ended = true,
            }
        }
        if run.is_empty() || run.len() < size && !remainder {
            return None;
        }
        let window = Value::list(run.iter().cloned().collect::<Vec<_>>());
        to_skip = stride.saturating_sub(run.len());
        run.drain(..stride.min(run.len()));
        Some(Ok(window))
    }));
    Ok(Data::Stream(stream.endless_if(endless)))
}

/// Rows, each with its time.
type Timed<'a> = Vec<(i64, &'a Value)>;

/// Windows of time over one column.
#[derive(Clone)]
struct Windows {
    on: Arc<str>,
    by: Vec<Arc<str>>,
    size: i64,
    every: i64,
    /// A value of the column: what starts of windows are made like.
    like: Value,
    /// Where some window starts. For moments midnight, in the offset in which they were told.
    origin: i64,
    span: diag::Span,
}

impl Windows {
    /// The windows that a call asks for; `None` when there are no rows.
    fn of(call: &Call<'_>, fields: &Fields, first: Option<&Value>) -> Result<Option<Self>> {
        let Some(Value::Record(first)) = first else { return Ok(None) };
        let on = on(call, fields)?;
        let by = along::names(call, "by");
        for name in std::iter::once(&on).chain(&by) {
            along::must_have(call, if *name == on { "on" } else { "by" }, fields, name)?;
        }
        let wrong = |message: String| {
            Diagnostic::new(codes::WRONG_TYPE, message).label(call.span("size"), "is not of the column's unit")
        };
        let (like, origin) = match (fields.get(&on), first.get(&on), call.value("size")) {
            (Some(Type::DateTime), first, Some(Value::Duration(_))) => {
                let offset = if let Some(Value::DateTime(at)) = first { at.offset } else { 0 };
                (Value::DateTime(value::DateTime { nanos: 0, offset }), -i64::from(offset) * 1_000_000_000)
            }
            (Some(Type::Duration), _, Some(Value::Duration(_))) => (Value::Duration(0), 0),
            (Some(Type::Int), _, Some(Value::Int(_))) => (Value::Int(0), 0),
            (of, ..) => {
                let of = of.map_or_else(|| "nothing".to_string(), ToString::to_string);
                return Err(wrong(format!("the column `{on}` holds {of}, which has no windows of this size")));
            }
        };
        let size = length(call, "size")?.unwrap_or_default();
        let every = if call.given("every") { length(call, "every")?.unwrap_or(size) } else { size };
        if every > size {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "between these windows rows would be lost")
                .label(call.span("every"), "is longer than a window"));
        }
        if call.switch("rolling") && call.given("every") {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "rolling windows end with each row")
                .label(call.span("every"), "says something else"));
        }
        Ok(Some(Windows { on, by, size, every, like, origin, span: call.head }))
    }

    fn start(&self, n: i64) -> Value {
        match &self.like {
            Value::DateTime(like) => Value::DateTime(value::DateTime { nanos: n, offset: like.offset }),
            Value::Duration(_) => Value::Duration(n),
            _ => Value::Int(n),
        }
    }

    /// The start of the window in which a row lies, as queries understand it: the time less what is over a full
    /// window.
    fn lowered(&self) -> Expr {
        let expr = |kind| Expr::new(kind, self.span);
        let binary = |op, a, b| expr(ExprKind::Binary(op, Box::new(a), Box::new(b)));
        let time = || expr(ExprKind::Column(self.on.clone()));
        let size = if let Value::Int(_) = self.like { Value::Int(self.every) } else { Value::Duration(self.every) };
        let since = match self.like {
            Value::DateTime(_) => binary(Operator::Subtract, time(), expr(ExprKind::Literal(self.start(self.origin)))),
            _ => time(),
        };
        let over = binary(Operator::Modulo, since, expr(ExprKind::Literal(size)));
        binary(Operator::Subtract, time(), over)
    }

    fn keys(&self) -> Vec<GroupKey> {
        let start = self.lowered();
        let by = self.by.iter().map(|name| (name.clone(), Expr::new(ExprKind::Column(name.clone()), self.span)));
        std::iter::once((self.on.clone(), start))
            .chain(by)
            .map(|(name, expr)| {
                let of = expr.clone();
                let key = move |row: &Value| match row {
                    Value::Record(row) => table::eval_row(&of, row),
                    other => Ok(other.clone()),
                };
                GroupKey { name: name.clone(), title: name, lowered: Some(expr), of: Box::new(key) }
            })
            .collect()
    }

    /// Windows that overlap: those that start every so often, or one for each row.
    fn overlapping(&self, call: &Call<'_>, table: &TableRef) -> Result<Data> {
        let rows = table.rows()?;
        let cell = |row: &Value, name: &str| row.as_record().and_then(|row| row.get(name)).cloned().unwrap_or_default();
        // By the other keys in order of first appearance, and then by time.
        let mut places: HashMap<table::Key, usize> = HashMap::new();
        let mut parts: Vec<(Vec<Value>, Timed<'_>)> = Vec::new();
        for row in &rows {
            call.interrupt().check()?;
            let Some(time) = whole(&cell(row, &self.on)) else { continue };
            let keys: Vec<Value> = self.by.iter().map(|name| cell(row, name)).collect();
            let at = *places.entry(table::key_of_all(keys.iter())).or_insert(parts.len());
            if at == parts.len() {
                parts.push((keys, Vec::new()));
            }
            parts[at].1.push((time, row));
        }
        let mut groups = Vec::new();
        for (keys, mut rows) in parts {
            rows.sort_by_key(|(time, _)| *time);
            let mut add = |start: i64, rows: &[(i64, &Value)]| {
                let keys = std::iter::once(self.start(start)).chain(keys.iter().cloned()).collect();
                groups.push(Group { keys, rows: rows.iter().map(|(_, row)| (*row).clone()).collect() });
            };
            let before = |time: i64| rows.partition_point(|(other, _)| *other < time);
            if call.switch("rolling") {
                for (at, (time, _)) in rows.iter().enumerate() {
                    call.interrupt().check()?;
                    // Of rows at one moment each has those before it only.
                    let first = rows.partition_point(|(other, _)| *other <= time.saturating_sub(self.size));
                    add(*time, &rows[first..=at]);
                }
                continue;
            }
            let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else { continue };
            let first_start = first.saturating_sub(self.size - 1);
            let mut start = first_start - (first_start - self.origin).rem_euclid(self.every);
            while start <= *last {
                call.interrupt().check()?;
                let (from, to) = (before(start), before(start.saturating_add(self.size)));
                if from < to {
                    add(start, &rows[from..to]);
                    start += self.every;
                } else {
                    // Over a gap at once.
                    let next = rows[from].0.saturating_sub(self.size - 1);
                    start += ((next - start).max(1) + self.every - 1) / self.every * self.every;
                }
            }
        }
        let names: Vec<Arc<str>> = std::iter::once(&self.on).chain(&self.by).cloned().collect();
        Ok(Data::Value(Groups::of_groups(groups, &names, table.schema()?.resource).into_value()))
    }
}

/// Windows of a stream that never ends.
fn stream(call: &Call<'_>, input: Data) -> Result<Data> {
    if call.switch("rolling") || call.given("every") {
        let flag = if call.given("every") { "every" } else { "rolling" };
        return Err(Diagnostic::new(codes::ENDLESS, "windows that overlap need all rows, and these never end")
            .label(call.span(flag), "waits for the last row")
            .help("take some of them first, for instance `| first 1000`"));
    }
    let mut items = input.into_items(call.interrupt())?;
    let Some(first) = items.next().transpose()? else { return Ok(Data::Empty) };
    let fields = match &first {
        Value::Record(row) => Fields::closed(row.iter().map(|(name, value)| (name.into(), value.type_of())).collect()),
        other => {
            return Err(Diagnostic::new(codes::WRONG_TYPE, format!("rows have columns, {} has none", other.type_of()))
                .label(call.head, "in what flows in here"));
        }
    };
    let Some(windows) = Windows::of(call, &fields, Some(&first))? else { return Ok(Data::Empty) };
    let mut rows = vec![first];
    let mut ended = false;
    let start_of = windows.lowered();
    let groups = Stream::new(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let start = |row: &Value| match row {
            Value::Record(row) => table::eval_row(&start_of, row),
            other => Ok(other.clone()),
        };
        let next = loop {
            let item = match items.next() {
                Some(Ok(item)) => item,
                Some(Err(error)) => {
                    ended = true;
                    return Some(Err(error));
                }
                None => {
                    ended = true;
                    break None;
                }
            };
            let same = match rows.first() {
                Some(first) => start(first).and_then(|a| Ok(a == start(&item)?)),
                None => Ok(true),
            };
            match same {
                Ok(true) => rows.push(item),
                Ok(false) => break Some(item),
                Err(error) => {
                    ended = true;
                    return Some(Err(error));
                }
            }
        };
        let window = std::mem::replace(&mut rows, next.into_iter().collect());
        if window.is_empty() {
            return None;
        }
        Some(Groups::of_items(window, None, windows.keys(), Vec::new()).map(Groups::into_value))
    }));
    Ok(Data::Stream(groups.endless()))
}

/// The column of time.
fn on(call: &Call<'_>, fields: &Fields) -> Result<Arc<str>> {
    if let Some(path) = call.optional::<CellPath>("on")? {
        return Ok(super::select::title(&path).into());
    }
    let mut times = fields.columns.iter().filter(|(_, of)| *of == Type::DateTime).map(|(name, _)| name);
    match (times.next(), times.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(Diagnostic::new(codes::MISSING_ARGUMENT, "no column holds datetimes")
            .label(call.head, "windows of which time?")
            .help("name the column of time with `--on`")),
        (Some(_), Some(_)) => match fields.get("log_time") {
            Some(Type::DateTime) => Ok("log_time".into()),
            _ => Err(Diagnostic::new(codes::MISSING_ARGUMENT, "several columns hold datetimes")
                .label(call.head, "windows of which time?")
                .help("name the column of time with `--on`")),
        },
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Duration(n) => Some(*n),
        Value::DateTime(at) => Some(at.nanos),
        _ => None,
    }
}

/// A length that is more than nothing.
fn length(call: &Call<'_>, name: &str) -> Result<Option<i64>> {
    let alike = |a: &Value, b: &Value| std::mem::discriminant(a) == std::mem::discriminant(b);
    match (call.value(name), call.value("size")) {
        (Some(length), Some(size)) if !alike(length, size) => {
            Err(Diagnostic::new(codes::WRONG_TYPE, format!("`--{name}` and the size are of one unit"))
                .label(call.span(name), "is of another one"))
        }
        (Some(length), _) => match whole(length) {
            Some(n) if n > 0 => Ok(Some(n)),
            _ => Err(Diagnostic::new(codes::BAD_ARGUMENT, "a window is longer than nothing")
                .label(call.span(name), "must be more than zero")),
        },
        (None, _) => Ok(None),
    }
}
