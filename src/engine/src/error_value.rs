//! Errors as programs see them: records, in `catch {|e| … }`, and back.

use std::sync::Arc;

use diag::{Diagnostic, Sources, codes};
use value::{Record, Value};

/// What a diagnostic carries besides its words: fields that its record has too, such as `changes` or `exit_code`.
pub struct Fields(pub Record);

/// Asks the session to end with an exit code. Nothing catches it.
pub struct ExitRequest(pub i32);

/// The error that ends the session with an exit code.
pub fn exit_request(code: i32) -> Box<Diagnostic> {
    Diagnostic::new(codes::EXIT, format!("exit {code}")).data(Arc::new(ExitRequest(code)))
}

/// The exit code asked for, when this is a request to end.
pub fn exit_requested(error: &Diagnostic) -> Option<i32> {
    error.data.as_ref()?.downcast_ref::<ExitRequest>().map(|request| request.0)
}

/// Whether `try` may hold it: neither an interrupt nor an exit.
pub fn is_catchable(error: &Diagnostic) -> bool {
    error.code != codes::INTERRUPTED && error.code != codes::EXIT
}

/// Attaches fields for `catch`.
pub fn with_fields(error: Box<Diagnostic>, fields: Record) -> Box<Diagnostic> {
    error.data(Arc::new(Fields(fields)))
}

/// The attached fields, if any.
pub fn fields(error: &Diagnostic) -> Option<&Record> {
    error.data.as_ref()?.downcast_ref::<Fields>().map(|fields| &fields.0)
}

/// The error as a record: `code, msg, labels, help, cause, next, retryable`, and what was attached.
pub fn to_value(error: &Diagnostic, sources: &Sources) -> Value {
    let labels = error.labels.iter().map(|label| {
        let mut record: Record = [("text", Value::string(&*label.text))].into_iter().collect();
        if let Some(source) = sources.get(label.span.source) {
            let (line, column) = source.line_column(label.span.start as usize);
            record.insert("source", Value::string(&*source.name));
            record.insert("line", Value::Int(line as i64));
            record.insert("column", Value::Int(column as i64));
        }
        record.insert("start", Value::Int(label.span.start.into()));
        record.insert("end", Value::Int(label.span.end.into()));
        Value::record(record)
    });
    let causes = error
        .causes
        .iter()
        .flat_map(|cause| std::iter::once(cause.title.clone()).chain(cause.detail.iter().cloned()).map(Value::string));
    let mut record: Record = [
        ("code", Value::string(error.code.id())),
        ("msg", Value::string(&*error.message)),
        ("labels", Value::list(labels.collect::<Vec<_>>())),
        ("help", error.help.as_deref().into()),
        ("cause", Value::list(causes.collect::<Vec<_>>())),
        ("next", Value::list(error.next.iter().map(|next| Value::string(&**next)).collect::<Vec<_>>())),
        ("retryable", Value::Bool(error.retryable)),
    ]
    .into_iter()
    .collect();
    if let Some(fields) = fields(error) {
        for (name, value) in fields.iter() {
            record.insert(name, value.clone());
        }
    }
    Value::record(record)
}
