//! Asking the runtimes of this home, from a thread that may be interrupted.

use futures::stream::{BoxStream, StreamExt};
use runtime::Handle;
use runtime::control::Fleet;

use crate::prelude::*;

/// All runtimes of this home.
pub(crate) fn fleet(call: &Call<'_>) -> Result<Arc<Fleet>> {
    call.context().service::<Fleet>()
}

/// The way in to all of them.
pub(crate) fn handle(call: &Call<'_>) -> Result<Handle> {
    Ok(fleet(call)?.handle())
}

/// Waits for an answer; its error points at the command.
pub(crate) fn answer<T>(call: &Call<'_>, future: impl Future<Output = Result<T>>) -> Result<T> {
    crate::rows::here(call, call.context().block_on(future)?)
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
