//! One command from bash: `dora dataflow list --output json`.
//!
//! The words are bound by the same checker, to the same declarations, as a line of the language; only that the
//! caller's shell has already split and unquoted them. A mistake is shown under the caller's own words.

use std::sync::Arc;

use diag::{Source, Sources, Span};
use engine::command::{Kind, Takes};
use engine::{Command, Param, Registry};
use syntax::ast::{Argument, Block, Call, Element, Expr, ExprKind, PipeFrom, Pipeline, RecordItem, Spanned};
use syntax::literal;

/// The words as a program of one call.
pub fn call(words: &[String], registry: &Registry, sources: &Sources) -> (Block, Arc<Source>) {
    let mut text = String::new();
    let mut places = Vec::with_capacity(words.len());
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        let start = text.len();
        text.push_str(&shown(word));
        places.push((start, text.len()));
    }
    let source = sources.add("<arguments>", text);
    let whole = Span::new(source.id, 0, source.text.len());
    let mut arguments = Vec::new();
    let mut flags = true;
    let mut head = None;
    for (word, (start, end)) in words.iter().zip(places) {
        let span = Span::new(source.id, start, end);
        if head.is_none() {
            head = Some(Expr { kind: ExprKind::Bare(word.as_str().into()), span });
            continue;
        }
        arguments.push(argument(word, span, flags));
        flags &= word != "--";
    }
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some((command, ..)) = registry.longest(&texts) {
        arguments = gather(arguments, command);
    }
    let head = head.unwrap_or(Expr { kind: ExprKind::Error, span: whole });
    let call = Call { sigil: None, head, arguments };
    let expr = Expr { kind: ExprKind::Call(Box::new(call)), span: whole };
    let element = Element { env: Vec::new(), expr, redirections: Vec::new(), pipe: PipeFrom::Out, span: whole };
    let pipeline = Pipeline { elements: vec![element], span: whole };
    (Block { statements: vec![pipeline], span: whole }, source)
}

fn argument(word: &str, span: Span, flags: bool) -> Argument {
    if flags && word == "--" {
        return Argument::EndOfFlags(span);
    }
    if let Some(long) = word.strip_prefix("--").filter(|_| flags) {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(plain(value, span))),
            None => (long, None),
        };
        return Argument::Long { name: Spanned { node: name.into(), span }, value, span };
    }
    if let Some(letters) = word.strip_prefix('-').filter(|letters| flags && letters.starts_with(char::is_alphabetic)) {
        return Argument::Short { letters: Spanned { node: letters.into(), span }, span };
    }
    Argument::Positional { text: word.into(), expr: plain(word, span) }
}

/// Takes `--env A=1 --env B=2` together as the record that the flag takes.
fn gather(arguments: Vec<Argument>, command: &Command) -> Vec<Argument> {
    let takes_record = |flag: &Argument| {
        let is_it = |param: &&Param| match flag {
            Argument::Long { name, .. } => param.name == &*name.node,
            Argument::Short { letters, .. } => param.short().is_some_and(|short| letters.node.chars().eq([short])),
            _ => false,
        };
        let param = command.params.iter().find(is_it)?;
        matches!((param.kind, param.takes), (Kind::Flag(_), Takes::Type("record"))).then_some(param.name)
    };
    let mut gathered: Vec<Argument> = Vec::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let (name, span) = match (takes_record(&argument), &argument) {
            (Some(name), Argument::Long { span, .. } | Argument::Short { span, .. }) => (name, *span),
            _ => {
                gathered.push(argument);
                continue;
            }
        };
        let field = match &argument {
            Argument::Long { value: Some(value), .. } => pair(value),
            _ => arguments.peek().and_then(|next| match next {
                Argument::Positional { expr, .. } => pair(expr),
                _ => None,
            }),
        };
        let Some(field) = field else {
            gathered.push(argument);
            continue;
        };
        if !matches!(argument, Argument::Long { value: Some(_), .. }) {
            arguments.next();
        }
        let before = gathered.iter_mut().find_map(|known| match known {
            Argument::Long { name: known, value: Some(Expr { kind: ExprKind::Record(fields), .. }), .. }
                if &*known.node == name =>
            {
                Some(fields)
            }
            _ => None,
        });
        match before {
            Some(fields) => fields.push(field),
            None => {
                let record = Expr { kind: ExprKind::Record(vec![field]), span };
                gathered.push(Argument::Long { name: Spanned { node: name.into(), span }, value: Some(record), span });
            }
        }
    }
    gathered
}

/// `NAME=value` as a field. The value is text, whatever it looks like.
fn pair(word: &Expr) -> Option<RecordItem> {
    let ExprKind::Bare(text) = &word.kind else { return None };
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty())?;
    let part = |text: &str| Expr { kind: ExprKind::Bare(text.into()), span: word.span };
    Some(RecordItem::Field { key: part(name), value: part(value) })
}

/// What a word reads as by itself: a number, a duration, or text.
fn plain(word: &str, span: Span) -> Expr {
    let kind = match literal::read(word) {
        Some(Ok(literal)) => ExprKind::Literal(literal),
        _ => ExprKind::Bare(word.into()),
    };
    Expr { kind, span }
}

/// A word as one would type it.
fn shown(word: &str) -> String {
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "'\"|;()[]{}$#`".contains(c)) {
        format!("'{word}'")
    } else {
        word.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry {
        Registry::new(&commands::all(), commands::ALIASES)
    }

    #[test]
    fn a_flag_that_takes_a_record_takes_pairs_one_after_another() {
        let arguments =
            words(&["dataflow", "start", "a.yml", "--env", "A=007", "--name", "x", "--env=B=1=2", "-e", "C="]);
        let fields: Vec<(String, String)> = arguments
            .iter()
            .filter_map(|argument| match argument {
                Argument::Long { name, value: Some(Expr { kind: ExprKind::Record(fields), .. }), .. } => {
                    assert_eq!(&*name.node, "env");
                    Some(fields)
                }
                _ => None,
            })
            .flatten()
            .map(|field| match field {
                RecordItem::Field { key, value } => match (&key.kind, &value.kind) {
                    (ExprKind::Bare(key), ExprKind::Bare(value)) => (key.to_string(), value.to_string()),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            })
            .collect();
        let text = |text: &str| text.to_string();
        assert_eq!(fields, [(text("A"), text("007")), (text("B"), text("1=2")), (text("C"), text(""))]);
        assert_eq!(arguments.len(), 5, "{arguments:?}");
    }

    fn words(words: &[&str]) -> Vec<Argument> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_string()).collect();
        let (block, _) = call(&words, &registry(), &Sources::new());
        match &block.statements[0].elements[0].expr.kind {
            ExprKind::Call(call) => call.arguments.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_after_two_dashes_are_no_flags() {
        let arguments = words(&["echo", "--", "--all", "-x"]);
        assert!(matches!(&arguments[1], Argument::Positional { text, .. } if &**text == "--all"));
        assert!(matches!(&arguments[2], Argument::Positional { text, .. } if &**text == "-x"));
    }

    #[test]
    fn a_negative_number_is_no_flag_and_a_flag_may_carry_its_value() {
        let arguments = words(&["first", "-5", "--tail=20", "-ab"]);
        assert!(matches!(&arguments[0], Argument::Positional { .. }));
        assert!(matches!(&arguments[1], Argument::Long { value: Some(_), .. }));
        assert!(matches!(&arguments[2], Argument::Short { .. }));
    }

    #[test]
    fn spans_lie_under_the_words() {
        let words = ["open".to_string(), "a file.csv".to_string()];
        let (block, source) = call(&words, &registry(), &Sources::new());
        let ExprKind::Call(call) = &block.statements[0].elements[0].expr.kind else { panic!() };
        let Argument::Positional { expr, .. } = &call.arguments[0] else { panic!() };
        assert_eq!(source.slice(expr.span), "'a file.csv'");
    }
}
