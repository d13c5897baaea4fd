//! Keyword forms: `let`, `if`, `for`, `match`, `try`, assignments.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes, suggest};
use syntax::ast::{self, BindingKind, Expr, ExprKind, Keyword};
use value::ops::Operator;
use value::{PathMember, Type};

use super::block::decides_where_programs_are;
use super::function::variable_name;
use super::scope::VarKind;
use super::{Checker, constant, path};
use crate::program::{Arm, Node, Op, Pattern};

impl Checker<'_> {
    pub(super) fn keyword(&mut self, keyword: &Keyword, input: &Type, span: Span) -> (Node, Type) {
        match keyword {
            Keyword::Binding { kind, name, of, value, .. } => {
                self.binding(*kind, name, of.as_ref(), value.as_ref(), input, span)
            }
            Keyword::Assign { target, op, value } => self.assign(target, op, value, span),
            Keyword::Def { name, signature, body, env, .. } => {
                self.define(name, signature, body, *env, span);
                (nothing(span), Type::Nothing)
            }
            Keyword::If { condition, then, otherwise } => {
                let (condition, _) = self.condition_expr(condition);
                let (then, mut of) = self.block(then, input, false);
                let otherwise = match otherwise {
                    None => {
                        of = of.union(Type::Nothing);
                        None
                    }
                    Some(expr) => {
                        let (node, gives) = self.branch(expr, input);
                        of = of.union(gives);
                        Some(Box::new(node))
                    }
                };
                (Node::new(Op::If { condition: Box::new(condition), then: Box::new(then), otherwise }, span), of)
            }
            Keyword::Match { subject, arms } => self.match_arms(subject, arms, input, span),
            Keyword::For { variable, of, items, body } => {
                let (items_node, items_type) = self.expr(items);
                let item = match &items_type {
                    Type::List(_) | Type::Table(_) | Type::Range | Type::OneOf(_) | Type::Any => items_type.item(),
                    Type::Record(_) | Type::Groups(_) => Type::Any,
                    other => other.clone(),
                };
                let item = match (of.as_ref().map(|of| self.type_of(of)), items_type) {
                    (Some(of), _) => of,
                    // Counting by ints gives ints.
                    (None, Type::Range) if range_of_ints(&items_node) => Type::Int,
                    (None, _) => item,
                };
                let mut slot = 0;
                let body = self.scoped(|checker| {
                    slot = checker.declare(&variable_name(&variable.node), item, VarKind::Let, variable.span);
                    checker.loop_body(body)
                });
                let op = Op::For { slot, items: Box::new(items_node), body: Box::new(body) };
                (Node::new(op, span), Type::Nothing)
            }
            Keyword::While { condition, body } => {
                let (condition, _) = self.condition_expr(condition);
                let body = self.loop_body(body);
                (Node::new(Op::While { condition: Box::new(condition), body: Box::new(body) }, span), Type::Nothing)
            }
            Keyword::Loop { body } => {
                let body = self.loop_body(body);
                (Node::new(Op::Loop(Box::new(body)), span), Type::Nothing)
            }
            Keyword::Break | Keyword::Continue => {
                if self.loops == 0 {
                    let error = Diagnostic::new(
                        codes::OUTSIDE_LOOP,
                        "`break` and `continue` belong inside `for`, `while` or `loop`",
                    );
                    self.report(error.label(span, "no loop around this"));
                }
                (Node::new(if matches!(keyword, Keyword::Break) { Op::Break } else { Op::Continue }, span), Type::Any)
            }
            Keyword::Return(value) => {
                let value = value.as_ref().map(|value| Box::new(self.pipeline(value, &Type::Nothing).0));
                // What follows a return is never reached, so it may be of any type.
                (Node::new(Op::Return(value), span), Type::Any)
            }
            Keyword::Try { body, catch, finally } => {
                self.tries += 1;
                let (body, mut of) = self.block(body, input, false);
                self.tries -= 1;
                let catch = catch.as_ref().map(|handler| {
                    let (node, gives) = self.handler(handler);
                    of = of.clone().union(gives);
                    Box::new(node)
                });
                if catch.is_none() && finally.is_none() {
                    of = of.union(Type::Nothing);
                }
                let finally = finally.as_ref().map(|handler| Box::new(self.handler(handler).0));
                (Node::new(Op::Try { body: Box::new(body), catch, finally }, span), of)
            }
            Keyword::Module { name, body, .. } => {
                self.declare_module(name, body);
                (nothing(span), Type::Nothing)
            }
            Keyword::Use { path, names, all, .. } => {
                self.use_module(path, names, *all, span);
                (nothing(span), Type::Nothing)
            }
            Keyword::Source { path } => self.source_file(path, span),
            // What is said of a definition is for those who look at programs from outside.
            Keyword::Attribute { .. } => (nothing(span), Type::Nothing),
        }
    }

    fn loop_body(&mut self, body: &ast::Block) -> Node {
        self.loops += 1;
        let (node, _) = self.block(body, &Type::Nothing, false);
        self.loops -= 1;
        node
    }

    fn condition_expr(&mut self, expr: &Expr) -> (Node, Type) {
        let (node, of) = self.expr(expr);
        if !Type::OneOf(vec![Type::Bool, Type::Nothing]).may_accept(&of) {
            let error = Diagnostic::new(codes::WRONG_ARGUMENT, format!("a condition is a bool, not {of}"));
            let error = error.label(expr.span, format!("this is {of}"));
            self.report(if of.is_number() { error.help("compare it: `… != 0`") } else { error });
        }
        (node, of)
    }

    /// What stands after `else` or `=>`: a block, or any expression.
    fn branch(&mut self, expr: &Expr, input: &Type) -> (Node, Type) {
        match &expr.kind {
            ExprKind::Block(block) => self.block(block, input, false),
            ExprKind::Keyword(keyword) => self.keyword(keyword, input, expr.span),
            ExprKind::Call(call) => self.call(call, input, false, expr.span),
            _ => self.expr(expr),
        }
    }

    /// `catch {|e| … }`, `catch { … }`
    fn handler(&mut self, expr: &Expr) -> (Node, Type) {
        match &expr.kind {
            ExprKind::Closure(closure) if closure.parameters.is_some() => {
                let (node, gives) = self.closure(closure, &[Type::Any], &Type::Any, expr.span);
                (node, gives)
            }
            // Without a parameter it is a block, which may assign and `break`.
            ExprKind::Closure(ast::Closure { body, .. }) | ExprKind::Block(body) => {
                self.block(body, &Type::Nothing, false)
            }
            _ => self.expr(expr),
        }
    }

    fn binding(
        &mut self,
        kind: BindingKind,
        name: &ast::Name,
        of: Option<&ast::Name>,
        value: Option<&ast::Pipeline>,
        input: &Type,
        span: Span,
    ) -> (Node, Type) {
        let wanted = of.map(|of| self.type_of(of));
        let known: Arc<str> = variable_name(&name.node);
        if matches!(&*known, "in" | "env" | "it") {
            let error = Diagnostic::new(codes::DUPLICATE_NAME, format!("`${known}` has a meaning of its own"));
            self.report(error.label(name.span, "choose another name"));
        }
        let Some(value) = value else {
            let of = wanted.clone().unwrap_or_else(|| input.clone());
            let slot = self.declare(
                &known,
                of.clone(),
                if kind == BindingKind::Mut { VarKind::Mut } else { VarKind::Let },
                name.span,
            );
            return (Node::new(Op::LetInput { slot, of: wanted }, span), of);
        };
        let (node, given) = self.pipeline(value, &Type::Nothing);
        if let Some(wanted) = &wanted
            && !wanted.accepts(&given)
        {
            let error = Diagnostic::new(
                codes::WRONG_ASSIGNMENT,
                format!("`{known}` is declared {wanted}, and this is {given}"),
            );
            self.report(
                error.label(value.span, format!("this is {given}")).label(name.span, format!("declared {wanted}")),
            );
        }
        if kind == BindingKind::Const {
            match constant::evaluate(self, &node) {
                Ok(value) => {
                    let of = value.type_of();
                    self.declare(&known, of, VarKind::Const(value), name.span);
                }
                Err(error) => {
                    self.report(error);
                    self.declare(&known, given, VarKind::Let, name.span);
                }
            }
            return (nothing(span), Type::Nothing);
        }
        let seen = match (&wanted, kind) {
            (Some(wanted), _) => wanted.clone(),
            (None, BindingKind::Mut) => assignable(given),
            (None, _) => given,
        };
        let slot =
            self.declare(&known, seen, if kind == BindingKind::Mut { VarKind::Mut } else { VarKind::Let }, name.span);
        let check = wanted.filter(|wanted| !wanted.is_any());
        (Node::new(Op::Let { slot, value: Box::new(node), of: check }, span), Type::Nothing)
    }

    fn assign(
        &mut self,
        target: &Expr,
        op: &ast::Spanned<Arc<str>>,
        value: &ast::Pipeline,
        span: Span,
    ) -> (Node, Type) {
        let operator = match &*op.node {
            "=" => None,
            text => Operator::parse(text.trim_end_matches('=')),
        };
        let (node, given) = self.pipeline(value, &Type::Nothing);
        let (name, members): (&Arc<str>, &[ast::Member]) = match &target.kind {
            ExprKind::Variable(name) => (name, &[]),
            ExprKind::Path { base, members } => match &base.kind {
                ExprKind::Variable(name) => (name, members),
                _ => return self.not_assignable(target, span),
            },
            _ => return self.not_assignable(target, span),
        };
        let steps: Arc<[PathMember]> = path::members(members);
        if &**name == "env" {
            let Some((PathMember { step: value::Step::Name(variable), .. }, rest)) = steps.split_first() else {
                let error = Diagnostic::new(codes::NOT_MUTABLE, "the environment as a whole cannot be replaced");
                self.report(
                    error
                        .label(target.span, "")
                        .help("set one variable: `$env.NAME = value`, or several: `load-env {…}`"),
                );
                return (Node::new(Op::Error, span), Type::Nothing);
            };
            self.path_changed |= decides_where_programs_are(variable);
            let node = Op::AssignEnv { name: variable.clone(), path: rest.into(), op: operator, value: Box::new(node) };
            return (Node::new(node, span), Type::Nothing);
        }
        let Some(var) = self.var(name).cloned() else {
            let known: Vec<Arc<str>> = self.scopes.iter().flat_map(|scope| scope.vars.keys()).cloned().collect();
            let error = Diagnostic::new(codes::UNKNOWN_VARIABLE, format!("there is no variable `${name}`"))
                .label(target.span, "not found");
            self.report(match suggest::nearest(name, known.iter().map(|known| &**known), 1).first() {
                Some(near) => error.help(format!("did you mean `${near}`?")),
                None => error.help(format!("declare it first: `mut {name} = …`")),
            });
            return (Node::new(Op::Error, span), Type::Nothing);
        };
        if !matches!(var.kind, VarKind::Mut) {
            let error = Diagnostic::new(codes::NOT_MUTABLE, format!("`${name}` cannot be assigned again"))
                .label(target.span, "assigned here")
                .label(var.span, "declared here")
                .help(format!("declare it with `mut {name} = …`"));
            self.report(error);
            return (Node::new(Op::Error, span), Type::Nothing);
        }
        if var.level < self.level() {
            let error = Diagnostic::new(
                codes::CAPTURED_MUT,
                format!("a closure cannot change `${name}`, which is `mut` outside"),
            )
            .label(target.span, "assigned in a closure")
            .label(var.span, "declared `mut` here")
            .help("`for` can change it: its block is no closure; `reduce` hands a value from item to item");
            self.report(error);
            return (Node::new(Op::Error, span), Type::Nothing);
        }
        let part = if steps.is_empty() { var.of.clone() } else { Type::Any };
        let result = match operator {
            None => given,
            Some(operator) => match operator.result_type(&part, &given) {
                Some(of) => of,
                None => {
                    let error = value::ops::wrong_operand_types(operator, &part, &given);
                    self.report(
                        error
                            .label(target.span, format!("this is {part}"))
                            .label(value.span, format!("this is {given}")),
                    );
                    Type::Any
                }
            },
        };
        if !part.accepts(&result) {
            let error = Diagnostic::new(codes::WRONG_ASSIGNMENT, format!("`${name}` is {part}, and this is {result}"))
                .label(value.span, format!("this is {result}"))
                .label(var.span, format!("declared as {part}"))
                .help(format!("declare it wider: `mut {name}: any = …`"));
            self.report(error);
        }
        let slot = self.slot_of(&var);
        let check = (!part.is_any()).then_some(part);
        let op = match operator {
            Some(op) => Op::Update { slot, path: steps, op, value: Box::new(node), of: check },
            None => Op::Assign { slot, path: steps, value: Box::new(node), of: check },
        };
        (Node::new(op, span), Type::Nothing)
    }

    fn not_assignable(&mut self, target: &Expr, span: Span) -> (Node, Type) {
        let error = Diagnostic::new(codes::NOT_MUTABLE, "only variables can be assigned");
        self.report(error.label(target.span, "this is no variable"));
        (Node::new(Op::Error, span), Type::Nothing)
    }

    fn match_arms(&mut self, subject: &Expr, arms: &[ast::Arm], input: &Type, span: Span) -> (Node, Type) {
        let (subject_node, subject_type) = self.expr(subject);
        let mut of: Option<Type> = None;
        let mut nodes = Vec::with_capacity(arms.len());
        let mut total = false;
        for arm in arms {
            let (node, gives) = self.scoped(|checker| {
                let pattern = checker.pattern(&arm.pattern, &subject_type);
                let guard = arm.guard.as_ref().map(|guard| checker.condition_expr(guard).0);
                let (body, gives) = checker.branch(&arm.body, input);
                (Arm { pattern, guard, body }, gives)
            });
            total |= node.guard.is_none() && matches!(node.pattern, Pattern::Anything | Pattern::Bind(_));
            nodes.push(node);
            of = Some(match of.take() {
                Some(of) => of.union(gives),
                None => gives,
            });
        }
        let of = of.unwrap_or(Type::Nothing);
        let of = if total { of } else { of.union(Type::Nothing) };
        (Node::new(Op::Match { subject: Box::new(subject_node), arms: nodes }, span), of)
    }

    fn pattern(&mut self, pattern: &ast::Spanned<ast::Pattern>, of: &Type) -> Pattern {
        match &pattern.node {
            ast::Pattern::Anything => Pattern::Anything,
            ast::Pattern::Variable(name) => {
                Pattern::Bind(self.declare(&variable_name(name), of.clone(), VarKind::Let, pattern.span))
            }
            ast::Pattern::Value(expr) => {
                let (node, given) = self.expr(expr);
                if let (Type::Word(words), Some(value::Value::String(word))) = (of, node.as_const())
                    && !words.iter().any(|known| **known == **word)
                {
                    let all: Vec<&str> = words.iter().map(|word| &**word).collect();
                    let error =
                        Diagnostic::new(codes::NOT_IN_SET, format!("`{word}` is not one of {}", all.join(", ")));
                    let help =
                        suggest::did_you_mean(word, all.iter().copied()).unwrap_or_else(|| "it never matches".into());
                    self.report(error.label(expr.span, "never matches").help(help));
                }
                let _ = given;
                Pattern::Value(node)
            }
            ast::Pattern::List { items, rest } => {
                let item = of.item();
                let items = items.iter().map(|item_pattern| self.pattern(item_pattern, &item)).collect();
                let rest = rest.as_ref().map(|name| {
                    name.as_ref().map(|name| {
                        self.declare(&variable_name(name), Type::list(item.clone()), VarKind::Let, pattern.span)
                    })
                });
                Pattern::List { items, rest }
            }
            ast::Pattern::Record(fields) => Pattern::Record(
                fields
                    .iter()
                    .map(|(name, pattern)| {
                        let of = of.fields().and_then(|fields| fields.get(&name.node)).cloned().unwrap_or(Type::Any);
                        (name.node.clone(), self.pattern(pattern, &of))
                    })
                    .collect(),
            ),
            ast::Pattern::Or(choices) => Pattern::Or(choices.iter().map(|choice| self.pattern(choice, of)).collect()),
        }
    }
}

fn nothing(span: Span) -> Node {
    Node::constant(value::Value::Nothing, span)
}

/// The type a `mut` keeps: plain ones stay, what grows or may be replaced by something else is `any`.
fn assignable(given: Type) -> Type {
    match given {
        Type::Word(_) => Type::String,
        Type::Bool
        | Type::Int
        | Type::Float
        | Type::String
        | Type::Binary
        | Type::Duration
        | Type::Filesize
        | Type::DateTime => given,
        _ => Type::Any,
    }
}

fn range_of_ints(node: &Node) -> bool {
    let int = |node: &Node| matches!(node.as_const(), Some(value::Value::Int(_)));
    match &node.op {
        Op::Range { start, next, end, .. } => {
            int(start) && next.as_deref().is_none_or(int) && end.as_deref().is_none_or(int)
        }
        _ => false,
    }
}
