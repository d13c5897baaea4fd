//! SQL over tables, by polars' own dialect.

use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use polars::prelude as pl;
use polars::prelude::IntoLazy as _;
use value::{Fields, TableRef};

use crate::construct::try_columns;
use crate::frame::Frame;
use crate::kind::{Columns, Kind, columns_of};
use crate::lower::{column, without_units};
use crate::run::caught;

/// The result of a query over tables by their names; nothing is read yet. Durations and datetimes are SQL's own,
/// filesizes numbers of bytes.
///
/// # Errors
/// `BAD_SQL`, `NOT_TABULAR` when the rows of a table are unlike.
pub fn query(text: &str, tables: &[(Arc<str>, TableRef)]) -> Result<TableRef> {
    let mut context = polars::sql::SQLContext::new();
    let mut sources: Option<Frame> = None;
    for (name, table) in tables {
        let frame = frame(name, table)?;
        context.register(name, frame.query.clone().select(without_units(&frame.columns)));
        sources = Some(match sources {
            Some(sources) => sources.with(&frame, frame.query.clone(), Vec::new()),
            None => frame,
        });
    }
    let (query, schema) = caught(|| {
        let mut query = context.execute(text)?;
        let schema = query.collect_schema()?;
        Ok((query, schema))
    })
    .map_err(bad_sql)?;
    let mut columns: Columns = Vec::with_capacity(schema.len());
    let mut casts = Vec::with_capacity(schema.len());
    for (name, dtype) in schema.iter() {
        let kind = Kind::of_storage(dtype).ok_or_else(|| {
            Diagnostic::new(codes::BAD_SQL, format!("its column `{name}` has a type that no table has"))
                .help("`cast(… as …)` makes another one of it")
        })?;
        casts.push(if kind.storage() == *dtype { column(name) } else { column(name).strict_cast(kind.storage()) });
        columns.push((name.as_str().into(), kind));
    }
    if columns.is_empty() {
        return Ok(crate::construct::empty(Fields::default()));
    }
    let query = query.select(casts);
    let mut made = match &sources {
        Some(sources) => sources.then(query, columns),
        None => Frame::over(query, columns, Vec::new()),
    };
    // What is in a query cannot be told from outside.
    (made.united, made.sorted, made.passes, made.resource) = (true, true, true, None);
    Ok(Arc::new(made))
}

fn frame(name: &str, table: &TableRef) -> Result<Frame> {
    if let Some(frame) = try_columns(table)?.as_any().downcast_ref::<Frame>() {
        return Ok(frame.clone());
    }
    let fields = table.schema()?;
    if table.is_empty()? && !fields.columns.is_empty() {
        let columns = columns_of(&fields).unwrap_or_else(|| {
            fields.columns.iter().map(|(name, of)| (name.clone(), Kind::of_type(of).unwrap_or(Kind::String))).collect()
        });
        let schema: pl::Schema = columns.iter().map(|(name, kind)| ((&**name).into(), kind.storage())).collect();
        return Ok(Frame::over(pl::DataFrame::empty_with_schema(&schema).lazy(), columns, Vec::new()));
    }
    Err(Diagnostic::new(
        codes::NOT_TABULAR,
        format!("SQL needs rows with the same fields and one type in each; those of `{name}` differ"),
    )
    .help("`select` the fields that all rows have, or make their types one"))
}

/// Whatever polars says of a query before it runs is about the text.
fn bad_sql(mut error: Box<Diagnostic>) -> Box<Diagnostic> {
    if error.code == codes::NO_SUCH_COLUMN || error.code == codes::QUERY_FAILED {
        error.code = codes::BAD_SQL;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::{Record, Value};

    fn table(rows: &[(&str, i64)]) -> TableRef {
        let row = |(name, n): &(&str, i64)| {
            let fields: Record = [("topic", Value::from(*name)), ("n", Value::Int(*n)), ("took", Value::Duration(*n))]
                .into_iter()
                .collect();
            Value::record(fields)
        };
        crate::as_rows(rows.iter().map(row).collect(), None).unwrap()
    }

    #[test]
    fn what_a_query_gives_has_types_of_ours() {
        let tables = [("self".into(), table(&[("a", 1), ("b", 2), ("a", 3)]))];
        let text = "select topic, sum(n) as n, max(took) as longest from self group by topic order by topic";
        let result = query(text, &tables).unwrap();
        assert_eq!(
            value::Type::Table(result.schema().unwrap()).to_string(),
            "table<topic: string, n: int, longest: duration>"
        );
        assert_eq!(result.len().unwrap(), 2);
        assert_eq!(
            format!("{:?}", result.column("longest").unwrap()),
            format!("{:?}", [Value::Duration(3), Value::Duration(2)])
        );
    }

    #[test]
    fn errors_say_what_is_wrong_in_words_of_ours() {
        let tables = [("self".into(), table(&[("a", 1)]))];
        let error = query("select topi from self", &tables).err().unwrap();
        assert_eq!((error.code, error.message.as_str()), (codes::BAD_SQL, "there is no column `topi`"));
        assert!(error.help.iter().any(|help| help.contains("`topic`")), "{error:?}");
        let error = query("select * from other", &tables).err().unwrap();
        assert!(error.code == codes::BAD_SQL && error.message.contains("other"), "{error:?}");
        assert_eq!(query("", &tables).err().map(|error| error.code), Some(codes::BAD_SQL));
    }
}
