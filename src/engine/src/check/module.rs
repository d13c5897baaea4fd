//! Modules: declared in place, used from files, and `source`.

use std::path::PathBuf;
use std::sync::Arc;

use diag::{Diagnostic, Span, codes, suggest};
use syntax::ast::{self, Expr, ExprKind, Keyword, Literal};
use value::{Record, Type, Value};

use super::Checker;
use super::scope::{FunctionName, Module, Scope, VarKind};
use crate::program::{Node, Op};
use crate::stdlib;

impl Checker<'_> {
    /// `module name { … }`
    pub(super) fn declare_module(&mut self, name: &ast::Name, body: &ast::Block) {
        let module = self.module_body(&name.node, body);
        if let Some(scope) = self.scopes.last_mut() {
            scope.modules.insert(name.node.clone(), Arc::new(module));
        }
    }

    /// Checks a module's body, which sees only itself, and gathers what it exports.
    fn module_body(&mut self, name: &Arc<str>, body: &ast::Block) -> Module {
        // Modules declared before, and nothing else, are in sight of `use` inside.
        let modules = self.scopes.iter().flat_map(|scope| scope.modules.clone()).collect();
        let outer = std::mem::replace(&mut self.scopes, vec![Scope { modules, ..Scope::default() }]);
        let _ = self.program(body);
        let scope = std::mem::replace(&mut self.scopes, outer).into_iter().next().unwrap_or_default();
        let mut module = Module { name: name.clone(), ..Module::default() };
        for statement in &body.statements {
            for element in &statement.elements {
                let ExprKind::Keyword(keyword) = &element.expr.kind else { continue };
                if let Keyword::Def { name: own, exported: true, .. }
                | Keyword::Binding { name: own, exported: true, .. }
                | Keyword::Module { name: own, exported: true, .. } = &**keyword
                    && own.node == *name
                {
                    let message = format!("the module `{name}` exports something with its own name");
                    self.report(
                        Diagnostic::new(codes::DUPLICATE_NAME, message)
                            .label(own.span, "named as its module")
                            .help("`export def main` is called by the module's name alone"),
                    );
                }
                match &**keyword {
                    Keyword::Def { name, exported: true, .. } => {
                        if let Some(function) = scope.functions.get(&name.node) {
                            module.functions.push((name.node.clone(), function.clone()));
                        }
                    }
                    Keyword::Binding { name, exported: true, .. } => {
                        if let Some(VarKind::Const(value)) = scope.vars.get(&name.node).map(|var| &var.kind) {
                            module.consts.push((name.node.clone(), value.clone()));
                        }
                    }
                    Keyword::Module { name, exported: true, .. } => {
                        if let Some(inner) = scope.modules.get(&name.node) {
                            module.modules.push((name.node.clone(), inner.clone()));
                        }
                    }
                    Keyword::Use { path, names, all, exported: true } => {
                        let source = self.resolve_in(&scope, path);
                        if let Some(source) = source {
                            re_export(&mut module, &source, names, *all);
                        }
                    }
                    _ => {}
                }
            }
        }
        module
    }

    fn resolve_in(&mut self, scope: &Scope, path: &Expr) -> Option<Arc<Module>> {
        let name = word(path)?;
        scope.modules.get(&*name).cloned()
    }

    /// `use name`, `use name [a b]`, `use file.dora *`
    pub(super) fn use_module(&mut self, path: &Expr, names: &[ast::Name], all: bool, span: Span) {
        let Some(module) = self.find_module(path) else { return };
        let mut brought: Vec<(Arc<str>, FunctionName)> = Vec::new();
        let mut consts: Vec<(Arc<str>, Value)> = Vec::new();
        let mut modules: Vec<(Arc<str>, Arc<Module>)> = Vec::new();
        if names.is_empty() && !all {
            bring_all(&module, &module.name, &mut brought);
            if !module.consts.is_empty() {
                let record: Record = module.consts.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                consts.push((module.name.clone(), Value::record(record)));
            }
            modules.push((module.name.clone(), module.clone()));
        } else if all {
            brought.extend(module.functions.iter().cloned());
            consts.extend(module.consts.iter().cloned());
            modules.extend(module.modules.iter().cloned());
            for (name, inner) in &module.modules {
                bring_all(inner, name, &mut brought);
            }
        } else {
            for name in names {
                let mut found = false;
                for (known, function) in &module.functions {
                    if known == &name.node {
                        brought.push((known.clone(), function.clone()));
                        found = true;
                    }
                }
                for (known, value) in &module.consts {
                    if known == &name.node {
                        consts.push((known.clone(), value.clone()));
                        found = true;
                    }
                }
                for (known, inner) in &module.modules {
                    if known == &name.node {
                        bring_all(inner, known, &mut brought);
                        modules.push((known.clone(), inner.clone()));
                        found = true;
                    }
                }
                if !found {
                    let exports = module
                        .functions
                        .iter()
                        .map(|(name, _)| &**name)
                        .chain(module.consts.iter().map(|(name, _)| &**name));
                    let error =
                        Diagnostic::new(codes::UNKNOWN_MODULE, format!("`{}` exports no `{}`", module.name, name.node));
                    let error = error.label(name.span, "not exported");
                    self.report(match suggest::did_you_mean(&name.node, exports) {
                        Some(help) => error.help(help),
                        None => error,
                    });
                }
            }
        }
        for (name, value) in consts {
            let of = value.type_of();
            self.declare(&name, of, VarKind::Const(value), span);
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.functions.extend(brought);
            scope.modules.extend(modules);
        }
    }

    fn find_module(&mut self, path: &Expr) -> Option<Arc<Module>> {
        let Some(name) = self.constant_text(path) else {
            let error = Diagnostic::new(codes::NOT_CONSTANT, "a module is named by a word, a path or a constant");
            self.report(error.label(path.span, "not known before it runs"));
            return None;
        };
        if let Some(module) = self.module(&name) {
            return Some(module.clone());
        }
        if let Some((short, text)) = stdlib::find(&name) {
            return Some(self.standard_module(&name, short, text));
        }
        if name.starts_with("std/") || name == "std" || !name.ends_with(".dora") && !name.contains('/') {
            let declared = self.scopes.iter().flat_map(|scope| scope.modules.keys()).cloned();
            let known: Vec<Arc<str>> = declared.chain(stdlib::names().map(Arc::from)).collect();
            let error = Diagnostic::new(codes::UNKNOWN_MODULE, format!("there is no module `{name}`"))
                .label(path.span, "not found");
            self.report(match suggest::did_you_mean(&name, known.iter().map(|name| &**name)) {
                Some(help) => error.help(help),
                None => error.help("a file is named with its ending: `use helpers.dora`"),
            });
            return None;
        }
        let (file, block) = self.load(&name, path.span)?;
        if let Some(module) = self.loaded.get(&file) {
            return Some(module.clone());
        }
        let stem: Arc<str> = file.file_stem().map_or("module".into(), |stem| stem.to_string_lossy().as_ref().into());
        self.loading.push(file.clone());
        let module = Arc::new(self.module_body(&stem, &block));
        self.loading.pop();
        self.loaded.insert(file, module.clone());
        Some(module)
    }

    /// A module that comes with the program.
    fn standard_module(&mut self, name: &str, short: &str, text: &str) -> Arc<Module> {
        let key = PathBuf::from(name);
        if let Some(module) = self.loaded.get(&key) {
            return module.clone();
        }
        let source = self.context.sources().add(name, text);
        // The tests see to it that there are no mistakes in it.
        let block = syntax::parse(&source).block;
        let module = Arc::new(self.module_body(&short.into(), &block));
        self.loaded.insert(key, module.clone());
        module
    }

    /// `source file.dora`: its statements as if they stood here.
    pub(super) fn source_file(&mut self, path: &Expr, span: Span) -> (Node, Type) {
        let Some(name) = self.constant_text(path) else {
            let error =
                Diagnostic::new(codes::NOT_CONSTANT, "`source` needs a path that is known before the program runs");
            self.report(error.label(path.span, "not known yet"));
            return (Node::new(Op::Error, span), Type::Any);
        };
        let Some((file, block)) = self.load(&name, path.span) else { return (Node::new(Op::Error, span), Type::Any) };
        self.loading.push(file);
        let result = self.program(&block);
        self.loading.pop();
        result
    }

    /// Reads and parses a file, relative to the one that names it.
    fn load(&mut self, name: &str, span: Span) -> Option<(PathBuf, ast::Block)> {
        let from = self.loading.last().and_then(|file| file.parent()).map(PathBuf::from).or_else(|| self.source_dir());
        let path = match from {
            Some(dir) if !name.starts_with(['/', '~']) => self.env.cwd().join(dir).join(name),
            _ => self.env.resolve(name),
        };
        let file = path.canonicalize().unwrap_or(path);
        if let Some(at) = self.loading.iter().position(|known| *known == file) {
            let cycle: Vec<String> =
                self.loading[at..].iter().chain([&file]).map(|path| path.display().to_string()).collect();
            let error = Diagnostic::new(codes::UNKNOWN_MODULE, "these files use each other in a circle");
            self.report(error.label(span, "closes the circle").cause(cycle.join(" → ")));
            return None;
        }
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                let error = Diagnostic::new(
                    codes::UNKNOWN_MODULE,
                    format!("`{name}` cannot be read: {}", diag::os_reason(&error)),
                );
                self.report(error.label(span, "this file"));
                return None;
            }
        };
        let source = self.context.sources().add(file.display().to_string(), text);
        let parsed = syntax::parse(&source);
        self.errors.extend(parsed.errors);
        Some((file, parsed.block))
    }

    /// Where the program that is being checked lies, when it is a file.
    fn source_dir(&self) -> Option<PathBuf> {
        let source = self.context.sources().get(self.source)?;
        let path = PathBuf::from(&source.name);
        path.is_file().then(|| path.parent().map(PathBuf::from)).flatten()
    }

    fn constant_text(&mut self, expr: &Expr) -> Option<String> {
        match word(expr) {
            Some(word) => Some(word.to_string()),
            None => {
                let (node, _) = self.expr(expr);
                node.as_const().and_then(Value::as_str).map(String::from)
            }
        }
    }
}

fn word(expr: &Expr) -> Option<Arc<str>> {
    match &expr.kind {
        ExprKind::Bare(word) => Some(word.clone()),
        ExprKind::Literal(Literal::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The functions of a module under its name: `spam foo`, and `spam` for its `main`.
fn bring_all(module: &Module, prefix: &str, brought: &mut Vec<(Arc<str>, FunctionName)>) {
    for (name, function) in &module.functions {
        let whole: Arc<str> = if &**name == "main" { prefix.into() } else { format!("{prefix} {name}").into() };
        brought.push((whole, function.clone()));
    }
    for (name, inner) in &module.modules {
        bring_all(inner, &format!("{prefix} {name}"), brought);
    }
}

fn re_export(module: &mut Module, source: &Arc<Module>, names: &[ast::Name], all: bool) {
    if names.is_empty() && !all {
        module.modules.push((source.name.clone(), source.clone()));
        return;
    }
    let wanted = |name: &Arc<str>| all || names.iter().any(|wanted| wanted.node == *name);
    module.functions.extend(source.functions.iter().filter(|(name, _)| wanted(name)).cloned());
    module.consts.extend(source.consts.iter().filter(|(name, _)| wanted(name)).cloned());
    module.modules.extend(source.modules.iter().filter(|(name, _)| wanted(name)).cloned());
}
