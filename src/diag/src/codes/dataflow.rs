//! Dataflows, nodes, and the runtime that carries them.

super::codes! {
    /// The daemon or coordinator does not answer.
    DAEMON_UNREACHABLE = "001", Failed, "daemon unreachable";
    /// The dataflow file is not a valid dataflow.
    INVALID_DATAFLOW = "002", Usage, "invalid dataflow";
}
