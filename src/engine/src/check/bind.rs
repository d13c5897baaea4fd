//! Arguments as written, bound to the parameters of a declaration.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes, suggest};
use syntax::ast::{self, Expr, ExprKind};
use value::{Type, Value};

use super::Checker;
use super::argument::{Taken, declared_type};
use crate::command::{Kind, Known, Takes};
use crate::program::{Argument, ArgumentValue, ListNode};

/// A parameter, of a command or a `def`.
pub(super) struct Wanted {
    pub name: Arc<str>,
    pub kind: Kind,
    pub takes: Want,
    /// Columns may be named beside it that the input is not known to have.
    pub relaxes_columns: bool,
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
        let positional: Vec<usize> =
            (0..wanted.len()).filter(|at| matches!(wanted[*at].kind, Kind::Required | Kind::Optional)).collect();
        let rest = wanted.iter().position(|param| param.kind == Kind::Rest);
        let relaxed = given.iter().any(|argument| relaxes_columns(wanted, argument));
        let walk = Walk {
            callee,
            wanted,
            given: given.iter(),
            // Of a value of any type, any column may be named.
            input: if relaxed { &Type::Any } else { input },
            positional: positional.into_iter(),
            rest: rest.map(|at| Rest { at, items: Vec::new(), known: Vec::new(), span: None }),
            flags: true,
            extra: None,
            mistaken: false,
            bound: Bound {
                arguments: wanted.iter().map(|_| None).collect(),
                known: vec![None; wanted.len()],
                help: false,
            },
            checker: self,
        };
        walk.run(head)
    }
}

/// One walk over the arguments of a call.
struct Walk<'a, 'c> {
    checker: &'a mut Checker<'c>,
    callee: &'a Callee<'a>,
    wanted: &'a [Wanted],
    given: std::slice::Iter<'a, ast::Argument>,
    /// What flows into the call, whose columns arguments may name.
    input: &'a Type,
    /// The positional parameters that got nothing yet.
    positional: std::vec::IntoIter<usize>,
    rest: Option<Rest>,
    /// Whether what starts with dashes may be a flag: not after `--`.
    flags: bool,
    /// The first argument that no parameter takes.
    extra: Option<Span>,
    /// Whether a flag was unknown.
    mistaken: bool,
    bound: Bound,
}

/// What the rest parameter got so far.
struct Rest {
    /// The place of its parameter.
    at: usize,
    items: Vec<ListNode>,
    known: Vec<Known>,
    span: Option<Span>,
}

impl<'a> Walk<'a, '_> {
    fn run(mut self, head: Span) -> Bound {
        while let Some(argument) = self.given.next() {
            self.one(argument);
        }
        self.finish(head)
    }

    fn one(&mut self, argument: &'a ast::Argument) {
        match argument {
            ast::Argument::EndOfFlags(span) => {
                let ends = std::mem::replace(&mut self.flags, false);
                // The program that a wrapper calls has flags of its own to end.
                if !ends || self.callee.wrapped {
                    self.value(&word("--", *span));
                }
            }
            ast::Argument::Long { name, value, span } => match self.named(&name.node) {
                known if self.hands_on(known.is_some()) => self.value(&long_word(name, value.as_ref(), *span)),
                Some(at) => self.flag(at, value.as_ref(), *span),
                None if &*name.node == "help" => self.bound.help = true,
                None => self.unknown_flag(&name.node, *span),
            },
            ast::Argument::Short { letters, span } => {
                let known = letters.node.chars().all(|letter| self.lettered(letter).is_some());
                match self.hands_on(known) {
                    true => self.value(&word(&format!("-{}", letters.node), *span)),
                    false => self.letters(letters, *span),
                }
            }
            ast::Argument::Spread(expr) => self.spread(expr),
            ast::Argument::Positional { .. } | ast::Argument::Condition(_) => self.value(argument),
        }
    }

    /// A positional argument.
    fn value(&mut self, argument: &ast::Argument) {
        let span = argument_span(argument);
        if let Some(at) = self.positional.next() {
            let taken = self.checker.argument(argument, &self.wanted[at].takes, self.input);
            self.bind(at, taken, span);
        } else if let Some(rest) = &mut self.rest {
            let taken = self.checker.argument(argument, &self.wanted[rest.at].takes, self.input);
            rest.add(ListNode::Item(taken.node), taken.known, span);
        } else {
            // What is one too many is still looked at, for its own mistakes.
            let _ = self.checker.argument(argument, &Want::Of(Type::Any), self.input);
            self.extra.get_or_insert(span);
        }
    }

    /// Whether what starts with dashes is a value here: behind `--`, and of a wrapper what it does not know.
    fn hands_on(&self, known: bool) -> bool {
        !self.flags || self.callee.wrapped && !known
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.wanted.iter().position(|param| param.kind.is_flag() && *param.name == *name)
    }

    fn lettered(&self, letter: char) -> Option<usize> {
        self.wanted.iter().position(|param| param.kind.short() == Some(letter))
    }

    fn letters(&mut self, letters: &ast::Name, span: Span) {
        let last = letters.node.chars().count().saturating_sub(1);
        for (i, letter) in letters.node.chars().enumerate() {
            match self.lettered(letter) {
                Some(at) if matches!(self.wanted[at].kind, Kind::Flag(_)) && i < last => {
                    let error = Diagnostic::new(
                        codes::WRONG_ARGUMENT,
                        format!("`-{letter}` takes a value, so it comes last in `-{}`", letters.node),
                    );
                    return self.checker.report(error.label(span, ""));
                }
                Some(at) => self.flag(at, None, span),
                None if &*letters.node == "h" => self.bound.help = true,
                None => return self.unknown_letter(letter, span),
            }
        }
    }

    fn spread(&mut self, expr: &Expr) {
        let Some(rest) = &mut self.rest else {
            let error = Diagnostic::new(
                codes::TOO_MANY_ARGUMENTS,
                format!("`{}` takes a fixed number of arguments, so none can be spread into it", self.callee.name),
            );
            return self.checker.report(error.label(expr.span, "spread here"));
        };
        let items = [ast::ListItem::Spread(expr.clone())];
        let (nodes, of) = self.checker.without_row(|checker| checker.list_items(&items));
        let known = Known::of(of.unwrap_or(Type::Any));
        for node in nodes {
            rest.add(node, known.clone(), expr.span);
        }
        // How many it brings is not known, so what follows cannot be counted off any more.
        self.positional = Vec::new().into_iter();
    }

    fn flag(&mut self, at: usize, value: Option<&Expr>, span: Span) {
        let param = &self.wanted[at];
        let (taken, span) = match (param.kind, value) {
            (Kind::Switch(_), None) => (Taken::constant(Value::Bool(true), span), span),
            (Kind::Switch(_), Some(expr)) => (self.flag_value(expr, &Want::Of(Type::Bool)), span),
            (_, Some(expr)) => (self.flag_value(expr, &param.takes), span),
            (_, None) => match self.given.next() {
                Some(argument @ (ast::Argument::Positional { .. } | ast::Argument::Condition(_))) => {
                    (self.checker.argument(argument, &param.takes, self.input), argument_span(argument))
                }
                // `--tail -5`: what looks like short flags may be a word after all.
                Some(ast::Argument::Short { letters, span }) => {
                    let argument = word(&format!("-{}", letters.node), *span);
                    (self.checker.argument(&argument, &param.takes, self.input), *span)
                }
                _ => {
                    let error = Diagnostic::new(codes::MISSING_ARGUMENT, format!("`--{}` needs a value", param.name));
                    return self.checker.report(error.label(span.end_point(), "a value is missing"));
                }
            },
        };
        self.bind(at, taken, span);
    }

    /// What stands after `=` in `--flag=value`.
    fn flag_value(&mut self, expr: &Expr, want: &Want) -> Taken {
        let text = self.checker.source_text(expr.span).into();
        self.checker.argument(&ast::Argument::Positional { text, expr: expr.clone() }, want, self.input)
    }

    fn bind(&mut self, at: usize, taken: Taken, span: Span) {
        self.bound.known[at] = Some(taken.known);
        self.bound.arguments[at] = Some(Argument { value: ArgumentValue::One(taken.node), span, check: taken.check });
    }

    fn unknown_flag(&mut self, name: &str, span: Span) {
        self.mistaken = true;
        let flags: Vec<&str> =
            self.wanted.iter().filter(|param| param.kind.is_flag()).map(|param| &*param.name).collect();
        let error = Diagnostic::new(codes::UNKNOWN_FLAG, format!("`{}` has no flag `--{name}`", self.callee.name))
            .label(span, "unknown flag");
        let help = match suggest::nearest(name, flags.iter().copied(), 1).first() {
            Some(near) => format!("did you mean `--{near}`?"),
            None if flags.is_empty() => "it has no flags".to_string(),
            None => format!("its flags are: --{}", flags.join(", --")),
        };
        self.checker.report(error.help(help).next(format!("help {}", self.callee.name)));
    }

    fn unknown_letter(&mut self, letter: char, span: Span) {
        self.mistaken = true;
        let flags: Vec<String> = self
            .wanted
            .iter()
            .filter_map(|param| Some(format!("-{} (--{})", param.kind.short()?, param.name)))
            .collect();
        let error = Diagnostic::new(codes::UNKNOWN_FLAG, format!("`{}` has no flag `-{letter}`", self.callee.name))
            .label(span, "unknown flag");
        self.checker.report(match flags.is_empty() {
            true => error.help("it has no short flags"),
            false => error.help(format!("its short flags are: {}", flags.join(", "))),
        });
    }

    /// Binds the rest, and reports what is one too many or missing.
    fn finish(mut self, head: Span) -> Bound {
        let usage = format!("usage: {}", self.callee.usage);
        // One too many behind an unknown flag is taken for its value.
        if let (Some(span), false) = (self.extra, self.mistaken) {
            let error =
                Diagnostic::new(codes::TOO_MANY_ARGUMENTS, format!("`{}` takes no more arguments", self.callee.name));
            self.checker.report(error.label(span, "one too many").help(usage.clone()));
        }
        if let Some(rest) = self.rest {
            rest.finish(self.wanted, &mut self.bound);
        }
        // Who gave one too many may have put it where a flag belongs, and who asks for help gives none.
        if self.bound.help || self.extra.is_some() {
            return self.bound;
        }
        for (param, argument) in self.wanted.iter().zip(&self.bound.arguments) {
            if param.kind == Kind::Required && argument.is_none() {
                let error =
                    Diagnostic::new(codes::MISSING_ARGUMENT, format!("`{}` needs <{}>", self.callee.name, param.name))
                        .label(head.end_point(), format!("<{}> is missing", param.name));
                self.checker.report(error.help(usage.clone()));
            }
        }
        self.bound
    }
}

impl Rest {
    fn add(&mut self, node: ListNode, known: Known, span: Span) {
        self.items.push(node);
        self.known.push(known);
        self.span = Some(self.span.map_or(span, |before| before.to(span)));
    }

    fn finish(self, wanted: &[Wanted], bound: &mut Bound) {
        let Some(span) = self.span else { return };
        let check = match &wanted[self.at].takes {
            Want::Of(of) => Some(of.clone()),
            Want::Declared(takes) => declared_type(takes),
        };
        let values: Option<Vec<Value>> = self.known.iter().map(|known| known.value.clone()).collect();
        let gives = self.known.iter().find_map(|known| known.gives.clone());
        let of = self.known.into_iter().map(|known| known.of).reduce(Type::union).unwrap_or(Type::Any);
        bound.known[self.at] = Some(Known { value: values.map(Value::list), gives, ..Known::of(Type::list(of)) });
        bound.arguments[self.at] =
            Some(Argument { value: ArgumentValue::Many(self.items), span, check: check.filter(|of| !of.is_any()) });
    }
}

/// Whether an argument is a flag beside which columns need not be there.
fn relaxes_columns(wanted: &[Wanted], argument: &ast::Argument) -> bool {
    wanted.iter().filter(|param| param.relaxes_columns).any(|param| match argument {
        ast::Argument::Long { name, .. } => *param.name == *name.node,
        ast::Argument::Short { letters, .. } => param.kind.short().is_some_and(|short| letters.node.contains(short)),
        _ => false,
    })
}

fn word(text: &str, span: Span) -> ast::Argument {
    ast::Argument::Positional { text: text.into(), expr: Expr { kind: ExprKind::Bare(text.into()), span } }
}

/// `--name` or `--name=value` where it is no flag.
fn long_word(name: &ast::Name, value: Option<&Expr>, span: Span) -> ast::Argument {
    let Some(value) = value else { return word(&format!("--{}", name.node), span) };
    let text: Arc<str> = format!("--{}=", name.node).into();
    let parts = vec![ast::Part::Text(text.clone()), ast::Part::Expr(value.clone())];
    ast::Argument::Positional { text, expr: Expr { kind: ExprKind::Interpolation(parts), span } }
}

pub(super) fn argument_span(argument: &ast::Argument) -> Span {
    match argument {
        ast::Argument::Positional { expr, .. } | ast::Argument::Spread(expr) | ast::Argument::Condition(expr) => {
            expr.span
        }
        ast::Argument::Long { span, .. } | ast::Argument::Short { span, .. } | ast::Argument::EndOfFlags(span) => *span,
    }
}
