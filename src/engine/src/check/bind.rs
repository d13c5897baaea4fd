//! Arguments as written, bound to the parameters of a declaration.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes, suggest};
use syntax::ast::{self, Expr, ExprKind, Literal};
use value::{CellPath, Type, Value};

use super::function::item_of;
use super::{Checker, path};
use crate::command::{Kind, Known, Takes};
use crate::program::{Argument, ArgumentValue, ListNode, Node, Op};

/// A parameter, of a command or a `def`.
pub(super) struct Wanted {
    pub name: Arc<str>,
    pub kind: Kind,
    pub takes: Want,
}

pub(super) enum Want {
    Declared(Takes),
    Of(Type),
}

/// Bound arguments, one place per parameter.
pub(super) struct Bound {
    pub arguments: Vec<Option<Argument>>,
    pub known: Vec<Option<Known>>,
    /// `--help` was among them.
    pub help: bool,
}

/// Who is called, for messages.
pub(super) struct Callee<'a> {
    pub name: &'a str,
    pub usage: String,
    /// Unknown flags are positional arguments of the program it wraps.
    pub wrapped: bool,
}

impl Checker<'_> {
    pub(super) fn bind(
        &mut self,
        callee: &Callee<'_>,
        wanted: &[Wanted],
        given: &[ast::Argument],
        input: &Type,
        head: Span,
    ) -> Bound {
        let mut bound =
            Bound { arguments: wanted.iter().map(|_| None).collect(), known: vec![None; wanted.len()], help: false };
        let positional: Vec<usize> =
            (0..wanted.len()).filter(|at| matches!(wanted[*at].kind, Kind::Required | Kind::Optional)).collect();
        let rest = wanted.iter().position(|param| param.kind == Kind::Rest);
        let mut next = positional.into_iter();
        let mut rest_items: Vec<ListNode> = Vec::new();
        let mut rest_known: Vec<Known> = Vec::new();
        let mut rest_span: Option<Span> = None;
        let mut flags = true;
        let mut extra: Option<Span> = None;
        // `--optional` and `--ignore-case` make other names right than those that are known.
        let lenient = given.iter().any(|argument| match argument {
            ast::Argument::Long { name, .. } => matches!(&*name.node, "optional" | "ignore-case"),
            ast::Argument::Short { letters, .. } => letters.node.contains('o'),
            _ => false,
        });
        let any = Type::Any;
        let columns_matter = wanted.iter().any(|param| matches!(param.takes, Want::Declared(Takes::Column)));
        let input = if lenient && columns_matter { &any } else { input };
        let mut given = given.iter();
        while let Some(argument) = given.next() {
            match argument {
                ast::Argument::EndOfFlags(_) if flags => flags = false,
                ast::Argument::EndOfFlags(span) => {
                    let literal = word_argument("--", *span);
                    self.positional(
                        &literal,
                        wanted,
                        &mut next,
                        rest,
                        input,
                        &mut bound,
                        (&mut rest_items, &mut rest_known, &mut rest_span),
                        &mut extra,
                    );
                }
                ast::Argument::Long { name, span, .. } | ast::Argument::Short { letters: name, span }
                    if !flags || callee.wrapped =>
                {
                    let dashes = if matches!(argument, ast::Argument::Long { .. }) { "--" } else { "-" };
                    let literal = word_argument(&format!("{dashes}{}", name.node), *span);
                    self.positional(
                        &literal,
                        wanted,
                        &mut next,
                        rest,
                        input,
                        &mut bound,
                        (&mut rest_items, &mut rest_known, &mut rest_span),
                        &mut extra,
                    );
                }
                ast::Argument::Long { name, value, span } => {
                    let found = wanted.iter().position(|param| is_flag(param.kind) && *param.name == *name.node);
                    match found {
                        Some(at) => self.flag(at, wanted, value.as_ref(), *span, &mut given, input, &mut bound),
                        None if &*name.node == "help" => bound.help = true,
                        None => self.unknown_flag(callee, &name.node, wanted, *span),
                    }
                }
                ast::Argument::Short { letters, span } => {
                    let all: Vec<char> = letters.node.chars().collect();
                    for (i, letter) in all.iter().enumerate() {
                        let found = wanted.iter().position(|param| {
                            matches!(param.kind, Kind::Flag(Some(short)) | Kind::Switch(Some(short)) if short == *letter)
                        });
                        match found {
                            Some(at) if matches!(wanted[at].kind, Kind::Flag(_)) && i + 1 < all.len() => {
                                let error = Diagnostic::new(
                                    codes::WRONG_ARGUMENT,
                                    format!("`-{letter}` takes a value, so it comes last in `-{}`", letters.node),
                                );
                                self.report(error.label(*span, "here"));
                                break;
                            }
                            Some(at) => self.flag(at, wanted, None, *span, &mut given, input, &mut bound),
                            None if all == ['h'] => bound.help = true,
                            None => {
                                self.unknown_short(callee, *letter, wanted, *span);
                                break;
                            }
                        }
                    }
                }
                ast::Argument::Spread(expr) => match rest {
                    Some(_) => {
                        let (nodes, of) =
                            self.without_row(|checker| checker.list_items(&[ast::ListItem::Spread(expr.clone())]));
                        rest_items.extend(nodes);
                        rest_known.push(Known {
                            of: of.unwrap_or(Type::Any),
                            value: None,
                            gives: None,
                            parts: Vec::new(),
                        });
                        rest_span = Some(rest_span.map_or(expr.span, |span| span.to(expr.span)));
                        // How many it brings is not known, so what follows cannot be counted off any more.
                        next = Vec::new().into_iter();
                    }
                    None => {
                        let error = Diagnostic::new(
                            codes::TOO_MANY_ARGUMENTS,
                            format!(
                                "`{}` takes a fixed number of arguments, so none can be spread into it",
                                callee.name
                            ),
                        );
                        self.report(error.label(expr.span, "spread here"));
                    }
                },
                other => self.positional(
                    other,
                    wanted,
                    &mut next,
                    rest,
                    input,
                    &mut bound,
                    (&mut rest_items, &mut rest_known, &mut rest_span),
                    &mut extra,
                ),
            }
        }
        if let Some(span) = extra {
            let error =
                Diagnostic::new(codes::TOO_MANY_ARGUMENTS, format!("`{}` takes no more arguments", callee.name));
            self.report(error.label(span, "one too many").help(format!("usage: {}", callee.usage)));
        }
        if let (Some(at), Some(span)) = (rest, rest_span) {
            let check = match &wanted[at].takes {
                Want::Of(of) if !of.is_any() => Some(of.clone()),
                Want::Declared(takes) => declared_type(takes).filter(|of| !of.is_any()),
                Want::Of(_) => None,
            };
            let constants: Option<Vec<Value>> = rest_known.iter().map(|known| known.value.clone()).collect();
            let of = rest_known.iter().map(|known| known.of.clone()).reduce(Type::union).unwrap_or(Type::Any);
            let gives = rest_known.iter().find_map(|known| known.gives.clone());
            bound.known[at] =
                Some(Known { of: Type::list(of), value: constants.map(Value::list), gives, parts: Vec::new() });
            bound.arguments[at] = Some(Argument { value: ArgumentValue::Many(rest_items), span, check });
        }
        if !bound.help {
            for (at, param) in wanted.iter().enumerate() {
                if param.kind == Kind::Required && bound.arguments[at].is_none() && extra.is_none() {
                    let error =
                        Diagnostic::new(codes::MISSING_ARGUMENT, format!("`{}` needs <{}>", callee.name, param.name));
                    self.report(
                        error
                            .label(head.end_point(), format!("<{}> is missing", param.name))
                            .help(format!("usage: {}", callee.usage)),
                    );
                }
            }
        }
        bound
    }

    #[allow(clippy::too_many_arguments, reason = "the state of one walk over the arguments")]
    fn positional(
        &mut self,
        argument: &ast::Argument,
        wanted: &[Wanted],
        next: &mut std::vec::IntoIter<usize>,
        rest: Option<usize>,
        input: &Type,
        bound: &mut Bound,
        (rest_items, rest_known, rest_span): (&mut Vec<ListNode>, &mut Vec<Known>, &mut Option<Span>),
        extra: &mut Option<Span>,
    ) {
        let span = argument_span(argument);
        if let Some(at) = next.next() {
            let (node, known, check) = self.argument(argument, &wanted[at].takes, input);
            bound.known[at] = Some(known);
            bound.arguments[at] = Some(Argument { value: ArgumentValue::One(node), span, check });
        } else if let Some(at) = rest {
            let (node, known, _) = self.argument(argument, &wanted[at].takes, input);
            rest_items.push(ListNode::Item(node));
            rest_known.push(known);
            *rest_span = Some(rest_span.map_or(span, |known| known.to(span)));
        } else {
            // What is one too many is still looked at, for its own mistakes.
            let _ = self.argument(argument, &Want::Of(Type::Any), input);
            extra.get_or_insert(span);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the state of one walk over the arguments")]
    fn flag(
        &mut self,
        at: usize,
        wanted: &[Wanted],
        value: Option<&Expr>,
        span: Span,
        given: &mut std::slice::Iter<'_, ast::Argument>,
        input: &Type,
        bound: &mut Bound,
    ) {
        let param = &wanted[at];
        let (node, known, check, whole) = match (param.kind, value) {
            (Kind::Switch(_), None) => {
                let known = Known { of: Type::Bool, value: Some(Value::Bool(true)), gives: None, parts: Vec::new() };
                (Node::constant(Value::Bool(true), span), known, None, span)
            }
            (Kind::Switch(_), Some(expr)) => {
                let argument = positional_argument(self, expr);
                let (node, known, check) = self.argument(&argument, &Want::Of(Type::Bool), input);
                (node, known, check, span)
            }
            (_, Some(expr)) => {
                let argument = positional_argument(self, expr);
                let (node, known, check) = self.argument(&argument, &param.takes, input);
                (node, known, check, span)
            }
            (_, None) => match given.next() {
                Some(argument @ (ast::Argument::Positional { .. } | ast::Argument::Condition(_))) => {
                    let (node, known, check) = self.argument(argument, &param.takes, input);
                    (node, known, check, argument_span(argument))
                }
                // `--tail -5`: what looks like short flags may be a word after all.
                Some(ast::Argument::Short { letters, span }) => {
                    let argument = word_argument(&format!("-{}", letters.node), *span);
                    let (node, known, check) = self.argument(&argument, &param.takes, input);
                    (node, known, check, *span)
                }
                _ => {
                    let error = Diagnostic::new(codes::MISSING_ARGUMENT, format!("`--{}` needs a value", param.name));
                    self.report(error.label(span.end_point(), "a value is missing"));
                    return;
                }
            },
        };
        bound.known[at] = Some(known);
        bound.arguments[at] = Some(Argument { value: ArgumentValue::One(node), span: whole, check });
    }

    fn unknown_flag(&mut self, callee: &Callee<'_>, name: &str, wanted: &[Wanted], span: Span) {
        let flags: Vec<&str> = wanted.iter().filter(|param| is_flag(param.kind)).map(|param| &*param.name).collect();
        let error = Diagnostic::new(codes::UNKNOWN_FLAG, format!("`{}` has no flag `--{name}`", callee.name))
            .label(span, "unknown flag");
        let help = match suggest::nearest(name, flags.iter().copied(), 1).first() {
            Some(near) => format!("did you mean `--{near}`?"),
            None if flags.is_empty() => "it has no flags".to_string(),
            None => format!("its flags are: --{}", flags.join(", --")),
        };
        self.report(error.help(help).next(format!("help {}", callee.name)));
    }

    fn unknown_short(&mut self, callee: &Callee<'_>, letter: char, wanted: &[Wanted], span: Span) {
        let flags: Vec<String> = wanted
            .iter()
            .filter_map(|param| match param.kind {
                Kind::Flag(Some(short)) | Kind::Switch(Some(short)) => Some(format!("-{short} (--{})", param.name)),
                _ => None,
            })
            .collect();
        let error = Diagnostic::new(codes::UNKNOWN_FLAG, format!("`{}` has no flag `-{letter}`", callee.name))
            .label(span, "unknown flag");
        self.report(match flags.is_empty() {
            true => error.help("it has no short flags"),
            false => error.help(format!("its short flags are: {}", flags.join(", "))),
        });
    }

    /// One argument as its parameter takes it: the node, what is known, and what is left to check at run time.
    fn argument(&mut self, argument: &ast::Argument, want: &Want, input: &Type) -> (Node, Known, Option<Type>) {
        let expr = match argument {
            ast::Argument::Positional { expr, .. } => expr,
            ast::Argument::Condition(expr) => {
                let node = self.condition(expr, &item_of(input));
                return (node, closure_known(Type::Bool), None);
            }
            // Only what can stand for a value comes here.
            ast::Argument::Spread(expr) => expr,
            _ => return (Node::new(Op::Error, argument_span(argument)), any_known(), None),
        };
        let text: Arc<str> = match argument {
            ast::Argument::Positional { text, .. } => text.clone(),
            _ => self.source_text(expr.span).into(),
        };
        self.without_row(|checker| match want {
            Want::Of(of) => checker.typed(expr, &text, of),
            Want::Declared(takes) => checker.declared(expr, &text, takes, input),
        })
    }

    fn declared(&mut self, expr: &Expr, text: &str, takes: &Takes, input: &Type) -> (Node, Known, Option<Type>) {
        let item = item_of(input);
        match takes {
            Takes::Type(of) => match Type::parse(of) {
                Ok(of) => self.typed(expr, text, &of),
                Err(error) => {
                    self.report(error.or_label(expr.span, "the parameter's declaration"));
                    self.typed(expr, text, &Type::Any)
                }
            },
            Takes::Words(words) => {
                let of = Type::Word(words.iter().map(|word| Arc::from(*word)).collect());
                self.typed(expr, text, &of)
            }
            Takes::Path | Takes::Name(_) => self.typed(expr, text, &Type::String),
            Takes::Column => self.column(expr, text, &item),
            Takes::NewColumn => self.column(expr, text, &Type::Any),
            Takes::ColumnOrClosure => match closure_of(expr) {
                Some(closure) => self.closure_argument(&closure, std::slice::from_ref(&item), &item, expr.span),
                None => self.column(expr, text, &item),
            },
            Takes::Value => match closure_of(expr) {
                Some(closure) => self.closure_argument(&closure, &[item], &Type::Any, expr.span),
                None => self.typed(expr, text, &Type::Any),
            },
            Takes::EachClosure => match closure_of(expr) {
                Some(closure) => self.closure_argument(&closure, std::slice::from_ref(&item), &item, expr.span),
                None => self.typed(expr, text, &Type::Closure),
            },
            Takes::Condition => match closure_of(expr) {
                Some(closure) => self.closure_argument(&closure, std::slice::from_ref(&item), &item, expr.span),
                None => match &expr.kind {
                    ExprKind::Variable(_) | ExprKind::Path { .. } | ExprKind::Subexpression(_) => {
                        let (node, known, check) =
                            self.typed(expr, text, &Type::OneOf(vec![Type::Closure, Type::Bool]));
                        (node, known, check)
                    }
                    _ => (self.condition(expr, &item), closure_known(Type::Bool), None),
                },
            },
            Takes::FoldClosure => match closure_of(expr) {
                // What is folded is both the second parameter and `$in`.
                Some(closure) => self.closure_argument(&closure, &[item, Type::Any], &Type::Any, expr.span),
                None => self.typed(expr, text, &Type::Closure),
            },
            Takes::Closure => match closure_of(expr) {
                Some(closure) => self.closure_argument(&closure, &[], input, expr.span),
                None => self.typed(expr, text, &Type::Closure),
            },
            Takes::Aggregations => match &expr.kind {
                ExprKind::Record(items) => self.aggregations(items, input, expr.span),
                _ => match closure_of(expr) {
                    Some(closure) => {
                        let rows = rows_of(input);
                        self.closure_argument(&closure, std::slice::from_ref(&rows), &rows, expr.span)
                    }
                    None => {
                        self.typed(expr, text, &Type::OneOf(vec![Type::Record(value::Fields::open()), Type::Closure]))
                    }
                },
            },
        }
    }

    /// A record whose values are each a closure over a group's rows.
    fn aggregations(&mut self, items: &[ast::RecordItem], input: &Type, span: Span) -> (Node, Known, Option<Type>) {
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
                    fields.push(crate::program::FieldNode::Field {
                        name: crate::program::NameNode::Known(name),
                        value: node,
                    });
                }
                ast::RecordItem::Spread(expr) => {
                    let error = Diagnostic::new(codes::WRONG_ARGUMENT, "aggregations are written one by one");
                    self.report(error.label(expr.span, "spread here"));
                }
            }
        }
        let known = Known { of: Type::Record(value::Fields::open()), value: None, gives: None, parts };
        (Node::new(Op::Record(fields), span), known, None)
    }

    fn closure_argument(
        &mut self,
        closure: &ast::Closure,
        given: &[Type],
        input: &Type,
        span: Span,
    ) -> (Node, Known, Option<Type>) {
        let (node, gives) = self.closure(closure, given, input, span);
        (node, closure_known(gives), None)
    }

    /// A column of the rows that flow in, or a path that starts with one.
    fn column(&mut self, expr: &Expr, text: &str, item: &Type) -> (Node, Known, Option<Type>) {
        let path = match &expr.kind {
            ExprKind::Literal(Literal::String(name)) => Some(CellPath(vec![value::PathMember::name(name.clone())])),
            ExprKind::Bare(_) | ExprKind::Literal(_) => match CellPath::parse(text) {
                Some(path) => Some(path),
                None => Some(CellPath(vec![value::PathMember::name(text)])),
            },
            ExprKind::CellPath(members) => Some(CellPath(path::members(members).to_vec())),
            _ => None,
        };
        let Some(path) = path else {
            let (node, of) = self.expr(expr);
            let wanted = Type::OneOf(vec![Type::CellPath, Type::String, Type::Int, Type::Closure]);
            if !wanted.accepts(&of) {
                let error =
                    Diagnostic::new(codes::WRONG_ARGUMENT, format!("a column is named by text or a path, not by {of}"));
                self.report(error.label(expr.span, format!("this is {of}")));
            }
            let value = node.as_const().cloned();
            let check = if of == Type::CellPath || of == Type::Closure {
                None
            } else {
                Some(Type::OneOf(vec![Type::CellPath, Type::Closure]))
            };
            return (node, Known { of, value, gives: None, parts: Vec::new() }, check);
        };
        if let Err(error) = path::type_at(item, &path.0, &|_| expr.span) {
            // Columns are asked of rows; on what is no row at all, the command itself says what it works on.
            if error.code == codes::UNKNOWN_COLUMN {
                self.report(error);
            }
        }
        let value = Value::cell_path(path);
        (
            Node::constant(value.clone(), expr.span),
            Known { of: Type::CellPath, value: Some(value), gives: None, parts: Vec::new() },
            None,
        )
    }

    /// An argument of a plain type. A word is text where text is wanted, else what it reads as.
    fn typed(&mut self, expr: &Expr, text: &str, of: &Type) -> (Node, Known, Option<Type>) {
        let wants_text = matches!(of, Type::String | Type::Word(_));
        let (node, given) = match &expr.kind {
            ExprKind::Literal(Literal::String(_)) => self.expr(expr),
            ExprKind::Bare(_) | ExprKind::Literal(_) if wants_text => {
                (Node::constant(Value::string(text), expr.span), Type::String)
            }
            ExprKind::Bare(word) if *of == Type::CellPath => match CellPath::parse(word) {
                Some(path) => (Node::constant(Value::cell_path(path), expr.span), Type::CellPath),
                None => self.expr(expr),
            },
            ExprKind::Literal(Literal::Int(_)) if *of == Type::CellPath => match CellPath::parse(text) {
                Some(path) => (Node::constant(Value::cell_path(path), expr.span), Type::CellPath),
                None => self.expr(expr),
            },
            ExprKind::Bare(_) => (Node::constant(Value::string(text), expr.span), Type::String),
            ExprKind::Block(_)
                if !of.is_any()
                    && of.accepts(&Type::Record(value::Fields::open()))
                    && *of != Type::Closure
                    && is_empty_block(expr) =>
            {
                (Node::constant(Value::record(value::Record::new()), expr.span), Type::Record(value::Fields::open()))
            }
            ExprKind::Record(items) if items.is_empty() && *of == Type::Closure => {
                let closure =
                    ast::Closure { parameters: None, body: ast::Block { statements: Vec::new(), span: expr.span } };
                let (node, _) = self.closure(&closure, &[], &Type::Any, expr.span);
                (node, Type::Closure)
            }
            _ => self.expr(expr),
        };
        if !of.accepts(&given) {
            let error = Diagnostic::new(codes::WRONG_ARGUMENT, format!("expected {of}, found {given}"))
                .label(expr.span, format!("this is {given}"));
            self.report(error);
            return (Node::new(Op::Error, expr.span), any_known(), None);
        }
        if let Some(value) = node.as_const() {
            return match crate::run::coerce(value.clone(), of) {
                Ok(value) => {
                    let known =
                        Known { of: value.type_of(), value: Some(value.clone()), gives: None, parts: Vec::new() };
                    (Node::constant(value, expr.span), known, None)
                }
                Err(value) => {
                    self.report(not_that(&value, of, expr.span));
                    (Node::new(Op::Error, expr.span), any_known(), None)
                }
            };
        }
        let exact = of.is_any() || *of == given && !matches!(of, Type::List(_) | Type::Record(_) | Type::Table(_));
        let gives = if let Op::Closure { function, .. } = &node.op { Some(function.gives.clone()) } else { None };
        (node, Known { of: given, value: None, gives, parts: Vec::new() }, (!exact).then(|| of.clone()))
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
fn declared_type(takes: &Takes) -> Option<Type> {
    match takes {
        Takes::Type(of) => Type::parse(of).ok(),
        Takes::Path | Takes::Name(_) => Some(Type::String),
        Takes::Column | Takes::NewColumn => Some(Type::CellPath),
        Takes::ColumnOrClosure => Some(Type::OneOf(vec![Type::CellPath, Type::Closure])),
        _ => None,
    }
}

fn is_flag(kind: Kind) -> bool {
    matches!(kind, Kind::Flag(_) | Kind::Switch(_))
}

/// A closure, or braces that are one here.
fn closure_of(expr: &Expr) -> Option<ast::Closure> {
    match &expr.kind {
        ExprKind::Closure(closure) => Some(closure.clone()),
        ExprKind::Block(body) => Some(ast::Closure { parameters: None, body: body.clone() }),
        _ => None,
    }
}

fn is_empty_block(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Block(block) if block.statements.is_empty())
}

/// The rows that an aggregation sees as `$in`.
fn rows_of(input: &Type) -> Type {
    match input {
        Type::Groups(parts) => Type::Table(parts.1.clone()),
        Type::Table(_) | Type::List(_) => input.clone(),
        _ => Type::Any,
    }
}

fn closure_known(gives: Type) -> Known {
    Known { of: Type::Closure, value: None, gives: Some(gives), parts: Vec::new() }
}

fn any_known() -> Known {
    Known { of: Type::Any, value: None, gives: None, parts: Vec::new() }
}

fn positional_argument(checker: &Checker<'_>, expr: &Expr) -> ast::Argument {
    ast::Argument::Positional { text: checker.source_text(expr.span).into(), expr: expr.clone() }
}

fn word_argument(text: &str, span: Span) -> ast::Argument {
    ast::Argument::Positional { text: text.into(), expr: Expr { kind: ExprKind::Bare(text.into()), span } }
}

pub(super) fn argument_span(argument: &ast::Argument) -> Span {
    match argument {
        ast::Argument::Positional { expr, .. } | ast::Argument::Spread(expr) | ast::Argument::Condition(expr) => {
            expr.span
        }
        ast::Argument::Long { span, .. } | ast::Argument::Short { span, .. } | ast::Argument::EndOfFlags(span) => *span,
    }
}
