//! Dataflows, nodes, and the runtime that carries them.

super::codes! {
    /// The daemon or coordinator does not answer.
    DAEMON_UNREACHABLE = "001", Failed, "daemon unreachable";
    /// The dataflow file is not a valid dataflow.
    INVALID_DATAFLOW = "002", Usage, "invalid dataflow";
    /// A build command of a node failed.
    NODE_BUILD_FAILED = "003", Failed, "node build failed";
    /// A live dataflow has this name already.
    NAME_TAKEN = "004", Failed, "dataflow name taken";
    /// A node ended before all nodes of its dataflow were ready.
    NODE_DIED_AT_START = "005", Failed, "node died at start";
    /// The operating system refused to start a node's program.
    NODE_NOT_STARTED = "006", Failed, "node not started";
    /// The dataflow has ended already.
    DATAFLOW_ENDED = "007", Failed, "dataflow ended";
    /// The dataflow still runs, and what was asked needs it to have ended.
    DATAFLOW_RUNS = "008", Failed, "dataflow still runs";
    /// The dataflow uses a feature of dora that this runtime does not have.
    UNSUPPORTED_IN_DATAFLOW = "009", Usage, "not supported in a dataflow";
    /// The program of a node is neither at its path nor in PATH.
    PROGRAM_NOT_FOUND = "010", Usage, "node program not found";
    /// A condition did not come true in the time given for it.
    WAITED_TOO_LONG = "011", Failed, "waited too long";
    /// The operating system refused something the runtime needs.
    RUNTIME_FAILED = "012", Failed, "runtime failure";
    /// The filter of a log query cannot be understood.
    INVALID_LOG_QUERY = "013", Usage, "invalid log query";
    /// The beginning of an id fits several dataflows.
    AMBIGUOUS_DATAFLOW = "014", Usage, "ambiguous dataflow";
    /// The dataflow file cannot be read.
    DATAFLOW_UNREADABLE = "015", NotFound, "dataflow file unreadable";
    /// The dataflow runs in a process that cannot be reached from here.
    OTHER_RUNTIME = "016", Failed, "dataflow of another process";
    /// The text cannot be the name of a dataflow.
    INVALID_NAME = "017", Usage, "invalid dataflow name";
    /// A dataflow that was followed ended with a failure.
    DATAFLOW_FAILED = "018", Failed, "dataflow failed";
    /// What was asked does not fit the state that a dataflow or node is in.
    WRONG_STATE = "019", Failed, "not in this state";
    /// A node has no such input, or nothing feeds it.
    INPUT_NOT_FOUND = "020", NotFound, "input not found";
    /// No parameter of this name was set on the node.
    PARAM_NOT_FOUND = "021", NotFound, "parameter not found";
    /// The messages of this output do not pass the runtime.
    DIRECT_OUTPUT = "022", Failed, "output out of sight";
    /// No dataflow has this name or id.
    DATAFLOW_NOT_FOUND = "030", NotFound, "dataflow not found";
    /// The source of a node cannot be had from git.
    GIT_FAILED = "031", Failed, "git source not available";
    /// The dataflow runs shell commands, and nobody allowed it to.
    SHELL_NODE_NOT_ALLOWED = "032", Usage, "shell node not allowed";
    /// A module file is missing, goes round in a circle, or does not fit the node that uses it.
    INVALID_MODULE = "033", Usage, "invalid module";
    /// An output and the input it feeds declare types that do not fit.
    TYPE_MISMATCH = "034", Usage, "types of an edge do not fit";
    /// No running dataflow has this topic.
    TOPIC_NOT_FOUND = "035", NotFound, "topic not found";
    /// The value or its metadata cannot be sent as a message.
    NOT_A_MESSAGE = "036", Usage, "not a message";
    /// The configuration of a home is not valid.
    INVALID_CONFIG = "037", Usage, "invalid configuration";
    /// The daemon answers, but not as one that is well does.
    DAEMON_UNHEALTHY = "038", BadAnswer, "daemon unhealthy";
    /// A node's program was started by hand, not by a dataflow.
    NOT_IN_A_DATAFLOW = "040", Usage, "not in a dataflow";
    /// A node cannot talk to its runtime, or not in the way its dataflow says.
    NODE_CONNECTION = "041", Failed, "node without its runtime";
    /// A built-in node did not get what it was told to expect.
    NODE_EXPECTATION = "042", BadAnswer, "node missed its expectation";
    /// A runtime and a shell do not understand each other.
    RUNTIME_PROTOCOL = "050", Failed, "runtime not understood";
    /// The token of a runtime's control socket is missing, unreadable or wrong.
    TOKEN_REFUSED = "051", Authentication, "token refused";
    /// This home has a daemon already.
    DAEMON_RUNNING = "052", Locked, "daemon already running";
    /// The daemon ended before it was ready, or was not ready in time.
    DAEMON_NOT_STARTED = "053", Failed, "daemon not started";
    /// The port of a control socket is in use, or no port.
    PORT_TAKEN = "054", Failed, "port not available";
    /// The runtime cannot do this.
    NOT_SUPPORTED = "055", Failed, "not supported by this runtime";
}
