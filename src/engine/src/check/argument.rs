//! One argument: what its parameter makes of it.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes, suggest};
use syntax::ast::{self, Expr, ExprKind, Literal};
use value::{CellPath, Fields, PathMember, Record, Step, Type, Value};

use super::bind::{Want, argument_span};
use super::function::item_of;
use super::{Checker, path};
use crate::command::{Known, Takes};
use crate::program::{FieldNode, NameNode, Node, Op};

/// What became of an argument.
pub(super) struct Taken {
    pub node: Node,
    pub known: Known,
    /// What the value must be when it is known only at run time; `None` when checked already.
    pub check: Option<Type>,
}

impl Taken {
    fn new(node: Node, known: Known) -> Self {
        Taken { node, known, check: None }
    }

    /// What is known already.
    pub(super) fn constant(value: Value, span: Span) -> Self {
        let known = Known { value: Some(value.clone()), ..Known::of(value.type_of()) };
        Taken::new(Node::constant(value, span), known)
    }

    fn closure(node: Node, gives: Type) -> Self {
        Taken::new(node, Known { gives: Some(gives), ..Known::of(Type::Closure) })
    }

    /// What has been reported.
    fn wrong(span: Span) -> Self {
        Taken::new(Node::new(Op::Error, span), Known::of(Type::Any))
    }
}

impl Checker<'_> {
    /// One argument as its parameter takes it; `input` flows into the call.
    pub(super) fn argument(&mut self, argument: &ast::Argument, want: &Want, input: &Type) -> Taken {
        let (expr, text): (&Expr, Arc<str>) = match argument {
            ast::Argument::Positional { expr, text } => (expr, text.clone()),
            ast::Argument::Condition(expr) => {
                return Taken::closure(self.condition(expr, &item_of(input)), Type::Bool);
            }
            // Only what can stand for a value comes here.
            _ => return Taken::wrong(argument_span(argument)),
        };
        self.without_row(|checker| match want {
            Want::Of(of) => checker.typed(expr, &text, of),
            Want::Declared(takes) => checker.declared(expr, &text, takes, input),
        })
    }

    fn declared(&mut self, expr: &Expr, text: &str, takes: &Takes, input: &Type) -> Taken {
        let item = item_of(input);
        match (takes, closure_of(expr)) {
            (Takes::Type(of), _) => match Type::parse(of) {
                Ok(of) => self.typed(expr, text, &of),
                Err(error) => {
                    self.report(error.or_label(expr.span, "the parameter's declaration"));
                    self.typed(expr, text, &Type::Any)
                }
            },
            (Takes::Words(words), _) => {
                let of = Type::Word(words.iter().map(|word| Arc::from(*word)).collect());
                self.typed(expr, text, &of)
            }
            (Takes::Path | Takes::Directory | Takes::Name(_) | Takes::WordList(_) | Takes::CommandName, _) => {
                self.typed(expr, text, &Type::String)
            }
            (Takes::Column, _) | (Takes::ColumnOrClosure, None) => self.column(expr, text, &item),
            (Takes::ColumnRecord, _) => {
                let taken = self.typed(expr, text, &Type::Record(Fields::open()));
                let record = taken.known.value.as_ref().and_then(Value::as_record);
                for name in record.iter().flat_map(|record| record.columns().iter()) {
                    let member = PathMember::name(name.clone());
                    if let Err(error) = path::type_at(&item, std::slice::from_ref(&member), &|_| expr.span)
                        && error.code == codes::UNKNOWN_COLUMN
                    {
                        self.report(error);
                    }
                }
                taken
            }
            (Takes::NewColumn, _) => self.column(expr, text, &Type::Any),
            (Takes::ColumnOrClosure | Takes::EachClosure, Some(closure)) => {
                self.closure_argument(&closure, std::slice::from_ref(&item), &item, expr.span)
            }
            (Takes::Condition, Some(closure)) => {
                let taken = self.closure_argument(&closure, std::slice::from_ref(&item), &item, expr.span);
                if let Some(gives) = &taken.known.gives {
                    self.want_condition(gives, closure.body.span);
                }
                taken
            }
            (Takes::Value, Some(closure)) => self.closure_argument(&closure, &[item], &Type::Any, expr.span),
            (Takes::Value, None) => self.typed(expr, text, &Type::Any),
            (Takes::CellClosure, Some(closure)) => self.closure_argument(&closure, &[Type::Any], &Type::Any, expr.span),
            // What is folded is both the second parameter and `$in`.
            (Takes::FoldClosure, Some(closure)) => {
                self.closure_argument(&closure, &[item, Type::Any], &Type::Any, expr.span)
            }
            (Takes::Closure, Some(closure)) => self.closure_argument(&closure, &[], input, expr.span),
            (Takes::EachClosure | Takes::CellClosure | Takes::FoldClosure | Takes::Closure, None) => {
                self.typed(expr, text, &Type::Closure)
            }
            (Takes::Condition, None) => match &expr.kind {
                ExprKind::Variable(_) | ExprKind::Path { .. } | ExprKind::Subexpression(_) => {
                    self.typed(expr, text, &Type::OneOf(vec![Type::Closure, Type::Bool]))
                }
                _ => Taken::closure(self.condition(expr, &item), Type::Bool),
            },
            (Takes::Aggregations, closure) => match (&expr.kind, closure) {
                (ExprKind::Record(items), _) => self.aggregations(items, input, expr.span),
                (_, Some(closure)) => {
                    let rows = rows_of(input);
                    self.closure_argument(&closure, std::slice::from_ref(&rows), &rows, expr.span)
                }
                (_, None) => self.typed(expr, text, &Type::OneOf(vec![Type::Record(Fields::open()), Type::Closure])),
            },
        }
    }

    /// A record whose values are each a closure over a group's rows.
    fn aggregations(&mut self, items: &[ast::RecordItem], input: &Type, span: Span) -> Taken {
        let rows = rows_of(input);
        let mut fields = Vec::new();
        let mut parts = Vec::new();
        for item in items {
            match item {
                ast::RecordItem::Field { key, value } => {
                    let name: Arc<str> = match &key.kind {
                        ExprKind::Bare(word) => word.clone(),
                        ExprKind::Literal(Literal::String(text)) => text.clone(),
                        _ => self.source_text(key.span).into(),
                    };
                    let (node, gives) = self.aggregation(value, &rows);
                    parts.push((name.clone(), gives));
                    fields.push(FieldNode::Field { name: NameNode::Known(name), value: node });
                }
                ast::RecordItem::Spread(expr) => {
                    let error = Diagnostic::new(codes::WRONG_ARGUMENT, "aggregations are written one by one");
                    self.report(error.label(expr.span, "spread here"));
                }
            }
        }
        let known = Known { parts, ..Known::of(Type::Record(Fields::open())) };
        Taken::new(Node::new(Op::Record(fields), span), known)
    }

    fn closure_argument(&mut self, closure: &ast::Closure, given: &[Type], input: &Type, span: Span) -> Taken {
        let (node, gives) = self.closure(closure, given, input, span);
        Taken::closure(node, gives)
    }

    /// A column of the rows that flow in, or a path that starts with one.
    fn column(&mut self, expr: &Expr, text: &str, item: &Type) -> Taken {
        let path = match &expr.kind {
            ExprKind::Literal(Literal::String(name)) => CellPath(vec![PathMember::name(name.clone())]),
            ExprKind::Bare(_) | ExprKind::Literal(_) => {
                CellPath::parse(text).unwrap_or_else(|| CellPath(vec![PathMember::name(text)]))
            }
            ExprKind::CellPath(members) => CellPath(path::members(members).to_vec()),
            _ => return self.computed_column(expr),
        };
        if let Err(error) = path::type_at(item, &path.0, &|_| expr.span)
            // A place is asked of a whole column or list, and not of what each item has.
            && (error.code == codes::UNKNOWN_COLUMN
                || matches!(path.0.as_slice(), [PathMember { step: Step::Name(_), .. }]))
        {
            self.report(error);
        }
        Taken::constant(Value::cell_path(path), expr.span)
    }

    fn computed_column(&mut self, expr: &Expr) -> Taken {
        let (node, of) = self.expr(expr);
        if !Type::OneOf(vec![Type::CellPath, Type::String, Type::Int, Type::Closure]).accepts(&of) {
            let error =
                Diagnostic::new(codes::WRONG_ARGUMENT, format!("a column is named by text or a path, not by {of}"));
            self.report(error.label(expr.span, format!("this is {of}")));
        }
        let check = match of {
            Type::CellPath | Type::Closure => None,
            _ => Some(Type::OneOf(vec![Type::CellPath, Type::Closure])),
        };
        let known = Known { value: node.as_const().cloned(), ..Known::of(of) };
        Taken { node, known, check }
    }

    /// An argument of a plain type.
    fn typed(&mut self, expr: &Expr, text: &str, of: &Type) -> Taken {
        let (node, given) = self.read_as(expr, text, of);
        if !of.accepts(&given) {
            let error = Diagnostic::new(codes::WRONG_ARGUMENT, format!("expected {of}, found {given}"))
                .label(expr.span, format!("this is {given}"));
            let unit = match (of, &given) {
                (Type::Duration, Type::Int) => Some("sec"),
                (Type::Filesize, Type::Int) => Some("kb"),
                _ => None,
            };
            self.report(match unit {
                Some(unit) => error.help(format!("a number needs its unit: `{text}{unit}`")),
                None => error,
            });
            return Taken::wrong(expr.span);
        }
        if let Some(value) = node.as_const() {
            return match crate::run::coerce(value.clone(), of) {
                Ok(value) => Taken::constant(value, expr.span),
                Err(value) => {
                    self.report(not_that(&value, of, expr.span));
                    Taken::wrong(expr.span)
                }
            };
        }
        let exact = of.is_any() || *of == given && !matches!(of, Type::List(_) | Type::Record(_) | Type::Table(_));
        let gives = if let Op::Closure { function, .. } = &node.op { Some(function.gives.clone()) } else { None };
        Taken { node, known: Known { gives, ..Known::of(given) }, check: (!exact).then(|| of.clone()) }
    }

    /// What is written, where a type is wanted: a word is text where text is wanted, else what it reads as.
    fn read_as(&mut self, expr: &Expr, text: &str, of: &Type) -> (Node, Type) {
        let wants_text = matches!(of, Type::String | Type::Word(_));
        match &expr.kind {
            ExprKind::Literal(Literal::String(_)) => self.expr(expr),
            ExprKind::Bare(_) | ExprKind::Literal(_) if wants_text => {
                (Node::constant(Value::string(text), expr.span), Type::String)
            }
            ExprKind::Bare(_) | ExprKind::Literal(Literal::Int(_)) if *of == Type::CellPath => {
                match CellPath::parse(text) {
                    Some(path) => (Node::constant(Value::cell_path(path), expr.span), Type::CellPath),
                    None => self.expr(expr),
                }
            }
            ExprKind::Bare(_) => (Node::constant(Value::string(text), expr.span), Type::String),
            // `{}` is a record or a closure, as is wanted.
            ExprKind::Block(block)
                if block.statements.is_empty() && *of != Type::Closure && of.accepts(&Type::Record(Fields::open())) =>
            {
                (Node::constant(Value::record(Record::new()), expr.span), Type::Record(Fields::open()))
            }
            ExprKind::Record(items) if items.is_empty() && *of == Type::Closure => {
                let body = ast::Block { statements: Vec::new(), span: expr.span };
                let (node, _) = self.closure(&ast::Closure { parameters: None, body }, &[], &Type::Any, expr.span);
                (node, Type::Closure)
            }
            _ => self.expr(expr),
        }
    }
}

/// The error for a constant that is not what its parameter takes.
fn not_that(value: &Value, of: &Type, span: Span) -> Box<Diagnostic> {
    if let (Type::Word(words), Value::String(word)) = (of, value) {
        let all: Vec<&str> = words.iter().map(|word| &**word).collect();
        let error = Diagnostic::new(codes::NOT_IN_SET, format!("`{word}` is not one of {}", all.join(", ")))
            .label(span, "not in the set");
        return match suggest::did_you_mean(word, all.iter().copied()) {
            Some(help) => error.help(help),
            None => error,
        };
    }
    let found = value.type_of();
    Diagnostic::new(codes::WRONG_ARGUMENT, format!("expected {of}, found {found}"))
        .label(span, format!("this is {found}"))
}

/// The type held against values at run time; `None` for what binding has dealt with.
pub(super) fn declared_type(takes: &Takes) -> Option<Type> {
    match takes {
        Takes::Type(of) => Type::parse(of).ok(),
        Takes::Path | Takes::Directory | Takes::Name(_) | Takes::WordList(_) | Takes::CommandName => Some(Type::String),
        Takes::Column | Takes::NewColumn => Some(Type::CellPath),
        Takes::ColumnOrClosure => Some(Type::OneOf(vec![Type::CellPath, Type::Closure])),
        _ => None,
    }
}

/// A closure, or braces that are one here.
fn closure_of(expr: &Expr) -> Option<ast::Closure> {
    match &expr.kind {
        ExprKind::Closure(closure) => Some(closure.clone()),
        ExprKind::Block(body) => Some(ast::Closure { parameters: None, body: body.clone() }),
        _ => None,
    }
}

/// The rows that an aggregation sees as `$in`.
fn rows_of(input: &Type) -> Type {
    match input {
        Type::Groups(parts) => Type::Table(parts.1.clone()),
        Type::Table(_) | Type::List(_) => input.clone(),
        _ => Type::Any,
    }
}
