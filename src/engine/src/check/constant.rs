//! Values known before anything runs.

use diag::{Diagnostic, Result, Span, codes};
use value::Value;

use super::Checker;
use crate::call::ClosureValue;
use crate::command::Effect;
use crate::data::Data;
use crate::program::{ArgumentValue, FieldNode, Function, FunctionParamKind, ListNode, NameNode, Node, Op, Pattern};
use crate::run::Interpreter;

/// Evaluates a node that uses no variables and only commands that compute.
pub(super) fn evaluate(checker: &Checker<'_>, node: &Node) -> Result<Value> {
    if let Some(value) = node.as_const() {
        return Ok(value.clone());
    }
    if let Some(span) = (Look { in_closure: false, may_be_called: false }).not_constant(node) {
        return Err(Diagnostic::new(codes::NOT_CONSTANT, "this is not known before the program runs")
            .label(span, "known only when it runs")
            .help("constants are made of literals, other constants, and commands that only compute"));
    }
    let mut interpreter = Interpreter::new(checker.context.clone(), checker.env.clone());
    let data: Data = interpreter.run_top(node, 0, true)?;
    data.into_value(checker.context.interrupt())
}

/// Where in an expression one looks for what makes it no constant.
#[derive(Clone, Copy)]
struct Look {
    /// Inside a closure, whose variables are its own.
    in_closure: bool,
    /// Within what a command gets: it may call the closures that are there. Elsewhere a closure is a value as others.
    may_be_called: bool,
}

impl Look {
    /// The part of a node that makes it no constant.
    fn not_constant(self, node: &Node) -> Option<Span> {
        match &node.op {
            Op::Const(value) => self.called(value, node.span),
            Op::Binary(_, sides) => self.not_constant(&sides.0).or_else(|| self.not_constant(&sides.1)),
            Op::Not(inner) | Op::Negate(inner) | Op::Path(inner, _) => self.not_constant(inner),
            Op::Interpolate(parts) => self.any(parts),
            Op::List(items) => self.items(items),
            Op::Record(fields) => fields.iter().find_map(|field| match field {
                FieldNode::Field { name: NameNode::Computed(name), value } => {
                    self.not_constant(name).or_else(|| self.not_constant(value))
                }
                FieldNode::Field { value, .. } => self.not_constant(value),
                FieldNode::Spread(node) => self.not_constant(node),
            }),
            Op::Table { rows, .. } => self.any(rows.iter().flatten()),
            Op::Range { start, next, end, .. } => {
                self.any([Some(start), next.as_ref(), end.as_ref()].into_iter().flatten().map(|part| &**part))
            }
            Op::Block(block) => self.any(&block.statements),
            Op::Pipeline(stages) => {
                let inside = Look { may_be_called: true, ..self };
                stages.iter().find_map(|stage| match stage.input {
                    Some(_) if !self.in_closure => Some(stage.node.span),
                    _ => inside.not_constant(&stage.node),
                })
            }
            Op::If { condition, then, otherwise } => {
                self.any([Some(condition), Some(then), otherwise.as_ref()].into_iter().flatten().map(|part| &**part))
            }
            Op::Try { body, catch, finally } => {
                let inside = Look { may_be_called: true, ..self };
                inside.any([Some(body), catch.as_ref(), finally.as_ref()].into_iter().flatten().map(|part| &**part))
            }
            Op::Call(call) if call.command.0.effect == Effect::Computes => {
                let inside = Look { may_be_called: true, ..self };
                call.arguments.iter().flatten().find_map(|argument| match &argument.value {
                    ArgumentValue::One(node) => inside.not_constant(node),
                    ArgumentValue::Many(items) => inside.items(items),
                })
            }
            Op::Call(call) => Some(call.head),
            // What a closure captures must have a place to come from, which only another closure gives.
            Op::Closure { captures, .. } if !captures.is_empty() && !self.in_closure => Some(node.span),
            Op::Closure { function, .. } => self.function(function),
            _ if self.in_closure => self.not_in_closure(node),
            _ => Some(node.span),
        }
    }

    /// The same for what needs the variables of a closure. `loop` and `while` may never end, so they wait.
    fn not_in_closure(self, node: &Node) -> Option<Span> {
        match &node.op {
            Op::Local(_) | Op::Input(_) | Op::LetInput { .. } | Op::Break | Op::Continue => None,
            Op::Let { value, .. } | Op::Assign { value, .. } | Op::Update { value, .. } => self.not_constant(value),
            Op::Return(value) => value.as_ref().and_then(|value| self.not_constant(value)),
            Op::For { items, body, .. } => self.not_constant(items).or_else(|| self.not_constant(body)),
            Op::Match { subject, arms } => self.not_constant(subject).or_else(|| {
                arms.iter().find_map(|arm| {
                    let guard = || arm.guard.as_ref().and_then(|guard| self.not_constant(guard));
                    self.pattern(&arm.pattern).or_else(guard).or_else(|| self.not_constant(&arm.body))
                })
            }),
            _ => Some(node.span),
        }
    }

    fn any<'a>(self, nodes: impl IntoIterator<Item = &'a Node>) -> Option<Span> {
        nodes.into_iter().find_map(|node| self.not_constant(node))
    }

    fn items(self, items: &[ListNode]) -> Option<Span> {
        self.any(items.iter().map(|item| match item {
            ListNode::Item(node) | ListNode::Spread(node) => node,
        }))
    }

    fn pattern(self, pattern: &Pattern) -> Option<Span> {
        match pattern {
            Pattern::Anything | Pattern::Bind(_) => None,
            Pattern::Value(node) => self.not_constant(node),
            Pattern::List { items: patterns, .. } | Pattern::Or(patterns) => {
                patterns.iter().find_map(|pattern| self.pattern(pattern))
            }
            Pattern::Record(fields) => fields.iter().find_map(|(_, pattern)| self.pattern(pattern)),
        }
    }

    fn function(self, function: &Function) -> Option<Span> {
        if !self.may_be_called {
            return None;
        }
        let inside = Look { in_closure: true, may_be_called: true };
        let defaults = function.params.iter().find_map(|param| match &param.kind {
            FunctionParamKind::Optional(value) | FunctionParamKind::Flag(value) => inside.called(value, function.span),
            FunctionParamKind::Required | FunctionParamKind::Rest | FunctionParamKind::Switch => None,
        });
        defaults.or_else(|| inside.not_constant(&function.body))
    }

    /// What a known value may do when a command gets it: another constant may be a closure that acts.
    fn called(self, value: &Value, span: Span) -> Option<Span> {
        if !self.may_be_called {
            return None;
        }
        match value {
            Value::Closure(closure) => {
                let closure = closure.0.as_any().downcast_ref::<ClosureValue>()?;
                let captured = || closure.captures.iter().find_map(|value| self.called(value, span));
                self.function(&closure.function).map(|_| span).or_else(captured)
            }
            Value::List(items) => items.iter().find_map(|item| self.called(item, span)),
            Value::Record(record) => record.iter().find_map(|(_, value)| self.called(value, span)),
            _ => None,
        }
    }
}
