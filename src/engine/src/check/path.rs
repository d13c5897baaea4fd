//! Types along cell paths.

use std::sync::Arc;

use diag::{Diagnostic, Result, Span, codes, suggest};
use syntax::ast;
use value::{Fields, PathMember, Step, Type};

/// Members as values know them.
pub(super) fn members(members: &[ast::Member]) -> Arc<[PathMember]> {
    members
        .iter()
        .map(|member| PathMember {
            step: match &member.step {
                ast::Step::Name(name) => Step::Name(name.clone()),
                ast::Step::Index(index) => Step::Index(*index),
            },
            optional: member.optional,
            any_case: member.any_case,
        })
        .collect()
}

/// The type a path leads to.
///
/// # Errors
/// `UNKNOWN_COLUMN` for a column that is certainly not there, `NO_SUCH_PATH` where there is nothing to go into.
pub(super) fn type_at(of: &Type, path: &[PathMember], span_of: &dyn Fn(usize) -> Span) -> Result<Type> {
    let mut of = of.clone();
    for (at, member) in path.iter().enumerate() {
        of = step(&of, member, span_of(at))?;
        // As when it runs: what an optional member lacks ends the path.
        if of == Type::Nothing && member.optional {
            return Ok(of);
        }
    }
    Ok(of)
}

fn step(of: &Type, member: &PathMember, span: Span) -> Result<Type> {
    let name = match &member.step {
        Step::Index(_) => {
            return match of {
                Type::List(_) | Type::Table(_) | Type::Range if !member.optional => Ok(of.item()),
                Type::Binary => Ok(Type::Int),
                Type::Int | Type::Float | Type::Bool | Type::Duration | Type::Filesize | Type::DateTime
                    if !member.optional =>
                {
                    Err(nothing_inside(of, span))
                }
                _ => Ok(Type::Any),
            };
        }
        Step::Name(name) => name,
    };
    match of {
        Type::Record(fields) => column(fields, name, member, span),
        Type::Table(fields) => Ok(Type::list(column(fields, name, member, span)?)),
        Type::List(inner) => match &**inner {
            Type::Record(fields) => Ok(Type::list(column(fields, name, member, span)?)),
            inner if is_scalar(inner) && !member.optional => Err(nothing_inside(inner, span)),
            _ => Ok(Type::Any),
        },
        of if is_scalar(of) && !member.optional => Err(nothing_inside(of, span)),
        _ => Ok(Type::Any),
    }
}

/// Whether a value of this type has no parts with names, whatever it is.
fn is_scalar(of: &Type) -> bool {
    matches!(
        of,
        Type::Int
            | Type::Float
            | Type::Number
            | Type::Bool
            | Type::Duration
            | Type::Filesize
            | Type::DateTime
            | Type::Binary
            | Type::String
            | Type::Word(_)
            | Type::Nothing
    )
}

fn nothing_inside(of: &Type, span: Span) -> Box<Diagnostic> {
    Diagnostic::new(codes::NO_SUCH_PATH, format!("{of} has no parts to go into"))
        .label(span, format!("this goes into {of}"))
}

fn column(fields: &Fields, name: &str, member: &PathMember, span: Span) -> Result<Type> {
    if let Some(of) = fields.get(name) {
        return Ok(of.clone());
    }
    if member.any_case
        && let Some((_, of)) = fields.columns.iter().find(|(known, _)| known.to_lowercase() == name.to_lowercase())
    {
        return Ok(of.clone());
    }
    if fields.open {
        return Ok(Type::Any);
    }
    if member.optional {
        return Ok(Type::Nothing);
    }
    Err(unknown_column(fields, name, span))
}

/// The error for a column that a closed set of fields does not have.
pub(super) fn unknown_column(fields: &Fields, name: &str, span: Span) -> Box<Diagnostic> {
    let error =
        Diagnostic::new(codes::UNKNOWN_COLUMN, format!("there is no column `{name}`")).label(span, "no such column");
    if let Some(near) = suggest::did_you_mean(name, fields.names()) {
        return error.help(near);
    }
    let names: Vec<&str> = fields.names().collect();
    match names.len() {
        0 => error.help("there are no columns at all; `?` after the name gives null instead"),
        1..=12 => error.help(format!("the columns are: {}", names.join(", "))),
        more => error.help(format!("there are {more} columns: {}, …", names[..10].join(", "))),
    }
}
