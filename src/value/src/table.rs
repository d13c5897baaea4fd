//! The trait behind every table value, and the stages that can be asked of one.
//!
//! A table is rows with named, typed columns. Whether they lie in memory as records, in columns, or in a file
//! that nobody has read yet, is the storage's business and never shows in a result.

use std::sync::Arc;

use diag::{Result, Span};

use crate::expr::Expr;
use crate::types::Fields;
use crate::value::{Resource, Value};

/// A shared table.
pub type TableRef = Arc<dyn Table>;

/// Rows with named columns. Implementations are immutable; what is lazy reads when rows are asked for.
pub trait Table: Send + Sync {
    /// The columns and their types, and whose rows these are. A lazy table may read a file's header for it.
    fn schema(&self) -> Result<Fields>;

    /// How many rows there are; a lazy table counts without reading more than it must.
    fn len(&self) -> Result<usize>;

    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// All rows as records, in order.
    fn rows(&self) -> Result<Vec<Value>>;

    /// At most `limit` rows from `offset`, as records; reads no more than it must.
    fn slice(&self, offset: usize, limit: usize) -> Result<Vec<Value>>;

    /// One row; `None` past the end.
    fn row(&self, index: u64) -> Result<Option<Value>> {
        let Ok(index) = usize::try_from(index) else { return Ok(None) };
        Ok(self.slice(index, 1)?.pop())
    }

    /// One column's values. The column exists: the caller has looked at the schema.
    fn column(&self, name: &str) -> Result<Vec<Value>>;

    /// The rows in batches of a size the storage likes, for those who take them one after another and may stop.
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Value>>> + Send>;

    /// One column's values, in batches like [`Table::batches`].
    fn column_batches(&self, name: &str) -> Box<dyn Iterator<Item = Result<Vec<Value>>> + Send> {
        let name = name.to_string();
        Box::new(self.batches().map(move |batch| {
            let cell = |row: Value| match row {
                Value::Record(row) => row.get(&name).cloned().unwrap_or_default(),
                other => other,
            };
            Ok(batch?.into_iter().map(cell).collect())
        }))
    }

    /// The table after one more stage, or `None` when this storage cannot run the stage as a query with exactly
    /// the interpreter's results; the caller then goes over the rows.
    fn stage(&self, stage: &Stage) -> Result<Option<TableRef>>;

    /// The same rows, read and held: nothing outside can change them any more.
    fn collect(&self) -> Result<TableRef>;

    /// The same rows, marked as rows of another resource, or of none.
    fn with_resource(&self, resource: Option<Resource>) -> TableRef;

    /// The record that this is to everybody who does not know its storage: groups are a record of their rows.
    fn as_record(&self) -> Option<Result<Value>> {
        None
    }

    /// The optimised plan, for `explain`; a line for what already lies in memory.
    fn plan(&self) -> Result<String>;

    /// The storage itself, for crate `table` to downcast.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// One step of a query. Columns named in a stage exist: the caller has looked at the schema.
#[derive(Debug, Clone)]
pub enum Stage {
    /// Rows for which the condition is true; null and false are left out.
    Filter(Expr),
    /// These columns in this order.
    Select(Vec<Arc<str>>),
    /// All but these columns.
    Reject(Vec<Arc<str>>),
    /// Old and new names.
    Rename(Vec<(Arc<str>, Arc<str>)>),
    /// Sets columns, in place when they exist, at the end otherwise. All read the row as it came in.
    Set(Vec<(Arc<str>, Expr)>),
    /// Stable; NaN after numbers, null last, whatever the direction.
    Sort(Vec<SortKey>),
    /// The first row of each set of equal rows, in order.
    Unique,
    Skip(usize),
    First(usize),
    /// The last rows, in order.
    Last(usize),
    Reverse,
    /// The rows of another table after these; its columns are the same, by name.
    Append(Vec<Value>),
    /// One row per different combination of keys, in order of first appearance, with the aggregations after the
    /// keys. Without keys, one row for all.
    Group {
        keys: Vec<(Arc<str>, Expr)>,
        aggregations: Vec<(Arc<str>, Expr)>,
    },
    /// The rows beside rows of another table.
    Join(Join),
}

/// How rows of two tables come together. Where both tables have columns of equal names, only the joined ones that
/// both are joined by may keep them: `names` tells the others apart.
#[derive(Clone)]
pub struct Join {
    pub right: TableRef,
    pub kind: JoinKind,
    /// The columns of the left and of the right table that must be equal. Null equals nothing here.
    pub on: Vec<(Arc<str>, Arc<str>)>,
    /// The right table's columns that the result has after the left one's, and what they are called there.
    pub names: Vec<(Arc<str>, Arc<str>)>,
    pub span: Span,
}

/// Which rows a join keeps. The left table's come in their order, each with its partners in theirs; after them come
/// the right table's that are alone.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinKind {
    Inner,
    /// All of the left table.
    Left,
    /// All of the right table.
    Right,
    Outer,
    /// Those of the left table that have a partner, as they are.
    Semi,
    /// Those of the left table that have none.
    Anti,
    /// All of the left table, each with the one row of the right table that is nearest in order.
    AsOf(AsOf),
}

/// What nearest is.
#[derive(Debug, Clone, PartialEq)]
pub struct AsOf {
    /// The columns of the left and of the right table that are ordered; null is near nothing.
    pub left: Arc<str>,
    pub right: Arc<str>,
    pub direction: Direction,
    /// How far the partner may be: what subtracting the two gives.
    pub tolerance: Option<Value>,
}

/// Where the partner is looked for. One that is equal is near in all directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The last that is not after.
    Backward,
    /// The first that is not before.
    Forward,
    /// Whichever of these two is nearer; the later one when both are as near, and the last of equal ones.
    Nearest,
}

impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join").field("kind", &self.kind).field("on", &self.on).field("names", &self.names).finish()
    }
}

/// What to sort by.
#[derive(Debug, Clone)]
pub struct SortKey {
    pub by: Expr,
    pub reverse: bool,
    pub span: Span,
}
