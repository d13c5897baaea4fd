//! Computing along a column: from row to row, within the rows that are equal in the columns of `--by`.

use std::collections::HashMap;

use crate::prelude::*;
use crate::rows;

/// Which columns tell the parts of a table that are computed each on its own.
pub(crate) const BY: Param = Param::flag(
    "by",
    Some('b'),
    Takes::Type("oneof<string, list<string>>"),
    "Do so within the rows that are equal in these columns",
);

/// A table, and which of its rows belong together.
pub(crate) struct Parts {
    pub table: TableRef,
    /// The rows' numbers, in order.
    pub parts: Vec<Vec<usize>>,
}

impl Parts {
    /// The input, in the parts that `--by` asks for.
    pub(crate) fn of(call: &Call<'_>, input: Data) -> Result<Parts> {
        rows::want_items(call, &input)?;
        let table = rows::as_table(call, input)?;
        let by = names(call, "by");
        if by.is_empty() {
            let rows = table.len()?;
            return Ok(Parts { table, parts: vec![(0..rows).collect()] });
        }
        let keys = by.iter().map(|name| column(call, "by", &table, name)).collect::<Result<Vec<_>>>()?;
        let mut places: HashMap<table::Key, usize> = HashMap::new();
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for row in 0..keys.first().map_or(0, Vec::len) {
            call.interrupt().check()?;
            let key = table::key_of_all(keys.iter().map(|column| &column[row]));
            let at = *places.entry(key).or_insert(parts.len());
            if at == parts.len() {
                parts.push(Vec::new());
            }
            parts[at].push(row);
        }
        Ok(Parts { table, parts })
    }

    /// The table with a column computed from another one: `compute` gets the values of one part and gives as many.
    pub(crate) fn compute(
        self,
        call: &Call<'_>,
        name: &str,
        values: &[Value],
        mut compute: impl FnMut(Vec<&Value>) -> Result<Vec<Value>>,
    ) -> Result<Parts> {
        let mut results = vec![Value::Nothing; values.len()];
        for part in &self.parts {
            call.interrupt().check()?;
            let computed = compute(part.iter().map(|row| &values[*row]).collect())?;
            part.iter().zip(computed).for_each(|(row, value)| results[*row] = value);
        }
        Ok(Parts { table: table::with_column(&self.table, name, results)?, parts: self.parts })
    }

    pub(crate) fn into_data(self) -> Data {
        Data::Value(Value::table(self.table))
    }
}

/// The names that a parameter gives as one text or a list.
pub(crate) fn names(call: &Call<'_>, parameter: &str) -> Vec<Arc<str>> {
    match call.value(parameter) {
        Some(Value::List(names)) => names.iter().filter_map(|name| name.as_str().map(Arc::from)).collect(),
        Some(name) => name.as_str().map(Arc::from).into_iter().collect(),
        None => Vec::new(),
    }
}

/// That there is such a column.
///
/// # Errors
/// `NO_SUCH_COLUMN`, at the parameter that named it.
pub(crate) fn must_have(call: &Call<'_>, parameter: &str, fields: &Fields, name: &str) -> Result<()> {
    if fields.get(name).is_some() {
        return Ok(());
    }
    let error = value::cell_path::unknown_column(name, fields.columns.iter().map(|(name, _)| &**name));
    Err(error.label(call.span(parameter), "here"))
}

/// The values of a column; what a ragged table's rows lack is null.
///
/// # Errors
/// `NO_SUCH_COLUMN`, at the parameter that named it.
pub(crate) fn column(call: &Call<'_>, parameter: &str, table: &TableRef, name: &str) -> Result<Vec<Value>> {
    let schema = table.schema()?;
    if schema.columns.is_empty() {
        return Ok(Vec::new());
    }
    must_have(call, parameter, &schema, name)?;
    if table::is_columnar(table) {
        return table.column(name);
    }
    let cell = |row: Value| row.as_record().and_then(|row| row.get(name)).cloned().unwrap_or_default();
    Ok(table.rows()?.into_iter().map(cell).collect())
}
