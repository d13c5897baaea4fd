//! Expressions.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes, suggest};
use syntax::ast::{self, Expr, ExprKind, Literal, UnaryOp};
use value::ops::{self, Operator};
use value::{DateTime, Fields, Type, Value};

use super::scope::VarKind;
use super::{Checker, path};
use crate::program::{FieldNode, ListNode, NameNode, Node, Op};

impl Checker<'_> {
    /// An expression as a node and its type.
    pub(super) fn expr(&mut self, expr: &Expr) -> (Node, Type) {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => {
                let value = self.literal(literal, span);
                let of = value.type_of();
                (Node::constant(value, span), of)
            }
            ExprKind::Bare(word) => match self.row.clone() {
                Some(row) => self.row_column(&row, word, span),
                None => (Node::constant(Value::string(&**word), span), Type::String),
            },
            ExprKind::Interpolation(parts) => {
                let parts = self.without_row(|checker| {
                    let part = |part: &ast::Part| match part {
                        ast::Part::Text(text) => Node::constant(Value::string(&**text), span),
                        ast::Part::Expr(inner) => checker.expr(inner).0,
                    };
                    parts.iter().map(part).collect()
                });
                (Node::new(Op::Interpolate(parts), span), Type::String)
            }
            ExprKind::Variable(name) => self.variable(name, span),
            ExprKind::Path { base, members } => self.path(base, members, span),
            ExprKind::CellPath(members) => {
                let path = value::CellPath(path::members(members).to_vec());
                (Node::constant(Value::cell_path(path), span), Type::CellPath)
            }
            ExprKind::List(items) => self.list(items, span),
            ExprKind::Record(items) => self.record(items, span),
            ExprKind::Table { columns, rows } => self.table(columns, rows, span),
            ExprKind::Range { start, next, end, inclusive } => {
                let mut bound = |part: &Option<Box<Expr>>| {
                    let part = part.as_deref()?;
                    let (node, of) = self.expr(part);
                    if !Type::Number.accepts(&of) {
                        let error =
                            Diagnostic::new(codes::WRONG_ARGUMENT, format!("a range is made of numbers, not of {of}"));
                        self.report(error.label(part.span, format!("this is {of}")));
                    }
                    Some(Box::new(node))
                };
                let start = bound(start).unwrap_or_else(|| Box::new(Node::constant(Value::Int(0), span.start_point())));
                let (next, end) = (bound(next), bound(end));
                (Node::new(Op::Range { start, next, end, inclusive: *inclusive }, span), Type::Range)
            }
            ExprKind::Unary { op, operand } => self.unary(op.node, operand, span),
            ExprKind::Binary { op, left, right } => self.binary(op.node, left, right, span),
            ExprKind::Subexpression(block) => self.block_expr(block),
            ExprKind::Closure(closure) => {
                let input = Type::Any;
                let (node, _) = self.closure(closure, &[], &input, span);
                (node, Type::Closure)
            }
            // Braces where a value is expected hold a closure without parameters.
            ExprKind::Block(block) => {
                let closure = ast::Closure { parameters: None, body: block.clone() };
                let (node, _) = self.closure(&closure, &[], &Type::Any, span);
                (node, Type::Closure)
            }
            ExprKind::Call(call) => {
                self.seen_inputs.push((span, Type::Nothing));
                self.call(call, &Type::Nothing, false, span)
            }
            ExprKind::Keyword(keyword) => self.keyword(keyword, &Type::Nothing, span),
            ExprKind::Error => (Node::new(Op::Error, span), Type::Any),
        }
    }

    /// `( … )`: `$in` is that of the outside; names are its own.
    fn block_expr(&mut self, block: &ast::Block) -> (Node, Type) {
        self.block(block, &Type::Nothing, false)
    }

    pub(super) fn literal(&mut self, literal: &Literal, span: Span) -> Value {
        match literal {
            Literal::Null => Value::Nothing,
            Literal::Bool(b) => Value::Bool(*b),
            Literal::Int(n) => Value::Int(*n),
            Literal::Float(x) => Value::Float(*x),
            Literal::Duration(nanos) => Value::Duration(*nanos),
            Literal::Filesize(bytes) => Value::Filesize(*bytes),
            Literal::String(text) => Value::string(&**text),
            Literal::Binary(bytes) => Value::binary(bytes.to_vec()),
            Literal::DateTime(text) => match DateTime::parse(text) {
                Some(at) => Value::DateTime(at),
                None => {
                    let error = Diagnostic::new(codes::BAD_CONVERSION, format!("`{text}` is not a date that exists"));
                    self.report(error.label(span, "no such day or time"));
                    Value::Nothing
                }
            },
        }
    }

    pub(super) fn variable(&mut self, name: &Arc<str>, span: Span) -> (Node, Type) {
        match &**name {
            "in" => {
                let (slot, of) = self.input();
                return (Node::new(Op::Local(slot), span), of);
            }
            "nu" if self.var(name).is_none() => {
                let about = crate::host::about(self.context, self.env);
                let of = about.type_of();
                return (Node::constant(about, span), of);
            }
            "env" => return (Node::new(Op::Env, span), Type::Record(Fields::open())),
            _ => {}
        }
        let Some(var) = self.var(name).cloned() else {
            let error = self.unknown_variable(name, span);
            self.report(error);
            return (Node::new(Op::Error, span), Type::Any);
        };
        if let VarKind::Const(value) = &var.kind {
            return (Node::constant(value.clone(), span), var.of);
        }
        if matches!(var.kind, VarKind::Mut) && var.level < self.level() {
            let error = Diagnostic::new(codes::CAPTURED_MUT, format!("a closure cannot use `${name}`, which is `mut`"))
                .label(span, "used in a closure")
                .label(var.span, "declared `mut` here")
                .help(format!("copy it first: `let now = ${name}`; or use `for`, whose block may use and change it"));
            self.report(error);
        }
        let slot = self.slot_of(&var);
        (Node::new(Op::Local(slot), span), var.of)
    }

    fn unknown_variable(&self, name: &str, span: Span) -> Box<Diagnostic> {
        let error = Diagnostic::new(codes::UNKNOWN_VARIABLE, format!("there is no variable `${name}`"))
            .label(span, "not found");
        let known = self.scopes.iter().rev().flat_map(|scope| scope.vars.keys()).map(|known| &**known);
        match suggest::nearest(name, known.chain(["in", "env", "nu"]), 1).first() {
            _ if self.env.get(name).is_some() => error.help(format!("the environment variable is `$env.{name}`")),
            Some(near) => error.help(format!("did you mean `${near}`?")),
            None if name == "it" => {
                error.help("`$it` is the row in a condition after `where`; a closure names its own: {|it| …}")
            }
            None => error.help("variables are made with `let name = value`"),
        }
    }

    fn path(&mut self, base: &Expr, members: &[ast::Member], span: Span) -> (Node, Type) {
        let steps = path::members(members);
        // `$env.NAME` needs no record of everything.
        if let ExprKind::Variable(name) = &base.kind
            && let ("env", Some((value::PathMember { step: value::Step::Name(variable), optional, .. }, rest))) =
                (&**name, steps.split_first())
        {
            let node = Node::new(Op::EnvVar { name: variable.clone(), optional: *optional }, span);
            if rest.is_empty() {
                return (node, Type::Any);
            }
            return (Node::new(Op::Path(Box::new(node), rest.into()), span), Type::Any);
        }
        let (base_node, base_type) = match (&base.kind, self.row.clone()) {
            // `info.size` in a condition: a column, then into its cells.
            (ExprKind::Bare(word), Some(row)) => self.row_column(&row, word, base.span),
            _ => self.expr(base),
        };
        let of = match path::type_at(&base_type, &steps, &|at| members[at].span) {
            Ok(of) => of,
            Err(error) => {
                self.report(error);
                Type::Any
            }
        };
        // One path instead of two, which also lets a query see it as a column.
        if let Op::Path(inner, first) = base_node.op {
            let all: Vec<_> = first.iter().chain(steps.iter()).cloned().collect();
            return (Node::new(Op::Path(inner, all.into()), span), of);
        }
        (Node::new(Op::Path(Box::new(base_node), steps), span), of)
    }

    pub(super) fn list_items(&mut self, items: &[ast::ListItem]) -> (Vec<ListNode>, Option<Type>) {
        let mut of: Option<Type> = None;
        let mut join = |given: Type| {
            of = Some(match of.take() {
                Some(of) => of.union(given),
                None => given,
            })
        };
        let mut nodes = Vec::with_capacity(items.len());
        for item in items {
            match item {
                ast::ListItem::Item(expr) => {
                    let (node, given) = self.expr(expr);
                    join(given);
                    nodes.push(ListNode::Item(node));
                }
                ast::ListItem::Spread(expr) => {
                    let (node, given) = self.expr(expr);
                    if !Type::OneOf(vec![Type::list(Type::Any), Type::Nothing]).accepts(&given) && given != Type::Range
                    {
                        let error = Diagnostic::new(
                            codes::WRONG_ARGUMENT,
                            format!("only a list can be spread here, not {given}"),
                        );
                        self.report(error.label(expr.span, format!("this is {given}")));
                    }
                    if given != Type::Nothing {
                        join(given.item());
                    }
                    nodes.push(ListNode::Spread(node));
                }
            }
        }
        (nodes, of)
    }

    fn list(&mut self, items: &[ast::ListItem], span: Span) -> (Node, Type) {
        // Inside a condition the items of a list are words, not columns.
        let (nodes, of) = self.without_row(|checker| checker.list_items(items));
        let of = of.map_or(Type::list(Type::Any), Type::many);
        let constant: Option<Vec<Value>> = nodes
            .iter()
            .map(|node| if let ListNode::Item(node) = node { node.as_const().cloned() } else { None })
            .collect();
        match constant {
            Some(values) => (Node::constant(Value::list(values), span), of),
            None => (Node::new(Op::List(nodes), span), of),
        }
    }

    fn record(&mut self, items: &[ast::RecordItem], span: Span) -> (Node, Type) {
        self.without_row(|checker| {
            let mut fields = Fields::default();
            let mut nodes = Vec::with_capacity(items.len());
            let mut seen: Vec<(Arc<str>, Span)> = Vec::new();
            for item in items {
                match item {
                    ast::RecordItem::Field { key, value } => {
                        let name = checker.field_name(key);
                        let (node, of) = checker.expr(value);
                        if let NameNode::Known(known) = &name {
                            if let Some((_, first)) = seen.iter().find(|(name, _)| name == known) {
                                let first = *first;
                                let error = Diagnostic::new(
                                    codes::DUPLICATE_NAME,
                                    format!("the field `{known}` is there twice"),
                                );
                                checker.report(error.label(key.span, "again here").label(first, "first here"));
                            }
                            seen.push((known.clone(), key.span));
                            fields.set(known, of);
                        } else {
                            fields.open = true;
                        }
                        nodes.push(FieldNode::Field { name, value: node });
                    }
                    ast::RecordItem::Spread(expr) => {
                        let (node, of) = checker.expr(expr);
                        match &of {
                            Type::Record(given) => {
                                fields.open |= given.open;
                                for (name, of) in &given.columns {
                                    fields.set(name, of.clone());
                                }
                            }
                            Type::Nothing => {}
                            Type::Any | Type::OneOf(_) => fields.open = true,
                            other => {
                                let error = Diagnostic::new(
                                    codes::WRONG_ARGUMENT,
                                    format!("only a record can be spread here, not {other}"),
                                );
                                checker.report(error.label(expr.span, format!("this is {other}")));
                                fields.open = true;
                            }
                        }
                        nodes.push(FieldNode::Spread(node));
                    }
                }
            }
            fields.open |= fields.columns.is_empty();
            let constant: Option<value::Record> = nodes
                .iter()
                .map(|node| match node {
                    FieldNode::Field { name: NameNode::Known(name), value } => {
                        Some((name.clone(), value.as_const()?.clone()))
                    }
                    _ => None,
                })
                .collect();
            match constant {
                Some(record) => (Node::constant(Value::record(record), span), Type::Record(fields)),
                None => (Node::new(Op::Record(nodes), span), Type::Record(fields)),
            }
        })
    }

    fn field_name(&mut self, key: &Expr) -> NameNode {
        match &key.kind {
            ExprKind::Bare(word) => NameNode::Known(word.clone()),
            ExprKind::Literal(Literal::String(text)) => NameNode::Known(text.clone()),
            // `{1kb: 2}`: what reads as a literal is its text as a name.
            ExprKind::Literal(_) => NameNode::Known(self.source_text(key.span).into()),
            _ => {
                let (node, of) = self.expr(key);
                match node.as_const() {
                    Some(value) => NameNode::Known(value::text::to_text(value).into()),
                    None => {
                        if matches!(of, Type::Record(_) | Type::List(_) | Type::Table(_) | Type::Closure) {
                            let error =
                                Diagnostic::new(codes::WRONG_ARGUMENT, format!("a field's name is text, not {of}"));
                            self.report(error.label(key.span, format!("this is {of}")));
                        }
                        NameNode::Computed(node)
                    }
                }
            }
        }
    }

    pub(super) fn source_text(&self, span: Span) -> String {
        self.context.sources().get(span.source).map_or(String::new(), |source| source.slice(span).to_string())
    }

    fn table(&mut self, columns: &[Expr], rows: &[Expr], span: Span) -> (Node, Type) {
        let mut names: Vec<Arc<str>> = Vec::with_capacity(columns.len());
        for column in columns {
            match self.field_name(column) {
                NameNode::Known(name) => {
                    if names.contains(&name) {
                        let error =
                            Diagnostic::new(codes::DUPLICATE_NAME, format!("the column `{name}` is there twice"));
                        self.report(error.label(column.span, "again here"));
                    }
                    names.push(name);
                }
                NameNode::Computed(_) => {
                    let error = Diagnostic::new(codes::NOT_CONSTANT, "the columns of a table are known before it runs");
                    self.report(error.label(column.span, "not known yet"));
                }
            }
        }
        let mut types: Vec<Option<Type>> = vec![None; names.len()];
        let mut nodes = Vec::with_capacity(rows.len());
        for row in rows {
            let ExprKind::List(cells) = &row.kind else {
                let error = Diagnostic::new(codes::WRONG_ARGUMENT, "a row of a table is a list of its cells");
                self.report(error.label(row.span, "not a list"));
                continue;
            };
            let (cells, _) = (self.without_row(|checker| checker.row_cells(cells)), ());
            if cells.len() != names.len() {
                let error = Diagnostic::new(
                    codes::WRONG_ARGUMENT,
                    format!("this row has {} cells for {} columns", cells.len(), names.len()),
                );
                self.report(error.label(row.span, "this row"));
                continue;
            }
            let mut row = Vec::with_capacity(cells.len());
            for (at, (node, of)) in cells.into_iter().enumerate() {
                types[at] = Some(match types[at].take() {
                    Some(known) => known.union(of),
                    None => of,
                });
                row.push(node);
            }
            nodes.push(row);
        }
        let fields = names.iter().cloned().zip(types.into_iter().map(|of| of.unwrap_or(Type::Any))).collect();
        let of = Type::Table(Fields::closed(fields));
        let columns = Arc::new(names);
        let constant: Option<Vec<Value>> = nodes
            .iter()
            .map(|row| {
                let cells: Option<Vec<Value>> = row.iter().map(|cell| cell.as_const().cloned()).collect();
                Some(Value::record(value::Record::from_parts(columns.clone(), cells?)))
            })
            .collect();
        match constant {
            Some(rows) => (Node::constant(Value::list(rows), span), of),
            None => (Node::new(Op::Table { columns, rows: nodes }, span), of),
        }
    }

    fn row_cells(&mut self, cells: &[ast::ListItem]) -> Vec<(Node, Type)> {
        cells
            .iter()
            .map(|cell| match cell {
                ast::ListItem::Item(expr) => self.expr(expr),
                ast::ListItem::Spread(expr) => {
                    let error = Diagnostic::new(codes::WRONG_ARGUMENT, "the cells of a row are written one by one");
                    self.report(error.label(expr.span, "spread here"));
                    (Node::new(Op::Error, expr.span), Type::Any)
                }
            })
            .collect()
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> (Node, Type) {
        let (node, of) = self.expr(operand);
        let (fits, gives, wants) = match op {
            UnaryOp::Not => (Type::OneOf(vec![Type::Bool, Type::Nothing]).may_accept(&of), Type::Bool, "a bool"),
            UnaryOp::Minus => {
                let units = Type::OneOf(vec![Type::Number, Type::Duration, Type::Filesize, Type::Nothing]);
                (units.accepts(&of), of.clone(), "a number")
            }
        };
        if !fits {
            let error = Diagnostic::new(codes::WRONG_OPERANDS, format!("this needs {wants}, not {of}"));
            self.report(error.label(operand.span, format!("this is {of}")));
        }
        if let Some(value) = node.as_const() {
            let folded = if op == UnaryOp::Not { ops::not(value) } else { ops::negate(value) };
            if let Ok(value) = folded {
                return (Node::constant(value, span), gives);
            }
        }
        let node = Box::new(node);
        (Node::new(if op == UnaryOp::Not { Op::Not(node) } else { Op::Negate(node) }, span), gives)
    }

    fn binary(&mut self, operator: Operator, left: &Expr, right: &Expr, span: Span) -> (Node, Type) {
        let (left_node, left_type) = self.expr(left);
        let (right_node, right_type) = self.right_operand(operator, &left_type, left, right);
        let Some(of) = operator.result_type(&left_type, &right_type) else {
            let told = ops::wrong_operand_types(operator, &left_type, &right_type);
            let mut error = Diagnostic::new(told.code, told.message)
                .label(left.span, format!("this is {left_type}"))
                .label(right.span, format!("this is {right_type}"));
            error.help = match (&self.row, &right.kind) {
                (Some(row), ExprKind::Bare(word))
                    if row.of.fields().is_some_and(|fields| fields.get(word).is_some()) =>
                {
                    Some(format!("a bare word on the right is text; the column is written `$it.{word}`"))
                }
                _ => told.help,
            };
            self.report(error);
            return (Node::new(Op::Error, span), Type::Any);
        };
        self.closed_sets(operator, (&left_type, &left_node, left.span), (&right_type, &right_node, right.span));
        self.never_equal(operator, &left_type, &right_type, left.span, right.span);
        // Constants fold, unless they fail: then it fails where it is reached.
        if let (Some(a), Some(b)) = (left_node.as_const(), right_node.as_const())
            && let Ok(value) = ops::apply(operator, a, b)
        {
            let of = if of.is_any() { value.type_of() } else { of };
            return (Node::constant(value, span), of);
        }
        (Node::new(Op::Binary(operator, Box::new((left_node, right_node))), span), of)
    }

    /// The right operand. In comparisons a word that is all of it is text, in a row condition as anywhere.
    fn right_operand(&mut self, op: Operator, left: &Type, left_expr: &Expr, right: &Expr) -> (Node, Type) {
        let ExprKind::Bare(word) = &right.kind else { return self.expr(right) };
        if !op.is_comparison() {
            return self.expr(right);
        }
        if let Some(row) = &self.row {
            let is_column = row.of.fields().is_some_and(|fields| fields.get(word).is_some());
            if is_column && matches!(op, Operator::Equal | Operator::NotEqual) && left.is_any() {
                let warning =
                    Diagnostic::new(codes::NOT_IN_SET, format!("`{word}` is also a column; on the right it is text"))
                        .label(right.span, "taken as text")
                        .label(left_expr.span, "compared with this")
                        .help(format!("the column is written `$it.{word}`, the text \"{word}\""));
                self.warn(warning);
            }
        }
        (Node::constant(Value::string(&**word), right.span), Type::String)
    }

    /// A word compared with a column that only ever holds certain words must be one of them.
    fn closed_sets(&mut self, op: Operator, left: (&Type, &Node, Span), right: (&Type, &Node, Span)) {
        let ((Type::Word(words), _, _), (_, node, span)) = (match op {
            Operator::Equal | Operator::NotEqual if matches!(right.0, Type::Word(_)) => (right, left),
            Operator::Equal | Operator::NotEqual | Operator::In | Operator::NotIn => (left, right),
            _ => return,
        }) else {
            return;
        };
        let Some(value) = node.as_const() else { return };
        let given: Vec<String> = match value {
            Value::String(word) => vec![word.to_string()],
            Value::List(items) => items.iter().filter_map(|item| item.as_str().map(String::from)).collect(),
            _ => return,
        };
        if matches!((op, value), (Operator::In | Operator::NotIn, Value::String(_))) {
            return;
        }
        for word in given {
            if words.iter().any(|known| **known == *word) {
                continue;
            }
            let all: Vec<&str> = words.iter().map(|word| &**word).collect();
            let error = Diagnostic::new(codes::NOT_IN_SET, format!("`{word}` is not one of {}", all.join(", ")))
                .label(span, "never equal");
            let help = suggest::did_you_mean(&word, all.iter().copied());
            self.report(match help {
                Some(help) => error.help(help),
                None => error,
            });
        }
    }

    /// `==` across types is false for ever, which nobody writes on purpose in a row condition.
    fn never_equal(&mut self, op: Operator, left: &Type, right: &Type, left_span: Span, right_span: Span) {
        if self.row.is_none() || !matches!(op, Operator::Equal | Operator::NotEqual) {
            return;
        }
        let plain = |of: &Type| {
            matches!(
                of,
                Type::Bool
                    | Type::Int
                    | Type::Float
                    | Type::Number
                    | Type::String
                    | Type::Word(_)
                    | Type::Duration
                    | Type::Filesize
                    | Type::DateTime
            )
        };
        let comparable = left.accepts(right)
            || right.accepts(left)
            || left.is_number() && right.is_number()
            || matches!((left, right), (Type::Filesize, Type::Int) | (Type::Int, Type::Filesize));
        if plain(left) && plain(right) && !comparable {
            let error = Diagnostic::new(codes::WRONG_OPERANDS, format!("{left} and {right} are never equal"))
                .label(left_span, format!("this is {left}"))
                .label(right_span, format!("this is {right}"));
            self.report(error);
        }
    }
}
