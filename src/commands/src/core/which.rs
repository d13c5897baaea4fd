use crate::prelude::*;

pub static WHICH: Command = Command {
    name: "which",
    category: Category::Shell,
    summary: "Tells what words would run: commands, aliases or programs",
    params: &[
        Param::rest("words", Takes::Type("string"), "The words"),
        Param::switch("all", Some('a'), "Also what they hide"),
    ],
    io: &[("nothing", "table<command: string, path: string, type: string@[built-in alias external]>")],
    examples: &[try_it("A program", "which ls")],
    search: &["where", "path", "find"],
    run: |call, _| {
        let columns = Arc::new(vec![Arc::from("command"), Arc::from("path"), Arc::from("type")]);
        let mut rows = Vec::new();
        for word in call.rest::<String>("words")? {
            let registry = call.context().registry();
            let mut found = Vec::new();
            if registry.get(&word).is_some() {
                found.push((String::new(), "built-in"));
            } else if let Some(alias) = registry.alias(&word) {
                found.push((alias.target.to_string(), "alias"));
            }
            if found.is_empty() || call.switch("all") {
                if let Some(path) = engine::external::find(&word, call.env()) {
                    found.push((path.to_string_lossy().into_owned(), "external"));
                }
            }
            rows.extend(found.into_iter().map(|(path, kind)| {
                let cells = vec![Value::from(word.as_str()), Value::string(path), Value::from(kind)];
                Value::record(Record::from_parts(columns.clone(), cells))
            }));
        }
        Ok(Data::Value(Value::list(rows)))
    },
    ..Command::DEFAULT
};
