use value::Stage;

use crate::groups::{self, rows_value};
use crate::prelude::*;
use crate::rows;

pub static AGGREGATE: Command = Command {
    name: "aggregate",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Makes one row of each group, or of the whole table",
    details: "Each expression of the record is evaluated once per group, with the group's rows as `$in`. The keys come \
              first, by name; a closure's key is the column `key`. Over files this is one query.",
    params: &[Param::required(
        "expressions",
        Takes::Aggregations,
        "A record of expressions, or a closure that gets the rows",
    )],
    io: &[("any", "table")],
    examples: &[
        example(
            "Count and average by group",
            "[[kind n]; [a 1] [b 2] [a 3]] | group-by kind | aggregate { rows: (length), mean: ($in.n | math avg) }",
            "[[kind rows mean]; [a 2 2.0] [b 1 2.0]]",
        ),
        example("One row for all", "[[n]; [1] [2]] | aggregate { total: ($in.n | math sum) }", "[[total]; [3]]"),
    ],
    search: &["summarize", "reduce", "group", "sum", "count"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    let parts = &shape.argument("expressions")?.parts;
    if parts.is_empty() {
        return None;
    }
    let mut fields = match shape.input {
        Type::Groups(groups) => Fields { resource: None, ..groups.0.clone() },
        Type::Table(_) | Type::List(_) => Fields::default(),
        _ => Fields::open(),
    };
    for (name, of) in parts {
        fields.set(name, of.clone());
    }
    Some(Type::Table(fields))
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let expressions: Value = call.required("expressions")?;
    let mut made = Expressions::of(call, &expressions)?;
    let input = match input {
        Data::Value(value) if groups::of_value(&value).is_some() => value,
        Data::Stream(stream) if stream.endless => return of_stream(call, stream, made),
        other => {
            rows::want_items(call, &other)?;
            if let Some(aggregations) = rows::query_pays(&other).then(|| lowered(call, &expressions)).flatten() {
                if let Some(table) = rows::queryable(&other) {
                    let columns = aggregations.iter().flat_map(|(_, expr)| expr.columns()).collect::<Vec<_>>();
                    if rows::has_columns(&table, columns.iter().map(|name| &**name))? {
                        let stage = Stage::Group { keys: Vec::new(), aggregations };
                        if let Some(table) = table.stage(&stage)? {
                            return Ok(Data::Value(Value::table(table)));
                        }
                    }
                }
            }
            let items = rows::all(call, other)?;
            let record = made.row(rows_value(items.items, items.resource), Record::new())?;
            return Ok(Data::Value(Value::list(vec![record])));
        }
    };
    let Some(groups) = groups::of_value(&input) else { return Ok(Data::Value(Value::Nothing)) };
    if let Some(aggregations) = lowered(call, &expressions) {
        if let Some(table) = groups.aggregated(aggregations)? {
            return Ok(Data::Value(Value::table(table)));
        }
    }
    made.rows(groups, call.interrupt()).map(|rows| Data::Value(Value::list(rows)))
}

/// A stream that never ends has groups when it is cut into windows; each gives its rows when it is whole.
fn of_stream(call: &Call<'_>, stream: Stream, mut expressions: Expressions) -> Result<Data> {
    let error = rows::endless(call)
        .help("take some of it first, for instance `| first 10`, or cut it into windows of time: `| window 1sec`");
    let interrupt = call.interrupt().clone();
    let rows = rows::until_failed(call, stream, move |item| match groups::of_value(&item) {
        Some(groups) => expressions.rows(groups, &interrupt),
        None => Err(error.clone()),
    });
    Ok(Data::Stream(rows.endless()))
}

/// All expressions as aggregations of a query; `None` when one cannot be said so.
fn lowered(call: &Call<'_>, expressions: &Value) -> Option<Vec<(Arc<str>, Expr)>> {
    let Value::Record(record) = expressions else { return None };
    let span = call.span("expressions");
    let parts = record.iter().map(|(name, value)| {
        let expr = match <ClosureValue as engine::FromValue>::from_value(value) {
            Some(closure) => closure.lower_over_group()?,
            None => Expr::new(ExprKind::Literal(value.clone()), span),
        };
        Some((Arc::from(name), expr))
    });
    parts.collect()
}

/// What is evaluated for each group.
enum Expressions {
    Record(Vec<(Arc<str>, Part)>),
    Closure(Box<engine::Runner>),
}

enum Part {
    Closure(Box<engine::Runner>),
    Value(Value),
}

impl Expressions {
    fn of(call: &Call<'_>, expressions: &Value) -> Result<Self> {
        let closure = |value: &Value| {
            <ClosureValue as engine::FromValue>::from_value(value).map(|closure| Box::new(call.runner(&closure)))
        };
        match expressions {
            Value::Record(parts) => {
                let part = |(name, value): (&str, &Value)| {
                    let part = closure(value).map_or_else(|| Part::Value(value.clone()), Part::Closure);
                    (Arc::from(name), part)
                };
                Ok(Expressions::Record(parts.iter().map(part).collect()))
            }
            other => closure(other).map(Expressions::Closure).ok_or_else(|| {
                Diagnostic::new(
                    codes::WRONG_TYPE,
                    format!("expected a record of expressions, found {}", other.type_of()),
                )
                .label(call.span("expressions"), "neither a record nor a closure")
            }),
        }
    }

    /// One row for each group.
    fn rows(&mut self, groups: &groups::Groups, interrupt: &value::Interrupt) -> Result<Vec<Value>> {
        let names = groups.key_names();
        let mut table = Vec::new();
        for group in groups.groups()?.iter() {
            interrupt.check()?;
            let keys: Record = names.iter().cloned().zip(group.keys.iter().cloned()).collect();
            table.push(self.row(rows_value(group.rows.clone(), None), keys)?);
        }
        Ok(table)
    }

    /// One group's row: its keys, then what the expressions give for its rows.
    fn row(&mut self, rows: Value, mut record: Record) -> Result<Value> {
        match self {
            Expressions::Record(parts) => {
                for (name, part) in parts {
                    let result = match part {
                        Part::Closure(closure) => closure.each(rows.clone())?,
                        Part::Value(value) => value.clone(),
                    };
                    record.insert(name.clone(), result);
                }
            }
            Expressions::Closure(closure) => match closure.each(rows)? {
                Value::Record(parts) => {
                    for (name, value) in parts.iter() {
                        record.insert(name, value.clone());
                    }
                }
                single => record.insert("value", single),
            },
        }
        Ok(Value::record(record))
    }
}
