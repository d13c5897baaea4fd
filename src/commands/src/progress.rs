//! What a long wait is shown with.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use engine::Step;
use runtime::Handle;
use runtime::model::{DataflowInfo, DataflowRef, LogQuery, NodeInfo, NodeQuery, Status};
use tokio::time::{sleep, timeout};

use crate::prelude::*;

/// What takes no longer is not shown at all.
const QUIET: Duration = Duration::from_secs(2);
/// How often parts are looked at.
const EVERY: Duration = Duration::from_millis(200);

/// Waits, and shows that the call does once it has taken a while.
pub(crate) async fn shown<T>(call: &Call<'_>, future: impl Future<Output = T>) -> T {
    shown_in_steps(call, future, async || Vec::new()).await
}

/// Waits, and shows how far the parts are that `steps` tells of.
pub(crate) async fn shown_in_steps<T>(
    call: &Call<'_>,
    future: impl Future<Output = T>,
    steps: impl AsyncFn() -> Vec<Step>,
) -> T {
    let mut future = pin!(future);
    if let Ok(output) = timeout(QUIET, &mut future).await {
        return output;
    }
    let Some(mut progress) = call.context().ui().progress(call.command.name, QUIET) else { return future.await };
    loop {
        let look = async {
            progress.show(&steps().await);
            sleep(EVERY).await;
        };
        tokio::select! {
            biased;
            output = &mut future => return output,
            () = look => {}
        }
    }
}

/// The nodes of the dataflow of a file that is being built or started, with what a build says.
pub(crate) async fn nodes_of(handle: &Handle, file: &std::path::Path) -> Vec<Step> {
    let flows = handle.list(false).await.unwrap_or_default();
    let beginning = |flow: &&DataflowInfo| {
        matches!(flow.status, Status::Created | Status::Building | Status::Starting)
            && flow.file.as_deref() == Some(file)
    };
    let Some(flow) = flows.iter().filter(beginning).max_by_key(|flow| flow.created) else { return Vec::new() };
    let dataflow = DataflowRef::from(flow.id);
    let query = NodeQuery { dataflow: Some(dataflow.clone()), all: true };
    let mut steps = Vec::new();
    for node in handle.nodes(query).await.unwrap_or_default() {
        let detail = match node.status {
            // One after another, so that this is asked for one of them only.
            Status::Building => last_line(handle, &dataflow, &node).await,
            _ => node.cause.clone(),
        };
        steps.push(Step {
            name: node.node.to_string(),
            state: node.status.to_string(),
            detail,
            outcome: match node.status {
                Status::Running | Status::Finished => Some(true),
                Status::Failed => Some(false),
                _ => None,
            },
        });
    }
    steps
}

async fn last_line(handle: &Handle, dataflow: &DataflowRef, node: &NodeInfo) -> Option<String> {
    use futures::StreamExt;
    let query = LogQuery { nodes: vec![node.node.clone()], tail: Some(1), ..LogQuery::new(dataflow.clone()) };
    let record = handle.logs(query).await.ok()?.next().await?.ok()?;
    Some(record.message)
}
