//! Commands that change cells: one value, each item of a list, or the cells that column names lead to.

use value::Stage;

use crate::prelude::*;
use crate::rows;

/// Columns to change instead of the whole input.
pub(crate) const COLUMNS: Param = Param::rest("columns", Takes::Column, "Change the cells of these columns only");

/// Applies a change to the input: to the value itself, to each item of a list, or to the cells of `columns`.
pub(crate) fn change(
    call: &Call<'_>,
    input: Data,
    change: impl Fn(&Value) -> Result<Value> + Send + 'static,
) -> Result<Data> {
    change_lowered(call, input, None, change)
}

/// The same, as part of a query where the change is one that queries know.
pub(crate) fn change_lowered(
    call: &Call<'_>,
    input: Data,
    lowered: Option<(Function, Vec<Value>)>,
    change: impl Fn(&Value) -> Result<Value> + Send + 'static,
) -> Result<Data> {
    let paths: Vec<CellPath> = call.rest("columns")?;
    let head = call.head;
    if paths.is_empty() {
        return match rows::plain(input)? {
            Data::Value(value @ (Value::Range(_) | Value::Table(_))) => over_items(call, Data::Value(value), change),
            stream @ Data::Stream(_) => over_items(call, stream, change),
            other => {
                let value = call.collect(other)?;
                rows::here(call, nested(&value, &change)).map(Data::Value)
            }
        };
    }
    let stage = || {
        let (function, arguments) = lowered?;
        let set = paths.iter().map(|path| {
            let name: Arc<str> = path.as_column()?.into();
            let literal = |value: &Value| Expr::new(ExprKind::Literal(value.clone()), head);
            let cell = Expr::new(ExprKind::Column(name.clone()), head);
            let arguments = std::iter::once(cell).chain(arguments.iter().map(literal)).collect();
            Some((name, Expr::new(ExprKind::Call(function, arguments), head)))
        });
        Some(Stage::Set(set.collect::<Option<Vec<_>>>()?))
    };
    if let Some(data) = rows::moved(&input, stage)? {
        return Ok(data);
    }
    let at_paths = move |mut row: Value| {
        for path in &paths {
            let result = row.update_path(&path.0, false, &mut |cell| match cell {
                Some(cell) => nested(cell, &change),
                None => Ok(Value::Nothing),
            });
            result.map_err(|error| error.or_label(head, ""))?;
        }
        Ok(Some(row))
    };
    match rows::plain(input)? {
        Data::Value(record @ Value::Record(_)) => Ok(Data::Value(at_paths(record)?.unwrap_or(Value::Nothing))),
        many => rows::map(call, many, true, at_paths),
    }
}

fn over_items(call: &Call<'_>, input: Data, change: impl Fn(&Value) -> Result<Value> + Send + 'static) -> Result<Data> {
    let head = call.head;
    rows::map(call, input, false, move |item| {
        nested(&item, &change).map(Some).map_err(|error| error.or_label(head, ""))
    })
}

/// A list's items are changed one by one, however deep; null stays null only where `change` says so.
fn nested(value: &Value, change: &impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    match value {
        Value::List(items) => {
            Ok(Value::list(items.iter().map(|item| nested(item, change)).collect::<Result<Vec<Value>>>()?))
        }
        other => change(other),
    }
}

/// The text of a cell that must be one; null stays null.
pub(crate) fn on_text(
    command: &'static str,
    value: &Value,
    change: impl FnOnce(&str) -> Result<Value>,
) -> Result<Value> {
    match value {
        Value::String(text) => change(text),
        Value::Nothing => Ok(Value::Nothing),
        other => Err(Diagnostic::new(
            codes::WRONG_INPUT,
            format!("`{command}` works on strings, not on {}", other.type_of()),
        )),
    }
}

/// What a command that changes cells gives: the input with its columns changed to `of`, or `of` in the input's shape.
pub(crate) fn changed_type(shape: &Shape<'_>, of: Type) -> Option<Type> {
    let names = shape.rest("columns").is_some_and(|columns| !columns.is_empty());
    if names {
        let mut input = shape.input.clone();
        let columns = rows::known_columns(shape, "columns")?;
        let fields = input.fields_mut()?;
        for name in columns {
            fields.set(&name, of.clone());
        }
        return Some(input);
    }
    if shape.argument("columns").is_some() {
        return None;
    }
    match shape.input {
        Type::List(_) | Type::Range => Some(Type::list(of)),
        Type::Any | Type::OneOf(_) | Type::Record(_) | Type::Table(_) => None,
        _ => Some(of),
    }
}

/// Why a function of single values cannot work on rows: none of their columns is named.
pub(crate) fn needs_columns(shape: &Shape<'_>) -> Option<String> {
    let is_of_rows = matches!(shape.input, Type::Record(_) | Type::Table(_));
    (is_of_rows && shape.argument("columns").is_none())
        .then(|| format!("`{}` works on rows when their columns are named", shape.command.name))
}

/// The call as one of the functions that queries know, when nothing but its input was given.
pub(crate) fn lower_plain(call: &Lowering<'_>, function: Function) -> Option<Expr> {
    if !call.is_plain() || call.over_group {
        return None;
    }
    Some(Expr::new(ExprKind::Call(function, vec![call.input.clone()?]), call.span))
}
