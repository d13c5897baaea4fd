//! `insert`, `update` and `upsert`: one way of setting what a path leads to.

use value::Stage;

use crate::prelude::*;
use crate::rows;

/// What may be there before a path is set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Nothing: it is an error to set what is there.
    Insert,
    /// Something: it is an error to set what is not there.
    Update,
    /// Either.
    Upsert,
}

/// The parameters of those that may set what is not there.
pub(crate) const PARAMS: &[Param] =
    &[Param::required("path", Takes::NewColumn, "The column, field or item to set"), VALUE];

pub(crate) const VALUE: Param =
    Param::required("value", Takes::Value, "The new value, or a closure that gets the row and gives it");

/// What flows in and out of all three.
pub(crate) const IO: &[(&str, &str)] = &[("record", "record"), ("table", "table"), ("list<any>", "list<any>")];

pub(crate) fn infer(shape: &Shape<'_>) -> Option<Type> {
    let Some(Value::CellPath(path)) = shape.value("path") else { return None };
    let new = shape.argument("value")?;
    let new = match &new.of {
        Type::Closure => new.gives.clone().unwrap_or(Type::Any),
        of => of.clone(),
    };
    let mut of = shape.input.clone();
    match path.0.as_slice() {
        [PathMember { step: Step::Name(name), optional, any_case: false }] => {
            let fields = of.fields_mut()?;
            let known = fields.get(name).is_some();
            fields.set(name, if *optional { Type::Any } else { new });
            if known && rows::is_key(name) {
                fields.resource = None;
            }
        }
        // Deeper, only the outermost column is known to change.
        [PathMember { step: Step::Name(name), .. }, ..] => of.fields_mut()?.set(name, Type::Any),
        [PathMember { step: Step::Index(_), .. }, ..] => return Some(Type::list(Type::Any)),
        [] => return None,
    }
    Some(of)
}

/// Sets the path in the input, in each row of it, or at an item of a list.
pub(crate) fn run(call: &mut Call<'_>, input: Data, rule: Rule) -> Result<Data> {
    let path: CellPath = call.required("path")?;
    let value: Value = call.required("value")?;
    let closure = <ClosureValue as engine::FromValue>::from_value(&value);
    if let Some(data) = query(call, &input, &path, &value, closure.as_ref(), rule)? {
        return Ok(data);
    }
    let touches_key = path.as_column().is_some_and(rows::is_key);
    let first_is_index = matches!(path.0.first(), Some(PathMember { step: Step::Index(_), .. }));
    let mut setter = Setter {
        runner: closure.map(|closure| call.runner(&closure)),
        path: path.0,
        value,
        rule,
        place: call.span("path"),
    };
    match rows::plain(input)? {
        Data::Value(mut record @ Value::Record(_)) => {
            setter.set(&mut record)?;
            Ok(Data::Value(record))
        }
        Data::Empty | Data::Value(Value::Nothing) if rule != Rule::Update => {
            let mut record = Value::record(Record::new());
            setter.set(&mut record)?;
            Ok(Data::Value(record))
        }
        many if many.is_many() && first_is_index => {
            let items = rows::all(call, many)?;
            let mut list = Value::list(items.items);
            setter.set_item(&mut list)?;
            Ok(Data::Value(list))
        }
        many if many.is_many() => rows::map(call, many, !touches_key, move |mut row| {
            setter.set(&mut row)?;
            Ok(Some(row))
        }),
        other => Err(call.wrong_input(&other.type_of(), "a record, a table or a list")),
    }
}

/// The same as part of a query, when the path is one plain column and the value lowers.
fn query(
    call: &Call<'_>,
    input: &Data,
    path: &CellPath,
    value: &Value,
    closure: Option<&ClosureValue>,
    rule: Rule,
) -> Result<Option<Data>> {
    let Some(name) = path.as_column().filter(|_| !path.0[0].optional) else { return Ok(None) };
    if !rows::query_pays(input) {
        return Ok(None);
    }
    let expr = match closure {
        // `$in` is the cell here, while a lowered closure's `$in` is the row: only the parameter may be used.
        Some(closure) if rule != Rule::Insert && closure.function.input.is_some() => return Ok(None),
        Some(closure) => match closure.lower() {
            Some(expr) => expr,
            None => return Ok(None),
        },
        None => Expr::new(ExprKind::Literal(value.clone()), call.span("value")),
    };
    let Some(table) = rows::queryable(input) else { return Ok(None) };
    let fields = table.schema()?;
    let known = fields.get(name).is_some();
    // Whether ragged rows have the field is known only row by row.
    if fields.open || known != (rule == Rule::Update) && rule != Rule::Upsert {
        return Ok(None);
    }
    rows::add(&table, &Stage::Set(vec![(name.into(), expr)]))
}

struct Setter {
    runner: Option<engine::Runner>,
    path: Vec<PathMember>,
    value: Value,
    rule: Rule,
    place: diag::Span,
}

impl Setter {
    /// Sets the path in one row. A closure gets the row as its parameter; `$in` is what was there, or the row
    /// where nothing was.
    fn set(&mut self, row: &mut Value) -> Result<()> {
        self.check(row)?;
        let Setter { runner, path, value, rule, .. } = self;
        let before = row.clone();
        let result = row.update_path(path, *rule != Rule::Update, &mut |old| match runner {
            Some(runner) => {
                let piped = match (old, &*rule) {
                    (Some(old), _) => old.clone(),
                    (None, Rule::Upsert) => Value::Nothing,
                    (None, _) => before.clone(),
                };
                runner.value(std::slice::from_ref(&before), piped)
            }
            None => Ok(value.clone()),
        });
        result.map_err(|error| error.or_label(self.place, ""))
    }

    /// Sets an item of a list by its number. A closure gets the item.
    fn set_item(&mut self, list: &mut Value) -> Result<()> {
        let Some((PathMember { step: Step::Index(index), optional, .. }, rest)) = self.path.split_first() else {
            return Ok(());
        };
        let Value::List(items) = list else { return Ok(()) };
        let len = items.len();
        let at = usize::try_from(*index).unwrap_or(usize::MAX);
        let past_end = at > len || at == len && (self.rule == Rule::Update || !rest.is_empty());
        if past_end {
            if *optional {
                return Ok(());
            }
            return Err(Diagnostic::new(codes::NO_SUCH_ROW, format!("there is no item {index}"))
                .label(self.place, "past the end")
                .help(match (len, self.rule) {
                    (0, _) => "it is empty".to_string(),
                    (_, Rule::Update) => format!("the last one is {}", len - 1),
                    _ => format!("the next new one is {len}"),
                }));
        }
        let items = Arc::make_mut(items);
        if !rest.is_empty() {
            let rest = rest.to_vec();
            let outer = std::mem::replace(&mut self.path, rest);
            let result = self.set(&mut items[at]);
            self.path = outer;
            return result;
        }
        let old = items.get(at).cloned().unwrap_or(Value::Nothing);
        let new = match &mut self.runner {
            Some(runner) => runner.each(old)?,
            None => self.value.clone(),
        };
        match self.rule {
            Rule::Insert => items.insert(at, new),
            _ if at == len => items.push(new),
            _ => items[at] = new,
        }
        Ok(())
    }

    /// Refuses to insert what is there already.
    fn check(&self, row: &Value) -> Result<()> {
        if self.rule != Rule::Insert {
            return Ok(());
        }
        let optional: Vec<PathMember> =
            self.path.iter().map(|member| PathMember { optional: true, ..member.clone() }).collect();
        let Some((last, parents)) = optional.split_last() else { return Ok(()) };
        let parent = row.follow(parents)?;
        let there = match (&parent, &last.step) {
            (Value::Record(record), Step::Name(name)) => record.contains(name),
            (Value::List(items), Step::Index(index)) => usize::try_from(*index).is_ok_and(|index| index < items.len()),
            _ => false,
        };
        if !there {
            return Ok(());
        }
        let path = CellPath(self.path.clone());
        Err(Diagnostic::new(codes::COLUMN_EXISTS, format!("there is a `{path}` already"))
            .label(self.place, "exists")
            .help("`update` replaces what is there, `upsert` sets it either way"))
    }
}
