use value::Stage;
use value::ops::Operator;

use crate::along;
use crate::prelude::*;
use crate::rows;

pub static SUMMARY: Command = Command {
    name: "summary",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Tells about each column: its type, how many nulls and different values, and the statistics of numbers",
    details: "`p25`, `p50` and `p75` are quantiles by nearest rank, `stddev` that of the population. Over tables in \
              columns this is one query.",
    params: &[Param::rest("columns", Takes::Column, "The columns; all when none is named")],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[
        example(
            "What a table holds",
            "[[n]; [1] [2] [4] [null]] | summary | select column nulls distinct min p50 max mean | get 0",
            "{column: n, nulls: 1, distinct: 3, min: 1, p50: 2, max: 4, mean: 2.3333333333333335}",
        ),
        try_it("A first look at a file", "open runs.parquet | summary"),
    ],
    search: &["describe", "statistics", "profile", "overview", "quantile"],
    run,
    ..Command::DEFAULT
};

/// The statistics of a column, by the name that they get.
const STATISTICS: [(&str, Aggregation); 8] = [
    ("distinct", Aggregation::CountDistinct),
    ("min", Aggregation::Min),
    ("p25", Aggregation::Quantile(0.25)),
    ("p50", Aggregation::Quantile(0.5)),
    ("p75", Aggregation::Quantile(0.75)),
    ("max", Aggregation::Max),
    ("mean", Aggregation::Average),
    ("stddev", Aggregation::Stddev { sample: false }),
];

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let table = rows::as_table(call, input)?;
    let named = super::select::paths_of(call, "columns")?;
    let schema = table.schema()?;
    let mut columns: Vec<(Arc<str>, Type)> = schema.columns.clone();
    if !named.is_empty() {
        columns = named
            .iter()
            .map(|path| {
                let name: Arc<str> = super::select::title(path).into();
                along::must_have(call, "columns", &schema, &name)?;
                let of = schema.get(&name).cloned().unwrap_or(Type::Any);
                Ok((name, of))
            })
            .collect::<Result<_>>()?;
    }
    let count = table.len()?;
    let mut results = queried(call, &table, &columns)?;
    let mut summary = Vec::with_capacity(columns.len());
    for (name, of) in &columns {
        let mut row = Record::new();
        row.insert("column", Value::from(&**name));
        row.insert("type", Value::string(of.to_string()));
        row.insert("count", Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
        let statistics = match &mut results {
            Some(results) => results.drain(..=STATISTICS.len()).collect(),
            None => one_by_one(&along::column(call, "columns", &table, name)?),
        };
        let mut statistics: Vec<Value> = statistics;
        if let [Value::Int(1..), Value::Int(distinct), ..] = statistics.as_mut_slice() {
            // Null is no value of the column's.
            *distinct -= 1;
        }
        let names = std::iter::once("nulls").chain(STATISTICS.iter().map(|(name, _)| *name));
        names.zip(statistics).for_each(|(name, value)| row.insert(name, value));
        summary.push(Value::record(row));
    }
    Ok(Data::Value(Value::list(summary)))
}

/// Which statistics values of a type have.
fn applies(aggregation: Aggregation, of: &Type) -> bool {
    let number = matches!(of, Type::Int | Type::Float | Type::Duration | Type::Filesize);
    match aggregation {
        Aggregation::CountDistinct => !matches!(of, Type::List(_) | Type::Record(_) | Type::Table(_)),
        Aggregation::Min | Aggregation::Max => number || matches!(of, Type::String | Type::DateTime | Type::Bool),
        Aggregation::Quantile(_) => number || matches!(of, Type::DateTime),
        _ => number,
    }
}

/// The number of nulls and the statistics of all columns, one after the other, by one query; `None` when there is
/// none for this table.
fn queried(call: &Call<'_>, table: &TableRef, columns: &[(Arc<str>, Type)]) -> Result<Option<Vec<Value>>> {
    if !table::is_columnar(table) {
        return Ok(None);
    }
    let expr = |kind| Expr::new(kind, call.head);
    let boxed = |kind| Box::new(expr(kind));
    let mut aggregations: Vec<(Arc<str>, Expr)> = Vec::new();
    let mut add = |kind: ExprKind| aggregations.push((format!("a{}", aggregations.len()).into(), expr(kind)));
    for (name, of) in columns {
        let column = || boxed(ExprKind::Column(name.clone()));
        let null = ExprKind::Binary(Operator::Equal, column(), boxed(ExprKind::Literal(Value::Nothing)));
        let ones = ExprKind::If {
            condition: boxed(null),
            then: boxed(ExprKind::Literal(Value::Int(1))),
            otherwise: Some(boxed(ExprKind::Literal(Value::Int(0)))),
        };
        add(ExprKind::Aggregate(Aggregation::Sum, boxed(ones)));
        for (_, aggregation) in STATISTICS {
            add(match applies(aggregation, of) {
                true => ExprKind::Aggregate(aggregation, column()),
                false => ExprKind::Literal(Value::Nothing),
            });
        }
    }
    let Some(made) = table.stage(&Stage::Group { keys: Vec::new(), aggregations })? else { return Ok(None) };
    let Some(Value::Record(row)) = made.rows()?.pop() else { return Ok(None) };
    let mut results = row.values().to_vec();
    // The sum of no rows is null.
    results.iter_mut().step_by(STATISTICS.len() + 1).for_each(|nulls| {
        if nulls.is_nothing() {
            *nulls = Value::Int(0);
        }
    });
    Ok(Some(results))
}

/// The same of values of any types: a statistic that they do not have is null.
fn one_by_one(values: &[Value]) -> Vec<Value> {
    let nulls = values.iter().filter(|value| value.is_nothing()).count();
    let of = values.iter().filter(|value| !value.is_nothing()).map(Value::type_of).reduce(Type::union);
    let statistic = |aggregation| match &of {
        Some(of) if applies(aggregation, of) => table::aggregate(aggregation, values).unwrap_or_default(),
        None if aggregation == Aggregation::CountDistinct => Value::Int(i64::from(nulls > 0)),
        _ => Value::Nothing,
    };
    let mut results = vec![Value::Int(i64::try_from(nulls).unwrap_or(i64::MAX))];
    results.extend(STATISTICS.iter().map(|(_, aggregation)| statistic(*aggregation)));
    results
}
