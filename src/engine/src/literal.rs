//! Values as programs write them, read without running anything: what `to nuon` writes.

use diag::{Diagnostic, Result, Sources, codes};
use syntax::ast::{Expr, ExprKind, ListItem, Literal, Member, RecordItem, Step, UnaryOp};
use value::{CellPath, DateTime, PathMember, Range, Record, Value};

/// Reads one value. A text of nothing but blanks and comments is null.
///
/// # Errors
/// `NOT_THAT_FORMAT` with labels into the text, which is held by `sources`, when the text is no value, or one that
/// would have to be computed.
pub fn read(text: &str, sources: &Sources) -> Result<Value> {
    // Between brackets a bare word is a string; at the beginning of a program it would be a command.
    let source = sources.add("<text>", format!("[\n{text}\n]"));
    let parsed = syntax::parse(&source);
    if let Some(error) = parsed.errors.into_iter().next() {
        let told = Diagnostic::new(codes::NOT_THAT_FORMAT, format!("this is not a value: {}", error.message));
        return Err(error.labels.into_iter().fold(told, |told, label| told.label(label.span, label.text)));
    }
    let items = match parsed.block.statements.as_slice() {
        [one] => match one.elements.as_slice() {
            [element] => match &element.expr.kind {
                ExprKind::List(items) => items.as_slice(),
                _ => return Err(computed(&element.expr)),
            },
            _ => &[],
        },
        _ => &[],
    };
    match items {
        [] => Ok(Value::Nothing),
        [ListItem::Item(expr)] => value(expr),
        [ListItem::Spread(expr), ..] => Err(computed(expr)),
        [_, ListItem::Item(expr) | ListItem::Spread(expr), ..] => {
            Err(Diagnostic::new(codes::NOT_THAT_FORMAT, "this is more than one value")
                .label(expr.span, "the second one")
                .help("values that belong together stand in brackets"))
        }
    }
}

fn value(expr: &Expr) -> Result<Value> {
    Ok(match &expr.kind {
        ExprKind::Literal(literal) => match literal {
            Literal::Null => Value::Nothing,
            Literal::Bool(b) => Value::Bool(*b),
            Literal::Int(n) => Value::Int(*n),
            Literal::Float(x) => Value::Float(*x),
            Literal::Duration(nanos) => Value::Duration(*nanos),
            Literal::Filesize(bytes) => Value::Filesize(*bytes),
            Literal::String(text) => Value::string(&**text),
            Literal::Binary(bytes) => Value::binary(bytes.to_vec()),
            Literal::DateTime(text) => Value::DateTime(DateTime::parse(text).ok_or_else(|| {
                Diagnostic::new(codes::NOT_THAT_FORMAT, format!("`{text}` is not a date that exists"))
                    .label(expr.span, "no such day or time")
            })?),
        },
        ExprKind::Bare(text) => Value::string(&**text),
        ExprKind::Unary { op, operand } if op.node == UnaryOp::Minus => value::ops::negate(&value(operand)?)?,
        ExprKind::CellPath(members) => Value::cell_path(CellPath(members.iter().map(member).collect())),
        ExprKind::List(items) => Value::list(items.iter().map(item).collect::<Result<Vec<_>>>()?),
        ExprKind::Record(fields) => {
            let mut record = Record::new();
            for field in fields {
                match field {
                    RecordItem::Field { key, value: of } => record.insert(name(key)?, value(of)?),
                    RecordItem::Spread(expr) => return Err(computed(expr)),
                }
            }
            Value::record(record)
        }
        ExprKind::Table { columns, rows } => {
            let names = columns.iter().map(name).collect::<Result<Vec<_>>>()?;
            let row = |row: &Expr| match &row.kind {
                ExprKind::List(cells) if cells.len() == names.len() => {
                    let cells = cells.iter().map(item).collect::<Result<Vec<_>>>()?;
                    Ok(Value::record(names.iter().cloned().zip(cells).collect()))
                }
                _ => Err(Diagnostic::new(codes::NOT_THAT_FORMAT, "a row has one cell for each column")
                    .label(row.span, format!("the columns are {}", names.len()))),
            };
            Value::list(rows.iter().map(row).collect::<Result<Vec<_>>>()?)
        }
        // `{}` is an empty record wherever a value is expected.
        ExprKind::Block(block) if block.statements.is_empty() => Value::record(Record::new()),
        ExprKind::Range { start, next, end, inclusive } => {
            let part = |part: &Option<Box<Expr>>| part.as_ref().map(|part| value(part)).transpose();
            let (start, next, end) = (part(start)?.unwrap_or(Value::Int(0)), part(next)?, part(end)?);
            Value::range(Range::new(&start, next.as_ref(), end.as_ref(), *inclusive)?)
        }
        _ => return Err(computed(expr)),
    })
}

fn item(item: &ListItem) -> Result<Value> {
    match item {
        ListItem::Item(expr) => value(expr),
        ListItem::Spread(expr) => Err(computed(expr)),
    }
}

fn name(key: &Expr) -> Result<String> {
    match value(key)? {
        Value::String(text) => Ok(text.to_string()),
        other => Ok(value::text::to_text(&other)),
    }
}

fn member(member: &Member) -> PathMember {
    let step = match &member.step {
        Step::Name(name) => value::Step::Name(name.clone()),
        Step::Index(index) => value::Step::Index(*index),
    };
    PathMember { step, optional: member.optional, any_case: member.any_case }
}

fn computed(expr: &Expr) -> Box<Diagnostic> {
    Diagnostic::new(codes::NOT_THAT_FORMAT, "only values can be read, nothing that is computed")
        .label(expr.span, "would be computed")
        .help("a text that begins with a digit or holds a bracket, `$` or a quote stands in quotes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_a_literal_is_read() {
        for text in [
            "null",
            "-5",
            "[1, 2.5, true]",
            "{a: 1kb, \"b c\": [x, \"y z\"]}",
            "2026-01-31T10:00:00+01:00",
            "0x[ff 00]",
            "1..10",
            "$.a.0",
            "-3min",
        ] {
            let read = read(text, &Sources::new()).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let again = super::read(&value::literal::to_literal(&read), &Sources::new()).unwrap();
            assert_eq!(value::literal::to_literal(&again), value::literal::to_literal(&read), "{text}");
        }
        assert!(read(" # nothing\n", &Sources::new()).unwrap().is_nothing());
        assert_eq!(read("[[a b]; [1 2] [3 4]]", &Sources::new()).unwrap().items().unwrap().len(), 2);
    }

    #[test]
    fn nothing_is_computed() {
        for text in ["(1 + 2)", "$x", "1 + 2", "{a: (rm x)}", "[...$a]", "1 2", "{|x| $x}", "$\"a(b)\"", "[1"] {
            let error = read(text, &Sources::new()).unwrap_err();
            assert_eq!(error.code, codes::NOT_THAT_FORMAT, "{text}");
        }
    }
}
