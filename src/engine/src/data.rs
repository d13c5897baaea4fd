//! What flows between two stages: nothing, a value, a stream of values, or a stream of bytes.

use std::io::Read;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use value::{Interrupt, Resource, TableRef, Type, Value};

use crate::external::Program;

/// The input or output of a stage.
pub enum Data {
    /// No value at all: what `let` gives, and what flows into the first stage.
    Empty,
    Value(Value),
    Stream(Stream),
    Bytes(Bytes),
}

/// Values that come one after another, perhaps without end.
pub struct Stream {
    items: Box<dyn Iterator<Item = Result<Value>> + Send>,
    /// Whose rows these are.
    pub resource: Option<Resource>,
    /// Whether it may never end, so that commands that need all of it refuse before they start.
    pub endless: bool,
    /// The table whose only column these are, as long as none was taken.
    column: Option<TableRef>,
}

/// Bytes from a program or a file.
pub struct Bytes {
    pub reader: Box<dyn Read + Send>,
    /// The program that writes them, to be waited for once they end: its exit code decides.
    pub program: Option<Program>,
}

impl Stream {
    pub fn new(items: impl Iterator<Item = Result<Value>> + Send + 'static) -> Self {
        Stream { items: Box::new(items), resource: None, endless: false, column: None }
    }

    /// The values of a table's first column, which is its only one. A query can go on from them, and nothing is read
    /// before a value is asked for.
    pub fn of_column(table: TableRef) -> Self {
        let column = table.clone();
        let batches = std::iter::once_with(move || match table.schema() {
            Ok(fields) => match fields.columns.first() {
                Some((name, _)) => table.column_batches(name),
                None => Box::new(std::iter::empty()),
            },
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        let items = batches.flatten().flat_map(|batch| match batch {
            Ok(values) => values.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        });
        Stream { column: Some(column), ..Stream::new(items) }
    }

    /// The table whose only column these values are, if they are one's.
    pub fn column(&self) -> Option<&TableRef> {
        self.column.as_ref()
    }

    pub fn endless(self) -> Self {
        self.endless_if(true)
    }

    /// Marks it as one that may never end, as what it was made of.
    pub fn endless_if(mut self, endless: bool) -> Self {
        self.endless = endless;
        self
    }

    pub fn with_resource(mut self, resource: Option<Resource>) -> Self {
        self.resource = resource;
        self
    }
}

impl Iterator for Stream {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        self.column = None;
        self.items.next()
    }
}

/// Why bytes could not be read. What a reader of our own failed with comes through as it is.
pub fn unread(error: std::io::Error) -> Box<Diagnostic> {
    match error.downcast::<Diagnostic>() {
        Ok(diagnostic) => Box::new(diagnostic),
        Err(error) => Diagnostic::new(codes::CANNOT_READ, format!("reading failed: {}", diag::os_reason(&error))),
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        Data::Value(value)
    }
}

impl From<Stream> for Data {
    fn from(stream: Stream) -> Self {
        Data::Stream(stream)
    }
}

impl Data {
    /// All of it as one value: a stream becomes a list, bytes become text when they are, else binary. Empty is null.
    /// The newline that ends what a program writes is no part of the text.
    pub fn into_value(self, interrupt: &Interrupt) -> Result<Value> {
        match self {
            Data::Empty => Ok(Value::Nothing),
            Data::Value(value) => Ok(value),
            Data::Stream(stream) => {
                if stream.endless {
                    return Err(Diagnostic::new(codes::ENDLESS, "this input never ends, and all of it was asked for")
                        .help("take some of it first, for instance `| first 10`"));
                }
                let resource = stream.resource;
                let mut items = Vec::new();
                for item in stream {
                    interrupt.check()?;
                    items.push(item?);
                }
                Ok(tagged(Value::list(items), resource))
            }
            Data::Bytes(mut bytes) => {
                let mut all = Vec::new();
                let mut chunk = [0_u8; 65536];
                loop {
                    interrupt.check()?;
                    match bytes.reader.read(&mut chunk) {
                        Ok(0) => break,
                        Ok(n) => all.extend_from_slice(&chunk[..n]),
                        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(unread(error)),
                    }
                }
                let of_program = bytes.program.is_some();
                if let Some(program) = bytes.program {
                    program.finish()?;
                }
                Ok(match String::from_utf8(all) {
                    Ok(mut text) => {
                        if of_program && text.ends_with('\n') {
                            text.pop();
                            if text.ends_with('\r') {
                                text.pop();
                            }
                        }
                        Value::string(text)
                    }
                    Err(error) => Value::binary(error.into_bytes()),
                })
            }
        }
    }

    /// The items of a list, rows of a table, values of a range or stream, one by one. A single value is one item,
    /// and nothing is none.
    pub fn into_items(self, interrupt: &Interrupt) -> Result<Box<dyn Iterator<Item = Result<Value>> + Send>> {
        Ok(match self {
            Data::Empty | Data::Value(Value::Nothing) => Box::new(std::iter::empty()),
            Data::Stream(stream) => Box::new(stream),
            Data::Value(Value::List(items)) => Box::new(ListIter { items, at: 0 }),
            Data::Value(Value::Range(range)) => Box::new(range.iter().map(Ok)),
            Data::Value(Value::Table(table)) if table.as_record().is_some() => Box::new(table.as_record().into_iter()),
            Data::Value(Value::Table(table)) => Box::new(table.batches().flat_map(|batch| match batch {
                Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
                Err(error) => vec![Err(error)],
            })),
            Data::Value(value) => Box::new(std::iter::once(Ok(value))),
            bytes @ Data::Bytes(_) => {
                let value = bytes.into_value(interrupt)?;
                Box::new(std::iter::once(Ok(value)))
            }
        })
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Data::Empty)
    }

    /// Whether it is made of items rather than one value.
    pub fn is_many(&self) -> bool {
        match self {
            Data::Value(Value::Table(table)) => table.as_record().is_none(),
            other => matches!(other, Data::Stream(_) | Data::Value(Value::List(_) | Value::Range(_))),
        }
    }

    /// Whether it may never end.
    pub fn is_endless(&self) -> bool {
        match self {
            Data::Stream(stream) => stream.endless,
            Data::Value(Value::Range(range)) => range.is_endless(),
            _ => false,
        }
    }

    pub fn resource(&self) -> Option<Resource> {
        match self {
            Data::Stream(stream) => stream.resource,
            Data::Value(value) => resource_of(value),
            _ => None,
        }
    }

    /// Its type, as far as it is known without taking anything from a stream.
    pub fn type_of(&self) -> Type {
        match self {
            Data::Empty => Type::Nothing,
            Data::Value(value) => value.type_of(),
            Data::Stream(_) => Type::list(Type::Any),
            Data::Bytes(_) => Type::OneOf(vec![Type::String, Type::Binary]),
        }
    }
}

/// Takes items out of a shared list without copying it first.
struct ListIter {
    items: Arc<Vec<Value>>,
    at: usize,
}

impl Iterator for ListIter {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.items.get(self.at)?.clone();
        self.at += 1;
        Some(Ok(item))
    }
}

/// Whose rows a value holds: a tagged record, table, or list whose records all carry one tag.
pub fn resource_of(value: &Value) -> Option<Resource> {
    match value {
        Value::Record(record) => record.resource,
        Value::Table(table) => table.schema().ok()?.resource,
        Value::List(items) => {
            let first = resource_of(items.first()?)?;
            items.iter().all(|item| matches!(item, Value::Record(row) if row.resource == Some(first))).then_some(first)
        }
        _ => None,
    }
}

/// The value with its rows marked as rows of a resource.
pub fn tagged(value: Value, resource: Option<Resource>) -> Value {
    if resource_of(&value) == resource {
        return value;
    }
    match value {
        Value::Record(record) => Value::record(Arc::unwrap_or_clone(record).with_resource(resource)),
        Value::Table(table) => Value::table(table.with_resource(resource)),
        Value::List(items) => {
            Value::list(Arc::unwrap_or_clone(items).into_iter().map(|item| tagged(item, resource)).collect::<Vec<_>>())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives some bytes and then fails, as a disk may.
    struct Failing(bool);

    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(std::io::Error::other("the disk is gone"));
            }
            into[0] = b'a';
            Ok(1)
        }
    }

    #[test]
    fn bytes_that_cannot_be_read_to_their_end_are_an_error() {
        let bytes = Data::Bytes(Bytes { reader: Box::new(Failing(false)), program: None });
        assert_eq!(bytes.into_value(&Interrupt::new()).unwrap_err().code, codes::CANNOT_READ);
    }

    #[test]
    fn all_of_an_endless_stream_is_refused_before_it_is_taken() {
        let stream = Stream::new(std::iter::from_fn(|| panic!("nothing may be taken"))).endless();
        assert_eq!(Data::Stream(stream).into_value(&Interrupt::new()).unwrap_err().code, codes::ENDLESS);
    }

    #[test]
    fn a_tag_is_lost_where_rows_differ() {
        let row = |resource| Value::record(value::Record::new().with_resource(resource));
        assert_eq!(resource_of(&Value::list(vec![row(Some("node")), row(Some("node"))])), Some("node"));
        assert_eq!(resource_of(&Value::list(vec![row(Some("node")), row(None)])), None);
    }
}
