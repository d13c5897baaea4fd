//! Paths into values: `a.0.b?`, read, set, and taken out.

use std::fmt;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes, suggest};

use crate::value::{Record, Value};

/// A way into a value, outermost step first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CellPath(pub Vec<PathMember>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathMember {
    pub step: Step,
    /// Written with `?`: what is absent is null.
    pub optional: bool,
    /// Written with `!`: names match in any case.
    pub any_case: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    Name(Arc<str>),
    Index(u64),
}

impl PathMember {
    pub fn name(name: impl Into<Arc<str>>) -> Self {
        PathMember { step: Step::Name(name.into()), optional: false, any_case: false }
    }

    pub fn index(index: u64) -> Self {
        PathMember { step: Step::Index(index), optional: false, any_case: false }
    }
}

impl CellPath {
    /// Reads `a.0.b?`; a leading `$.` is allowed. Quoted members may hold dots.
    pub fn parse(text: &str) -> Option<CellPath> {
        let mut rest = text.strip_prefix("$.").unwrap_or(text);
        let mut members = Vec::new();
        while !rest.is_empty() {
            let (name, quoted, after) = match rest.chars().next()? {
                quote @ ('"' | '\'' | '`') => {
                    let end = rest[1..].find(quote)? + 1;
                    (&rest[1..end], true, &rest[end + 1..])
                }
                _ => {
                    let end = rest.find(['.', '?', '!']).unwrap_or(rest.len());
                    (&rest[..end], false, &rest[end..])
                }
            };
            if name.is_empty() && !quoted {
                return None;
            }
            let marks = after.find(|c| c != '?' && c != '!').unwrap_or(after.len());
            let step = match name.parse::<u64>() {
                Ok(index) if !quoted => Step::Index(index),
                _ => Step::Name(name.into()),
            };
            members.push(PathMember {
                step,
                optional: after[..marks].contains('?'),
                any_case: after[..marks].contains('!'),
            });
            rest = &after[marks..];
            match rest.strip_prefix('.') {
                Some(more) if !more.is_empty() => rest = more,
                None if rest.is_empty() => {}
                _ => return None,
            }
        }
        (!members.is_empty()).then_some(CellPath(members))
    }

    /// The path as one column name when it is a single plain name.
    pub fn as_column(&self) -> Option<&str> {
        match self.0.as_slice() {
            [PathMember { step: Step::Name(name), any_case: false, .. }] => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for CellPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, member) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            match &member.step {
                Step::Name(name)
                    if name.parse::<u64>().is_ok() || name.contains(['.', '?', '!', ' ', '"']) || name.is_empty() =>
                {
                    write!(f, "{}", crate::literal::quote(name))?;
                }
                Step::Name(name) => f.write_str(name)?,
                Step::Index(index) => write!(f, "{index}")?,
            }
            if member.any_case {
                f.write_str("!")?;
            }
            if member.optional {
                f.write_str("?")?;
            }
        }
        Ok(())
    }
}

impl Value {
    /// Follows a path. On a list or table of records a name gives the column.
    ///
    /// # Errors
    /// `NO_SUCH_COLUMN` (with the nearest name, and the row when one of many lacks it), `NO_SUCH_ROW`,
    /// `NO_SUCH_PATH` where there is nothing to go into. Optional members give null instead.
    pub fn follow(&self, path: &[PathMember]) -> Result<Value> {
        let mut value = self.clone();
        for (at, member) in path.iter().enumerate() {
            // Null swallows the rest of a path only where its own member was optional.
            value = match step_into(&value, member)? {
                Some(next) => next,
                None => return Ok(Value::Nothing),
            };
            if value.is_nothing() && member.optional && at + 1 < path.len() {
                return Ok(Value::Nothing);
            }
        }
        Ok(value)
    }

    /// Sets what a path leads to. `create` makes missing fields, and a list's next item; else they are errors.
    pub fn set_path(&mut self, path: &[PathMember], new: Value, create: bool) -> Result<()> {
        let mut slot = Some(new);
        self.update_path(path, create, &mut |_| Ok(slot.take().unwrap_or(Value::Nothing)))
    }

    /// Replaces what a path leads to by what `change` makes of it; `None` is passed for what is created.
    pub fn update_path(
        &mut self,
        path: &[PathMember],
        create: bool,
        change: &mut dyn FnMut(Option<&Value>) -> Result<Value>,
    ) -> Result<()> {
        let Some((member, rest)) = path.split_first() else {
            *self = change(Some(self))?;
            return Ok(());
        };
        if let Value::Table(table) = self {
            *self = match table.as_record() {
                Some(record) => record?,
                None => Value::list(table.rows()?),
            };
        }
        match (self, &member.step) {
            (Value::Record(record), Step::Name(name)) => {
                let record = Arc::make_mut(record);
                let known = find_name(record, name, member.any_case);
                match known {
                    Some(at) => record.values_mut()[at].update_path(rest, create, change),
                    None if create => {
                        let value = created(rest, change)?;
                        record.insert(name.clone(), value);
                        Ok(())
                    }
                    None if member.optional => Ok(()),
                    None => Err(no_such_column(name, record)),
                }
            }
            (Value::List(items), Step::Index(index)) => {
                let items = Arc::make_mut(items);
                let len = items.len();
                let at = usize::try_from(*index).unwrap_or(usize::MAX);
                match items.get_mut(at) {
                    Some(item) => item.update_path(rest, create, change),
                    None if create && at == len => {
                        items.push(created(rest, change)?);
                        Ok(())
                    }
                    None if member.optional => Ok(()),
                    None => Err(no_such_row(*index, len)),
                }
            }
            (Value::List(items), Step::Name(_)) => {
                // A column of every row.
                for item in Arc::make_mut(items) {
                    item.update_path(path, create, change)?;
                }
                Ok(())
            }
            (value @ Value::Nothing, _) if create => {
                *value = created(path, change)?;
                Ok(())
            }
            (Value::Nothing, _) if member.optional => Ok(()),
            (value, _) => Err(no_such_path(value, member)),
        }
    }

    /// Takes out what a path leads to.
    pub fn remove_path(&mut self, path: &[PathMember]) -> Result<()> {
        let Some((member, rest)) = path.split_first() else { return Ok(()) };
        if let Value::Table(table) = self {
            *self = match table.as_record() {
                Some(record) => record?,
                None => Value::list(table.rows()?),
            };
        }
        match (self, &member.step) {
            (Value::Record(record), Step::Name(name)) => {
                let record = Arc::make_mut(record);
                let Some(at) = find_name(record, name, member.any_case) else {
                    return if member.optional { Ok(()) } else { Err(no_such_column(name, record)) };
                };
                if rest.is_empty() {
                    let name = record.columns()[at].clone();
                    record.remove(&name);
                    return Ok(());
                }
                record.values_mut()[at].remove_path(rest)
            }
            (Value::List(items), Step::Index(index)) => {
                let items = Arc::make_mut(items);
                let at = usize::try_from(*index).unwrap_or(usize::MAX);
                if at >= items.len() {
                    return if member.optional { Ok(()) } else { Err(no_such_row(*index, items.len())) };
                }
                if rest.is_empty() {
                    items.remove(at);
                    return Ok(());
                }
                items[at].remove_path(rest)
            }
            (Value::List(items), Step::Name(_)) => {
                for item in Arc::make_mut(items) {
                    item.remove_path(path)?;
                }
                Ok(())
            }
            (Value::Nothing, _) if member.optional => Ok(()),
            (value, _) => Err(no_such_path(value, member)),
        }
    }
}

/// What a path that leads nowhere yet makes: records around the new value.
fn created(rest: &[PathMember], change: &mut dyn FnMut(Option<&Value>) -> Result<Value>) -> Result<Value> {
    let mut value = change(None)?;
    for member in rest.iter().rev() {
        value = match &member.step {
            Step::Name(name) => Value::record([(name.clone(), value)].into_iter().collect()),
            Step::Index(0) => Value::list(vec![value]),
            Step::Index(index) => return Err(no_such_row(*index, 0)),
        };
    }
    Ok(value)
}

fn find_name(record: &Record, name: &str, any_case: bool) -> Option<usize> {
    record.position(name).or_else(|| {
        any_case.then(|| record.names().position(|known| known.to_lowercase() == name.to_lowercase())).flatten()
    })
}

/// `Ok(None)` is an absent optional member.
fn step_into(value: &Value, member: &PathMember) -> Result<Option<Value>> {
    match (value, &member.step) {
        (Value::Record(record), Step::Name(name)) => match find_name(record, name, member.any_case) {
            Some(at) => Ok(Some(record.values()[at].clone())),
            None if member.optional => Ok(None),
            None => Err(no_such_column(name, record)),
        },
        (Value::List(items), Step::Index(index)) => {
            match usize::try_from(*index).ok().and_then(|index| items.get(index)) {
                Some(item) => Ok(Some(item.clone())),
                None if member.optional => Ok(None),
                None => Err(no_such_row(*index, items.len())),
            }
        }
        (Value::Binary(bytes), Step::Index(index)) => {
            match usize::try_from(*index).ok().and_then(|index| bytes.get(index)) {
                Some(byte) => Ok(Some(Value::Int((*byte).into()))),
                None if member.optional => Ok(None),
                None => Err(no_such_row(*index, bytes.len())),
            }
        }
        (Value::Range(range), Step::Index(index)) => {
            match usize::try_from(*index).ok().and_then(|index| range.iter().nth(index)) {
                Some(item) => Ok(Some(item)),
                None if member.optional => Ok(None),
                None => Err(no_such_row(*index, usize::try_from(range.len().unwrap_or(0)).unwrap_or(usize::MAX))),
            }
        }
        (Value::Table(table), _) if table.as_record().is_some() => match table.as_record() {
            Some(record) => step_into(&record?, member),
            None => Ok(None),
        },
        (Value::Table(table), Step::Index(index)) => match table.row(*index)? {
            Some(row) => Ok(Some(row)),
            None if member.optional => Ok(None),
            None => Err(no_such_row(*index, table.len()?)),
        },
        (Value::Table(table), Step::Name(name)) => {
            let fields = table.schema()?;
            let known = fields
                .names()
                .find(|known| *known == &**name || member.any_case && known.to_lowercase() == name.to_lowercase());
            match known {
                Some(known) => Ok(Some(Value::list(table.column(known)?))),
                None if fields.open => column_of(&table.rows()?, member).map(Some),
                None if member.optional => Ok(Some(Value::list(vec![Value::Nothing; table.len()?]))),
                None => Err(unknown_column(name, fields.names())),
            }
        }
        (Value::List(items), Step::Name(_)) => column_of(items, member).map(Some),
        (Value::Nothing, _) if member.optional => Ok(None),
        (value, _) => Err(no_such_path(value, member)),
    }
}

fn column_of(rows: &[Value], member: &PathMember) -> Result<Value> {
    let mut column = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        match step_into(row, member) {
            Ok(cell) => column.push(cell.unwrap_or(Value::Nothing)),
            Err(error) if rows.len() > 1 => return Err(error.cause(format!("row {at} of {} rows", rows.len()))),
            Err(error) => return Err(error),
        }
    }
    Ok(Value::list(column))
}

fn no_such_column(name: &str, record: &Record) -> Box<Diagnostic> {
    unknown_column(name, record.names())
}

/// The error for a column that is not there, with the nearest names, or all of them when few.
pub fn unknown_column<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::NO_SUCH_COLUMN, format!("there is no column `{name}`"));
    if let Some(help) = suggest::did_you_mean(name, known.clone()) {
        return error.help(help);
    }
    let names: Vec<&str> = known.collect();
    match names.len() {
        0 => error.help("there are no columns at all; `?` after the name gives null instead"),
        1..=12 => error.help(format!("the columns are: {}", names.join(", "))),
        more => error.help(format!("there are {more} columns: {}, …", names[..10].join(", "))),
    }
}

fn no_such_row(index: u64, len: usize) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::NO_SUCH_ROW, format!("there is no item {index}"));
    match len {
        0 => error.help("it is empty"),
        _ => error.help(format!("the last one is {}", len - 1)),
    }
}

fn no_such_path(value: &Value, member: &PathMember) -> Box<Diagnostic> {
    let step = CellPath(vec![PathMember { optional: false, ..member.clone() }]);
    let what = match member.step {
        Step::Name(_) => "column",
        Step::Index(_) => "item",
    };
    Diagnostic::new(codes::NO_SUCH_PATH, format!("{} has no {what} `{step}`", value.type_of()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[(&str, Value)]) -> Value {
        Value::record(fields.iter().map(|(name, value)| (*name, value.clone())).collect())
    }

    fn follow(value: &Value, path: &str) -> Result<Value> {
        value.follow(&CellPath::parse(path).unwrap().0)
    }

    #[test]
    fn paths_print_as_they_are_read() {
        for text in ["a.0.b?", "\"a b\".c", "A!", "a?.b", "\"0\".x"] {
            assert_eq!(CellPath::parse(text).unwrap().to_string(), text);
        }
        assert!(CellPath::parse("a..b").is_none() && CellPath::parse("a.").is_none() && CellPath::parse("").is_none());
    }

    #[test]
    fn what_is_absent_is_an_error_unless_optional() {
        let value = record(&[("foo", Value::list(vec![record(&[("bar", "baz".into())])]))]);
        assert_eq!(follow(&value, "foo.0.bar").unwrap(), "baz".into());
        assert_eq!(follow(&value, "foo.3?.bar.x").unwrap(), Value::Nothing);
        assert_eq!(follow(&value, "fo").unwrap_err().help.as_deref(), Some("did you mean `foo`?"));
        assert_eq!(follow(&value, "foo.3").unwrap_err().code, codes::NO_SUCH_ROW);
        assert_eq!(follow(&Value::Nothing, "x").unwrap_err().code, codes::NO_SUCH_PATH);
    }

    #[test]
    fn a_column_missing_in_one_row_names_the_row() {
        let rows = Value::list(vec![record(&[("a", 1.into())]), record(&[])]);
        let error = follow(&rows, "a").unwrap_err();
        assert_eq!(error.causes[0].title, "row 1 of 2 rows");
        assert_eq!(follow(&rows, "a?").unwrap(), Value::list(vec![1.into(), Value::Nothing]));
    }

    #[test]
    fn setting_makes_what_is_missing_only_when_asked_to() {
        let mut value = record(&[("a", 1.into())]);
        let path = CellPath::parse("b.c").unwrap();
        assert!(value.set_path(&path.0, 2.into(), false).is_err());
        value.set_path(&path.0, 2.into(), true).unwrap();
        assert_eq!(format!("{value:?}"), "{a: 1, b: {c: 2}}");
        value.remove_path(&path.0).unwrap();
        assert_eq!(format!("{value:?}"), "{a: 1, b: {}}");
    }
}
