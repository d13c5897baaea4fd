//! What `group-by` gives: rows in groups, keys of any type, null among them.
//!
//! Groups travel as a table of a kind of its own, so that `aggregate` can make one query of both and lose no
//! key. To every other command they are a record of tables, by the text of their keys, without the null group.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use value::expr::ExprKind;
use value::text::to_text;
use value::{Resource, Stage, Table, interrupt};

use crate::prelude::*;

/// Gets a key from a row.
pub(crate) type KeyOf = Box<dyn FnMut(&Value) -> Result<Value> + Send>;

/// One key to group by: its column's name in results, and how to get it from a row.
pub(crate) struct GroupKey {
    /// The column of `aggregate`.
    pub name: Arc<str>,
    /// The column of `group-by --to-table`.
    pub title: Arc<str>,
    pub lowered: Option<Expr>,
    pub of: KeyOf,
}

/// The rows that have one combination of keys.
#[derive(Clone)]
pub(crate) struct Group {
    pub keys: Vec<Value>,
    pub rows: Vec<Value>,
}

/// Rows in groups, in order of first appearance.
pub(crate) struct Groups {
    source: Source,
    resource: Option<Resource>,
    keys: Mutex<Vec<GroupKey>>,
    /// Columns that the rows in groups are without.
    pruned: Vec<Arc<str>>,
    groups: OnceLock<Result<Arc<Vec<Group>>>>,
}

/// Where the rows come from.
enum Source {
    Table(TableRef),
    Items(Arc<Vec<Value>>),
}

impl Groups {
    /// Groups of a table, which is not read before something needs rows.
    pub(crate) fn of_table(table: TableRef, keys: Vec<GroupKey>, pruned: Vec<Arc<str>>) -> Result<Self> {
        let resource = table.schema()?.resource;
        let source = Source::Table(table);
        Ok(Groups { source, resource, keys: Mutex::new(keys), pruned, groups: OnceLock::new() })
    }

    /// Groups of items of any kind, made at once, so that a failing key fails here.
    pub(crate) fn of_items(
        items: Vec<Value>,
        resource: Option<Resource>,
        keys: Vec<GroupKey>,
        pruned: Vec<Arc<str>>,
    ) -> Result<Self> {
        let source = Source::Items(Arc::new(items));
        let groups = Groups { source, resource, keys: Mutex::new(keys), pruned, groups: OnceLock::new() };
        groups.groups()?;
        Ok(groups)
    }

    /// Groups that are made already; a row may be in several.
    pub(crate) fn of_groups(groups: Vec<Group>, names: &[Arc<str>], resource: Option<Resource>) -> Self {
        let rows = groups.iter().flat_map(|group| group.rows.iter().cloned()).collect();
        let made = Groups {
            source: Source::Items(Arc::new(rows)),
            resource,
            keys: Mutex::new(held_keys(names, names)),
            pruned: Vec::new(),
            groups: OnceLock::new(),
        };
        let _ = made.groups.set(Ok(Arc::new(groups)));
        made
    }

    pub(crate) fn into_value(self) -> Value {
        Value::table(Arc::new(self))
    }

    /// The query over the source that gives one row a group; `None` when a key or the source has none.
    pub(crate) fn aggregated(&self, aggregations: Vec<(Arc<str>, Expr)>) -> Result<Option<TableRef>> {
        let Source::Table(table) = &self.source else { return Ok(None) };
        let keys: Option<Vec<(Arc<str>, Expr)>> =
            self.lock().iter().map(|key| Some((key.name.clone(), key.lowered.clone()?))).collect();
        let Some(keys) = keys else { return Ok(None) };
        if aggregations.iter().any(|(_, expr)| expr.columns().iter().any(|name| self.pruned.contains(name))) {
            return Ok(None);
        }
        let columns = keys.iter().chain(&aggregations).flat_map(|(_, expr)| expr.columns()).collect::<Vec<_>>();
        if !crate::rows::has_columns(table, columns.iter().map(|name| &**name))? {
            return Ok(None);
        }
        table.stage(&Stage::Group { keys, aggregations })
    }

    pub(crate) fn key_names(&self) -> Vec<Arc<str>> {
        self.lock().iter().map(|key| key.name.clone()).collect()
    }

    pub(crate) fn key_titles(&self) -> Vec<Arc<str>> {
        self.lock().iter().map(|key| key.title.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<GroupKey>> {
        self.keys.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The groups themselves, read and held.
    pub(crate) fn groups(&self) -> Result<Arc<Vec<Group>>> {
        self.groups.get_or_init(|| self.read().map(Arc::new)).clone()
    }

    fn read(&self) -> Result<Vec<Group>> {
        let rows = match &self.source {
            Source::Table(table) => Arc::new(table.rows()?),
            Source::Items(items) => items.clone(),
        };
        let mut keys = self.lock();
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<table::Key, usize> = HashMap::new();
        for row in rows.iter() {
            interrupt::check()?;
            let values = keys.iter_mut().map(|key| (key.of)(row)).collect::<Result<Vec<Value>>>()?;
            let at = *known.entry(table::key_of_all(values.iter())).or_insert_with(|| {
                groups.push(Group { keys: values, rows: Vec::new() });
                groups.len() - 1
            });
            let mut row = row.clone();
            if let Value::Record(row) = &mut row
                && !self.pruned.is_empty()
            {
                let row = Arc::make_mut(row);
                self.pruned.iter().for_each(|name| drop(row.remove(name)));
            }
            groups[at].rows.push(row);
        }
        Ok(groups)
    }

    /// A record of the groups' rows; with several keys, records in it. Null keys are left out.
    fn record(&self) -> Result<Record> {
        let mut record = Record::new();
        for group in self.groups()?.iter() {
            if group.keys.iter().all(|key| !key.is_nothing()) {
                let names: Vec<String> = group.keys.iter().map(to_text).collect();
                place(&mut record, &names, &group.rows, self.resource);
            }
        }
        Ok(record)
    }

    /// One row a group: its keys and, as `items`, its rows.
    pub(crate) fn table(&self) -> Result<Vec<Value>> {
        let titles = self.key_titles();
        let groups = self.groups()?;
        let rows = groups.iter().map(|group| {
            let keys = titles.iter().cloned().zip(group.keys.iter().cloned());
            Value::record(keys.chain([("items".into(), rows_value(group.rows.clone(), self.resource))]).collect())
        });
        Ok(rows.collect())
    }
}

fn place(record: &mut Record, names: &[String], rows: &[Value], resource: Option<Resource>) {
    let Some((name, deeper)) = names.split_first() else { return };
    if deeper.is_empty() {
        // Keys of different types may have one text: their rows share a field.
        let mut all = match record.get(name) {
            Some(Value::List(before)) => before.to_vec(),
            _ => Vec::new(),
        };
        all.extend_from_slice(rows);
        record.insert(name.as_str(), rows_value(all, resource));
        return;
    }
    let mut inner = match record.get(name) {
        Some(Value::Record(inner)) => (**inner).clone(),
        _ => Record::new(),
    };
    place(&mut inner, deeper, rows, resource);
    record.insert(name.as_str(), Value::record(inner));
}

/// A group's rows as a value of their own.
pub(crate) fn rows_value(rows: Vec<Value>, resource: Option<Resource>) -> Value {
    engine::data::tagged(Value::list(rows), resource)
}

/// Whether a table is groups.
pub(crate) fn is_groups(table: &TableRef) -> bool {
    table.as_any().is::<Groups>()
}

/// The groups that a value is.
pub(crate) fn of_value(value: &Value) -> Option<&Groups> {
    match value {
        Value::Table(table) => table.as_any().downcast_ref(),
        _ => None,
    }
}

/// The record that groups stand for; any other table is one already.
pub(crate) fn record_of(table: &TableRef) -> Result<Value> {
    match table.as_any().downcast_ref::<Groups>() {
        Some(groups) => groups.record().map(Value::record),
        None => Ok(Value::table(table.clone())),
    }
}

/// Seen as a table, groups are one row: the record that they stand for.
impl Table for Groups {
    fn schema(&self) -> Result<Fields> {
        let columns = self.record()?.iter().map(|(name, rows)| (name.into(), rows.type_of())).collect();
        Ok(Fields::closed(columns))
    }

    fn len(&self) -> Result<usize> {
        Ok(1)
    }

    fn rows(&self) -> Result<Vec<Value>> {
        Ok(vec![Value::record(self.record()?)])
    }

    fn slice(&self, offset: usize, limit: usize) -> Result<Vec<Value>> {
        if offset == 0 && limit > 0 { self.rows() } else { Ok(Vec::new()) }
    }

    fn as_record(&self) -> Option<Result<Value>> {
        Some(self.record().map(Value::record))
    }

    fn column(&self, name: &str) -> Result<Vec<Value>> {
        match self.record()?.get(name) {
            Some(group) => Ok(group.items()?.to_vec()),
            None => Ok(Vec::new()),
        }
    }

    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Value>>> + Send> {
        Box::new(std::iter::once(self.rows()))
    }

    fn stage(&self, _: &Stage) -> Result<Option<TableRef>> {
        Ok(None)
    }

    fn collect(&self) -> Result<TableRef> {
        let rows = match &self.source {
            Source::Table(table) => table.collect()?.rows()?,
            Source::Items(items) => items.to_vec(),
        };
        let held = Groups {
            source: Source::Items(Arc::new(rows)),
            resource: self.resource,
            keys: Mutex::new(held_keys(&self.key_names(), &self.key_titles())),
            pruned: self.pruned.clone(),
            groups: OnceLock::new(),
        };
        // The keys are closures of this value; the held one gets what they gave.
        let _ = held.groups.set(self.groups());
        Ok(Arc::new(held))
    }

    fn with_resource(&self, resource: Option<Resource>) -> TableRef {
        let held = Groups {
            source: match &self.source {
                Source::Table(table) => Source::Table(table.with_resource(resource)),
                Source::Items(items) => Source::Items(items.clone()),
            },
            resource,
            keys: Mutex::new(held_keys(&self.key_names(), &self.key_titles())),
            pruned: self.pruned.clone(),
            groups: OnceLock::new(),
        };
        let _ = held.groups.set(self.groups());
        Arc::new(held)
    }

    fn plan(&self) -> Result<String> {
        let names: Vec<String> = self.key_names().iter().map(ToString::to_string).collect();
        let source = match &self.source {
            Source::Table(table) => table.plan()?,
            Source::Items(items) => format!("{} items in memory", items.len()),
        };
        Ok(format!("groups by {} of\n{source}", names.join(", ")))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Names for groups that are made already: their keys are never asked for again.
fn held_keys(names: &[Arc<str>], titles: &[Arc<str>]) -> Vec<GroupKey> {
    let pairs = names.iter().cloned().zip(titles.iter().cloned());
    pairs.map(|(name, title)| GroupKey { name, title, lowered: None, of: Box::new(|_| Ok(Value::Nothing)) }).collect()
}

/// The expression of a column path over a row, when queries can follow it.
pub(crate) fn lowered_path(path: &CellPath, span: diag::Span) -> Option<Expr> {
    let (first, rest) = path.0.split_first()?;
    let Step::Name(name) = &first.step else { return None };
    if first.any_case || first.optional {
        return None;
    }
    let column = Expr::new(ExprKind::Column(name.clone()), span);
    if rest.is_empty() {
        return Some(column);
    }
    Some(Expr::new(ExprKind::Path(Box::new(column), rest.to_vec()), span))
}
