//! Tables of SQLite databases.
//!
//! A table of a database is not read before something needs rows, and its first rows are fetched alone. SQLite has four
//! types of values and any names for types of columns: what its columns are declared as tells which of our values
//! they are, and is what [`write()`] declares.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use diag::{Diagnostic, Result, codes};
use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, OpenFlags};
use value::{DateTime, Fields, Record, Resource, Stage, Table, TableRef, Type, Value, interrupt};

use crate::frame::Pin;
use crate::json::{from_json, to_json};

/// The names of the tables and views of a database.
///
/// # Errors
/// `FILE_UNREADABLE`, `BAD_CONTENT` when it is no database.
pub fn names(path: &Path) -> Result<Vec<String>> {
    const SQL: &str = "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by rowid";
    let connection = open(path)?;
    let read =
        || -> rusqlite::Result<Vec<String>> { connection.prepare(SQL)?.query_map([], |row| row.get(0))?.collect() };
    read().map_err(|error| failed(path, &error))
}

/// One table or view.
///
/// # Errors
/// As for [`names`].
pub fn table(path: &Path, name: &str) -> Result<TableRef> {
    query(path, &format!("select * from {}", quoted(name)))
}

/// The result of a query, which must only read.
///
/// # Errors
/// As for [`names`], and `BAD_SQL`.
pub fn query(path: &Path, sql: &str) -> Result<TableRef> {
    let connection = open(path)?;
    let pin = Pin::new(path)?;
    let statement = connection.prepare(sql).map_err(|error| failed(path, &error))?;
    if !statement.readonly() {
        return Err(Diagnostic::new(codes::BAD_SQL, "this SQL would change the database")
            .help("`save` writes tables to databases; everything else is for `sqlite3`"));
    }
    let columns = statement
        .columns()
        .iter()
        .map(|column| (Arc::from(column.name()), declared(column.decl_type().unwrap_or_default())))
        .collect();
    Ok(Arc::new(SqliteTable {
        pin,
        sql: sql.trim_end().trim_end_matches(';').into(),
        columns,
        resource: None,
        read: OnceLock::new(),
    }))
}

/// A query that runs when rows are asked for.
struct SqliteTable {
    pin: Pin,
    sql: String,
    columns: Vec<(Arc<str>, Type)>,
    resource: Option<Resource>,
    read: OnceLock<Result<TableRef>>,
}

impl SqliteTable {
    fn path(&self) -> &Path {
        self.pin.path()
    }

    /// All rows, read once.
    fn whole(&self) -> Result<&TableRef> {
        let read = || {
            self.pin.check()?;
            let rows = self.fetch(&self.sql)?;
            if rows.is_empty() {
                return Ok(crate::construct::empty(self.schema()?));
            }
            crate::construct::from_rows(rows, self.resource)
        };
        self.read.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    fn fetch(&self, sql: &str) -> Result<Vec<Value>> {
        let connection = open(self.path())?;
        let mut statement = connection.prepare(sql).map_err(|error| failed(self.path(), &error))?;
        let names: Arc<Vec<Arc<str>>> = Arc::new(self.columns.iter().map(|(name, _)| name.clone()).collect());
        let mut rows = statement.query([]).map_err(|error| failed(self.path(), &error))?;
        let mut fetched = Vec::new();
        while let Some(row) = rows.next().map_err(|error| failed(self.path(), &error))? {
            interrupt::check()?;
            let cells = self.columns.iter().enumerate().map(|(at, (_, of))| {
                let cell = row.get_ref(at).map_err(|error| failed(self.path(), &error))?;
                Ok(value_of(cell, of))
            });
            let record = Record::from_parts(names.clone(), cells.collect::<Result<_>>()?);
            fetched.push(Value::record(record.with_resource(self.resource)));
        }
        Ok(fetched)
    }

    fn with(&self, sql: String) -> TableRef {
        Arc::new(SqliteTable {
            pin: self.pin.clone(),
            sql,
            columns: self.columns.clone(),
            resource: self.resource,
            read: OnceLock::new(),
        })
    }
}

impl Table for SqliteTable {
    fn schema(&self) -> Result<Fields> {
        Ok(Fields { resource: self.resource, ..Fields::closed(self.columns.clone()) })
    }

    fn len(&self) -> Result<usize> {
        if let Some(Ok(read)) = self.read.get() {
            return read.len();
        }
        self.pin.check()?;
        let count = open(self.path())?
            .query_row(&format!("select count(*) from ({})", self.sql), [], |row| row.get::<_, i64>(0))
            .map_err(|error| failed(self.path(), &error))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    fn rows(&self) -> Result<Vec<Value>> {
        self.whole()?.rows()
    }

    fn slice(&self, offset: usize, limit: usize) -> Result<Vec<Value>> {
        if let Some(Ok(read)) = self.read.get() {
            return read.slice(offset, limit);
        }
        self.pin.check()?;
        self.fetch(&format!("select * from ({}) limit {limit} offset {offset}", self.sql))
    }

    fn column(&self, name: &str) -> Result<Vec<Value>> {
        self.whole()?.column(name)
    }

    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Value>>> + Send> {
        match self.whole() {
            Ok(read) => read.batches(),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn stage(&self, stage: &Stage) -> Result<Option<TableRef>> {
        if let Stage::First(rows) = stage {
            return Ok(Some(self.with(format!("select * from ({}) limit {rows}", self.sql))));
        }
        self.whole()?.stage(stage)
    }

    fn collect(&self) -> Result<TableRef> {
        self.whole()?.collect()
    }

    fn with_resource(&self, resource: Option<Resource>) -> TableRef {
        let (pin, sql, columns) = (self.pin.clone(), self.sql.clone(), self.columns.clone());
        Arc::new(SqliteTable { pin, sql, columns, resource, read: OnceLock::new() })
    }

    fn plan(&self) -> Result<String> {
        Ok(format!("SQLite {} of {}", self.sql, self.path().display()))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        // A table that was read is one of the storages, and as such takes part in queries.
        match self.whole() {
            Ok(read) => read.as_any(),
            Err(_) => self,
        }
    }
}

/// How a table is written where there is one of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
    Append,
}

/// Writes a table into a database, which is made when it is not there: all rows or none.
///
/// # Errors
/// `FILE_EXISTS` when there is such a table and it is to be kept; `FILE_UNWRITABLE`, and whatever reading the table
/// meets.
pub fn write(table: &dyn Table, path: &Path, name: &str, existing: Existing) -> Result<()> {
    let fields = table.schema()?;
    if fields.columns.is_empty() {
        return Err(Diagnostic::new(codes::NOT_TABULAR, "a database's table has at least one column"));
    }
    let unwritable = |error: rusqlite::Error| {
        Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` cannot be written: {}", path.display(), reason(&error)))
    };
    let mut connection = Connection::open(path).map_err(unwritable)?;
    connection.busy_timeout(BUSY).map_err(unwritable)?;
    let there = connection.table_exists(None, name).map_err(unwritable)?;
    if there && existing == Existing::Keep {
        return Err(Diagnostic::new(codes::FILE_EXISTS, format!("`{}` has a table `{name}` already", path.display())));
    }
    let change = connection.transaction().map_err(unwritable)?;
    if there && existing == Existing::Replace {
        change.execute_batch(&format!("drop table {}", quoted(name))).map_err(unwritable)?;
    }
    if !there || existing == Existing::Replace {
        let columns = fields.columns.iter().map(|(name, of)| format!("{} {}", quoted(name), declaration(of)));
        let columns = columns.collect::<Vec<_>>().join(", ");
        change.execute_batch(&format!("create table {} ({columns})", quoted(name))).map_err(unwritable)?;
    }
    let names: Vec<String> = fields.columns.iter().map(|(name, _)| quoted(name)).collect();
    let places = vec!["?"; names.len()].join(", ");
    let insert = format!("insert into {} ({}) values ({places})", quoted(name), names.join(", "));
    {
        let mut insert = change.prepare(&insert).map_err(unwritable)?;
        for batch in table.batches() {
            for row in batch? {
                interrupt::check()?;
                let cell = |name: &str| row.as_record().and_then(|row| row.get(name)).unwrap_or(&Value::Nothing);
                let cells =
                    fields.columns.iter().map(|(name, _)| cell_of(cell(name))).collect::<Result<Vec<Cell>>>()?;
                insert.execute(rusqlite::params_from_iter(cells)).map_err(unwritable)?;
            }
        }
    }
    change.commit().map_err(unwritable)
}

/// How long to wait for another process that writes.
const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

fn open(path: &Path) -> Result<Connection> {
    Pin::new(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, &error))?;
    connection.busy_timeout(BUSY).map_err(|error| failed(path, &error))?;
    Ok(connection)
}

fn failed(path: &Path, error: &rusqlite::Error) -> Box<Diagnostic> {
    use rusqlite::ErrorCode as E;
    let shown = path.display();
    match error.sqlite_error_code() {
        Some(E::NotADatabase | E::DatabaseCorrupt) => {
            Diagnostic::new(codes::BAD_CONTENT, format!("`{shown}`: this is not a SQLite database, or it is damaged"))
        }
        Some(E::Unknown) | None => {
            Diagnostic::new(codes::BAD_SQL, format!("the SQL cannot be understood: {}", reason(error)))
        }
        Some(_) => Diagnostic::new(codes::FILE_UNREADABLE, format!("`{shown}` cannot be read: {}", reason(error))),
    }
}

/// What SQLite says, without the statement that it says it of.
fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The type of a column by its declaration, after SQLite's own rules of affinity and the names that others use.
fn declared(of: &str) -> Type {
    let of = of.to_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| of.contains(part));
    match () {
        () if has(&["BOOL"]) => Type::Bool,
        () if has(&["DURATION"]) => Type::Duration,
        () if has(&["FILESIZE"]) => Type::Filesize,
        () if has(&["DATE", "TIMESTAMP"]) => Type::DateTime,
        () if has(&["INT"]) => Type::Int,
        () if has(&["CHAR", "CLOB", "TEXT"]) => Type::String,
        () if has(&["BLOB"]) => Type::Binary,
        () if has(&["REAL", "FLOA", "DOUB"]) => Type::Float,
        () => {
            if of == JSON {
                Type::list(Type::Any)
            } else {
                Type::Any
            }
        }
    }
}

const JSON: &str = "JSON";

fn declaration(of: &Type) -> &'static str {
    match of {
        Type::Bool => "BOOLEAN",
        Type::Int => "INTEGER",
        Type::Float | Type::Number => "REAL",
        Type::String | Type::Word(_) => "TEXT",
        Type::Binary => "BLOB",
        Type::Duration => "DURATION",
        Type::Filesize => "FILESIZE",
        Type::DateTime => "DATETIME",
        Type::List(_) | Type::Record(_) | Type::Table(_) => JSON,
        _ => "",
    }
}

/// A cell as the value that its column is declared to hold; what it holds otherwise stays what it is.
fn value_of(cell: ValueRef<'_>, of: &Type) -> Value {
    match (cell, of) {
        (ValueRef::Null, _) => Value::Nothing,
        (ValueRef::Integer(n @ (0 | 1)), Type::Bool) => Value::Bool(n == 1),
        (ValueRef::Integer(n), Type::Duration) => Value::Duration(n),
        (ValueRef::Integer(n), Type::Filesize) => Value::Filesize(n),
        (ValueRef::Integer(n), Type::Float) => Value::Float(n as f64),
        (ValueRef::Integer(n), _) => Value::Int(n),
        (ValueRef::Real(x), _) => Value::Float(x),
        (ValueRef::Blob(bytes), _) => Value::binary(bytes.to_vec()),
        (ValueRef::Text(bytes), of) => {
            let text = String::from_utf8_lossy(bytes);
            match of {
                Type::DateTime => DateTime::parse(&text).map_or_else(|| Value::string(&*text), Value::DateTime),
                Type::List(_) => serde_json::from_str(&text).map_or_else(|_| Value::string(&*text), from_json),
                _ => Value::string(&*text),
            }
        }
    }
}

fn cell_of(value: &Value) -> Result<Cell> {
    Ok(match value {
        Value::Nothing => Cell::Null,
        Value::Bool(b) => Cell::Integer(i64::from(*b)),
        Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => Cell::Integer(*n),
        // SQLite has no NaN: it stores null.
        Value::Float(x) => Cell::Real(*x),
        Value::String(text) => Cell::Text(text.to_string()),
        Value::Binary(bytes) => Cell::Blob(bytes.to_vec()),
        Value::DateTime(at) => Cell::Text(at.rfc3339()),
        Value::List(_) | Value::Record(_) | Value::Table(_) => Cell::Text(to_json(value)?.to_string()),
        other => Cell::Text(value::text::to_text(other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::literal::to_literal;

    fn rows() -> Vec<Value> {
        (0..7_i64)
            .map(|n| {
                let null = |value: Value| if n % 3 == 2 { Value::Nothing } else { value };
                let fields = [
                    ("n", Value::Int(n)),
                    ("odd \"name\"", null(Value::string("é'\"\n"))),
                    ("x", null(Value::Float(0.5))),
                    ("ok", null(Value::Bool(n == 1))),
                    ("took", null(Value::Duration(n * 1_000_001))),
                    ("size", null(Value::Filesize(n))),
                    ("at", null(Value::DateTime(DateTime { nanos: 1_700_000_000_123_456_789 + n, offset: 3600 }))),
                    ("bytes", null(Value::binary(vec![0, 255]))),
                    ("list", null(Value::list(vec![Value::Int(n), Value::string("a")]))),
                ];
                Value::record(fields.into_iter().collect())
            })
            .collect()
    }

    fn shown(rows: &[Value]) -> String {
        rows.iter().map(|row| to_literal(row) + "\n").collect()
    }

    #[test]
    fn what_is_written_reads_back_with_its_types() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a [b].db");
        let made = crate::as_rows(rows(), None).unwrap();
        write(&*made, &path, "my \"runs\"", Existing::Keep).unwrap();
        assert_eq!(names(&path).unwrap(), ["my \"runs\""]);
        let back = table(&path, "my \"runs\"").unwrap();
        assert_eq!((back.len().unwrap(), shown(&back.slice(5, 3).unwrap())), (7, shown(&rows()[5..])));
        let first = back.stage(&Stage::First(2)).unwrap().unwrap();
        assert_eq!(shown(&first.rows().unwrap()), shown(&rows()[..2]));
        assert_eq!(shown(&back.rows().unwrap()), shown(&rows()));

        assert_eq!(write(&*made, &path, "my \"runs\"", Existing::Keep).unwrap_err().code, codes::FILE_EXISTS);
        write(&*made, &path, "my \"runs\"", Existing::Append).unwrap();
        assert_eq!(table(&path, "my \"runs\"").unwrap().len().unwrap(), 14);
        write(&*made, &path, "my \"runs\"", Existing::Replace).unwrap();
        assert_eq!(table(&path, "my \"runs\"").unwrap().len().unwrap(), 7);
    }

    #[test]
    fn what_cannot_be_read_or_asked_is_a_coded_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let code = |result: Result<TableRef>| result.err().map(|error| error.code);
        assert_eq!(code(table(&path, "t")), Some(codes::FILE_UNREADABLE));
        std::fs::write(&path, "certainly no database, but long enough to be taken for one: ".repeat(40)).unwrap();
        assert_eq!(code(table(&path, "t")), Some(codes::BAD_CONTENT));
        std::fs::remove_file(&path).unwrap();
        write(&*crate::as_rows(rows(), None).unwrap(), &path, "t", Existing::Keep).unwrap();
        assert_eq!(code(query(&path, "select nothing from t")), Some(codes::BAD_SQL));
        assert_eq!(code(query(&path, "delete from t")), Some(codes::BAD_SQL));
        assert_eq!(query(&path, "select n, n * 2 as d from t where n > 4;").unwrap().len().unwrap(), 2);
    }

    #[test]
    fn a_row_that_cannot_be_read_leaves_the_database_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let made = crate::as_rows(rows(), None).unwrap();
        write(&*made, &path, "t", Existing::Keep).unwrap();
        let csv = folder.path().join("t.csv");
        std::fs::write(&csv, "n\n1\nx\n").unwrap();
        let options = crate::source::ScanOptions { infer_rows: 1, ..Default::default() };
        let broken = crate::source::csv(&csv, &options).unwrap();
        assert_eq!(write(&*broken, &path, "t", Existing::Replace).unwrap_err().code, codes::BAD_CONTENT);
        assert_eq!(shown(&table(&path, "t").unwrap().rows().unwrap()), shown(&rows()));
    }
}
