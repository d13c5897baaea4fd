//! Expressions over one row, or over the rows of one group, as queries understand them.
//!
//! `engine` makes them from conditions and closures in which everything can be said so; `table` turns them
//! into its storage's own. Their meaning is that of the interpreter: the same operators, the same errors.

use std::sync::Arc;

use diag::Span;

use crate::cell_path::PathMember;
use crate::ops::Operator;
use crate::value::Value;

/// An expression and where it was written, so that a failing row can point at it.
#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A column of the row; its absence is an error found when the stage is added.
    Column(Arc<str>),
    /// A literal, or a variable from outside, known when the stage is added.
    Literal(Value),
    /// A path into a struct or list inside a cell.
    Path(Box<Expr>, Vec<PathMember>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `if condition { then } else { otherwise }`; without an else, null.
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Option<Box<Expr>>,
    },
    /// A function of each row's values.
    Call(Function, Vec<Expr>),
    /// How many rows the group has.
    Length,
    /// One value out of a group's column.
    Aggregate(Aggregation, Box<Expr>),
}

/// Functions of values that queries understand, named for the command whose meaning they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// The value, or the second argument where it is null.
    Default,
    StrLength,
    StrUpcase,
    StrDowncase,
    StrTrim,
    StrContains,
    MathAbs,
    MathFloor,
    MathCeil,
    MathRound,
    MathSqrt,
    IntoInt,
    IntoFloat,
    IntoString,
    IsEmpty,
    /// The list without what came before.
    Uniq,
}

/// Reductions of a column; all but the counts skip nulls, and give null for nothing at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregation {
    Length,
    Sum,
    Average,
    Min,
    Max,
    Median,
    Product,
    /// Population, unless `sample`.
    Stddev {
        sample: bool,
    },
    Variance {
        sample: bool,
    },
    /// Nearest rank.
    Quantile(f64),
    First,
    Last,
    /// How many different values; null is one.
    CountDistinct,
}

impl Expr {
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Expr { kind, span }
    }

    /// Calls `visit` for this expression and all inside it.
    pub fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match &self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Length => {}
            ExprKind::Path(inner, _)
            | ExprKind::Not(inner)
            | ExprKind::Negate(inner)
            | ExprKind::Aggregate(_, inner) => inner.walk(visit),
            ExprKind::Binary(_, left, right) => {
                left.walk(visit);
                right.walk(visit);
            }
            ExprKind::If { condition, then, otherwise } => {
                condition.walk(visit);
                then.walk(visit);
                if let Some(otherwise) = otherwise {
                    otherwise.walk(visit);
                }
            }
            ExprKind::Call(_, arguments) => arguments.iter().for_each(|argument| argument.walk(visit)),
        }
    }

    /// The names of all columns read.
    pub fn columns(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        self.walk(&mut |expr| {
            if let ExprKind::Column(name) = &expr.kind {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        });
        names
    }
}
