use crate::filters::sort_by::Order;
use crate::prelude::*;
use crate::rows;

pub static SORT: Command = Command {
    name: "sort",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Sorts items by themselves, or the fields of a record by name",
    details: "NaN comes after all numbers and null last, whatever the direction.",
    params: &[
        Param::switch("reverse", Some('r'), "Largest first"),
        Param::switch("ignore-case", Some('i'), "Compare texts without regard to case"),
        Param::switch("natural", Some('n'), "Compare numbers inside texts as numbers"),
        Param::switch("values", Some('v'), "Sort a record by its values"),
    ],
    io: &[
        ("table", "table"),
        ("list<any>", "list<any>"),
        ("record", "record"),
        ("range", "list<number>"),
        ("nothing", "list<any>"),
    ],
    examples: &[
        example("Sort words", "[betty amy sarah] | sort", "[amy betty sarah]"),
        example("Sort numbers, largest first", "[2 0 1] | sort --reverse", "[2 1 0]"),
        example("Sort a record by its values", "{b: 4, a: 3, c: 1} | sort --values", "{c: 1, a: 3, b: 4}"),
    ],
    search: &["order", "arrange"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let order = Order::of(call);
    if let Data::Value(Value::Record(record)) = &input {
        let by_values = call.switch("values");
        let keyed = record.iter().map(|(name, value)| {
            (if by_values { value.clone() } else { Value::string(name) }, (Arc::<str>::from(name), value.clone()))
        });
        let keyed = order.sort(call, turned(order, keyed.collect()), |(key, _)| std::slice::from_ref(key))?;
        let fields: Record = keyed.into_iter().map(|(_, field)| field).collect();
        return Ok(Data::Value(Value::record(fields.with_resource(record.resource))));
    }
    rows::want_items(call, &input)?;
    let mut items = rows::all(call, input)?;
    items.items = order.sort(call, turned(order, items.items), std::slice::from_ref)?;
    Ok(items.into_data())
}

/// What is equal but for case comes the other way round, too, when all does.
fn turned<T>(order: Order, mut items: Vec<T>) -> Vec<T> {
    if order.reverse {
        items.reverse();
    }
    items
}
