use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::prelude::*;
use crate::rows;

pub static PAR_EACH: Command = Command {
    name: "par-each",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Calls a closure with each item, several at a time, and gives the results in the items' order",
    details: "Null results are left out. The first error ends it.",
    params: &[
        Param::required("closure", Takes::EachClosure, "What to do with an item"),
        Param::flag("threads", Some('t'), Takes::Type("int"), "How many at a time; one per processor by default"),
    ],
    io: &[("table", "list<any>"), ("list<any>", "list<any>"), ("range", "list<any>")],
    examples: &[example("Double each", "[1 2 3] | par-each {|n| $n * 2 }", "[2 4 6]")],
    search: &["parallel", "threads", "concurrent"],
    infer: Some(|shape| Some(shape.argument("closure")?.gives.clone()?.many())),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let closure: ClosureValue = call.required("closure")?;
    let items = rows::all(call, input)?.items;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = rows::count(call, "threads")?.unwrap_or(processors).clamp(1, 1024).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Value>>> = Mutex::new(vec![None; items.len()]);
    let failed: Mutex<Option<Box<Diagnostic>>> = Mutex::new(None);
    let work = |mut runner: engine::Runner| {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            match runner.each(item.clone()) {
                Ok(result) => lock(&results)[at] = Some(result),
                Err(error) => {
                    lock(&failed).get_or_insert(error);
                    next.store(items.len(), Ordering::Relaxed);
                }
            }
        }
    };
    let interrupt = &call.interrupt().clone();
    std::thread::scope(|scope| -> Result<()> {
        for _ in 0..threads {
            let runner = call.runner(&closure);
            let work = || value::interrupt::with_interrupt(interrupt, || work(runner));
            let thread = engine::thread::named("dora-par-each").spawn_scoped(scope, work);
            thread.map_err(|error| engine::thread::refused(&error).label(call.head, ""))?;
        }
        Ok(())
    })?;
    if let Some(error) = lock(&failed).take() {
        return Err(error);
    }
    let results = std::mem::take(&mut *lock(&results));
    Ok(Data::Value(Value::list(
        results.into_iter().flatten().filter(|result| !result.is_nothing()).collect::<Vec<_>>(),
    )))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
