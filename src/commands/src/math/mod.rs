//! Numbers: functions of each, and reductions of many.

use engine::Command;

pub(crate) mod functions;
pub(crate) mod mode;
pub(crate) mod reductions;
pub(crate) mod round;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &functions::LOG,
    &functions::EXP,
    &functions::LN,
    &functions::CBRT,
    &functions::SINH,
    &functions::ACOSH,
    &functions::ASINH,
    &functions::ATANH,
    &functions::COSH,
    &functions::TANH,
    &functions::SIN,
    &functions::COS,
    &functions::TAN,
    &functions::ARCSIN,
    &functions::ARCCOS,
    &functions::ARCTAN,
    &mode::MODE,
    &reductions::STDDEV,
    &reductions::VARIANCE,
    &reductions::QUANTILE,
    &reductions::SUM,
    &reductions::AVG,
    &reductions::MIN,
    &reductions::MAX,
    &reductions::MEDIAN,
    &reductions::PRODUCT,
    &round::ROUND,
    &round::FLOOR,
    &round::CEIL,
    &round::ABS,
    &round::SQRT,
];

use crate::cells;
use crate::prelude::*;
use crate::rows;

/// What functions of each number declare alike.
const NUMBERS: Command = Command {
    category: Category::Math,
    effect: Effect::Computes,
    params: &[cells::COLUMNS],
    io: &[
        ("number", "number"),
        ("duration", "duration"),
        ("filesize", "filesize"),
        ("list<any>", "list<any>"),
        ("range", "list<number>"),
        ("table", "any"),
        ("record", "any"),
    ],
    ..Command::DEFAULT
};

/// What functions of real numbers declare alike: they know no units.
const REALS: Command = Command {
    io: &[
        ("number", "float"),
        ("list<number>", "list<float>"),
        ("list<list<any>>", "list<any>"),
        ("list<record>", "list<any>"),
        ("range", "list<float>"),
        ("table", "any"),
        ("record", "any"),
    ],
    ..NUMBERS
};

/// What reductions declare alike.
const REDUCTION: Command = Command {
    category: Category::Math,
    effect: Effect::Computes,
    params: &[cells::COLUMNS],
    io: &[
        ("list<any>", "any"),
        ("range", "any"),
        ("table", "any"),
        ("record", "record"),
        ("number", "number"),
        ("duration", "duration"),
        ("filesize", "filesize"),
    ],
    ..Command::DEFAULT
};

/// Applies a function to a number, to each of a list, or to the numbers in a record's fields or a table's columns.
fn each_number(call: &Call<'_>, input: Data, of: impl Fn(&Value) -> Result<Value> + Send + 'static) -> Result<Data> {
    if input.is_endless() && matches!(input, Data::Value(_)) {
        return Err(rows::endless(call));
    }
    cells::change(call, input, move |value| deep(value, &of))
}

/// A record's fields are changed one by one, as a list's items are.
fn deep(value: &Value, of: &impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    match value {
        Value::Record(record) => {
            let fields = record.iter().map(|(name, value)| Ok((name, deep(value, of)?)));
            fields.collect::<Result<Record>>().map(Value::record)
        }
        Value::List(items) => items.iter().map(|item| deep(item, of)).collect::<Result<Vec<_>>>().map(Value::list),
        other => of(other),
    }
}

/// The same for a function of real numbers.
fn each_float(call: &Call<'_>, input: Data, of: impl Fn(f64) -> f64 + Send + 'static) -> Result<Data> {
    let name = call.command.name;
    each_number(call, input, move |value| match value.as_float() {
        Some(x) => {
            let result = of(x);
            if result.is_nan() && !x.is_nan() {
                return Err(Diagnostic::new(
                    codes::BAD_CONVERSION,
                    format!("`{name}` has no real result for {value:?}"),
                ));
            }
            Ok(Value::Float(result))
        }
        None if value.is_nothing() => Ok(Value::Nothing),
        None => {
            Err(Diagnostic::new(codes::WRONG_INPUT, format!("`{name}` works on numbers, not on {}", value.type_of())))
        }
    })
}

/// Reduces a list to one value; a table or record of lists column by column.
fn reduce(call: &Call<'_>, input: Data, aggregation: Aggregation) -> Result<Data> {
    if let Some(reduced) = rows::reduced(call, &input, aggregation)? {
        return Ok(Data::Value(reduced));
    }
    reduce_by(call, input, move |values| table::aggregate(aggregation, values))
}

fn reduce_by(call: &Call<'_>, input: Data, of: impl Fn(&[Value]) -> Result<Value>) -> Result<Data> {
    let columns: Vec<CellPath> = call.rest("columns")?;
    let value = rows::value(call, input)?;
    let reduced = match &value {
        Value::Record(record) => {
            let mut reduced = Record::new();
            for (name, value) in record.iter() {
                let wanted = columns.is_empty() || columns.iter().any(|path| path.as_column() == Some(name));
                let result = match value {
                    Value::List(items) if wanted => of(items)?,
                    Value::Range(_) if wanted => of(&value.items()?)?,
                    // A plain number is itself, so that a record of numbers is reduced as the list of them.
                    other if wanted => of(std::slice::from_ref(other))?,
                    other => other.clone(),
                };
                reduced.insert(name, result);
            }
            if let Some(missing) = columns.iter().filter_map(CellPath::as_column).find(|name| !record.contains(name)) {
                return Err(
                    value::cell_path::unknown_column(missing, record.names()).label(call.span("columns"), "here")
                );
            }
            Value::record(reduced)
        }
        table if table.is_table() => {
            let mut reduced = Record::new();
            for name in crate::filters::columns::names(call, table)? {
                if columns.is_empty() || columns.iter().any(|path| path.as_column() == Some(&name)) {
                    let column = table.follow(&[PathMember { optional: true, ..PathMember::name(name.clone()) }])?;
                    reduced.insert(name, rows::here(call, of(&column.items()?))?);
                }
            }
            Value::record(reduced)
        }
        Value::List(_) | Value::Range(_) => rows::here(call, of(&value.items()?))?,
        Value::Nothing => rows::here(call, of(&[]))?,
        single => rows::here(call, of(std::slice::from_ref(single)))?,
    };
    Ok(Data::Value(reduced))
}

/// The call as a reduction of a group's column, when nothing but its own arguments was given.
fn lower(call: &Lowering<'_>, aggregation: Aggregation) -> Option<Expr> {
    if !call.over_group || call.value("columns").is_some() {
        return None;
    }
    Some(Expr::new(ExprKind::Aggregate(aggregation, Box::new(call.input.clone()?)), call.span))
}
