//! Blocks, pipelines and their elements.

use std::sync::Arc;

use diag::{Diagnostic, codes};
use syntax::ast::{self, ExprKind, Keyword};
use value::Type;

use super::Checker;
use crate::program::{Block, Node, Op, RedirectNode, Stage};

impl Checker<'_> {
    /// The outermost block: what it declares stays.
    pub(super) fn program(&mut self, block: &ast::Block) -> (Node, Type) {
        let (statements, of) = self.statements(block, &Type::Nothing);
        (Node::new(Op::Block(Block { statements, scoped_env: false }), block.span), of)
    }

    /// A block with names of its own.
    pub(super) fn block(&mut self, block: &ast::Block, input: &Type, scoped_env: bool) -> (Node, Type) {
        let (statements, of) = self.scoped(|checker| checker.without_row(|checker| checker.statements(block, input)));
        (Node::new(Op::Block(Block { statements, scoped_env }), block.span), of)
    }

    fn statements(&mut self, block: &ast::Block, input: &Type) -> (Vec<Node>, Type) {
        self.attributes(block);
        self.predeclare(block);
        let mut nodes = Vec::new();
        let mut of = Type::Nothing;
        for (at, statement) in block.statements.iter().enumerate() {
            let input = if at == 0 { input.clone() } else { Type::Nothing };
            let (node, gives) = self.pipeline(statement, &input);
            nodes.push(node);
            of = gives;
        }
        (nodes, of)
    }

    /// Attributes that are known, each above a definition or another attribute.
    fn attributes(&mut self, block: &ast::Block) {
        for (at, statement) in block.statements.iter().enumerate() {
            let Some(ast::Keyword::Attribute { name, .. }) = statement.keyword() else { continue };
            if !ATTRIBUTES.contains(&&*name.node) {
                let error = Diagnostic::new(codes::BAD_ATTRIBUTE, format!("there is no attribute `@{}`", name.node))
                    .label(name.span, "unknown");
                self.report(match diag::suggest::did_you_mean(&name.node, ATTRIBUTES.iter().copied()) {
                    Some(help) => error.help(help),
                    None => error.help(format!("the attributes are: {}", ATTRIBUTES.join(", "))),
                });
            }
            let next = block.statements.get(at + 1).and_then(ast::Pipeline::keyword);
            if !matches!(next, Some(ast::Keyword::Attribute { .. } | ast::Keyword::Def { .. })) {
                let error = Diagnostic::new(codes::BAD_ATTRIBUTE, "an attribute says something of the `def` below it");
                self.report(error.label(statement.span, "no `def` follows"));
            }
        }
    }

    /// A pipeline; `input` flows into its first element.
    pub(super) fn pipeline(&mut self, pipeline: &ast::Pipeline, input: &Type) -> (Node, Type) {
        let mut flowing = input.clone();
        let mut stages = Vec::new();
        for (at, element) in pipeline.elements.iter().enumerate() {
            let next = pipeline.elements.get(at + 1);
            let stage = if at == 0 {
                let (node, of) = self.element(element, &flowing, false, next);
                flowing = of;
                Stage { node, input: None }
            } else {
                let into = flowing.clone();
                let ((mut node, of), input) =
                    self.with_input(into.clone(), |checker| checker.element(element, &into, true, next));
                flowing = of;
                let streams = input.begins(&mut node);
                Stage { node, input: input.slot.filter(|_| !streams) }
            };
            stages.push(stage);
        }
        let node = match stages.len() {
            // One stage needs no pipeline around it.
            1 => match stages.pop() {
                Some(stage) => stage.node,
                None => Node::new(Op::Error, pipeline.span),
            },
            _ => Node::new(Op::Pipeline(stages), pipeline.span),
        };
        (node, flowing)
    }

    fn element(
        &mut self,
        element: &ast::Element,
        input: &Type,
        piped: bool,
        next: Option<&ast::Element>,
    ) -> (Node, Type) {
        let vars: Vec<(Arc<str>, Node)> =
            element.env.iter().map(|(name, value)| (name.node.clone(), self.expr(value).0)).collect();
        // Variables set around one call are in sight of its arguments too, and say where its program is found.
        self.path_changed |= vars.iter().any(|(name, _)| decides_where_programs_are(name));
        let (mut node, of) = match &element.expr.kind {
            ExprKind::Call(call) => {
                self.seen_inputs.push((element.expr.span, input.clone()));
                self.call(call, input, piped, element.expr.span)
            }
            ExprKind::Keyword(keyword) => self.keyword(keyword, input, element.expr.span),
            ExprKind::Block(block) if piped || !matches!(input, Type::Nothing) => self.block(block, input, true),
            _ => self.expr(&element.expr),
        };
        if let Op::External(external) = &mut node.op {
            external.pipe = element.pipe;
            external.keep_stderr = next.is_some_and(|next| self.wants_stderr(next))
                || element.redirections.iter().any(|redirection| redirection.from != ast::PipeFrom::Out);
        }
        if !element.redirections.is_empty() {
            let to = element
                .redirections
                .iter()
                .map(|redirection| RedirectNode {
                    from: redirection.from,
                    append: redirection.append,
                    target: self.expr(&redirection.target).0,
                })
                .collect();
            node = Node::new(Op::Redirect { body: Box::new(node), to }, element.span);
        }
        if !vars.is_empty() {
            node = Node::new(Op::WithEnv { vars, body: Box::new(node) }, element.span);
        }
        (node, of)
    }

    /// Whether an element calls a command that takes what the program before it writes to standard error.
    fn wants_stderr(&self, element: &ast::Element) -> bool {
        let ExprKind::Call(call) = &element.expr.kind else { return false };
        let ExprKind::Bare(name) = &call.head.kind else { return false };
        call.sigil != Some(ast::Sigil::External)
            && self.function(name).is_none()
            && self.context.registry().get(name).is_some_and(|command| command.wants_stderr)
    }

    /// Makes all `def`s of a block callable before they are reached, so that they may call each other.
    fn predeclare(&mut self, block: &ast::Block) {
        for statement in &block.statements {
            for element in &statement.elements {
                let ExprKind::Keyword(keyword) = &element.expr.kind else { continue };
                let Keyword::Def { name, signature, wrapped, doc, .. } = &**keyword else { continue };
                let known = self.scopes.last().and_then(|scope| scope.functions.get(&name.node));
                if known.is_some_and(|known| known.captures.is_none() && known.span.source == name.span.source) {
                    let error = Diagnostic::new(
                        codes::DUPLICATE_NAME,
                        format!("`{}` is defined twice in one block", name.node),
                    );
                    self.report(error.label(name.span, "again here"));
                    continue;
                }
                let declared = self.signature(name, signature, *wrapped, doc);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.functions.insert(name.node.clone(), declared);
                }
            }
        }
    }
}

/// What can be said of a definition. The last three have a meaning in Nushell and are passed over.
pub const ATTRIBUTES: &[&str] = &["test", "ignore", "example", "search-terms", "category", "deprecated"];

/// Whether a variable of the environment says which programs a bare word or a relative path means.
pub(super) fn decides_where_programs_are(name: &str) -> bool {
    matches!(name, "PATH" | "PWD")
}
