//! Closures and `def`s.

use std::sync::{Arc, OnceLock};

use diag::{Diagnostic, Span, codes};
use syntax::ast::{self, ParameterKind};
use value::{Fields, Type, Value};

use super::scope::{FunctionName, Level, Signature, SignatureParam, VarKind};
use super::{Checker, Mentioned, constant};
use crate::command::Kind;
use crate::program::{Function, FunctionParam, FunctionParamKind, Node, Op, Slot};

/// How many slots a function needs, where captured values go in it, and where they come from.
pub(super) type Frame = (u32, Vec<Slot>, Vec<Slot>);

impl Checker<'_> {
    /// Checks something as the body of a function of its own.
    pub(super) fn function_level<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> (T, Frame) {
        self.levels.push(Level::default());
        let loops = std::mem::take(&mut self.loops);
        let row = self.row.take();
        let result = inside(self);
        self.row = row;
        self.loops = loops;
        let level = self.levels.pop().unwrap_or_default();
        let inner = level.captures.iter().map(|(_, _, inner)| *inner).collect();
        let outer = level.captures.iter().map(|(_, outer, _)| *outer).collect();
        (result, (level.slots, inner, outer))
    }

    /// A function without name or parameters, of what is known once its body has been checked.
    pub(super) fn function_of(
        &self,
        mut body: Node,
        mentioned: Mentioned,
        frame: u32,
        captures: Vec<Slot>,
        span: Span,
    ) -> Function {
        Function {
            name: None,
            params: Vec::new(),
            captures,
            streams: mentioned.begins(&mut body),
            input: mentioned.slot,
            frame,
            body,
            text: self.source_text(span).into(),
            span,
            io: Vec::new(),
            gives: Type::Any,
            env: false,
            condition: false,
        }
    }

    /// A closure whose parameters get values of the given types, as far as they are not annotated, and whose `$in`
    /// is of type `input`. Gives the node and what the closure gives.
    pub(super) fn closure(&mut self, closure: &ast::Closure, given: &[Type], input: &Type, span: Span) -> (Node, Type) {
        let parameters = closure.parameters.as_deref().unwrap_or(&[]);
        let (((params, body, gives), mentioned), (frame, inner, outer)) = self.function_level(|checker| {
            checker.with_input(input.clone(), |checker| {
                checker.scoped(|checker| {
                    let params = checker.parameters(parameters, given);
                    let (body, gives) = checker.block(&closure.body, input, false);
                    (params, body, gives)
                })
            })
        });
        let made = self.function_of(body, mentioned, frame, inner, span);
        let function = Function { params, gives: gives.clone(), ..made };
        (Node::new(Op::Closure { function: Arc::new(function), captures: outer }, span), gives)
    }

    /// An expression evaluated once for each group: a closure without parameters whose `$in` is the group's rows.
    pub(super) fn aggregation(&mut self, expr: &ast::Expr, rows: &Type) -> (Node, Type) {
        let span = expr.span;
        let (((body, gives), mentioned), (frame, inner, outer)) = self.function_level(|checker| {
            checker.with_input(rows.clone(), |checker| match &expr.kind {
                ast::ExprKind::Closure(ast::Closure { parameters: None, body }) | ast::ExprKind::Block(body) => {
                    checker.block(body, rows, false)
                }
                // The group's rows flow into a call in parentheses: `(length)` counts them.
                ast::ExprKind::Subexpression(block) => checker.block(block, rows, false),
                _ => checker.expr(expr),
            })
        });
        let function = Function { gives: gives.clone(), ..self.function_of(body, mentioned, frame, inner, span) };
        (Node::new(Op::Closure { function: Arc::new(function), captures: outer }, span), gives)
    }

    /// Declares parameters as variables of the function that is being checked.
    fn parameters(&mut self, parameters: &[ast::Parameter], given: &[Type]) -> Vec<FunctionParam> {
        let mut given = given.iter();
        parameters
            .iter()
            .map(|parameter| {
                let annotated = self.annotation(parameter);
                let default = self.default_value(parameter, annotated.as_ref());
                let positional = matches!(parameter.kind, ParameterKind::Required | ParameterKind::Optional);
                let inferred = if positional { given.next().cloned() } else { None };
                let of = match (&annotated, &default) {
                    (Some(of), _) => of.clone(),
                    (None, Some(value)) => value.type_of(),
                    (None, None) => Type::Any,
                };
                let seen = if annotated.is_none() { inferred.unwrap_or_else(|| of.clone()) } else { of.clone() };
                let (kind, seen) = match parameter.kind {
                    ParameterKind::Required => (FunctionParamKind::Required, seen),
                    ParameterKind::Optional => {
                        let seen = if default.is_some() { seen } else { seen.union(Type::Nothing) };
                        (FunctionParamKind::Optional(default.unwrap_or(Value::Nothing)), seen)
                    }
                    ParameterKind::Rest => (FunctionParamKind::Rest, Type::list(of.clone())),
                    ParameterKind::Flag { .. } if is_switch(parameter) => (FunctionParamKind::Switch, Type::Bool),
                    ParameterKind::Flag { .. } => {
                        let seen = if default.is_some() { seen } else { seen.union(Type::Nothing) };
                        (FunctionParamKind::Flag(default.unwrap_or(Value::Nothing)), seen)
                    }
                };
                // An absent value is null whatever the annotation says.
                let of = match &kind {
                    FunctionParamKind::Optional(Value::Nothing) | FunctionParamKind::Flag(Value::Nothing) => {
                        if of.is_any() { of } else { of.union(Type::Nothing) }
                    }
                    FunctionParamKind::Rest => Type::Any,
                    FunctionParamKind::Switch => Type::Bool,
                    _ => of,
                };
                let name = variable_name(&parameter.name.node);
                let slot = self.declare(&name, seen, VarKind::Let, parameter.name.span);
                FunctionParam { name: parameter.name.node.clone(), slot, of, kind }
            })
            .collect()
    }

    fn annotation(&mut self, parameter: &ast::Parameter) -> Option<Type> {
        parameter.of.as_ref().map(|of| self.type_of(of))
    }

    /// The type of an annotation.
    pub(super) fn type_of(&mut self, of: &ast::Name) -> Type {
        match Type::parse(without_completer(&of.node)) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.report(error.label(of.span, "this type"));
                Type::Any
            }
        }
    }

    fn default_value(&mut self, parameter: &ast::Parameter, annotated: Option<&Type>) -> Option<Value> {
        let default = parameter.default.as_ref()?;
        let (node, of) = self.expr(default);
        if let Some(wanted) = annotated
            && !wanted.accepts(&of)
        {
            let error = Diagnostic::new(
                codes::BAD_SIGNATURE,
                format!("the default of `{}` is {of}, not {wanted}", parameter.name.node),
            );
            self.report(error.label(default.span, format!("this is {of}")));
        }
        match constant::evaluate(self, &node) {
            Ok(value) => Some(match annotated {
                Some(of) => crate::run::coerce(value, of).unwrap_or_else(|value| value),
                None => value,
            }),
            Err(error) => {
                self.report(error);
                None
            }
        }
    }

    /// What callers must know of a `def`, before its body is looked at.
    pub(super) fn signature(
        &mut self,
        name: &ast::Name,
        signature: &ast::Signature,
        wrapped: bool,
        doc: &str,
    ) -> FunctionName {
        let mut params: Vec<SignatureParam> = Vec::new();
        for parameter in &signature.parameters {
            // Reported once, when the body is checked: here only what callers see.
            let of = parameter.of.as_ref().and_then(|of| Type::parse(without_completer(&of.node)).ok());
            let kind = match parameter.kind {
                ParameterKind::Required => Kind::Required,
                ParameterKind::Optional => Kind::Optional,
                ParameterKind::Rest => Kind::Rest,
                ParameterKind::Flag { short } if is_switch(parameter) => Kind::Switch(short),
                ParameterKind::Flag { short } => Kind::Flag(short),
            };
            if kind == Kind::Rest && params.iter().any(|known| known.kind == Kind::Rest) {
                let error = Diagnostic::new(codes::BAD_SIGNATURE, "only one parameter can take the rest");
                self.report(error.label(parameter.name.span, "a second one").help("remove it"));
            }
            if params.iter().any(|known| known.name == parameter.name.node) {
                let error = Diagnostic::new(
                    codes::DUPLICATE_NAME,
                    format!("the parameter `{}` is there twice", parameter.name.node),
                );
                self.report(error.label(parameter.name.span, "again here"));
            }
            let of = of.unwrap_or_else(|| match &parameter.default {
                Some(ast::Expr { kind: ast::ExprKind::Literal(literal), span }) => {
                    self.literal(literal, *span).type_of()
                }
                _ => Type::Any,
            });
            params.push(SignatureParam { name: parameter.name.node.clone(), kind, of, doc: parameter.doc.clone() });
        }
        let io = signature.io.iter().map(|(input, output)| (self.type_of(input), self.type_of(output))).collect();
        FunctionName {
            function: Arc::new(OnceLock::new()),
            signature: Arc::new(Signature { name: name.node.clone(), params, io, doc: doc.to_string(), wrapped }),
            captures: None,
            span: name.span,
        }
    }

    /// Checks the body of a `def` that has been declared.
    pub(super) fn define(
        &mut self,
        name: &ast::Name,
        signature: &ast::Signature,
        body: &ast::Block,
        env: bool,
        span: Span,
    ) {
        let Some(declared) = self.function(&name.node).cloned() else { return };
        // A body that calls itself and uses variables of the outside must know which before it is checked: a first
        // look finds them out.
        let before = (self.errors.len(), self.warnings.len(), self.seen_inputs.len());
        let (function, captures) = self.body(name, signature, body, env, span, &declared);
        let (function, captures) = if captures.is_empty() || !calls(&function.text, &name.node) {
            (function, captures)
        } else {
            self.errors.truncate(before.0);
            self.warnings.truncate(before.1);
            self.seen_inputs.truncate(before.2);
            let known = FunctionName { captures: Some(Arc::new(captures)), ..declared.clone() };
            self.set_function(&name.node, known.clone());
            self.body(name, signature, body, env, span, &known)
        };
        // The slot of each captured variable one level out, which is where callers find it.
        self.set_function(&name.node, FunctionName { captures: Some(Arc::new(captures)), ..declared.clone() });
        let _ = declared.function.set(Arc::new(function));
    }

    fn set_function(&mut self, name: &Arc<str>, declared: FunctionName) {
        for scope in self.scopes.iter_mut().rev() {
            if let Some(known) = scope.functions.get_mut(name) {
                *known = declared;
                return;
            }
        }
    }

    fn body(
        &mut self,
        name: &ast::Name,
        signature: &ast::Signature,
        body: &ast::Block,
        env: bool,
        span: Span,
        declared: &FunctionName,
    ) -> (Function, Vec<super::Var>) {
        let io = declared.signature.io.clone();
        let input = match io.as_slice() {
            [] => Type::Any,
            [(input, _)] => input.clone(),
            many => many.iter().map(|(input, _)| input.clone()).reduce(Type::union).unwrap_or(Type::Any),
        };
        self.levels.push(Level::default());
        let loops = std::mem::take(&mut self.loops);
        let row = self.row.take();
        // What its callers knew of must come in the same order as its captures.
        if let Some(known) = &declared.captures {
            for var in known.iter() {
                self.slot_of(var);
            }
        }
        let ((params, node, gives), mentioned) = self.with_input(input.clone(), |checker| {
            checker.scoped(|checker| {
                let params = checker.parameters(&signature.parameters, &[]);
                let (node, gives) = checker.block(body, &input, false);
                (params, node, gives)
            })
        });
        self.row = row;
        self.loops = loops;
        let level = self.levels.pop().unwrap_or_default();
        if let [(_, wanted)] = io.as_slice()
            && !wanted.accepts(&gives)
            && *wanted != Type::Nothing
        {
            let error =
                Diagnostic::new(codes::WRONG_ARGUMENT, format!("`{}` promises {wanted} and gives {gives}", name.node));
            self.report(error.label(body.span, format!("gives {gives}")).label(signature.span, "promised here"));
        }
        let outer_level = self.level();
        let captures = level
            .captures
            .iter()
            .map(|(var, outer, _)| super::Var { slot: *outer, level: outer_level, ..var.clone() })
            .collect();
        let inner = level.captures.iter().map(|(_, _, inner)| *inner).collect();
        let made = self.function_of(node, mentioned, level.slots, inner, span);
        (Function { name: Some(name.node.clone()), params, io, gives, env, ..made }, captures)
    }
}

/// Whether a text mentions a word at all: cheap, and wrong only on the side of looking twice.
fn calls(text: &str, name: &str) -> bool {
    text.matches(name).count() > 1
}

/// A flag that takes no value: nothing is said of one.
fn is_switch(parameter: &ast::Parameter) -> bool {
    parameter.of.is_none() && parameter.default.is_none()
}

/// The type in an annotation: `string@modes` names a completer, which says nothing of it, unlike the words in
/// `string@[fast slow]`.
fn without_completer(annotation: &str) -> &str {
    match annotation.rsplit_once('@') {
        Some((of, completer)) if !completer.contains(['[', ']']) => of,
        _ => annotation,
    }
}

/// `--dry-run` is `$dry_run` inside.
pub(super) fn variable_name(name: &Arc<str>) -> Arc<str> {
    if name.contains('-') { name.replace('-', "_").into() } else { name.clone() }
}

/// The type of one row of what flows in, for closures that are called with each.
pub(super) fn item_of(input: &Type) -> Type {
    match input {
        Type::Record(_) | Type::Any | Type::Nothing => input.clone(),
        // To all but `aggregate`, groups are a record of their rows; its names are known only when it runs.
        Type::Groups(_) => Type::Record(Fields::open()),
        Type::List(_) | Type::Table(_) | Type::Range | Type::OneOf(_) => input.item(),
        other => other.clone(),
    }
}
