//! Asking the runtimes of the present context, from a thread that may be interrupted.

use futures::stream::{BoxStream, StreamExt};
use runtime::Handle;
use runtime::control::contexts::{LOCAL, VARIABLE};
use runtime::control::{Contexts, Fleet};

use crate::prelude::*;
use crate::progress;

/// Where commands can go.
pub(crate) fn contexts(call: &Call<'_>) -> Result<Arc<Contexts>> {
    call.context().service::<Contexts>()
}

/// The context that a variable names for this call.
pub(crate) fn named(call: &Call<'_>) -> Option<String> {
    let named = call.env().get(VARIABLE).and_then(Value::as_str);
    named.filter(|named| !named.is_empty()).map(str::to_string)
}

/// The name of the context that this call goes to.
pub(crate) fn context_name(call: &Call<'_>) -> Result<String> {
    crate::rows::here(call, contexts(call)?.name(named(call).as_deref()))
}

/// Whether this call goes to the runtimes of this home.
pub(crate) fn is_local(call: &Call<'_>) -> Result<bool> {
    Ok(context_name(call)? == LOCAL)
}

/// The way in to the runtimes that this call goes to.
pub(crate) fn handle(call: &Call<'_>) -> Result<Handle> {
    crate::rows::here(call, contexts(call)?.handle(named(call).as_deref()))
}

/// All runtimes of this home, for what is of this home alone.
///
/// # Errors
/// `NOT_SUPPORTED` in the context of a coordinator.
pub(crate) fn fleet(call: &Call<'_>) -> Result<Arc<Fleet>> {
    let context = context_name(call)?;
    if context == LOCAL {
        return call.context().service::<Fleet>();
    }
    let told = format!("`{}` is of this home, and commands go to the context `{context}`", call.command.name);
    Err(Diagnostic::new(codes::NOT_SUPPORTED, told)
        .label(call.head, "here")
        .help("dora-rs's own `dora up` and `dora down` start and end a coordinator with its daemons")
        .next("context use local"))
}

/// Waits for an answer; its error points at the command.
pub(crate) fn answer<T>(call: &Call<'_>, future: impl Future<Output = Result<T>>) -> Result<T> {
    crate::rows::here(call, call.context().block_on(progress::shown(call, future))?)
}

/// Waits for a dataflow of a file to be built or started, and shows how far its nodes are.
pub(crate) fn answer_of_file<T>(
    call: &Call<'_>,
    file: &std::path::Path,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    let handle = handle(call)?;
    let steps = async || progress::nodes_of(&handle, file).await;
    crate::rows::here(call, call.context().block_on(progress::shown_in_steps(call, future, steps))?)
}

/// Several answers as one: each after the other, or as they come when they may never end.
pub(crate) fn joined<T: Send + 'static>(
    mut streams: Vec<BoxStream<'static, Result<T>>>,
    follow: bool,
) -> BoxStream<'static, Result<T>> {
    match streams.pop() {
        Some(only) if streams.is_empty() => only,
        last if follow => futures::stream::select_all(streams.into_iter().chain(last)).boxed(),
        last => futures::stream::iter(streams.into_iter().chain(last)).flatten().boxed(),
    }
}

/// What an async stream gives, item by item as it comes. One that follows may never end.
pub(crate) fn stream<T: Send + 'static>(
    call: &Call<'_>,
    mut items: BoxStream<'static, Result<T>>,
    follow: bool,
    make: impl Fn(&T) -> Value + Send + 'static,
) -> Data {
    let context = call.context().clone();
    let place = call.place();
    let mut ended = false;
    let stream = Stream::new(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let item = match context.block_on(items.next()) {
            Ok(None) => return None,
            Ok(Some(item)) => item.map(|item| make(&item)),
            Err(interrupted) => Err(interrupted),
        };
        ended = item.is_err();
        Some(item.map_err(|error| error.or_label(place, "")))
    }));
    Data::Stream(stream.endless_if(follow))
}
