//! Calls: which command, function, verb or program a word means.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes, suggest};
use syntax::ast::{self, ExprKind, PipeFrom, Sigil};
use value::{Type, Value};

use super::Checker;
use super::bind::{Callee, Want, Wanted};
use super::scope::{FunctionName, VarKind};
use crate::command::{Command, Effect, Kind, Known, Shape};
use crate::external;
use crate::program::{Argument, ArgumentValue, CallNode, CommandRef, ExternalNode, FunctionCall, ListNode, Node, Op};

impl Checker<'_> {
    /// A call. `piped` tells that something flows in, of type `input`.
    pub(super) fn call(&mut self, call: &ast::Call, input: &Type, piped: bool, span: Span) -> (Node, Type) {
        let ExprKind::Bare(head) = &call.head.kind else {
            return match call.sigil {
                Some(Sigil::Declared) => self.call_by_value(call, span),
                _ => self.external(call, span),
            };
        };
        if call.sigil == Some(Sigil::External) {
            return self.external(call, span);
        }
        let words = self.words(call);
        let texts: Vec<&str> = words.iter().map(|(text, _)| &**text).collect();
        if call.sigil.is_none() {
            let known = (1..=texts.len())
                .rev()
                .find_map(|count| Some((self.function(&texts[..count].join(" "))?.clone(), count)));
            // The longest name wins, whoever has declared it.
            let longer = |count: usize| self.context.registry().longest(&texts).is_some_and(|(_, of, _)| of > count);
            if let Some((function, count)) = known.filter(|(_, count)| !longer(*count)) {
                let head = words[0].1.to(words[count - 1].1);
                return self.call_def(&function, &call.arguments[count - 1..], input, head, span);
            }
        }
        if let Some((command, count, alias)) = self.context.registry().longest(&texts) {
            let head = words[0].1.to(words[count - 1].1);
            if let Some(alias) = alias.filter(|alias| alias.hint) {
                let hint =
                    Diagnostic::new(codes::UNKNOWN_COMMAND, format!("`{}` is now `{}`", alias.name, alias.target));
                self.warn(hint.label(head, "old name"));
            }
            let input = if piped { input } else { unless_refused(command, input) };
            return self.call_command(command, &call.arguments[count - 1..], input, head, span);
        }
        if let Some(found) = self.verb(head, call, input, piped, span) {
            return found;
        }
        if self.context.registry().is_noun(head) {
            self.report(self.unknown_subcommand(head, &words));
            return (Node::new(Op::Error, span), Type::Any);
        }
        let found = external::find(head, self.env).is_some();
        if found || self.tries > 0 || self.path_changed {
            return self.external(call, span);
        }
        let error = self.unknown_command(head, &words);
        self.report(error);
        // The arguments may have mistakes of their own; what they may be is not known.
        self.unknown.push(span);
        self.scoped(|checker| {
            checker.declare(&"it".into(), Type::Any, VarKind::Let, span);
            let _ = checker.external(call, span);
        });
        (Node::new(Op::Error, span), Type::Any)
    }

    /// The first words of a call that may belong to its name, at most three.
    fn words(&self, call: &ast::Call) -> Vec<(Arc<str>, Span)> {
        let mut words = Vec::new();
        if let ExprKind::Bare(head) = &call.head.kind {
            words.push((head.clone(), call.head.span));
        }
        for argument in call.arguments.iter().take(2) {
            match argument {
                ast::Argument::Positional { text, expr } if matches!(expr.kind, ExprKind::Bare(_)) => {
                    words.push((text.clone(), expr.span));
                }
                _ => break,
            }
        }
        words
    }

    fn call_command(
        &mut self,
        command: &'static Command,
        arguments: &[ast::Argument],
        input: &Type,
        head: Span,
        span: Span,
    ) -> (Node, Type) {
        let wanted: Vec<Wanted> = command
            .params
            .iter()
            .map(|param| Wanted {
                name: param.name.into(),
                kind: param.kind,
                takes: Want::Declared(param.takes),
                relaxes_columns: param.relaxes_columns,
            })
            .collect();
        let callee = Callee { name: command.name, usage: command.usage(), wrapped: false };
        // What changes where programs are found makes unknown words a matter of run time, in its closure too.
        self.path_changed |= command.effect == Effect::Moves;
        let forgives = command
            .forgives
            .is_some_and(|switch| arguments.iter().any(|argument| is_switch(argument, command, switch)));
        self.tries += u32::from(forgives);
        let bound = self.bind(&callee, &wanted, arguments, input, head);
        self.tries -= u32::from(forgives);
        if bound.help {
            return self.help(command.name, head, span);
        }
        self.watches(command, &bound, head);
        let of = self.output(command, input, &bound.known, head);
        let node = CallNode { command: CommandRef(command), arguments: bound.arguments, head };
        (Node::new(Op::Call(Box::new(node)), span), of)
    }

    fn help(&mut self, name: &str, head: Span, span: Span) -> (Node, Type) {
        let Some(help) = self.context.registry().get("help") else { return (Node::new(Op::Error, span), Type::Any) };
        let mut arguments: Vec<Option<Argument>> = help.params.iter().map(|_| None).collect();
        if let Some(at) = help.params.iter().position(|param| param.kind == Kind::Rest) {
            let words = name.split(' ').map(|word| ListNode::Item(Node::constant(Value::string(word), head))).collect();
            arguments[at] = Some(Argument { value: ArgumentValue::Many(words), span: head, check: None });
        }
        (Node::new(Op::Call(Box::new(CallNode { command: CommandRef(help), arguments, head })), span), Type::String)
    }

    /// What a command gives for what flows in, or the error that it does not work on that.
    fn output(&mut self, command: &'static Command, input: &Type, known: &[Option<Known>], head: Span) -> Type {
        let pairs: Vec<(Type, Type)> =
            command.io.iter().filter_map(|(from, to)| Some((Type::parse(from).ok()?, Type::parse(to).ok()?))).collect();
        let fitting: Vec<&Type> = pairs.iter().filter(|(from, _)| from.accepts(input)).map(|(_, to)| to).collect();
        if fitting.is_empty() {
            let takes: Vec<String> = {
                let mut all: Vec<String> = pairs.iter().map(|(from, _)| from.to_string()).collect();
                all.dedup();
                all
            };
            let error = if *input == Type::Nothing {
                Diagnostic::new(
                    codes::WRONG_PIPELINE_INPUT,
                    format!("`{}` needs input: {}", command.name, takes.join(" or ")),
                )
                .label(head, "nothing flows in here")
            } else {
                Diagnostic::new(
                    codes::WRONG_PIPELINE_INPUT,
                    format!("`{}` works on {}, not on {}", command.name, takes.join(" or "), input.brief()),
                )
                .label(head, format!("{} flows in here", input.brief()))
            };
            self.report(error);
            return Type::Any;
        }
        let shape = Shape { input, arguments: known, command, context: self.context, env: self.env };
        if let Some(why) = command.refuse.and_then(|refuse| refuse(&shape)) {
            let error = Diagnostic::new(codes::WRONG_PIPELINE_INPUT, why);
            self.report(error.label(head, format!("{} flows in here", input.brief())));
            return Type::Any;
        }
        let of = command.infer.and_then(|infer| infer(&shape)).unwrap_or_else(|| {
            // Where one thing or another flows in, each pair may be the one.
            let is_open = matches!(input, Type::Any | Type::OneOf(_));
            let possible = if is_open { fitting } else { fitting[..1].to_vec() };
            possible.into_iter().cloned().reduce(Type::union).unwrap_or(Type::Any)
        });
        let mut of = of;
        if let (Some(resource), Some(fields)) = (command.yields, of.fields_mut()) {
            fields.resource = Some(resource);
        }
        of
    }

    fn call_def(
        &mut self,
        function: &FunctionName,
        arguments: &[ast::Argument],
        input: &Type,
        head: Span,
        span: Span,
    ) -> (Node, Type) {
        let signature = function.signature.clone();
        let wanted: Vec<Wanted> = signature
            .params
            .iter()
            .map(|param| Wanted {
                name: param.name.clone(),
                kind: param.kind,
                takes: Want::Of(param.of.clone()),
                relaxes_columns: false,
            })
            .collect();
        let callee = Callee { name: &signature.name, usage: signature.usage(), wrapped: signature.wrapped };
        let bound = self.bind(&callee, &wanted, arguments, input, head);
        if bound.help {
            let text = if signature.doc.is_empty() {
                callee.usage
            } else {
                format!("{}\n\nUsage: {}", signature.doc, callee.usage)
            };
            return (Node::constant(Value::string(text), span), Type::String);
        }
        let of = match signature.io.as_slice() {
            [] => function.function.get().map_or(Type::Any, |known| known.gives.clone()),
            pairs => match pairs.iter().find(|(from, _)| from.accepts(input)) {
                Some((_, to)) if pairs.len() == 1 || !input.is_any() => to.clone(),
                Some(_) => Type::Any,
                // `nothing -> …` takes whatever flows and leaves it.
                None if pairs.iter().any(|(from, _)| *from == Type::Nothing) => pairs[0].1.clone(),
                None => {
                    let takes: Vec<String> = pairs.iter().map(|(from, _)| from.to_string()).collect();
                    let error = Diagnostic::new(
                        codes::WRONG_PIPELINE_INPUT,
                        format!("`{}` works on {}, not on {}", signature.name, takes.join(" or "), input.brief()),
                    )
                    .label(head, format!("{} flows in here", input.brief()))
                    .label(function.span, "declared here");
                    self.report(error);
                    Type::Any
                }
            },
        };
        let captures = match &function.captures {
            Some(vars) => vars.iter().map(|var| self.slot_of(var)).collect(),
            // Being defined, or defined further down: nothing of the outside is handed over, which `define` sees to.
            None => Vec::new(),
        };
        let call = FunctionCall { function: function.function.clone(), arguments: bound.arguments, captures };
        (Node::new(Op::CallFunction(Box::new(call)), span), of)
    }

    /// A bare verb of the resource that flows in: `dataflow list | stop`.
    fn verb(&mut self, verb: &str, call: &ast::Call, input: &Type, piped: bool, span: Span) -> Option<(Node, Type)> {
        let registry = self.context.registry();
        let resources = registry.resources_with(verb);
        if resources.is_empty() {
            return None;
        }
        let head = call.head.span;
        if let Some(command) = input.resource().and_then(|resource| registry.verb(resource, verb)) {
            return Some(self.call_command(command, &call.arguments, input, head, span));
        }
        let asks =
            |argument: &ast::Argument| matches!(argument, ast::Argument::Long { name, .. } if &*name.node == "help");
        if call.arguments.iter().any(asks)
            && let Some(command) = resources.first().and_then(|resource| registry.verb(resource, verb))
        {
            return Some(self.call_command(command, &call.arguments, input, head, span));
        }
        let names: Vec<String> = resources.iter().map(|resource| format!("{resource} {verb}")).collect();
        if piped && may_be_rows(input) {
            // Decided when the value arrives, by the same rule.
            let mut choices = Vec::new();
            let mut of: Option<Type> = None;
            for resource in resources {
                let Some(command) = self.context.registry().verb(resource, verb) else { continue };
                let (node, gives) = self.call_command(command, &call.arguments, &Type::Any, head, span);
                choices.push((resource, node));
                of = Some(of.map_or(gives.clone(), |of| of.union(gives)));
            }
            let node = Node::new(Op::Dispatch { verb: verb.into(), choices }, span);
            return Some((node, of.unwrap_or(Type::Any)));
        }
        let error = match piped {
            true => Diagnostic::new(codes::UNKNOWN_VERB, format!("`{verb}` does not apply to {}", input.brief()))
                .label(head, format!("{} flows in here", input.brief())),
            false => {
                Diagnostic::new(codes::UNKNOWN_VERB, format!("`{verb}` belongs to rows that flow in, and nothing does"))
                    .label(head, "stop what?".replace("stop", verb))
            }
        };
        self.report(error.help(format!("say which is meant: {}", names.join(", "))));
        Some((Node::new(Op::Error, span), Type::Any))
    }

    fn external(&mut self, call: &ast::Call, span: Span) -> (Node, Type) {
        let name = match &call.head.kind {
            ExprKind::Bare(word) => Node::constant(Value::string(&**word), call.head.span),
            _ => self.expr(&call.head).0,
        };
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            match argument {
                ast::Argument::Positional { text, expr } => match &expr.kind {
                    ExprKind::Bare(_) | ExprKind::Literal(_)
                        if !matches!(expr.kind, ExprKind::Literal(ast::Literal::String(_))) =>
                    {
                        arguments.extend(self.expanded(text, expr.span).into_iter().map(ListNode::Item));
                    }
                    // A list's items are arguments each.
                    ExprKind::List(_) => arguments.push(ListNode::Spread(self.expr(expr).0)),
                    _ => arguments.push(ListNode::Item(self.expr(expr).0)),
                },
                ast::Argument::Long { name, value, span } => match value {
                    None => arguments.push(word(&format!("--{}", name.node), *span)),
                    Some(value) => {
                        let parts =
                            vec![Node::constant(Value::string(format!("--{}=", name.node)), *span), self.expr(value).0];
                        arguments.push(ListNode::Item(Node::new(Op::Interpolate(parts), *span)));
                    }
                },
                ast::Argument::Short { letters, span } => arguments.push(word(&format!("-{}", letters.node), *span)),
                ast::Argument::Spread(expr) => arguments.push(ListNode::Spread(self.expr(expr).0)),
                ast::Argument::EndOfFlags(span) => arguments.push(word("--", *span)),
                ast::Argument::Condition(expr) => {
                    let text = self.source_text(expr.span);
                    arguments.push(word(&text, expr.span));
                }
            }
        }
        let node = ExternalNode { name: Box::new(name), arguments, keep_stderr: false, pipe: PipeFrom::Out };
        (Node::new(Op::External(Box::new(node)), span), Type::Any)
    }

    /// `~` in a word for a program is the home directory, as everywhere.
    fn expanded(&self, text: &str, span: Span) -> Vec<Node> {
        let text = if text == "~" || text.starts_with("~/") {
            self.env.resolve(text).to_string_lossy().into_owned()
        } else {
            text.to_string()
        };
        vec![Node::constant(Value::string(text), span)]
    }

    /// `%($name) …`: the command's name is known when it is a constant.
    fn call_by_value(&mut self, call: &ast::Call, span: Span) -> (Node, Type) {
        let (node, _) = self.expr(&call.head);
        let known = node.as_const().and_then(Value::as_str).and_then(|name| self.context.registry().get(name));
        match known {
            Some(command) => self.call_command(command, &call.arguments, &Type::Any, call.head.span, span),
            None => {
                let error = Diagnostic::new(codes::NOT_CONSTANT, "the name of a command is known before it runs");
                self.report(error.label(call.head.span, "not a known command"));
                (Node::new(Op::Error, span), Type::Any)
            }
        }
    }

    fn unknown_command(&self, name: &str, words: &[(Arc<str>, Span)]) -> Box<Diagnostic> {
        let span = words.first().map_or(Span::default(), |(_, span)| *span);
        let registry = self.context.registry();
        let mut names: Vec<&str> = registry.commands().iter().map(|command| command.name).collect();
        names.extend(self.scopes.iter().flat_map(|scope| scope.functions.keys()).map(|name| &**name));
        let nouns: Vec<&str> = names.iter().filter_map(|name| name.split_once(' ').map(|(noun, _)| noun)).collect();
        // `datflow list`: the noun is what was mistyped.
        if let (Some(near), Some((second, _))) =
            (suggest::nearest(name, nouns.iter().copied(), 1).first(), words.get(1))
        {
            let whole = format!("{near} {second}");
            if registry.get(&whole).is_some() {
                return Diagnostic::new(codes::UNKNOWN_COMMAND, format!("there is no command or program `{name}`"))
                    .label(span, "not found")
                    .help(format!("did you mean `{whole}`?"));
            }
        }
        names.extend(nouns);
        external::not_found(name, self.env, &names, span)
    }

    fn unknown_subcommand(&self, noun: &str, words: &[(Arc<str>, Span)]) -> Box<Diagnostic> {
        let registry = self.context.registry();
        let verbs: Vec<&str> = registry
            .commands()
            .iter()
            .filter_map(|command| command.noun().filter(|(known, _)| *known == noun).map(|(_, verb)| verb))
            .collect();
        match words.get(1) {
            Some((second, span)) => {
                let error = Diagnostic::new(codes::UNKNOWN_COMMAND, format!("there is no command `{noun} {second}`"))
                    .label(*span, format!("`{noun}` has no `{second}`"));
                match suggest::nearest(second, verbs.iter().copied(), 1).first() {
                    Some(near) => error.help(format!("did you mean `{noun} {near}`?")),
                    None => error.help(format!("`{noun}` has: {}", verbs.join(", "))),
                }
            }
            None => {
                let span = words.first().map_or(Span::default(), |(_, span)| *span);
                Diagnostic::new(codes::UNKNOWN_COMMAND, format!("`{noun}` needs a second word"))
                    .label(span.end_point(), "what about it?")
                    .help(format!("`{noun}` has: {}", verbs.join(", ")))
                    .next(format!("help {noun}"))
            }
        }
    }
}

/// Whether rows of some resource may arrive where this type is expected.
fn may_be_rows(of: &Type) -> bool {
    match of {
        Type::Any => true,
        Type::List(of) => of.is_any(),
        Type::Record(fields) | Type::Table(fields) => fields.open,
        Type::OneOf(all) => all.iter().any(may_be_rows),
        _ => false,
    }
}

fn word(text: &str, span: Span) -> ListNode {
    ListNode::Item(Node::constant(Value::string(text), span))
}

/// What a closure or block was given flows into its first command only when that works on it: `each { date now }`
/// has nothing for `date now` to work on, and is right.
fn unless_refused<'a>(command: &Command, input: &'a Type) -> &'a Type {
    let accepts = |of: &Type| command.io.iter().any(|(from, _)| Type::parse(from).is_ok_and(|from| from.accepts(of)));
    if !accepts(input) && accepts(&Type::Nothing) { &Type::Nothing } else { input }
}

/// Whether an argument turns on a switch of a command.
fn is_switch(argument: &ast::Argument, command: &Command, switch: &str) -> bool {
    match argument {
        ast::Argument::Long { name, value: None, .. } => &*name.node == switch,
        ast::Argument::Short { letters, .. } => {
            let letter = command.param(switch).and_then(|(_, param)| param.short());
            letter.is_some_and(|letter| letters.node.contains(letter))
        }
        _ => false,
    }
}
