use std::fmt::Write as _;

use crate::prelude::*;
use crate::prose;

/// The word that asks for all commands.
const ALL: &str = "commands";

pub static HELP: Command = Command {
    name: "help",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Explains a command or topic, or says where to begin",
    details: "`help commands` lists all commands. The topics are `types`, `literals` and `operators`.",
    params: &[
        Param::rest("name", Takes::CommandName, "The command, or the topic"),
        Param::flag("find", Some('f'), Takes::Type("string"), "Commands that are about something"),
    ],
    io: &[("nothing", "oneof<string, table>"), ("any", "oneof<string, table>")],
    examples: &[
        try_it("Where to begin", "help"),
        try_it("All commands", "help commands"),
        try_it("One of them", "help sort-by"),
        try_it("A topic", "help operators"),
        try_it("About files", "help --find file"),
    ],
    search: &["man", "usage", "docs", "commands"],
    infer: Some(|shape| {
        let asked = shape.rest("name").unwrap_or_default();
        let all = matches!(asked.as_slice(), [Value::String(word)] if word.as_str() == ALL);
        match (shape.argument("name"), shape.argument("find")) {
            (None, None) => Some(Type::String),
            (Some(_), _) if !all => Some(Type::Any),
            _ => Type::parse("table<name: string, summary: string, category: string>").ok(),
        }
    }),
    run,
    ..Command::DEFAULT
};

/// What people begin with, by what it is about.
const FIRST: &[(&str, &[&str])] = &[
    ("Dataflows", &["dataflow start", "dataflow list", "dataflow logs", "dataflow stop"]),
    ("Nodes", &["node list", "node logs", "topic list"]),
    ("Tables", &["where", "select", "sort-by", "group-by", "first", "get"]),
    ("Files", &["ls", "cd", "open", "save"]),
    ("Texts", &["str trim", "split row", "lines", "parse"]),
    ("Formats", &["from json", "to json", "into int"]),
];

/// One screen for who sees the shell for the first time.
fn introduction() -> String {
    let mut text = String::from("A shell whose commands pass tables, and a runtime for dataflows of dora-rs.\n\n");
    let width = FIRST.iter().map(|(title, _)| title.len()).max().unwrap_or(0);
    for (title, names) in FIRST {
        let _ = writeln!(text, "  {title:width$}  {}", names.join(", "));
    }
    text.push_str(
        "
  dataflow start flow.yml --name demo      a dataflow, until the shell ends
  node list | where cpu > 5 | select name  rows flow through the pipe
  dataflow list | stop                     a verb of the rows that flow in
  ^git log | lines | first 3               programs are commands too

  help commands      all commands, a table
  help sort-by       one of them, as `sort-by --help` does
  help dataflow      all that is done with dataflows
  help --find csv    commands that are about something
  help operators     a topic; others are `types` and `literals`

Tab completes, Ctrl-C stops what runs, Ctrl-D leaves.",
    );
    text
}

/// All commands, or those about something.
fn commands(registry: &engine::Registry, find: Option<&str>) -> Data {
    let mut commands = registry.commands().to_vec();
    commands.sort_by_key(|command| (command.category, command.name));
    let about = |command: &Command| {
        let Some(find) = find else { return true };
        command.name.contains(find)
            || command.summary.to_lowercase().contains(find)
            || command.search.iter().any(|word| word.contains(find))
    };
    let rows = commands.into_iter().filter(|command| about(command)).map(|command| {
        let fields = [("name", command.name), ("summary", command.summary), ("category", command.category.title())];
        Value::record(fields.into_iter().map(|(name, text)| (name, Value::from(text))).collect())
    });
    Data::Value(Value::list(rows.collect::<Vec<_>>()))
}

fn run(call: &mut Call<'_>, _: Data) -> Result<Data> {
    let name = call.rest::<String>("name")?.join(" ");
    let registry = call.context().registry();
    let find = call.optional::<String>("find")?.map(|find| find.to_lowercase());
    let width = prose::width(call);
    let text = |text: String| Ok(Data::Value(Value::string(text)));
    if name.is_empty() && find.is_none() {
        return text(introduction());
    }
    if name.is_empty() || name == ALL {
        return Ok(commands(registry, find.as_deref()));
    }
    let target = registry.alias(&name).map_or(name.as_str(), |alias| alias.target);
    if let Some(command) = registry.get(target) {
        return text(page(command, width));
    }
    if let Some((_, topic)) = topics().into_iter().find(|(topic, _)| *topic == name) {
        return text(prose::plain(topic, width));
    }
    let list = |title: String, mut commands: Vec<&Command>| {
        commands.sort_by_key(|command| command.name);
        let names = commands.iter().map(|command| command.name.len()).max().unwrap_or(0);
        let lines = commands
            .into_iter()
            .map(|command| prose::hanging(&format!("  {:names$}  ", command.name), command.summary, width) + "\n");
        title + &lines.collect::<String>()
    };
    let of_noun = |command: &&&Command| command.noun().is_some_and(|(noun, _)| noun == name);
    let of_noun: Vec<&Command> = registry.commands().iter().filter(of_noun).copied().collect();
    if !of_noun.is_empty() {
        return text(list(format!("Commands of `{name}`:\n"), of_noun));
    }
    let resources = registry.resources_with(&name);
    let verbs: Vec<&Command> = resources
        .into_iter()
        .filter_map(|resource| registry.verb(resource, &name))
        .map(|command| command as _)
        .collect();
    match verbs.as_slice() {
        [] => {}
        [only] => return text(page(only, width)),
        _ => return text(list(format!("`{name}` is done to the rows that flow in:\n"), verbs)),
    }
    let error =
        Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no command `{name}`")).label(call.span("name"), "");
    let topics = topics();
    let known = registry.commands().iter().map(|command| command.name);
    let known = known.chain(topics.iter().map(|(topic, _)| topic.as_str())).chain([ALL]);
    let near = diag::suggest::did_you_mean(&name, known);
    Err(error.help(near.unwrap_or_else(|| "`help commands` lists them all".into())))
}

/// The sections of the page on values, each by its title in lower case.
fn topics() -> Vec<(String, &'static str)> {
    let page = include_str!("../../../../docs/values.md");
    let sections = page.split("\n## ").skip(1);
    sections
        .filter_map(|section| section.split_once('\n').map(|(title, text)| (title.to_lowercase(), text.trim())))
        .collect()
}

/// The help of one command, from its declaration, in lines of at most `width`.
pub fn page(command: &Command, width: usize) -> String {
    let mut text = String::new();
    let summary = format!("{}.", command.summary.trim_end_matches('.'));
    let _ = writeln!(text, "{}\n", prose::hanging("", &summary, width));
    if !command.details.is_empty() {
        let _ = writeln!(text, "{}\n", prose::plain(command.details, width));
    }
    let _ = writeln!(text, "Usage:\n{}\n", prose::hanging("  ", &command.usage(), width));
    let (flags, params): (Vec<&Param>, Vec<&Param>) = command.params.iter().partition(|param| param.is_flag());
    let list = |text: &mut String, title: &str, rows: Vec<(String, String)>| {
        if rows.is_empty() {
            return;
        }
        // A very long name goes on its own line rather than push all others to the right.
        let names =
            rows.iter().map(|(left, _)| left.chars().count()).filter(|len| *len <= width / 2).max().unwrap_or(0);
        let _ = writeln!(text, "{title}:");
        for (left, right) in rows {
            if left.chars().count() > names {
                let _ = writeln!(text, "{}", prose::hanging("  ", &left, width));
                let _ = writeln!(text, "{}", prose::hanging(&" ".repeat(names + 4), &right, width));
            } else {
                let _ = writeln!(text, "{}", prose::hanging(&format!("  {left:names$}  "), &right, width));
            }
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
    let _ = writeln!(text, "Input → output:");
    for (from, to) in flows(command) {
        let _ = writeln!(text, "{}", prose::hanging("  ", &from, width));
        let _ = writeln!(text, "{}", prose::hanging("    → ", &to, width));
    }
    text.push('\n');
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

/// What flows in and out; inputs that give the same are told together.
fn flows(command: &Command) -> Vec<(String, String)> {
    let mut flows: Vec<(Vec<&str>, &str)> = Vec::new();
    for (from, to) in command.io {
        match flows.iter_mut().find(|(_, known)| known == to) {
            Some((inputs, _)) => inputs.push(from),
            None => flows.push((vec![from], to)),
        }
    }
    flows.into_iter().map(|(inputs, to)| (inputs.join(" or "), to.to_string())).collect()
}
