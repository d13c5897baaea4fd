//! Going over what flows in: as a query where one can be had, item by item where that is enough, all at once
//! where it must be.

use engine::data::tagged;
use value::{Resource, Stage};

use crate::groups;
use crate::prelude::*;

/// With fewer records than this, putting them into columns costs more than a query saves.
const QUERY_PAYS: usize = 256;

/// The input without what only `aggregate` sees in it: groups become the record that they stand for.
pub(crate) fn plain(input: Data) -> Result<Data> {
    match input {
        Data::Value(Value::Table(table)) if groups::is_groups(&table) => Ok(Data::Value(groups::record_of(&table)?)),
        other => Ok(other),
    }
}

/// The input as a table when it is one, groups aside.
pub(crate) fn table(input: &Data) -> Option<TableRef> {
    match input {
        Data::Value(Value::Table(table)) if !groups::is_groups(table) => Some((**table).clone()),
        _ => None,
    }
}

/// The table whose only column the input is, where a query can go on from it.
pub(crate) fn column_of(input: &Data) -> Option<&TableRef> {
    if let Data::Stream(stream) = input { stream.column() } else { None }
}

/// Whether a query that computes something would pay: over a table, or a long list of records.
pub(crate) fn query_pays(input: &Data) -> bool {
    match input {
        Data::Value(value @ Value::List(items)) => items.len() >= QUERY_PAYS && value.is_table(),
        other => table(other).is_some(),
    }
}

/// The input as a table where a query pays. A long list is put into columns for it.
pub(crate) fn queryable(input: &Data) -> Option<TableRef> {
    match input {
        Data::Value(value @ Value::List(_)) if query_pays(input) => table::of_value(value),
        other => table(other),
    }
}

/// The input as a table, whatever storage it takes; a list of nothing is one without columns.
///
/// # Errors
/// `ENDLESS`, `WRONG_TYPE` when items are no records.
pub(crate) fn as_table(call: &Call<'_>, input: Data) -> Result<TableRef> {
    if let Some(table) = queryable(&input) {
        return Ok(table);
    }
    let Items { items, resource } = all(call, input)?;
    here(call, table::from_rows(items, resource))
}

/// Whether a table has all these columns, so that a stage may name them.
pub(crate) fn has_columns<'a>(table: &TableRef, mut names: impl Iterator<Item = &'a str>) -> Result<bool> {
    let fields = table.schema()?;
    Ok(!fields.open && names.all(|name| fields.get(name).is_some()))
}

/// Adds a stage that only moves rows or columns to the query of a table; `None` when the input is none, or its
/// storage does not know the stage.
pub(crate) fn moved(input: &Data, stage: impl FnOnce() -> Option<Stage>) -> Result<Option<Data>> {
    match (table(input), input) {
        (Some(table), _) => stage().map_or(Ok(None), |stage| add(&table, &stage)),
        (None, Data::Stream(stream)) => match (stream.column(), stage()) {
            (Some(column), Some(stage)) => {
                Ok(column.stage(&stage)?.map(|column| Data::Stream(Stream::of_column(column))))
            }
            _ => Ok(None),
        },
        (None, _) => Ok(None),
    }
}

/// One column of a table, which a query can go on from; `None` when the table has no such column, or lies in memory
/// as records.
pub(crate) fn column(table: &TableRef, name: &str) -> Result<Option<Data>> {
    if !table::is_columnar(table) || table.schema()?.get(name).is_none() {
        return Ok(None);
    }
    let column = table.stage(&Stage::Select(vec![name.into()]))?;
    Ok(column.map(|column| Data::Stream(Stream::of_column(column))))
}

/// A reduction of a column that a query can go on from; `None` when there is none for this one.
pub(crate) fn reduced(call: &Call<'_>, input: &Data, aggregation: Aggregation) -> Result<Option<Value>> {
    let Some(column) = column_of(input) else { return Ok(None) };
    let fields = column.schema()?;
    let Some((name, _)) = fields.columns.first() else { return Ok(None) };
    let expr = |kind| Expr::new(kind, call.head);
    let reduction = ExprKind::Aggregate(aggregation, Box::new(expr(ExprKind::Column(name.clone()))));
    let stage = Stage::Group { keys: Vec::new(), aggregations: vec![("reduced".into(), expr(reduction))] };
    let Some(table) = column.stage(&stage)? else { return Ok(None) };
    Ok(table.column("reduced")?.pop())
}

/// Adds a stage that computes something; for that, long lists are put into columns too.
pub(crate) fn computed(input: &Data, stage: impl FnOnce() -> Option<Stage>) -> Result<Option<Data>> {
    if !query_pays(input) {
        return Ok(None);
    }
    let Some(stage) = stage() else { return Ok(None) };
    queryable(input).map_or(Ok(None), |table| add(&table, &stage))
}

/// The table after a stage; `None` when it lacks a column that the stage names, or does not know the stage.
pub(crate) fn add(table: &TableRef, stage: &Stage) -> Result<Option<Data>> {
    let columns: Vec<Arc<str>> = match stage {
        Stage::Filter(expr) => expr.columns(),
        Stage::Select(names) | Stage::Reject(names) => names.clone(),
        Stage::Rename(names) => names.iter().map(|(old, _)| old.clone()).collect(),
        Stage::Set(set) => set.iter().flat_map(|(_, expr)| expr.columns()).collect(),
        Stage::Sort(keys) => keys.iter().flat_map(|key| key.by.columns()).collect(),
        _ => Vec::new(),
    };
    if !columns.is_empty() && !has_columns(table, columns.iter().map(|name| &**name))? {
        return Ok(None);
    }
    Ok(table.stage(stage)?.map(|table| Data::Value(Value::table(table))))
}

/// Makes each item anew, or leaves it out, one after another as they are asked for.
pub(crate) fn map(
    call: &Call<'_>,
    input: Data,
    keep_resource: bool,
    change: impl FnMut(Value) -> Result<Option<Value>> + Send + 'static,
) -> Result<Data> {
    let resource = input.resource().filter(|_| keep_resource);
    let endless = input.is_endless();
    let items = plain(input)?.into_items(call.interrupt())?;
    Ok(Data::Stream(until_failed(call, items, change).with_resource(resource).endless_if(endless)))
}

/// Makes some items of each, one after another as they are asked for.
pub(crate) fn flat_map(
    call: &Call<'_>,
    input: Data,
    change: impl FnMut(Value) -> Result<Vec<Value>> + Send + 'static,
) -> Result<Data> {
    let endless = input.is_endless();
    let items = plain(input)?.into_items(call.interrupt())?;
    Ok(Data::Stream(until_failed(call, items, change).endless_if(endless)))
}

/// What is made of items as they are asked for. What comes after an error is nobody's business: the pipeline has failed.
pub(crate) fn until_failed<I>(
    call: &Call<'_>,
    items: impl Iterator<Item = Result<Value>> + Send + 'static,
    mut change: impl FnMut(Value) -> Result<I> + Send + 'static,
) -> Stream
where
    I: IntoIterator<Item = Value> + Send + 'static,
    I::IntoIter: Send,
{
    let interrupt = call.interrupt().clone();
    let mut failed = false;
    let made = items.map_while(move |item| {
        if failed {
            return None;
        }
        let result = interrupt.check().and(item).and_then(&mut change);
        failed = result.is_err();
        Some(result)
    });
    Stream::new(made.flat_map(|result| {
        let (values, error) = match result {
            Ok(values) => (Some(values), None),
            Err(error) => (None, Some(Err(error))),
        };
        values.into_iter().flatten().map(Ok).chain(error)
    }))
}

/// All items of the input; a single value is one.
///
/// # Errors
/// `ENDLESS` before anything starts when there is no last one.
pub(crate) fn all(call: &Call<'_>, input: Data) -> Result<Items> {
    if input.is_endless() {
        return Err(endless(call));
    }
    let resource = input.resource();
    let items = match plain(input)? {
        Data::Value(Value::List(items)) => Arc::unwrap_or_clone(items),
        other => {
            let interrupt = call.interrupt().clone();
            other.into_items(&interrupt)?.map(|item| interrupt.check().and(item)).collect::<Result<Vec<Value>>>()?
        }
    };
    Ok(Items { items, resource })
}

/// The input as one value, groups as their record.
pub(crate) fn value(call: &Call<'_>, input: Data) -> Result<Value> {
    if input.is_endless() {
        return Err(endless(call));
    }
    call.collect(plain(input)?)
}

/// Items that were collected, and whose rows they are.
pub(crate) struct Items {
    pub items: Vec<Value>,
    pub resource: Option<Resource>,
}

impl Items {
    /// The same rows, fewer or in another order.
    pub(crate) fn into_data(self) -> Data {
        Data::Value(tagged(Value::list(self.items), self.resource))
    }
}

/// The error of a command that needs all of an input that never ends.
pub(crate) fn endless(call: &Call<'_>) -> Box<Diagnostic> {
    Diagnostic::new(codes::ENDLESS, format!("`{}` needs all of its input, and this one never ends", call.command.name))
        .label(call.head, "waits for the last item")
        .help("take some of it first, for instance `| first 10`")
}

/// The error of an input that is no list, table or stream.
pub(crate) fn want_items(call: &Call<'_>, input: &Data) -> Result<()> {
    if input.is_many() || input.is_empty() || matches!(input, Data::Value(Value::Nothing)) {
        return Ok(());
    }
    Err(call.wrong_input(&input.type_of(), "a list or a table"))
}

/// Adds the place of the command to an error that has none.
pub(crate) fn here<T>(call: &Call<'_>, result: Result<T>) -> Result<T> {
    result.map_err(|error| error.or_label(call.place(), ""))
}

/// The path with each step marked as optional or as matching in any case.
pub(crate) fn relaxed(mut path: CellPath, optional: bool, any_case: bool) -> CellPath {
    for member in &mut path.0 {
        member.optional |= optional;
        member.any_case |= any_case;
    }
    path
}

/// The type of the input as it is: for filters that keep rows.
pub(crate) fn keeps_type(shape: &Shape<'_>) -> Option<Type> {
    Some(match shape.input {
        Type::Range => Type::list(Type::Number),
        other => other.clone(),
    })
}

/// The type of one item of the input.
pub(crate) fn item_type(shape: &Shape<'_>) -> Option<Type> {
    Some(shape.input.item())
}

/// The column names that a rest parameter names, when all are known and plain.
pub(crate) fn known_columns(shape: &Shape<'_>, name: &str) -> Option<Vec<Arc<str>>> {
    let mut names = Vec::new();
    for value in shape.rest(name)? {
        match value {
            Value::CellPath(path) => names.push(path.as_column()?.into()),
            Value::String(text) => names.push(text.as_str().into()),
            Value::List(items) => {
                for item in items.iter() {
                    names.push(item.as_str()?.into());
                }
            }
            _ => return None,
        }
    }
    Some(names)
}

/// Whether a column names the thing that a row is about, so that without it verbs find nothing to act on.
pub(crate) fn is_key(column: &str) -> bool {
    matches!(column, "name" | "id")
}

/// How many items, or of binary how many bytes, an argument means.
pub(crate) fn count_of(call: &Call<'_>, name: &str, input: &Data) -> Result<Option<usize>> {
    match (call.value(name), input) {
        (Some(Value::Filesize(n)), Data::Value(Value::Binary(_))) => Ok(usize::try_from(*n).ok()),
        (Some(Value::Filesize(_)), _) => {
            Err(Diagnostic::new(codes::BAD_ARGUMENT, "items are counted in whole numbers")
                .label(call.span(name), "bytes are of binary only"))
        }
        _ => count(call, name),
    }
}

/// How many, from an argument that is not negative.
pub(crate) fn count(call: &Call<'_>, name: &str) -> Result<Option<usize>> {
    match call.value(name) {
        None | Some(Value::Nothing) => Ok(None),
        Some(Value::Int(n)) => match usize::try_from(*n) {
            Ok(n) => Ok(Some(n)),
            Err(_) => Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{}` cannot count to {n}", call.command.name))
                .label(call.span(name), "must not be negative")),
        },
        Some(other) => Err(Diagnostic::new(codes::WRONG_TYPE, format!("expected an int, found {}", other.type_of()))
            .label(call.span(name), format!("this is {}", other.type_of()))),
    }
}
