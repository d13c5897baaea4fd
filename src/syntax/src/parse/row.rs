//! A row of operands and operators.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes};
use value::ops::Operator;

use super::{Cursor, LONGEST, Parser, Run};
use crate::ast::*;
use crate::expression::{self, Piece, Tree};
use crate::literal;
use crate::tokens::TokenKind;

impl Parser<'_> {
    /// Whether a stage that begins with this run is an expression; else it is a call.
    pub(super) fn starts_expression(&self, run: Run) -> bool {
        match self.kind(run.first) {
            Some(TokenKind::Word) => {}
            Some(TokenKind::Colon | TokenKind::Comma) | None => return false,
            Some(_) => return true,
        }
        let raw = self.raw(run);
        raw.starts_with('$')
            || raw == "not"
            || raw.starts_with("-$")
            || raw.starts_with("-(")
            || ["0x[", "0b[", "0o["].iter().any(|prefix| raw.starts_with(prefix))
            || literal::read(raw).is_some()
            || self.range_parts(run).is_some()
    }

    /// Reads operands and operators as far as they go.
    pub(super) fn expression(&mut self, cursor: &mut Cursor<'_>) -> Expr {
        let start = cursor.offset();
        let mut row = Vec::new();
        let mut operands: Vec<Option<Expr>> = Vec::new();
        let mut operators: Vec<Spanned<Arc<str>>> = Vec::new();
        loop {
            if row.len() > 2 * LONGEST {
                return self.too_long(cursor, start);
            }
            let run = cursor.run();
            let raw = run.map_or("", |run| self.raw(run));
            match run {
                Some(run) if raw == "not" => {
                    cursor.next();
                    row.push(Piece::Not(operators.len()));
                    operators.push(Spanned { node: raw.into(), span: self.span_of(run) });
                    continue;
                }
                Some(run) if expression::level(raw).is_none() => {
                    cursor.next();
                    row.push(Piece::Operand(operands.len()));
                    let operand = self.operand(run);
                    operands.push(Some(operand));
                }
                _ => {
                    self.operand_missing(cursor, operators.last());
                    row.push(Piece::Operand(operands.len()));
                    operands.push(Some(self.error_at(cursor.behind()..cursor.behind())));
                }
            }
            let Some(run) = cursor.run() else { break };
            let Some(level) = expression::level(self.raw(run)) else { break };
            cursor.next();
            row.push(Piece::Infix(operators.len(), level));
            operators.push(Spanned { node: self.raw(run).into(), span: self.span_of(run) });
        }
        match expression::hang(row) {
            Some(tree) => plant(tree, &mut operands, &operators),
            None => self.error_at(start..cursor.behind()),
        }
    }

    fn too_long(&mut self, cursor: &mut Cursor<'_>, start: usize) -> Expr {
        cursor.skip_to_pipe();
        let span = self.span(start..cursor.behind());
        self.report(
            Diagnostic::new(codes::NESTED_TOO_DEEP, format!("one expression chains more than {LONGEST} operators"))
                .label(span, "too long")
                .help("bind a part to a name with `let`, or use a list and `math sum` or `str join`"),
        );
        Expr { kind: ExprKind::Error, span }
    }

    fn operand_missing(&mut self, cursor: &Cursor<'_>, operator: Option<&Spanned<Arc<str>>>) {
        let diagnostic = match (operator, cursor.run()) {
            (Some(operator), _) => {
                Diagnostic::new(codes::OPERAND_MISSING, format!("`{}` lacks a value behind it", operator.node))
                    .label(operator.span, "its right side is missing")
            }
            (None, Some(run)) => {
                Diagnostic::new(codes::OPERAND_MISSING, format!("`{}` lacks a value before it", self.raw(run)))
                    .label(self.span_of(run), "its left side is missing")
            }
            (None, None) => Diagnostic::new(codes::OPERAND_MISSING, "a value is missing")
                .label(self.span(cursor.behind()..cursor.offset().max(cursor.behind())), "expected here"),
        };
        self.report_missing(cursor.behind(), diagnostic.help("add the value, or remove the operator"));
    }
}

fn plant(tree: Tree, operands: &mut [Option<Expr>], operators: &[Spanned<Arc<str>>]) -> Expr {
    let nothing = || Expr { kind: ExprKind::Error, span: Span::default() };
    match tree {
        Tree::Operand(index) => operands.get_mut(index).and_then(Option::take).unwrap_or_else(nothing),
        Tree::Not(operator, operand) => {
            let operand = plant(*operand, operands, operators);
            let Some(operator) = operators.get(operator) else { return operand };
            let op = Spanned { node: UnaryOp::Not, span: operator.span };
            let span = operator.span.to(operand.span);
            Expr { kind: ExprKind::Unary { op, operand: Box::new(operand) }, span }
        }
        Tree::Infix { operator, left, right } => {
            let left = plant(*left, operands, operators);
            let right = plant(*right, operands, operators);
            let Some(written) = operators.get(operator) else { return left };
            let Some(node) = Operator::parse(&written.node) else { return left };
            let op = Spanned { node, span: written.span };
            let span = left.span.to(right.span);
            Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, span }
        }
    }
}
