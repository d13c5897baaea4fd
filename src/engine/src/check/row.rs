//! Row conditions: `where status == running and size > 1kb`.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes};
use syntax::ast::Expr;
use value::{CellPath, Type, Value};

use super::scope::VarKind;
use super::{Checker, Row, path};
use crate::program::{Function, FunctionParam, FunctionParamKind, Node, Op};

impl Checker<'_> {
    /// A condition over rows of a type, as a closure whose parameter is the row.
    pub(super) fn condition(&mut self, expr: &Expr, item: &Type) -> Node {
        let span = expr.span;
        let name: Arc<str> = "it".into();
        let mut slot = 0;
        let (function, captures) = self.function_level(|checker| {
            checker.scoped(|checker| {
                slot = checker.declare(&name, item.clone(), VarKind::Let, span);
                checker.with_input(item.clone(), |checker| {
                    let outer = checker.row.replace(Row { slot, of: item.clone() });
                    let (node, of) = checker.expr(expr);
                    checker.row = outer;
                    checker.want_condition(&of, span);
                    node
                })
            })
        });
        let (body, mentioned) = function;
        let (frame, inner, outer) = captures;
        let function = Function {
            params: vec![FunctionParam { name, slot, of: Type::Any, kind: FunctionParamKind::Required }],
            gives: Type::Bool,
            condition: true,
            ..self.function_of(body, mentioned, frame, inner, span)
        };
        Node::new(Op::Closure { function: Arc::new(function), captures: outer }, span)
    }

    /// Reports what is no condition, whatever it gives.
    pub(super) fn want_condition(&mut self, gives: &Type, span: Span) {
        let may_be = Type::OneOf(vec![Type::Bool, Type::Nothing]);
        if !may_be.may_accept(gives) {
            let message = format!("a condition gives a bool, this gives {gives}");
            self.report(Diagnostic::new(codes::WRONG_ARGUMENT, message).label(span, format!("this is {gives}")));
        }
    }

    /// A bare name in a row condition: a column of the row.
    pub(super) fn row_column(&mut self, row: &Row, word: &str, span: Span) -> (Node, Type) {
        let Some(path) = CellPath::parse(word) else {
            return (Node::constant(Value::string(word), span), Type::String);
        };
        let of = match path::type_at(&row.of, &path.0, &|_| span) {
            Ok(of) => of,
            Err(error) => {
                self.report(error);
                Type::Any
            }
        };
        // The row lives in the condition's own frame: parentheses inside it open no function.
        let base = Node::new(Op::Local(row.slot), span);
        (Node::new(Op::Path(Box::new(base), path.0.into()), span), of)
    }
}
