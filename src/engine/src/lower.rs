//! Closures as expressions of queries, where all in them can be said so.
//!
//! What is lowered means the same either way: the same operators (`value::ops`), the same errors. A closure
//! that changes anything, calls a function, or uses a command without a `lower` hook is interpreted instead.

use std::sync::Arc;

use value::cell_path::Step;
use value::expr::{Expr, ExprKind};
use value::{PathMember, Value};

use crate::call::ClosureValue;
use crate::command::Lowering;
use crate::program::{ArgumentValue, Function, FunctionParamKind, ListNode, Node, Op, Slot, Stage};

/// The expression over one row.
pub(crate) fn over_row(closure: &ClosureValue) -> Option<Expr> {
    let function = &closure.function;
    let row = match function.params.as_slice() {
        [] => None,
        [param] if matches!(param.kind, FunctionParamKind::Required) && param.of.is_any() => Some(param.slot),
        _ => return None,
    };
    let lowerer = Lowerer { closure, row, whole: false };
    lowerer.body(&function.body)
}

/// The expression over the rows of a group.
pub(crate) fn over_group(closure: &ClosureValue) -> Option<Expr> {
    let function = &closure.function;
    let row = match function.params.as_slice() {
        [] => None,
        [param] if matches!(param.kind, FunctionParamKind::Required) && param.of.is_any() => Some(param.slot),
        _ => return None,
    };
    let lowerer = Lowerer { closure, row, whole: true };
    let expr = lowerer.body(&function.body)?;
    // A bare column would be a list of the group's values, which is for the interpreter.
    lowerer.is_one_value(&expr).then_some(expr)
}

struct Lowerer<'a> {
    closure: &'a ClosureValue,
    /// The slot of the parameter: the row, or the group's rows.
    row: Option<Slot>,
    /// Whether the input is all rows of a group.
    whole: bool,
}

/// What flows through a pipeline inside a closure.
enum Flowing {
    /// The row itself, or all rows of the group.
    Row,
    One(Expr),
}

impl Lowerer<'_> {
    fn function(&self) -> &Function {
        &self.closure.function
    }

    fn body(&self, node: &Node) -> Option<Expr> {
        match self.flow(node, Flowing::Row)? {
            Flowing::One(expr) => Some(expr),
            Flowing::Row => None,
        }
    }

    fn is_row(&self, slot: Slot) -> bool {
        self.row == Some(slot) || self.function().input == Some(slot)
    }

    /// The captured value in a slot.
    fn captured(&self, slot: Slot) -> Option<&Value> {
        let at = self.function().captures.iter().position(|inner| *inner == slot)?;
        self.closure.captures.get(at)
    }

    /// What a node gives when `input` flows into it.
    fn flow(&self, node: &Node, input: Flowing) -> Option<Flowing> {
        match &node.op {
            Op::Block(block) => match block.statements.as_slice() {
                [only] => self.flow(only, input),
                _ => None,
            },
            Op::Pipeline(stages) => self.pipeline(stages, input),
            Op::Call(call) => {
                let mut arguments = Vec::with_capacity(call.arguments.len());
                for argument in &call.arguments {
                    arguments.push(match argument {
                        None => None,
                        Some(argument) => Some(match &argument.value {
                            ArgumentValue::One(node) => self.constant(node)?,
                            ArgumentValue::Many(items) => {
                                let items: Option<Vec<Value>> = items
                                    .iter()
                                    .map(|item| match item {
                                        ListNode::Item(node) => self.constant(node),
                                        ListNode::Spread(_) => None,
                                    })
                                    .collect();
                                Value::list(items?)
                            }
                        }),
                    });
                }
                let over_group = self.whole && !matches!(&input, Flowing::One(expr) if self.is_one_value(expr));
                let input = match input {
                    Flowing::One(expr) => Some(expr),
                    Flowing::Row => None,
                };
                // Over a single row there is nothing a command could take but the row's cells.
                if input.is_none() && !self.whole {
                    return None;
                }
                let lowering =
                    Lowering { input, over_group, arguments: &arguments, command: call.command.0, span: call.head };
                (call.command.0.lower?)(&lowering).map(Flowing::One)
            }
            Op::Local(slot) if self.is_row(*slot) => Some(Flowing::Row),
            Op::Input(_) => Some(input),
            _ => self.expr(node).map(Flowing::One),
        }
    }

    fn pipeline(&self, stages: &[Stage], input: Flowing) -> Option<Flowing> {
        let mut flowing = input;
        for stage in stages {
            // `$in` of an inner stage is a slot of its own, which this does not follow.
            if stage.input.is_some() {
                return None;
            }
            flowing = self.flow(&stage.node, flowing)?;
        }
        Some(flowing)
    }

    /// A value known when the stage is added.
    fn constant(&self, node: &Node) -> Option<Value> {
        match &node.op {
            Op::Const(value) => Some(value.clone()),
            Op::Local(slot) => self.captured(*slot).cloned(),
            _ => None,
        }
    }

    fn expr(&self, node: &Node) -> Option<Expr> {
        let kind = match &node.op {
            Op::Const(value) => ExprKind::Literal(value.clone()),
            Op::Local(slot) => ExprKind::Literal(self.captured(*slot)?.clone()),
            Op::Path(base, members) => self.path(base, members)?,
            Op::Not(inner) => ExprKind::Not(Box::new(self.scalar(inner)?)),
            Op::Negate(inner) => ExprKind::Negate(Box::new(self.scalar(inner)?)),
            Op::Binary(op, sides) => {
                ExprKind::Binary(*op, Box::new(self.scalar(&sides.0)?), Box::new(self.scalar(&sides.1)?))
            }
            Op::If { condition, then, otherwise } => ExprKind::If {
                condition: Box::new(self.scalar(condition)?),
                then: Box::new(self.scalar(then)?),
                otherwise: match otherwise {
                    Some(otherwise) => Some(Box::new(self.scalar(otherwise)?)),
                    None => None,
                },
            },
            Op::Block(_) | Op::Pipeline(_) => match self.flow(node, Flowing::Row)? {
                Flowing::One(expr) => return Some(expr),
                Flowing::Row => return None,
            },
            _ => return None,
        };
        Some(Expr::new(kind, node.span))
    }

    /// An operand: one value per row, or in a group one value for all its rows.
    fn scalar(&self, node: &Node) -> Option<Expr> {
        let expr = self.expr(node)?;
        (!self.whole || self.is_one_value(&expr)).then_some(expr)
    }

    /// Whether an expression over a group has been reduced to one value.
    fn is_one_value(&self, expr: &Expr) -> bool {
        if !self.whole {
            return true;
        }
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Length | ExprKind::Aggregate(..) => true,
            ExprKind::Column(_) => false,
            ExprKind::Path(inner, _) | ExprKind::Not(inner) | ExprKind::Negate(inner) => self.is_one_value(inner),
            ExprKind::Binary(_, left, right) => self.is_one_value(left) && self.is_one_value(right),
            ExprKind::If { condition, then, otherwise } => {
                self.is_one_value(condition)
                    && self.is_one_value(then)
                    && otherwise.as_deref().is_none_or(|otherwise| self.is_one_value(otherwise))
            }
            ExprKind::Call(_, arguments) => arguments.iter().all(|argument| self.is_one_value(argument)),
        }
    }

    fn path(&self, base: &Node, members: &[PathMember]) -> Option<ExprKind> {
        match &base.op {
            Op::Local(slot) if self.is_row(*slot) => {
                let (first, rest) = members.split_first()?;
                let Step::Name(name) = &first.step else { return None };
                // An absent column is null for `?`, and in any case another column's: both for the interpreter.
                if first.optional || first.any_case {
                    return None;
                }
                let column = ExprKind::Column(Arc::clone(name));
                if rest.is_empty() {
                    return Some(column);
                }
                (!self.whole).then(|| ExprKind::Path(Box::new(Expr::new(column, base.span)), rest.to_vec()))
            }
            Op::Local(slot) => Some(ExprKind::Literal(self.captured(*slot)?.follow(members).ok()?)),
            _ => None,
        }
    }
}
