//! The value itself: sixteen bytes, shared when large, copied on write.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};

use crate::cell_path::CellPath;
use crate::range::Range;
use crate::table::TableRef;
use crate::types::{Fields, Type};
use crate::units::DateTime;

/// Names the kind of thing whose row a record is (`dataflow`, `node`), so that a bare verb finds its command.
pub type Resource = &'static str;

/// What programs compute with. Spans are not kept here: the tree that made a value knows its place.
#[derive(Clone, Default)]
pub enum Value {
    #[default]
    Nothing,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Whole nanoseconds.
    Duration(i64),
    /// Whole bytes.
    Filesize(i64),
    DateTime(DateTime),
    String(Arc<String>),
    Binary(Arc<Vec<u8>>),
    Range(Arc<Range>),
    CellPath(Arc<CellPath>),
    List(Arc<Vec<Value>>),
    Record(Arc<Record>),
    /// Rows and columns behind the trait `Table`. A list of records means the same and prints the same.
    Table(Arc<TableRef>),
    Closure(Arc<Closure>),
}

/// A closure that only its engine can call. The box keeps [`Value`] at sixteen bytes: a fat pointer behind a thin one.
pub struct Closure(pub Box<dyn Callable>);

/// What `engine` puts into a closure value. This crate can only show it.
pub trait Callable: Send + Sync {
    /// The closure's source text.
    fn text(&self) -> String;
    /// The engine's own closure, for the engine to downcast.
    fn as_any(&self) -> &dyn Any;
}

/// Named values in order. Names are unique.
#[derive(Clone, Default)]
pub struct Record {
    names: Arc<Vec<Arc<str>>>,
    values: Vec<Value>,
    pub resource: Option<Resource>,
}

impl Record {
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds a record from columns that rows of one table share, and this row's values, as many as names.
    pub fn from_parts(names: Arc<Vec<Arc<str>>>, values: Vec<Value>) -> Self {
        debug_assert_eq!(names.len(), values.len());
        Record { names, values, resource: None }
    }

    pub fn with_resource(mut self, resource: Option<Resource>) -> Self {
        self.resource = resource;
        self
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| &**known == name)
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).map(|at| &self.values[at])
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let at = self.position(name)?;
        self.values.get_mut(at)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Sets a field, at the end when it is new.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: Value) {
        let name = name.into();
        match self.position(&name) {
            Some(at) => self.values[at] = value,
            None => {
                Arc::make_mut(&mut self.names).push(name);
                self.values.push(value);
            }
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.position(name)?;
        Arc::make_mut(&mut self.names).remove(at);
        Some(self.values.remove(at))
    }

    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.names.iter().map(|name| &**name)
    }

    /// The names themselves, to share with other rows.
    pub fn columns(&self) -> &Arc<Vec<Arc<str>>> {
        &self.names
    }

    pub fn values(&self) -> &[Value] {
        &self.values
    }

    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + Clone {
        self.names().zip(&self.values)
    }
}

impl<N: Into<Arc<str>>> FromIterator<(N, Value)> for Record {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(fields: I) -> Self {
        let mut record = Record::new();
        for (name, value) in fields {
            record.insert(name, value);
        }
        record
    }
}

impl PartialEq for Record {
    /// The same fields with equal values, in any order.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Value {
    pub fn string(text: impl Into<String>) -> Self {
        Value::String(Arc::new(text.into()))
    }

    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Value::Binary(Arc::new(bytes.into()))
    }

    pub fn list(items: impl Into<Vec<Value>>) -> Self {
        Value::List(Arc::new(items.into()))
    }

    pub fn record(record: Record) -> Self {
        Value::Record(Arc::new(record))
    }

    pub fn table(table: TableRef) -> Self {
        Value::Table(Arc::new(table))
    }

    pub fn range(range: Range) -> Self {
        Value::Range(Arc::new(range))
    }

    pub fn cell_path(path: CellPath) -> Self {
        Value::CellPath(Arc::new(path))
    }

    pub fn closure(callable: Box<dyn Callable>) -> Self {
        Value::Closure(Arc::new(Closure(callable)))
    }

    pub fn is_nothing(&self) -> bool {
        matches!(self, Value::Nothing)
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    pub fn as_int(&self) -> Option<i64> {
        if let Value::Int(n) = self { Some(*n) } else { None }
    }

    /// An int or float as a float.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            Value::Float(x) => Some(*x),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(b) = self { Some(*b) } else { None }
    }

    pub fn as_record(&self) -> Option<&Record> {
        if let Value::Record(record) = self { Some(record) } else { None }
    }

    /// Whether this is a table in either form: one behind the trait, or a list of nothing but records.
    pub fn is_table(&self) -> bool {
        match self {
            Value::Table(_) => true,
            Value::List(items) => !items.is_empty() && items.iter().all(|item| matches!(item, Value::Record(_))),
            _ => false,
        }
    }

    /// Whether there is nothing in it: null, and texts, binaries, lists, records, tables and ranges of no length.
    ///
    /// # Errors
    /// Whatever reading a lazy table meets.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(match self {
            Value::Nothing => true,
            Value::String(text) => text.is_empty(),
            Value::Binary(bytes) => bytes.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Record(record) => record.is_empty(),
            Value::Table(table) => table.is_empty()?,
            Value::Range(range) => range.is_empty(),
            _ => false,
        })
    }

    /// The type, as far as it can be told without reading what is lazy: items and rows are looked at, a lazy
    /// table's schema is asked for.
    pub fn type_of(&self) -> Type {
        match self {
            Value::Nothing => Type::Nothing,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Float(_) => Type::Float,
            Value::Duration(_) => Type::Duration,
            Value::Filesize(_) => Type::Filesize,
            Value::DateTime(_) => Type::DateTime,
            Value::String(_) => Type::String,
            Value::Binary(_) => Type::Binary,
            Value::Range(_) => Type::Range,
            Value::CellPath(_) => Type::CellPath,
            Value::Closure(_) => Type::Closure,
            Value::List(items) => type_of_items(items),
            Value::Record(record) => Type::Record(Fields {
                columns: record.columns().iter().cloned().zip(record.values.iter().map(Value::type_of)).collect(),
                open: record.is_empty(),
                resource: record.resource,
            }),
            Value::Table(table) => match table.as_record() {
                Some(record) => record.map_or(Type::Record(Fields::open()), |record| record.type_of()),
                None => table.schema().map_or(Type::Table(Fields::open()), Type::Table),
            },
        }
    }

    /// One word for the kind of value: `list`, `record`, `int`.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Nothing => "nothing",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Duration(_) => "duration",
            Value::Filesize(_) => "filesize",
            Value::DateTime(_) => "datetime",
            Value::String(_) => "string",
            Value::Binary(_) => "binary",
            Value::Range(_) => "range",
            Value::CellPath(_) => "cell-path",
            Value::Closure(_) => "closure",
            Value::List(_) => "list",
            Value::Record(_) => "record",
            Value::Table(_) => "table",
        }
    }

    /// All items of a list, rows of a table, or values of a finite range.
    ///
    /// # Errors
    /// `WRONG_TYPE` when this holds no items, `ENDLESS` for a range without an end, and whatever reading a
    /// lazy table meets.
    pub fn items(&self) -> Result<Arc<Vec<Value>>> {
        match self {
            Value::List(items) => Ok(items.clone()),
            Value::Table(table) => Ok(Arc::new(table.rows()?)),
            Value::Range(range) if range.is_endless() => {
                Err(Diagnostic::new(codes::ENDLESS, "this range has no end, and all of its values were asked for")
                    .help("take some of it first, for instance `| first 10`"))
            }
            Value::Range(range) => Ok(Arc::new(range.iter().collect())),
            other => Err(Diagnostic::new(
                codes::WRONG_TYPE,
                format!("expected a list or a table, found {}", other.type_of()),
            )),
        }
    }

    /// The order of two values of one type; `None` across types. Ints and floats compare as numbers, filesizes
    /// with ints as bytes. NaN comes after all numbers and null after everything, so that sorting is total.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        use Value::*;
        Some(match (self, other) {
            (Nothing, Nothing) => Ordering::Equal,
            (Nothing, _) => Ordering::Greater,
            (_, Nothing) => Ordering::Less,
            (Bool(a), Bool(b)) => a.cmp(b),
            (Int(a), Int(b)) | (Duration(a), Duration(b)) => a.cmp(b),
            (Filesize(a), Filesize(b) | Int(b)) | (Int(a), Filesize(b)) => a.cmp(b),
            (Float(a), Float(b)) => compare_floats(*a, *b),
            (Int(a), Float(b)) => compare_int_float(*a, *b),
            (Float(a), Int(b)) => compare_int_float(*b, *a).reverse(),
            (DateTime(a), DateTime(b)) => a.cmp(b),
            (String(a), String(b)) => a.cmp(b),
            (Binary(a), Binary(b)) => a.cmp(b),
            (List(_) | Table(_) | Range(_), List(_) | Table(_) | Range(_)) => {
                let (a, b) = (self.items().ok()?, other.items().ok()?);
                return compare_sequences(a.iter(), b.iter());
            }
            (Record(a), Record(b)) => {
                let names = a.names().cmp(b.names());
                if names != Ordering::Equal {
                    return Some(names);
                }
                return compare_sequences(a.values.iter(), b.values.iter());
            }
            _ => return None,
        })
    }
}

fn compare_sequences<'a>(a: impl Iterator<Item = &'a Value>, b: impl Iterator<Item = &'a Value>) -> Option<Ordering> {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Some(Ordering::Equal),
            (None, Some(_)) => return Some(Ordering::Less),
            (Some(_), None) => return Some(Ordering::Greater),
            (Some(x), Some(y)) => match x.compare(y)? {
                Ordering::Equal => {}
                unequal => return Some(unequal),
            },
        }
    }
}

/// NaN equals itself here and follows all numbers, so that sorting and grouping have one answer.
/// The order of floats: NaN is the largest number.
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Exact: no int is rounded to a float on the way.
pub(crate) fn compare_int_float(a: i64, b: f64) -> Ordering {
    if b.is_nan() {
        return Ordering::Less;
    }
    if b >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    if b < -9_223_372_036_854_775_808.0 {
        return Ordering::Greater;
    }
    let whole = b.trunc();
    a.cmp(&(whole as i64)).then_with(|| 0.0_f64.partial_cmp(&(b - whole)).unwrap_or(Ordering::Equal))
}

/// The type of a list: a table when all are records with the same fields.
pub fn type_of_items(items: &[Value]) -> Type {
    let Some(mut of) = items.first().map(Value::type_of) else { return Type::list(Type::Any) };
    let mut last = items.first();
    for item in &items[1..] {
        // Long lists are mostly of one plain type; types of unlike items are worked out only where they change.
        let same_kind = matches!(
            (last, item),
            (Some(Value::Int(_)), Value::Int(_))
                | (Some(Value::Float(_)), Value::Float(_))
                | (Some(Value::String(_)), Value::String(_))
        );
        if !same_kind {
            of = of.union(item.type_of());
        }
        last = Some(item);
    }
    match of {
        Type::Record(fields) => Type::Table(fields),
        other => Type::list(other),
    }
}

impl PartialEq for Value {
    /// Equality within a type; ints and floats compare as numbers; across types `false`. NaN is not NaN.
    fn eq(&self, other: &Self) -> bool {
        use Value::*;
        match (self, other) {
            (Nothing, Nothing) => true,
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b)) | (Duration(a), Duration(b)) => a == b,
            (Filesize(a), Filesize(b) | Int(b)) | (Int(a), Filesize(b)) => a == b,
            (Float(a), Float(b)) => a == b,
            (Int(a), Float(b)) | (Float(b), Int(a)) => compare_int_float(*a, *b) == Ordering::Equal,
            (DateTime(a), DateTime(b)) => a == b,
            (String(a), String(b)) => a == b,
            (Binary(a), Binary(b)) => a == b,
            (CellPath(a), CellPath(b)) => a == b,
            (Range(a), Range(b)) => a == b,
            (Record(a), Record(b)) => a == b,
            (List(a), List(b)) => a == b,
            (List(_) | Table(_) | Range(_), List(_) | Table(_) | Range(_)) => match (self.items(), other.items()) {
                (Ok(a), Ok(b)) => a == b,
                _ => false,
            },
            (Closure(a), Closure(b)) => Arc::ptr_eq(a, b),
            (Table(a), b @ Record(_)) | (b @ Record(_), Table(a)) => {
                a.as_record().is_some_and(|record| record.is_ok_and(|record| record == *b))
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::literal::to_literal(self))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

macro_rules! from {
    ($($of:ty => |$x:ident| $make:expr;)*) => {
        $(impl From<$of> for Value {
            fn from($x: $of) -> Self { $make }
        })*
    };
}
from! {
    bool => |x| Value::Bool(x);
    i64 => |x| Value::Int(x);
    i32 => |x| Value::Int(x.into());
    u32 => |x| Value::Int(x.into());
    f64 => |x| Value::Float(x);
    &str => |x| Value::string(x);
    String => |x| Value::string(x);
    DateTime => |x| Value::DateTime(x);
    Vec<Value> => |x| Value::list(x);
    Record => |x| Value::record(x);
    Range => |x| Value::range(x);
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(option: Option<T>) -> Self {
        option.map_or(Value::Nothing, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_sixteen_bytes() {
        assert_eq!(size_of::<Value>(), 16);
    }

    #[test]
    fn large_ints_are_not_rounded_when_compared_with_floats() {
        let big = i64::MAX;
        assert_ne!(Value::Int(big), Value::Float(big as f64));
        assert_eq!(Value::Int(big).compare(&Value::Float(big as f64)), Some(Ordering::Less));
        assert_eq!(Value::Int(-1).compare(&Value::Float(-1.5)), Some(Ordering::Greater));
    }

    #[test]
    fn null_sorts_last_and_nan_before_it() {
        let mut all = [Value::Nothing, Value::Float(f64::NAN), Value::Int(1), Value::Float(0.5)];
        all.sort_by(|a, b| a.compare(b).unwrap());
        assert_eq!(format!("{all:?}"), "[0.5, 1, NaN, null]");
    }

    #[test]
    fn records_equal_in_any_order_and_types_differ() {
        let a: Record = [("a", Value::Int(1)), ("b", Value::Int(2))].into_iter().collect();
        let b: Record = [("b", Value::Int(2)), ("a", Value::Int(1))].into_iter().collect();
        assert_eq!(a, b);
        assert_ne!(Value::string("1"), Value::Int(1));
    }

    #[test]
    fn a_list_of_like_records_is_a_table() {
        let row = |n| Value::record([("a", Value::Int(n))].into_iter().collect());
        assert_eq!(type_of_items(&[row(1), row(2)]).to_string(), "table<a: int>");
        assert_eq!(type_of_items(&[row(1), Value::Int(2)]).to_string(), "list<oneof<record<a: int>, int>>");
    }
}
