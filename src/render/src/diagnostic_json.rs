//! A failure as JSON.

use diag::{Diagnostic, Label, Sources};
use serde_json::{Value, json};

use crate::diagnostic::flatten;

/// One JSON object on one line for the diagnostic and for each related one: `code`, `message`, `labels` (source,
/// line and column from 1, offset and length in bytes, text), `cause` (title and detail lines, nearest first),
/// `help`, `next`, `retryable`, `elapsed_ms`, and `docs`, the command that explains the code. Ends with a line
/// break.
pub fn diagnostic_to_json(diagnostic: &Diagnostic, sources: &Sources) -> String {
    flatten(diagnostic).into_iter().map(|one| format!("{}\n", object(one, sources))).collect()
}

fn object(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let cause = |cause: &diag::Cause| json!({ "title": cause.title, "detail": cause.detail });
    json!({
        "code": diagnostic.code.id(),
        "message": diagnostic.message,
        "labels": diagnostic.labels.iter().map(|one| label(one, sources)).collect::<Vec<_>>(),
        "cause": diagnostic.causes.iter().map(cause).collect::<Vec<_>>(),
        "help": diagnostic.help,
        "next": diagnostic.next,
        "retryable": diagnostic.retryable,
        "elapsed_ms": diagnostic.elapsed.map(|elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)),
        "docs": format!("dora error explain {}", diagnostic.code.id()),
    })
}

fn label(label: &Label, sources: &Sources) -> Value {
    let source = sources.get(label.span.source);
    let place = source.as_ref().map(|source| source.line_column(label.span.start as usize));
    json!({
        "source": source.as_ref().map(|source| &source.name),
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "offset": label.span.start,
        "length": label.span.end.saturating_sub(label.span.start),
        "text": label.text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use diag::{Span, codes};

    #[test]
    fn each_problem_is_one_line_with_its_places() {
        let sources = Sources::new();
        let source = sources.add("a.dora", "let é = 1\nfoo\n");
        let other = Diagnostic::new(codes::WRONG_TYPE, "another");
        let failure = Diagnostic::new(codes::NO_SUCH_COLUMN, "first")
            .label(Span::new(source.id, 11, 14), "here")
            .cause_with("why", vec!["line".into()])
            .next("dataflow list")
            .related(*other);
        let text = diagnostic_to_json(&failure, &sources);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        let expected = json!([{"source": "a.dora", "line": 2, "column": 1, "offset": 11, "length": 3, "text": "here"}]);
        assert_eq!(lines[0]["labels"], expected);
        assert_eq!(lines[0]["cause"][0]["detail"][0], "line");
        assert_eq!(lines[1]["code"], "DORA_E308");
        assert_eq!(lines[1]["help"], Value::Null);
    }
}
