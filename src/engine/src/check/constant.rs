//! Values known before anything runs.

use diag::{Diagnostic, Result, codes};
use value::Value;

use super::Checker;
use crate::command::Category;
use crate::data::Data;
use crate::program::{ArgumentValue, FieldNode, ListNode, Node, Op};
use crate::run::Interpreter;

/// Evaluates a node that uses no variables and only commands that compute.
pub(super) fn evaluate(checker: &Checker<'_>, node: &Node) -> Result<Value> {
    if let Some(value) = node.as_const() {
        return Ok(value.clone());
    }
    if let Some(span) = not_constant(node) {
        return Err(Diagnostic::new(codes::NOT_CONSTANT, "this is not known before the program runs")
            .label(span, "known only when it runs")
            .help("constants are made of literals, other constants, and commands that only compute"));
    }
    let mut interpreter = Interpreter::new(checker.context.clone(), checker.env.clone());
    let data: Data = interpreter.run_top(node, 0, true)?;
    data.into_value(checker.context.interrupt())
}

/// The part of a node that makes it no constant.
fn not_constant(node: &Node) -> Option<diag::Span> {
    let item = |item: &ListNode| match item {
        ListNode::Item(node) | ListNode::Spread(node) => not_constant(node),
    };
    match &node.op {
        Op::Const(_) => None,
        Op::Binary(_, sides) => not_constant(&sides.0).or_else(|| not_constant(&sides.1)),
        Op::Not(inner) | Op::Negate(inner) | Op::Path(inner, _) => not_constant(inner),
        Op::Interpolate(parts) => parts.iter().find_map(not_constant),
        Op::List(items) => items.iter().find_map(item),
        Op::Record(fields) => fields.iter().find_map(|field| match field {
            FieldNode::Field { value, .. } => not_constant(value),
            FieldNode::Spread(node) => not_constant(node),
        }),
        Op::Table { rows, .. } => rows.iter().flatten().find_map(not_constant),
        Op::Range { start, next, end, .. } => {
            let others = next.iter().chain(end).find_map(|part| not_constant(part));
            not_constant(start).or(others)
        }
        Op::Block(block) => block.statements.iter().find_map(not_constant),
        Op::Pipeline(stages) => stages.iter().find_map(|stage| match stage.input {
            Some(_) => Some(stage.node.span),
            None => not_constant(&stage.node),
        }),
        Op::If { condition, then, otherwise } => not_constant(condition)
            .or_else(|| not_constant(then))
            .or_else(|| otherwise.as_deref().and_then(not_constant)),
        Op::Call(call) => {
            let computes = matches!(
                call.command.0.category,
                Category::Tables | Category::Strings | Category::Math | Category::Formats | Category::Core
            ) || call.command.0.name.starts_with("path ");
            if !computes {
                return Some(call.head);
            }
            call.arguments.iter().flatten().find_map(|argument| match &argument.value {
                ArgumentValue::One(node) => not_constant(node),
                ArgumentValue::Many(items) => items.iter().find_map(item),
            })
        }
        // A closure that captures nothing is as constant as its text.
        Op::Closure { captures, .. } if captures.is_empty() => None,
        _ => Some(node.span),
    }
}
