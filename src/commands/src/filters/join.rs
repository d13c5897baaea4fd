use value::Stage;
use value::table::{AsOf, Direction, Join, JoinKind};

use crate::along;
use crate::prelude::*;
use crate::rows;

pub static JOIN: Command = Command {
    name: "join",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Joins rows with those rows of another table that have the same value in a column",
    details: "A column of the right table whose name the left one has too gets `_` after its name, or what `--prefix` and \
              `--suffix` say; null joins nothing. With `--asof` the columns need not be equal: each row of the left \
              table gets the one row of the right table that is nearest, by default the last that is not after it. \
              Neither table need be in order for that. Over tables in columns this is one query.",
    params: &[
        Param::required("right", Takes::Type("table"), "The other table"),
        Param::required("on", Takes::Column, "The column of the left table"),
        Param::optional("right-on", Takes::Type("string"), "The column of the right table, when it has another name"),
        Param::switch("inner", Some('i'), "Only rows with a partner; the default"),
        Param::switch("left", Some('l'), "All rows of the left table"),
        Param::switch("right-outer", Some('r'), "All rows of the right table"),
        Param::switch("outer", Some('o'), "All rows of both"),
        Param::switch("semi", None, "The rows of the left table that have a partner, as they are"),
        Param::switch("anti", None, "The rows of the left table that have none"),
        Param::switch("asof", None, "All rows of the left table, each with the nearest of the right one"),
        Param::flag("by", Some('b'), Takes::Type("oneof<string, list<string>>"), "Columns that must be equal as well"),
        Param::flag(
            "direction",
            Some('d'),
            Takes::Words(&["backward", "forward", "nearest"]),
            "With --asof: where the nearest row is looked for",
        ),
        Param::flag(
            "tolerance",
            Some('t'),
            Takes::Type("oneof<duration, number, filesize>"),
            "With --asof: how far away it may be",
        ),
        Param::flag("prefix", None, Takes::Type("string"), "What goes before a name that both have"),
        Param::flag("suffix", None, Takes::Type("string"), "What goes after it"),
    ],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[
        example("By a column", "[[id n]; [1 a] [2 b]] | join [[id m]; [2 x]] id", "[[id n m]; [2 b x]]"),
        example(
            "The last reading before each event",
            "[[at what]; [10 stop] [31 go]] | join [[at x]; [9 0.5] [30 0.7]] at --asof",
            "[[at what at_ x]; [10 stop 9 0.5] [31 go 30 0.7]]",
        ),
        example("Rows without a partner", "[[id]; [1] [2]] | join [[id]; [2]] id --anti", "[[id]; [1]]"),
    ],
    search: &["merge", "lookup", "sql", "synchronize", "align", "nearest"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let on: Arc<str> = super::select::title(&call.required::<CellPath>("on")?).into();
    let right_on = call.optional::<String>("right-on")?.map_or_else(|| on.clone(), Arc::from);
    let kind = kind(call, &on, &right_on)?;
    let mut pairs: Vec<(Arc<str>, Arc<str>)> =
        along::names(call, "by").into_iter().map(|name| (name.clone(), name)).collect();
    if !matches!(kind, JoinKind::AsOf(_)) {
        pairs.insert(0, (on.clone(), right_on.clone()));
    }
    let mut left = rows::as_table(call, input)?;
    let right_value: Value = call.required("right")?;
    let mut right = rows::as_table(call, Data::Value(right_value))?;
    // A million rows are not made into records because ten others are.
    if table::is_columnar(&left) != table::is_columnar(&right) {
        left = table::try_columns(&left)?;
        right = table::try_columns(&right)?;
    }
    let (left_columns, right_columns) = (left.schema()?, right.schema()?);
    let by_names = pairs.iter().cloned().chain([(on, right_on)]);
    for (a, b) in by_names {
        for (name, table, columns) in [(a, &left, &left_columns), (b, &right, &right_columns)] {
            // A table that never had rows has no columns either.
            if !(columns.columns.is_empty() && table.is_empty()?) {
                along::must_have(call, "on", columns, &name)?;
            }
        }
    }
    let names = names(call, &pairs, &left_columns, &right_columns)?;
    let stage = Stage::Join(Join { right, kind, on: pairs, names, span: call.head });
    let joined = match left.stage(&stage)? {
        Some(joined) => Some(joined),
        None => table::as_rows(left.rows()?, left_columns.resource)?.stage(&stage)?,
    };
    Ok(joined.map_or(Data::Empty, |joined| Data::Value(Value::table(joined))))
}

fn kind(call: &Call<'_>, on: &Arc<str>, right_on: &Arc<str>) -> Result<JoinKind> {
    let asof = || -> Result<JoinKind> {
        let direction = match call.optional::<String>("direction")?.as_deref() {
            Some("forward") => Direction::Forward,
            Some("nearest") => Direction::Nearest,
            _ => Direction::Backward,
        };
        let tolerance = call.value("tolerance").cloned();
        Ok(JoinKind::AsOf(AsOf { left: on.clone(), right: right_on.clone(), direction, tolerance }))
    };
    let kinds = [
        ("inner", JoinKind::Inner),
        ("left", JoinKind::Left),
        ("right-outer", JoinKind::Right),
        ("outer", JoinKind::Outer),
        ("semi", JoinKind::Semi),
        ("anti", JoinKind::Anti),
        ("asof", asof()?),
    ];
    let mut chosen = kinds.into_iter().filter(|(switch, _)| call.switch(switch));
    let first = chosen.next();
    if let (Some((first, _)), Some((other, _))) = (&first, chosen.next()) {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`--{first}` and `--{other}` are different joins"))
            .label(call.span(other), "another one"));
    }
    let kind = first.map_or(JoinKind::Inner, |(_, kind)| kind);
    for flag in ["direction", "tolerance"] {
        if call.given(flag) && !matches!(kind, JoinKind::AsOf(_)) {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`--{flag}` is of asof joins only"))
                .label(call.span(flag), "nothing is near here")
                .help("add `--asof`"));
        }
    }
    Ok(kind)
}

/// What the right table's columns are called in the result, without those that the left one has already.
fn names(
    call: &Call<'_>,
    pairs: &[(Arc<str>, Arc<str>)],
    left: &Fields,
    right: &Fields,
) -> Result<Vec<(Arc<str>, Arc<str>)>> {
    let (prefix, suffix) = match (call.optional::<String>("prefix")?, call.optional::<String>("suffix")?) {
        (None, None) => (String::new(), "_".to_string()),
        (prefix, suffix) => (prefix.unwrap_or_default(), suffix.unwrap_or_default()),
    };
    let shared = |name: &Arc<str>| pairs.iter().any(|(a, b)| a == b && b == name);
    let mut names: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    for (name, _) in right.columns.iter().filter(|(name, _)| !shared(name)) {
        let mut title = name.clone();
        while left.get(&title).is_some() || names.iter().any(|(_, taken)| *taken == title) {
            if prefix.is_empty() && suffix.is_empty() {
                return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("both tables have a column `{name}`"))
                    .label(call.span("suffix"), "does not tell them apart"));
            }
            title = format!("{prefix}{title}{suffix}").into();
        }
        names.push((name.clone(), title));
    }
    Ok(names)
}
