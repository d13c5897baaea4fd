//! Walking the tree without naming every kind of node.

use diag::Span;

use crate::ast::*;

/// A node that has nodes below it.
#[derive(Debug, Clone, Copy)]
pub enum Node<'a> {
    Block(&'a Block),
    Pipeline(&'a Pipeline),
    Element(&'a Element),
    Expr(&'a Expr),
}

impl<'a> Node<'a> {
    /// Where it stands in the text.
    pub fn span(self) -> Span {
        match self {
            Node::Block(block) => block.span,
            Node::Pipeline(pipeline) => pipeline.span,
            Node::Element(element) => element.span,
            Node::Expr(expr) => expr.span,
        }
    }

    /// Calls `each` with every node right below this one, in the order of the text.
    pub fn children(self, each: &mut dyn FnMut(Node<'a>)) {
        match self {
            Node::Block(block) => block.statements.iter().for_each(|pipeline| each(Node::Pipeline(pipeline))),
            Node::Pipeline(pipeline) => pipeline.elements.iter().for_each(|element| each(Node::Element(element))),
            Node::Element(element) => {
                element.env.iter().for_each(|(_, value)| each(Node::Expr(value)));
                each(Node::Expr(&element.expr));
                element.redirections.iter().for_each(|redirection| each(Node::Expr(&redirection.target)));
            }
            Node::Expr(expr) => of_expr(expr, each),
        }
    }

    /// The nodes from this one down to the innermost that covers a byte, outermost first: what a completion or a
    /// hover needs.
    pub fn path_to(self, offset: usize) -> Vec<Node<'a>> {
        let mut path = vec![self];
        let mut here = self;
        loop {
            let mut found = None;
            here.children(&mut |child| {
                let range = child.span().range();
                if range.start <= offset && offset <= range.end {
                    found = Some(child);
                }
            });
            let Some(child) = found else { return path };
            path.push(child);
            here = child;
        }
    }
}

fn of_expr<'a>(expr: &'a Expr, each: &mut dyn FnMut(Node<'a>)) {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Bare(_) | ExprKind::Variable(_) | ExprKind::CellPath(_) | ExprKind::Error => {}
        ExprKind::Interpolation(parts) => {
            for part in parts {
                if let Part::Expr(expr) = part {
                    each(Node::Expr(expr));
                }
            }
        }
        ExprKind::Path { base, .. } => each(Node::Expr(base)),
        ExprKind::List(items) => {
            for ListItem::Item(item) | ListItem::Spread(item) in items {
                each(Node::Expr(item));
            }
        }
        ExprKind::Record(items) => {
            for item in items {
                match item {
                    RecordItem::Field { key, value } => {
                        each(Node::Expr(key));
                        each(Node::Expr(value));
                    }
                    RecordItem::Spread(value) => each(Node::Expr(value)),
                }
            }
        }
        ExprKind::Table { columns, rows } => columns.iter().chain(rows).for_each(|expr| each(Node::Expr(expr))),
        ExprKind::Range { start, next, end, .. } => {
            [start, next, end].into_iter().flatten().for_each(|expr| each(Node::Expr(expr)));
        }
        ExprKind::Unary { operand, .. } => each(Node::Expr(operand)),
        ExprKind::Binary { left, right, .. } => {
            each(Node::Expr(left));
            each(Node::Expr(right));
        }
        ExprKind::Subexpression(block) | ExprKind::Block(block) => each(Node::Block(block)),
        ExprKind::Closure(closure) => {
            closure.parameters.iter().flatten().for_each(|parameter| of_parameter(parameter, each));
            each(Node::Block(&closure.body));
        }
        ExprKind::Call(call) => {
            each(Node::Expr(&call.head));
            call.arguments.iter().for_each(|argument| of_argument(argument, each));
        }
        ExprKind::Keyword(keyword) => of_keyword(keyword, each),
    }
}

fn of_parameter<'a>(parameter: &'a Parameter, each: &mut dyn FnMut(Node<'a>)) {
    if let Some(default) = &parameter.default {
        each(Node::Expr(default));
    }
}

fn of_argument<'a>(argument: &'a Argument, each: &mut dyn FnMut(Node<'a>)) {
    match argument {
        Argument::Positional { expr, .. }
        | Argument::Spread(expr)
        | Argument::Condition(expr)
        | Argument::Long { value: Some(expr), .. } => each(Node::Expr(expr)),
        Argument::Long { value: None, .. } | Argument::Short { .. } | Argument::EndOfFlags(_) => {}
    }
}

fn of_keyword<'a>(keyword: &'a Keyword, each: &mut dyn FnMut(Node<'a>)) {
    match keyword {
        Keyword::Binding { value, .. } | Keyword::Return(value) => {
            value.iter().for_each(|pipeline| each(Node::Pipeline(pipeline)));
        }
        Keyword::Assign { target, value, .. } => {
            each(Node::Expr(target));
            each(Node::Pipeline(value));
        }
        Keyword::Def { signature, body, .. } => {
            signature.parameters.iter().for_each(|parameter| of_parameter(parameter, each));
            each(Node::Block(body));
        }
        Keyword::If { condition, then, otherwise } => {
            each(Node::Expr(condition));
            each(Node::Block(then));
            otherwise.iter().for_each(|expr| each(Node::Expr(expr)));
        }
        Keyword::Match { subject, arms } => {
            each(Node::Expr(subject));
            for arm in arms {
                of_pattern(&arm.pattern.node, each);
                arm.guard.iter().for_each(|guard| each(Node::Expr(guard)));
                each(Node::Expr(&arm.body));
            }
        }
        Keyword::For { items: condition, body, .. } | Keyword::While { condition, body } => {
            each(Node::Expr(condition));
            each(Node::Block(body));
        }
        Keyword::Loop { body } | Keyword::Module { body, .. } => each(Node::Block(body)),
        Keyword::Break | Keyword::Continue => {}
        Keyword::Try { body, catch, finally } => {
            each(Node::Block(body));
            catch.iter().chain(finally).for_each(|expr| each(Node::Expr(expr)));
        }
        Keyword::Use { path, .. } | Keyword::Source { path } => each(Node::Expr(path)),
        Keyword::Attribute { arguments, .. } => arguments.iter().for_each(|argument| of_argument(argument, each)),
    }
}

fn of_pattern<'a>(pattern: &'a Pattern, each: &mut dyn FnMut(Node<'a>)) {
    match pattern {
        Pattern::Anything | Pattern::Variable(_) => {}
        Pattern::Value(expr) => each(Node::Expr(expr)),
        Pattern::List { items, .. } | Pattern::Or(items) => items.iter().for_each(|item| of_pattern(&item.node, each)),
        Pattern::Record(fields) => fields.iter().for_each(|(_, pattern)| of_pattern(&pattern.node, each)),
    }
}
