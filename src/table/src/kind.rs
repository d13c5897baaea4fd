//! The types that a column can have, kept beside polars' own.
//!
//! polars knows no filesize, and its duration and datetime lack what ours carry. A [`Kind`] is the logical
//! type; [`Kind::storage`] is what polars stores for it.

use std::sync::Arc;

use polars::prelude::{DataType, Field, TimeUnit, TimeZone};
use value::{Fields, Resource, Type, Value};

/// A type that one column holds, nulls aside.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Nothing but nulls.
    Nothing,
    Bool,
    Int,
    Float,
    String,
    Binary,
    /// Whole nanoseconds, stored as Int64.
    Duration,
    /// Whole bytes, stored as Int64.
    Filesize,
    /// Moments, stored as nanoseconds in UTC; all were told in this offset, in seconds east.
    DateTime(i32),
    List(Box<Kind>),
    /// At least one field.
    Record(Vec<(Arc<str>, Kind)>),
}

/// The named columns of a table.
pub type Columns = Vec<(Arc<str>, Kind)>;

impl Kind {
    /// The kind of one value; `None` when columns cannot hold it.
    pub fn of(value: &Value) -> Option<Kind> {
        Some(match value {
            Value::Nothing => Kind::Nothing,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) => Kind::Int,
            Value::Float(_) => Kind::Float,
            Value::Duration(_) => Kind::Duration,
            Value::Filesize(_) => Kind::Filesize,
            Value::DateTime(at) => Kind::DateTime(at.offset),
            Value::String(_) => Kind::String,
            Value::Binary(_) => Kind::Binary,
            Value::List(items) => {
                let mut of = Kind::Nothing;
                for item in items.iter() {
                    of = of.join(Kind::of(item)?)?;
                }
                Kind::List(Box::new(of))
            }
            Value::Record(record) if !record.is_empty() => Kind::Record(
                record
                    .columns()
                    .iter()
                    .zip(record.values())
                    .map(|(name, value)| Some((name.clone(), Kind::of(value)?)))
                    .collect::<Option<_>>()?,
            ),
            Value::Record(_) | Value::Range(_) | Value::CellPath(_) | Value::Table(_) | Value::Closure(_) => {
                return None;
            }
        })
    }

    /// The kind that holds both without changing either; `None` when there is none.
    pub fn join(self, other: Kind) -> Option<Kind> {
        match (self, other) {
            (Kind::Nothing, kind) | (kind, Kind::Nothing) => Some(kind),
            (Kind::List(a), Kind::List(b)) => Some(Kind::List(Box::new(a.join(*b)?))),
            (Kind::Record(a), Kind::Record(b)) if a.len() == b.len() => a
                .into_iter()
                .zip(b)
                .map(|((name, a), (other, b))| if name == other { Some((name, a.join(b)?)) } else { None })
                .collect::<Option<_>>()
                .map(Kind::Record),
            (a, b) => (a == b).then_some(a),
        }
    }

    /// The kind that a file's columns widen to: as [`Kind::join`], and ints become floats, absent fields null,
    /// datetimes UTC, and what is left text.
    pub fn widen(self, other: Kind) -> Kind {
        match (self, other) {
            (Kind::Nothing, kind) | (kind, Kind::Nothing) => kind,
            (Kind::Int, Kind::Float) | (Kind::Float, Kind::Int) => Kind::Float,
            (Kind::DateTime(a), Kind::DateTime(b)) => Kind::DateTime(if a == b { a } else { 0 }),
            (Kind::List(a), Kind::List(b)) => Kind::List(Box::new(a.widen(*b))),
            (Kind::Record(mut a), Kind::Record(b)) => {
                for (name, kind) in b {
                    match a.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, known)) => *known = std::mem::replace(known, Kind::Nothing).widen(kind),
                        None => a.push((name, kind)),
                    }
                }
                Kind::Record(a)
            }
            (a, b) if a == b => a,
            _ => Kind::String,
        }
    }

    /// What polars stores for it.
    pub fn storage(&self) -> DataType {
        match self {
            Kind::Nothing => DataType::Null,
            Kind::Bool => DataType::Boolean,
            Kind::Int | Kind::Duration | Kind::Filesize => DataType::Int64,
            Kind::Float => DataType::Float64,
            Kind::String => DataType::String,
            Kind::Binary => DataType::Binary,
            Kind::DateTime(_) => DataType::Datetime(TimeUnit::Nanoseconds, Some(TimeZone::UTC)),
            Kind::List(of) => DataType::List(Box::new(of.storage())),
            Kind::Record(fields) => DataType::Struct(
                fields.iter().map(|(name, kind)| Field::new((&**name).into(), kind.storage())).collect(),
            ),
        }
    }

    /// The kind that holds a column of a file; `None` where there is none. What is stored otherwise is cast.
    pub fn of_storage(dtype: &DataType) -> Option<Kind> {
        Some(match dtype {
            DataType::Null => Kind::Nothing,
            DataType::Boolean => Kind::Bool,
            DataType::Float32 | DataType::Float64 => Kind::Float,
            DataType::String | DataType::Categorical(..) | DataType::Enum(..) => Kind::String,
            DataType::Binary | DataType::BinaryOffset => Kind::Binary,
            DataType::Date | DataType::Datetime(..) => Kind::DateTime(0),
            DataType::Duration(_) | DataType::Time => Kind::Duration,
            DataType::List(of) => Kind::List(Box::new(Kind::of_storage(of)?)),
            DataType::Struct(fields) if !fields.is_empty() => Kind::Record(
                fields
                    .iter()
                    .map(|field| Some((field.name().as_str().into(), Kind::of_storage(field.dtype())?)))
                    .collect::<Option<_>>()?,
            ),
            dtype if dtype.is_integer() => Kind::Int,
            _ => return None,
        })
    }

    /// The language's type.
    pub fn to_type(&self) -> Type {
        match self {
            Kind::Nothing => Type::Nothing,
            Kind::Bool => Type::Bool,
            Kind::Int => Type::Int,
            Kind::Float => Type::Float,
            Kind::String => Type::String,
            Kind::Binary => Type::Binary,
            Kind::Duration => Type::Duration,
            Kind::Filesize => Type::Filesize,
            Kind::DateTime(_) => Type::DateTime,
            Kind::List(of) => match &**of {
                // Not `list<nothing>`: the items that are not there may be anything.
                Kind::Nothing => Type::list(Type::Any),
                of => of.to_type().many(),
            },
            Kind::Record(fields) => Type::Record(fields_of(fields, None)),
        }
    }

    /// The kind for a declared type; `None` when columns cannot hold it.
    pub fn of_type(of: &Type) -> Option<Kind> {
        Some(match of {
            Type::Nothing => Kind::Nothing,
            Type::Bool => Kind::Bool,
            Type::Int => Kind::Int,
            Type::Float | Type::Number => Kind::Float,
            Type::String | Type::Word(_) => Kind::String,
            Type::Binary => Kind::Binary,
            Type::Duration => Kind::Duration,
            Type::Filesize => Kind::Filesize,
            Type::DateTime => Kind::DateTime(0),
            Type::List(of) => match &**of {
                Type::Any => Kind::List(Box::new(Kind::Nothing)),
                of => Kind::List(Box::new(Kind::of_type(of)?)),
            },
            Type::Record(fields) if !fields.columns.is_empty() => Kind::Record(columns_of(fields)?),
            Type::Table(fields) if !fields.columns.is_empty() => {
                Kind::List(Box::new(Kind::Record(columns_of(fields)?)))
            }
            _ => return None,
        })
    }

    /// The value stored as a whole number, for the kinds that are.
    pub fn whole(&self, n: i64) -> Value {
        match self {
            Kind::Duration => Value::Duration(n),
            Kind::Filesize => Value::Filesize(n),
            Kind::DateTime(offset) => Value::DateTime(value::DateTime { nanos: n, offset: *offset }),
            _ => Value::Int(n),
        }
    }

    /// Whether values are stored as whole numbers: ints, units and moments.
    pub fn is_whole(&self) -> bool {
        matches!(self, Kind::Int | Kind::Duration | Kind::Filesize | Kind::DateTime(_))
    }

    /// Whether values have parts.
    pub fn is_nested(&self) -> bool {
        matches!(self, Kind::List(_) | Kind::Record(_))
    }
}

/// The schema of columns.
pub fn fields_of(columns: &[(Arc<str>, Kind)], resource: Option<Resource>) -> Fields {
    let columns = columns.iter().map(|(name, kind)| (name.clone(), kind.to_type())).collect();
    Fields { columns, open: false, resource }
}

/// The columns of a schema; `None` when one cannot be held.
pub fn columns_of(fields: &Fields) -> Option<Columns> {
    fields.columns.iter().map(|(name, of)| Some((name.clone(), Kind::of_type(of)?))).collect()
}

/// Whether no two columns have one name.
pub fn distinct(columns: &[(Arc<str>, Kind)]) -> bool {
    columns.iter().enumerate().all(|(at, (name, _))| columns[..at].iter().all(|(other, _)| other != name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_join_without_change_and_widen_with_it() {
        assert_eq!(Kind::Int.join(Kind::Nothing), Some(Kind::Int));
        assert_eq!(Kind::Int.join(Kind::Float), None);
        assert_eq!(Kind::Int.widen(Kind::Float), Kind::Float);
        assert_eq!(Kind::DateTime(0).join(Kind::DateTime(3600)), None);
        let record = |kind| Kind::Record(vec![("a".into(), kind)]);
        assert_eq!(record(Kind::Nothing).join(record(Kind::Bool)), Some(record(Kind::Bool)));
    }

    #[test]
    fn kinds_and_types_name_each_other() {
        let text = "table<a: int, b: filesize, c: list<duration>, d: record<e: datetime>, f: table<g: bool>>";
        let Ok(Type::Table(fields)) = Type::parse(text) else { panic!("{text} is a table type") };
        let columns = columns_of(&fields).expect("all of these can be held");
        assert_eq!(fields_of(&columns, None), fields);
    }
}
