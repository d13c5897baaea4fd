use rand::SeedableRng as _;

use crate::prelude::*;
use crate::rows;

pub static SAMPLE: Command = Command {
    name: "sample",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Keeps some rows or items by chance, each as likely as any other, in their order",
    params: &[
        Param::optional("count", Takes::Type("int"), "How many; one when nothing is said"),
        Param::flag("fraction", Some('f'), Takes::Type("number"), "Which share of them, from 0 to 1"),
        Param::flag("seed", Some('s'), Takes::Type("int"), "Choose the same ones each time for the same number"),
    ],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[
        example("How many remain", "1..1000 | sample --fraction 0.1 --seed 7 | length", "100"),
        try_it("A look at a large file", "open runs.parquet | sample 10"),
    ],
    search: &["random", "subset", "choose", "pick"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let count = rows::count(call, "count")?;
    let fraction = match call.value("fraction") {
        None => None,
        Some(_) if count.is_some() => {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "a sample has a size or a share, not both")
                .label(call.span("fraction"), "says it again"));
        }
        Some(share) => Some(share.as_float().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| {
            Diagnostic::new(codes::BAD_ARGUMENT, "a share lies between 0 and 1").label(call.span("fraction"), "is not")
        })?),
    };
    let size = |of: usize| match (count, fraction) {
        (Some(count), _) => count.min(of),
        (None, Some(share)) => (share * of as f64).round() as usize,
        (None, None) => 1.min(of),
    };
    let mut random = match call.optional::<i64>("seed")? {
        Some(seed) => rand::rngs::StdRng::seed_from_u64(seed.cast_unsigned()),
        None => rand::rngs::StdRng::from_rng(&mut rand::rng()),
    };
    let mut choose = |of: usize| {
        let mut chosen = rand::seq::index::sample(&mut random, of, size(of)).into_vec();
        chosen.sort_unstable();
        chosen
    };
    if let Some(table) = rows::table(&input) {
        return Ok(Data::Value(Value::table(table::pick(&table, &choose(table.len()?))?)));
    }
    let items = rows::all(call, input)?;
    let chosen = choose(items.items.len()).into_iter().filter_map(|at| items.items.get(at).cloned()).collect();
    Ok(rows::Items { items: chosen, resource: items.resource }.into_data())
}
