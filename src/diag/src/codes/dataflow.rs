//! Dataflows, nodes, and the runtime that carries them.

super::codes! {
    /// The daemon or coordinator does not answer.
    DAEMON_UNREACHABLE = "001", Failed, "daemon unreachable";
    /// The dataflow file is not a valid dataflow.
    INVALID_DATAFLOW = "002", Usage, "invalid dataflow";
    /// A node's program was started by hand, not by a dataflow.
    NOT_IN_A_DATAFLOW = "040", Usage, "not in a dataflow";
    /// A node cannot talk to its runtime, or not in the way its dataflow says.
    NODE_CONNECTION = "041", Failed, "node without its runtime";
    /// A built-in node did not get what it was told to expect.
    NODE_EXPECTATION = "042", BadAnswer, "node missed its expectation";
}
