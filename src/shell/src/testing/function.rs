//! Tests in programs.

use std::path::Path;

use diag::{Diagnostic, Result};
use engine::Session;
use syntax::ast::{self, Keyword};

use super::Test;

/// The tests of a program.
///
/// # Errors
/// The mistakes in it, which would be those of every test.
pub(super) fn tests(session: &Session, file: &Path, text: &str) -> Result<Vec<Test>> {
    let name = file.display().to_string();
    let source = session.context().sources().add(&name, text);
    if let Some(error) = Diagnostic::combine(session.check(&source).errors) {
        return Err(error);
    }
    let parsed = syntax::parse(&source);
    let mut found = Vec::new();
    let mut attributes: Vec<(String, Vec<ast::Argument>)> = Vec::new();
    for statement in &parsed.block.statements {
        match statement.keyword() {
            Some(Keyword::Attribute { name, arguments }) => attributes.push((name.node.to_string(), arguments.clone())),
            Some(Keyword::Def { name: function, .. }) => {
                let said = std::mem::take(&mut attributes);
                let has = |wanted: &str| said.iter().find(|(name, _)| name == wanted);
                let function = function.node.to_string();
                if has("test").is_some() || function.starts_with("test_") || function.starts_with("test ") {
                    let ignored = has("ignore").map(|(_, why)| words(why));
                    found.push(test_of(&name, text, &function, ignored));
                }
                let examples = said.iter().filter(|(name, _)| name == "example").enumerate();
                found.extend(
                    examples.filter_map(|(at, (_, arguments))| example_of(&name, text, &function, at, arguments)),
                );
            }
            _ => attributes.clear(),
        }
    }
    Ok(found)
}

/// What stands behind an attribute, as text.
fn words(arguments: &[ast::Argument]) -> String {
    let texts = arguments.iter().filter_map(|argument| match argument {
        ast::Argument::Positional { expr, text } => match &expr.kind {
            ast::ExprKind::Literal(ast::Literal::String(text)) => Some(text.to_string()),
            _ => Some(text.to_string()),
        },
        _ => None,
    });
    let text = texts.collect::<Vec<_>>().join(" ");
    if text.is_empty() { "no reason is given".to_string() } else { text }
}

fn test_of(file: &str, text: &str, function: &str, ignored: Option<String>) -> Test {
    let (file, text, function) = (file.to_string(), text.to_string(), function.to_string());
    Test {
        name: format!("{file}: {function}"),
        ignored,
        run: Box::new(move |session| {
            load(session, &file, &text)?;
            // What a test gives is of no interest; streams in it are read to their end all the same.
            session.value(&function).map(drop)
        }),
    }
}

/// `@example "about" { code } --result value`
fn example_of(file: &str, text: &str, function: &str, at: usize, arguments: &[ast::Argument]) -> Option<Test> {
    let part = |expr: &ast::Expr| text.get(expr.span.range()).map(str::to_string);
    let code = arguments.iter().find_map(|argument| match argument {
        ast::Argument::Positional { expr, .. } => match &expr.kind {
            ast::ExprKind::Block(_) => part(expr),
            _ => None,
        },
        _ => None,
    })?;
    let flag = arguments
        .iter()
        .position(|argument| matches!(argument, ast::Argument::Long { name, .. } if &*name.node == "result"))?;
    let result = match (arguments.get(flag), arguments.get(flag + 1)) {
        (Some(ast::Argument::Long { value: Some(value), .. }), _) => part(value),
        (_, Some(ast::Argument::Positional { expr, .. })) => part(expr),
        _ => None,
    }?;
    let (file, text) = (file.to_string(), text.to_string());
    Some(Test {
        name: format!("{file}: example {} of {function}", at + 1),
        ignored: None,
        run: Box::new(move |session| {
            load(session, &file, &text)?;
            let code = code.trim_start_matches('{').trim_end_matches('}');
            super::example::compare(session, code, &result)
        }),
    })
}

/// Runs the file itself, whose definitions the test needs.
fn load(session: &mut Session, file: &str, text: &str) -> Result<()> {
    let directory = session.env().cwd().join(file);
    if let Some(directory) = directory.parent() {
        session.env_mut().set("FILE_PWD", value::Value::string(directory.to_string_lossy()));
    }
    let data = session.run(file, text, true).result?;
    data.into_value(session.context().interrupt()).map(drop)
}
