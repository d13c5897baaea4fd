use std::fmt::Write as _;

use crate::prelude::*;

pub static HELP: Command = Command {
    name: "help",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Explains a command or topic, or lists all commands",
    details: "The topics are `types`, `literals` and `operators`.",
    params: &[
        Param::rest("name", Takes::Type("string"), "The command, or the topic"),
        Param::flag("find", Some('f'), Takes::Type("string"), "Commands that are about something"),
    ],
    io: &[("nothing", "oneof<string, table>"), ("any", "oneof<string, table>")],
    examples: &[
        try_it("All commands", "help"),
        try_it("One of them", "help sort-by"),
        try_it("A topic", "help operators"),
        try_it("About files", "help --find file"),
    ],
    search: &["man", "usage", "docs", "commands"],
    infer: Some(|shape| match shape.argument("name") {
        Some(_) => Some(Type::Any),
        None => Type::parse("table<name: string, summary: string, category: string>").ok(),
    }),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, _: Data) -> Result<Data> {
    let name = call.rest::<String>("name")?.join(" ");
    let registry = call.context().registry();
    let find = call.optional::<String>("find")?.map(|find| find.to_lowercase());
    if name.is_empty() {
        let mut commands = registry.commands().to_vec();
        commands.sort_by_key(|command| (command.category, command.name));
        let about = |command: &Command| {
            let Some(find) = &find else { return true };
            command.name.contains(find.as_str())
                || command.summary.to_lowercase().contains(find.as_str())
                || command.search.iter().any(|word| word.contains(find.as_str()))
        };
        let rows = commands.into_iter().filter(|command| about(command)).map(|command| {
            let fields = [("name", command.name), ("summary", command.summary), ("category", command.category.title())];
            Value::record(fields.into_iter().map(|(name, text)| (name, Value::from(text))).collect())
        });
        return Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())));
    }
    let target = registry.alias(&name).map_or(name.as_str(), |alias| alias.target);
    if let Some(command) = registry.get(target) {
        return Ok(Data::Value(Value::string(page(command))));
    }
    if let Some((_, text)) = topics().into_iter().find(|(topic, _)| *topic == name) {
        return Ok(Data::Value(Value::string(text)));
    }
    let mut verbs: Vec<&&Command> =
        registry.commands().iter().filter(|command| command.noun().is_some_and(|(noun, _)| noun == name)).collect();
    if !verbs.is_empty() {
        verbs.sort_by_key(|command| command.name);
        let width = verbs.iter().map(|command| command.name.len()).max().unwrap_or(0);
        let mut text = format!("Commands of `{name}`:\n");
        for command in verbs {
            let _ = writeln!(text, "  {:width$}  {}", command.name, command.summary);
        }
        return Ok(Data::Value(Value::string(text)));
    }
    let error =
        Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no command `{name}`")).label(call.span("name"), "here");
    let topics = topics();
    let known = registry.commands().iter().map(|command| command.name);
    let known = known.chain(topics.iter().map(|(topic, _)| topic.as_str()));
    let near = diag::suggest::did_you_mean(&name, known);
    Err(error.help(near.unwrap_or_else(|| "`help` lists the commands".into())))
}

/// The sections of the page on values, each by its title in lower case.
fn topics() -> Vec<(String, &'static str)> {
    let page = include_str!("../../../../docs/values.md");
    let sections = page.split("\n## ").skip(1);
    sections
        .filter_map(|section| section.split_once('\n').map(|(title, text)| (title.to_lowercase(), text.trim())))
        .collect()
}

/// The help of one command, from its declaration.
pub fn page(command: &Command) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}.\n", command.summary.trim_end_matches('.'));
    if !command.details.is_empty() {
        let _ = writeln!(text, "{}\n", command.details);
    }
    let _ = writeln!(text, "Usage:\n  {}\n", command.usage());
    let (flags, params): (Vec<&Param>, Vec<&Param>) = command.params.iter().partition(|param| param.is_flag());
    let list = |text: &mut String, title: &str, rows: Vec<(String, String)>| {
        if rows.is_empty() {
            return;
        }
        let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
        let _ = writeln!(text, "{title}:");
        for (left, right) in rows {
            let _ = writeln!(text, "  {left:width$}  {right}");
        }
        text.push('\n');
    };
    let of = |param: &Param| param.takes.type_text();
    list(
        &mut text,
        "Parameters",
        params.iter().map(|param| (format!("{}: {}", param.name, of(param)), param.doc.to_string())).collect(),
    );
    let flag = |param: &&Param| {
        let short = param.short().map_or_else(|| "    ".to_string(), |short| format!("-{short}, "));
        let takes = if matches!(param.kind, engine::command::Kind::Switch(_)) {
            String::new()
        } else {
            format!(" <{}>", of(param))
        };
        (format!("{short}--{}{takes}", param.name), param.doc.to_string())
    };
    let mut rows: Vec<(String, String)> = flags.iter().map(flag).collect();
    rows.push(("-h, --help".into(), "This page".into()));
    list(&mut text, "Flags", rows);
    let io = command.io.iter().map(|(from, to)| ((*from).to_string(), format!("→ {to}"))).collect();
    list(&mut text, "Input → output", io);
    if !command.examples.is_empty() {
        let _ = writeln!(text, "Examples:");
        for example in command.examples {
            let _ = writeln!(text, "  {}\n  > {}", example.about, example.code);
            if let Some(result) = example.result {
                let _ = writeln!(text, "  {result}");
            }
            text.push('\n');
        }
    }
    text.trim_end().to_string()
}
