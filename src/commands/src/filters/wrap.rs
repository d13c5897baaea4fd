use crate::prelude::*;
use crate::rows;

pub static WRAP: Command = Command {
    name: "wrap",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Puts each item into a column, or a value into a field",
    params: &[Param::required("name", Takes::Type("string"), "The name of the column")],
    io: &[("list<any>", "table"), ("range", "table"), ("any", "record")],
    examples: &[
        example("A list becomes a table", "[1 2] | wrap num", "[[num]; [1] [2]]"),
        example("A value becomes a record", "5 | wrap num", "{num: 5}"),
    ],
    search: &["column", "name", "nest"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    let name: Arc<str> = shape.value("name")?.as_str()?.into();
    Some(match shape.input {
        Type::Any | Type::OneOf(_) => return None,
        Type::List(_) | Type::Table(_) | Type::Range => Type::Table(Fields::closed(vec![(name, shape.input.item())])),
        other => Type::Record(Fields::closed(vec![(name, other.clone())])),
    })
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let name: Arc<str> = call.required::<String>("name")?.into();
    let columns = Arc::new(vec![name]);
    match rows::plain(input)? {
        many if many.is_many() => rows::map(call, many, false, move |item| {
            Ok(Some(Value::record(Record::from_parts(columns.clone(), vec![item]))))
        }),
        one => {
            let value = call.collect(one)?;
            Ok(Data::Value(Value::record(Record::from_parts(columns, vec![value]))))
        }
    }
}
