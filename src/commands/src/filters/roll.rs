//! Rows and columns moved round: what falls off one end comes in at the other.

use crate::prelude::*;
use crate::rows;

const BY: Param = Param::flag("by", Some('b'), Takes::Type("int"), "By how many places; 1 by default");

pub static UP: Command = Command {
    name: "roll up",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Moves rows up; the first come in at the end",
    params: &[BY],
    io: &[("table", "table"), ("list<any>", "list<any>")],
    examples: &[example("Three items", "[1 2 3] | roll up", "[2 3 1]")],
    search: &["rotate", "shift", "cycle"],
    infer: Some(rows::keeps_type),
    run: |call, input| rolled_rows(call, input, true),
    ..Command::DEFAULT
};

pub static DOWN: Command = Command {
    name: "roll down",
    summary: "Moves rows down; the last come in at the beginning",
    examples: &[example("Three items", "[1 2 3] | roll down", "[3 1 2]")],
    run: |call, input| rolled_rows(call, input, false),
    ..UP
};

fn rolled_rows(call: &mut Call<'_>, input: Data, up: bool) -> Result<Data> {
    rows::want_items(call, &input)?;
    let by = rows::count(call, "by")?.unwrap_or(1);
    let mut items = rows::all(call, input)?;
    roll(&mut items.items, by, up);
    Ok(items.into_data())
}

fn roll<T>(items: &mut [T], by: usize, towards_first: bool) {
    let by = by.checked_rem(items.len()).unwrap_or(0);
    if towards_first {
        items.rotate_left(by);
    } else {
        items.rotate_right(by);
    }
}

const COLUMN_PARAMS: &[Param] =
    &[BY, Param::switch("cells-only", Some('c'), "The names of the columns stay where they are")];

pub static LEFT: Command = Command {
    name: "roll left",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Moves columns to the left; the first come in at the right",
    params: COLUMN_PARAMS,
    io: &[("record", "record"), ("table", "table"), ("list<any>", "list<any>")],
    examples: &[example("A record", "{a: 1, b: 2, c: 3} | roll left", "{b: 2, c: 3, a: 1}")],
    search: &["rotate", "shift", "cycle"],
    run: |call, input| rolled_columns(call, input, true),
    ..Command::DEFAULT
};

pub static RIGHT: Command = Command {
    name: "roll right",
    summary: "Moves columns to the right; the last come in at the left",
    examples: &[example("A record", "{a: 1, b: 2, c: 3} | roll right", "{c: 3, a: 1, b: 2}")],
    run: |call, input| rolled_columns(call, input, false),
    ..LEFT
};

fn rolled_columns(call: &mut Call<'_>, input: Data, left: bool) -> Result<Data> {
    let by = rows::count(call, "by")?.unwrap_or(1);
    let cells_only = call.switch("cells-only");
    let rolled = move |row: &Value| match row {
        Value::Record(record) => {
            let (mut names, mut values) = (record.columns().to_vec(), record.values().to_vec());
            roll(&mut values, by, left);
            if !cells_only {
                roll(&mut names, by, left);
            }
            Ok(Value::record(Record::from_parts(Arc::new(names), values)))
        }
        other => {
            Err(Diagnostic::new(codes::WRONG_INPUT, format!("only rows have columns to move, not {}", other.type_of())))
        }
    };
    match rows::plain(input)? {
        Data::Value(record @ Value::Record(_)) => rows::here(call, rolled(&record)).map(Data::Value),
        many => {
            let head = call.head;
            rows::map(call, many, true, move |row| rolled(&row).map(Some).map_err(|error| error.or_label(head, "")))
        }
    }
}
