//! Trees as s-expressions, short enough to write by hand.

use crate::ast::*;

pub fn block(block: &Block) -> String {
    block.statements.iter().map(pipeline).collect::<Vec<_>>().join("; ")
}

fn pipeline(pipeline: &Pipeline) -> String {
    let mut out = String::new();
    for (index, one) in pipeline.elements.iter().enumerate() {
        out += &element(one);
        if index + 1 < pipeline.elements.len() {
            out += match one.pipe {
                PipeFrom::Out => " | ",
                PipeFrom::Err => " e>| ",
                PipeFrom::Both => " o+e>| ",
            };
        }
    }
    out
}

fn element(element: &Element) -> String {
    let mut out = String::new();
    for (name, value) in &element.env {
        out += &format!("{}={} ", name.node, expr(value));
    }
    out += &expr(&element.expr);
    for one in &element.redirections {
        let append = if one.append { ">" } else { "" };
        out += &format!(" <{:?}>{append} {}>", one.from, expr(&one.target));
    }
    out
}

fn list(name: &str, parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { format!("({name})") } else { format!("({name} {})", parts.join(" ")) }
}

fn boxed(option: &Option<Box<Expr>>) -> String {
    option.as_ref().map_or("_".to_string(), |inner| expr(inner))
}

fn expr(it: &Expr) -> String {
    match &it.kind {
        ExprKind::Literal(one) => literal(one),
        ExprKind::Interpolation(parts) => list(
            "$",
            parts.iter().map(|part| match part {
                Part::Text(text) => format!("{text:?}"),
                Part::Expr(inner) => expr(inner),
            }),
        ),
        ExprKind::Bare(text) => text.to_string(),
        ExprKind::Variable(name) => format!("${name}"),
        ExprKind::Path { base, members } => format!("{}{}", expr(base), path(members)),
        ExprKind::CellPath(members) => format!("${}", path(members)),
        ExprKind::List(items) => list("list", items.iter().map(list_item)),
        ExprKind::Record(items) => list(
            "record",
            items.iter().map(|item| match item {
                RecordItem::Field { key, value } => format!("{}:{}", expr(key), expr(value)),
                RecordItem::Spread(inner) => format!("...{}", expr(inner)),
            }),
        ),
        ExprKind::Table { columns, rows } => {
            format!("(table {} ; {})", joined(columns), joined(rows))
        }
        ExprKind::Range { start, next, end, inclusive } => {
            let mark = if *inclusive { "range" } else { "range<" };
            match next {
                Some(next) => format!("({mark} {} {} {})", boxed(start), expr(next), boxed(end)),
                None => format!("({mark} {} {})", boxed(start), boxed(end)),
            }
        }
        ExprKind::Unary { op, operand } => match op.node {
            UnaryOp::Not => format!("(not {})", expr(operand)),
            UnaryOp::Minus => format!("(minus {})", expr(operand)),
        },
        ExprKind::Binary { op, left, right } => format!("({} {} {})", op.node, expr(left), expr(right)),
        ExprKind::Subexpression(inner) => format!("<{}>", block(inner)),
        ExprKind::Closure(closure) => {
            let parameters = closure.parameters.iter().flatten().map(parameter).collect::<Vec<_>>().join(" ");
            format!("{{|{parameters}| {}}}", block(&closure.body))
        }
        ExprKind::Block(inner) => format!("{{{}}}", block(inner)),
        ExprKind::Call(call) => {
            let sigil = match call.sigil {
                Some(Sigil::External) => "^",
                Some(Sigil::Declared) => "%",
                None => "",
            };
            list(&format!("call {sigil}{}", expr(&call.head)), call.arguments.iter().map(argument))
        }
        ExprKind::Keyword(inner) => keyword(inner),
        ExprKind::Error => "ERROR".into(),
    }
}

fn joined(exprs: &[Expr]) -> String {
    exprs.iter().map(expr).collect::<Vec<_>>().join(" ")
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".into(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => format!("{value:?}"),
        Literal::Duration(value) => format!("{value}ns"),
        Literal::Filesize(value) => format!("{value}B"),
        Literal::DateTime(value) => format!("@{value}"),
        Literal::String(value) => format!("{value:?}"),
        Literal::Binary(value) => format!("{value:02x?}"),
    }
}

fn path(members: &[Member]) -> String {
    let mut out = String::new();
    for member in members {
        out += &match &member.step {
            Step::Name(name) => format!(".{name}"),
            Step::Index(index) => format!(".#{index}"),
        };
        out += if member.optional { "?" } else { "" };
        out += if member.any_case { "!" } else { "" };
    }
    out
}

fn list_item(item: &ListItem) -> String {
    match item {
        ListItem::Item(inner) => expr(inner),
        ListItem::Spread(inner) => format!("...{}", expr(inner)),
    }
}

fn argument(argument: &Argument) -> String {
    match argument {
        Argument::Positional { expr: inner, .. } => expr(inner),
        Argument::Long { name, value: None, .. } => format!("--{}", name.node),
        Argument::Long { name, value: Some(value), .. } => format!("--{}={}", name.node, expr(value)),
        Argument::Short { letters, .. } => format!("-{}", letters.node),
        Argument::Spread(inner) => format!("...{}", expr(inner)),
        Argument::EndOfFlags(_) => "--".into(),
        Argument::Condition(inner) => format!("?{}", expr(inner)),
    }
}

fn parameter(parameter: &Parameter) -> String {
    let name = &parameter.name.node;
    let mut out = match parameter.kind {
        ParameterKind::Required => name.to_string(),
        ParameterKind::Optional => format!("{name}?"),
        ParameterKind::Rest => format!("...{name}"),
        ParameterKind::Flag { short: None } => format!("--{name}"),
        ParameterKind::Flag { short: Some(short) } => format!("--{name}(-{short})"),
    };
    out += &parameter.of.as_ref().map_or(String::new(), |of| format!(":{}", of.node));
    out += &parameter.default.as_ref().map_or(String::new(), |default| format!("={}", expr(default)));
    out += &if parameter.doc.is_empty() { String::new() } else { format!("#{:?}", parameter.doc) };
    out
}

fn of(of: &Option<Name>) -> String {
    of.as_ref().map_or(String::new(), |of| format!(":{}", of.node))
}

fn keyword(it: &Keyword) -> String {
    let export = |exported: bool| if exported { "export ".to_string() } else { String::new() };
    match it {
        Keyword::Binding { kind, name, of: ty, value, exported } => {
            let word = format!("{}{kind:?}", export(*exported)).to_lowercase();
            let value = value.as_ref().map_or("_".to_string(), pipeline);
            format!("({word} {}{} {value})", name.node, of(ty))
        }
        Keyword::Assign { target, op, value } => format!("(assign {} {} {})", op.node, expr(target), pipeline(value)),
        Keyword::Def { name, signature, body, env, wrapped, exported, doc } => {
            let io = signature.io.iter().map(|(i, o)| format!("{}->{}", i.node, o.node)).collect::<Vec<_>>();
            let marks = [(*env, "--env"), (*wrapped, "--wrapped")];
            let marks = marks.iter().filter(|(on, _)| *on).map(|(_, mark)| mark.to_string());
            let parts = [
                name.node.to_string(),
                format!("[{}]", signature.parameters.iter().map(parameter).collect::<Vec<_>>().join(" ")),
                io.join(","),
                format!("{{{}}}", block(body)),
                if doc.is_empty() { String::new() } else { format!("#{doc:?}") },
            ];
            list(&format!("{}def", export(*exported)), marks.chain(parts))
        }
        Keyword::If { condition, then, otherwise } => list(
            "if",
            [
                expr(condition),
                format!("{{{}}}", block(then)),
                otherwise.as_ref().map_or(String::new(), |inner| format!("else {}", expr(inner))),
            ],
        ),
        Keyword::Match { subject, arms } => list(
            "match",
            [expr(subject)].into_iter().chain(arms.iter().map(|arm| {
                let guard = arm.guard.as_ref().map_or(String::new(), |guard| format!(" if {}", expr(guard)));
                format!("[{}{guard} => {}]", pattern(&arm.pattern.node), expr(&arm.body))
            })),
        ),
        Keyword::For { variable, of: ty, items, body } => {
            format!("(for {}{} {} {{{}}})", variable.node, of(ty), expr(items), block(body))
        }
        Keyword::While { condition, body } => format!("(while {} {{{}}})", expr(condition), block(body)),
        Keyword::Loop { body } => format!("(loop {{{}}})", block(body)),
        Keyword::Break => "(break)".into(),
        Keyword::Continue => "(continue)".into(),
        Keyword::Return(value) => list("return", value.iter().map(pipeline)),
        Keyword::Try { body, catch, finally } => list(
            "try",
            [
                format!("{{{}}}", block(body)),
                catch.as_ref().map_or(String::new(), |inner| format!("catch {}", expr(inner))),
                finally.as_ref().map_or(String::new(), |inner| format!("finally {}", expr(inner))),
            ],
        ),
        Keyword::Module { name, body, exported } => {
            format!("({}module {} {{{}}})", export(*exported), name.node, block(body))
        }
        Keyword::Use { path, names, all, exported } => list(
            &format!("{}use", export(*exported)),
            [expr(path)]
                .into_iter()
                .chain(names.iter().map(|name| name.node.to_string()))
                .chain(all.then(|| "*".to_string())),
        ),
        Keyword::Source { path } => format!("(source {})", expr(path)),
        Keyword::Attribute { name, arguments } => list(&format!("@{}", name.node), arguments.iter().map(argument)),
    }
}

fn pattern(it: &Pattern) -> String {
    let many = |patterns: &[Spanned<Pattern>]| patterns.iter().map(|one| pattern(&one.node)).collect::<Vec<_>>();
    match it {
        Pattern::Anything => "_".into(),
        Pattern::Variable(name) => format!("${name}"),
        Pattern::Value(inner) => expr(inner),
        Pattern::List { items, rest } => {
            let rest = rest.as_ref().map(|name| format!("..{}", name.as_deref().unwrap_or("")));
            list("list", many(items).into_iter().chain(rest))
        }
        Pattern::Record(fields) => {
            list("record", fields.iter().map(|(name, one)| format!("{}:{}", name.node, pattern(&one.node))))
        }
        Pattern::Or(all) => list("or", many(all)),
    }
}
