//! Contexts, and the dora-rs coordinators behind them.

super::codes! {
    /// No context has this name.
    CONTEXT_NOT_FOUND = "060", NotFound, "context not found";
    /// A context has this name already, or the name is no name.
    CONTEXT_NAME = "061", Usage, "name for no new context";
    /// The text is no address of a coordinator.
    BAD_ADDRESS = "062", Usage, "not an address";
    /// The coordinator of a context does not answer.
    COORDINATOR_UNREACHABLE = "063", Failed, "coordinator unreachable";
    /// The coordinator is of a version whose protocol is another one.
    COORDINATOR_VERSION = "064", Failed, "coordinator of another version";
    /// The coordinator understood a request and did not do it.
    COORDINATOR_REFUSED = "065", Failed, "refused by the coordinator";
}
