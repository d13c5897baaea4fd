use crate::prelude::*;
use crate::rows;

pub static MOVE: Command = Command {
    name: "move",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Puts columns or fields in another place",
    params: &[
        Param::rest("columns", Takes::Type("string"), "The columns to move"),
        Param::flag("before", None, Takes::Type("string"), "Put them before this column"),
        Param::flag("after", None, Takes::Type("string"), "Put them after this column"),
        Param::switch("first", None, "Put them first"),
        Param::switch("last", None, "Put them last"),
    ],
    io: &[("table", "table"), ("record", "record"), ("list<any>", "list<any>")],
    examples: &[example("To the front", "{a: 1, b: 2, c: 3} | move c --before a", "{c: 3, a: 1, b: 2}")],
    search: &["reorder", "column"],
    run: |call, input| {
        let moved: Vec<String> = call.rest("columns")?;
        let (before, after) = (call.optional::<String>("before")?, call.optional::<String>("after")?);
        let (first, last) = (call.switch("first"), call.switch("last"));
        if usize::from(before.is_some()) + usize::from(after.is_some()) + usize::from(first) + usize::from(last) != 1 {
            return Err(Diagnostic::new(
                codes::BAD_ARGUMENT,
                "`move` needs one of --before, --after, --first and --last",
            )
            .label(call.head, "where to?"));
        }
        let place = call.head;
        let arrange = move |row: Value| -> Result<Value> {
            let Value::Record(record) = &row else { return Ok(row) };
            for name in moved.iter().chain(&before).chain(&after) {
                if !record.contains(name) {
                    return Err(value::cell_path::unknown_column(name, record.names()).label(place, ""));
                }
            }
            let mut names: Vec<&str> = record.names().filter(|name| !moved.iter().any(|moved| moved == name)).collect();
            let position =
                |name: &Option<String>| name.as_ref().and_then(|name| names.iter().position(|known| known == name));
            let at = match (position(&before), position(&after)) {
                (Some(at), _) => at,
                (_, Some(at)) => at + 1,
                _ if first => 0,
                _ => names.len(),
            };
            names.splice(at..at, moved.iter().map(String::as_str));
            let fields = names.into_iter().filter_map(|name| Some((name, record.get(name)?.clone())));
            Ok(Value::record(fields.collect::<Record>().with_resource(record.resource)))
        };
        match rows::plain(input)? {
            Data::Value(row @ Value::Record(_)) => arrange(row).map(Data::Value),
            many => {
                rows::want_items(call, &many)?;
                rows::map(call, many, true, move |row| arrange(row).map(Some))
            }
        }
    },
    ..Command::DEFAULT
};
