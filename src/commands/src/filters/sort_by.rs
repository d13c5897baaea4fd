use std::cmp::Ordering;

use value::Stage;
use value::table::SortKey;

use crate::groups::lowered_path;
use crate::prelude::*;
use crate::rows;

pub static SORT_BY: Command = Command {
    name: "sort-by",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Sorts rows by columns, or by what closures give for a row",
    details: "Stable. NaN comes after all numbers and null last, whatever the direction.",
    params: &[
        Param::rest("columns", Takes::ColumnOrClosure, "What to sort by, most important first"),
        Param::switch("reverse", Some('r'), "Largest first"),
        Param::switch("ignore-case", Some('i'), "Compare texts without regard to case"),
        Param::switch("natural", Some('n'), "Compare numbers inside texts as numbers"),
        Param::switch("custom", Some('c'), "The closures get two rows, and tell whether the first one comes first"),
    ],
    io: &[("table", "table"), ("list<any>", "list<any>")],
    examples: &[
        example("Sort by a column", "[[name size]; [b 2] [a 1]] | sort-by size", "[[name size]; [a 1] [b 2]]"),
        example("Largest first", "[[n]; [1] [3] [2]] | sort-by n --reverse | get n", "[3 2 1]"),
        example("Sort lists by their last item", "[[2 50] [10 1]] | sort-by { last }", "[[10 1] [2 50]]"),
    ],
    search: &["order", "arrange"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let by: Vec<Value> = call.rest("columns")?;
    if by.is_empty() {
        return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "`sort-by` needs something to sort by")
            .label(call.head, "by what?")
            .help("name a column or write a closure; `sort` sorts items by themselves"));
    }
    rows::want_items(call, &input)?;
    if call.switch("custom") {
        return by_comparison(call, input, &by);
    }
    let order = Order::of(call);
    let span = call.span("columns");
    let lowered = || {
        if order.ignore_case || order.natural {
            return None;
        }
        let keys = by.iter().map(|by| {
            let by = match by {
                Value::Closure(_) => <ClosureValue as engine::FromValue>::from_value(by)?.lower()?,
                path => lowered_path(&<CellPath as engine::FromValue>::from_value(path)?, span)?,
            };
            Some(SortKey { by, reverse: order.reverse, span })
        });
        keys.collect::<Option<Vec<SortKey>>>().map(Stage::Sort)
    };
    if let Some(data) = rows::computed(&input, lowered)? {
        return Ok(data);
    }
    let items = rows::all(call, input)?;
    let mut keyed = Vec::with_capacity(items.items.len());
    let mut closures: Vec<Option<engine::Runner>> = by
        .iter()
        .map(|by| <ClosureValue as engine::FromValue>::from_value(by).map(|closure| call.runner(&closure)))
        .collect();
    for item in items.items {
        let mut keys = Vec::with_capacity(by.len());
        for (by, closure) in by.iter().zip(&mut closures) {
            keys.push(match closure {
                Some(runner) => runner.each(item.clone())?,
                None => {
                    let path = <CellPath as engine::FromValue>::from_value(by).unwrap_or_default();
                    item.follow(&path.0).map_err(|error| error.or_label(span, ""))?
                }
            });
        }
        keyed.push((keys, item));
    }
    let sorted = order.sort(call, keyed, |(keys, _)| keys)?.into_iter().map(|(_, item)| item).collect();
    Ok(rows::Items { items: sorted, resource: items.resource }.into_data())
}

/// Sorts by closures that compare two rows: the first that tells them apart decides.
fn by_comparison(call: &mut Call<'_>, input: Data, by: &[Value]) -> Result<Data> {
    let mut closures = Vec::with_capacity(by.len());
    for by in by {
        let Some(closure) = <ClosureValue as engine::FromValue>::from_value(by) else {
            return Err(Diagnostic::new(
                codes::WRONG_TYPE,
                format!("rows are compared by closures, not by {}", by.type_of()),
            )
            .label(call.span("columns"), "must be a closure of two rows"));
        };
        closures.push(call.runner(&closure));
    }
    let mut items = rows::all(call, input)?;
    let reverse = call.switch("reverse");
    let mut failed = None;
    let mut before = |runner: &mut engine::Runner, a: &Value, b: &Value| {
        if failed.is_some() {
            return false;
        }
        match runner.value(&[a.clone(), b.clone()], Value::Nothing) {
            Ok(value) => value.as_bool().unwrap_or(false),
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    };
    items.items.sort_by(|a, b| {
        for runner in &mut closures {
            let order = match (before(runner, a, b), before(runner, b, a)) {
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                _ => continue,
            };
            return if reverse { order.reverse() } else { order };
        }
        Ordering::Equal
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(items.into_data()),
    }
}

/// How values are put in order.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub reverse: bool,
    pub ignore_case: bool,
    pub natural: bool,
}

impl Order {
    /// As the switches of a call say.
    pub(crate) fn of(call: &Call<'_>) -> Self {
        Order {
            reverse: call.switch("reverse"),
            ignore_case: call.switch("ignore-case"),
            natural: call.switch("natural"),
        }
    }

    /// Sorts by keys, stably; null and NaN stay last in both directions.
    ///
    /// # Errors
    /// `WRONG_TYPE` when two keys have no order between them.
    pub(crate) fn sort<T>(self, call: &Call<'_>, mut items: Vec<T>, keys: impl Fn(&T) -> &[Value]) -> Result<Vec<T>> {
        let mut unordered = None;
        sort_stably(&mut items, call.interrupt(), |a, b| {
            for (a, b) in keys(a).iter().zip(keys(b)) {
                match self.compare(a, b) {
                    Some(Ordering::Equal) => {}
                    Some(order) => return order,
                    None => {
                        unordered.get_or_insert_with(|| (a.clone(), b.clone()));
                        // Any total order will do: the result is thrown away.
                        return a.kind().cmp(b.kind());
                    }
                }
            }
            Ordering::Equal
        })?;
        if let Some((a, b)) = unordered {
            return Err(Diagnostic::new(
                codes::WRONG_TYPE,
                format!("there is no order between {} and {}", a.type_of(), b.type_of()),
            )
            .label(call.head, "cannot sort these")
            .help("convert them to one type first, for instance with `into string`"));
        }
        Ok(items)
    }

    fn compare(self, a: &Value, b: &Value) -> Option<Ordering> {
        let last = |value: &Value| matches!(value, Value::Nothing) || matches!(value, Value::Float(x) if x.is_nan());
        if last(a) || last(b) {
            return a.compare(b);
        }
        let order = match (a, b) {
            (Value::String(a), Value::String(b)) if self.natural || self.ignore_case => {
                let fold = |text: &str| if self.ignore_case { text.to_lowercase() } else { text.to_string() };
                let (a, b) = (fold(a), fold(b));
                if self.natural { natural(&a, &b) } else { a.cmp(&b) }
            }
            _ => a.compare(b)?,
        };
        Some(if self.reverse { order.reverse() } else { order })
    }
}

/// Sorts in runs that double, each of which the sort merges from two sorted halves, and looks at the interrupt between
/// them: one sort of everything could not be ended.
fn sort_stably<T>(
    items: &mut [T],
    interrupt: &value::Interrupt,
    mut compare: impl FnMut(&T, &T) -> Ordering,
) -> Result<()> {
    let mut run = 1 << 16;
    loop {
        for part in items.chunks_mut(run) {
            interrupt.check()?;
            part.sort_by(&mut compare);
        }
        if run >= items.len() {
            return Ok(());
        }
        run *= 2;
    }
}

/// Compares texts with runs of digits as numbers: `file9` before `file10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.chars().next(), b.chars().next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (left, after_a) = digits(a);
                let (right, after_b) = digits(b);
                let (x, y) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
                let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (after_a, after_b);
            }
            (Some(x), Some(y)) if x == y => (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]),
            (Some(x), Some(y)) => return x.cmp(&y),
        }
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}
