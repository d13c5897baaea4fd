use crate::prelude::*;

pub static GLOB: Command = Command {
    name: "glob",
    category: Category::Files,
    summary: "Lists the paths that match a pattern; `**` goes through all directories",
    params: &[
        Param::required("pattern", Takes::Type("string"), "The pattern"),
        Param::switch("all", Some('a'), "Hidden ones too"),
    ],
    io: &[("nothing", "list<string>")],
    examples: &[try_it("All dataflows below", "glob **/*.yml")],
    search: &["find", "files", "pattern"],
    run: |call, _| {
        let pattern: String = call.required("pattern")?;
        let found = super::ls::matching(call.env().cwd(), &pattern, call.switch("all"))
            .map_err(|error| error.label(call.span("pattern"), "this pattern"))?;
        let paths = found.into_iter().map(|(_, path)| Value::string(path.to_string_lossy()));
        Ok(Data::Value(Value::list(paths.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};

/// Whether a text that names files may name several.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}
