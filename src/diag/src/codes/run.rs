//! What goes wrong while a program runs.

super::codes! {
    /// An operator between values it cannot join. The checker reports it too, before anything runs.
    WRONG_OPERANDS = "301", Failed, "operator cannot apply";
    DIVISION_BY_ZERO = "302", Failed, "division by zero";
    OVERFLOW = "303", Failed, "result out of range";
    /// A conversion that the text or value does not allow.
    BAD_CONVERSION = "304", Failed, "cannot convert";
    /// A field or column that a record or table does not have.
    NO_SUCH_COLUMN = "305", Failed, "no such column";
    NO_SUCH_ROW = "306", Failed, "no such row";
    /// A path into a value that has no parts.
    NO_SUCH_PATH = "307", Failed, "nothing to go into";
    /// A value of the wrong type where the checker could not know.
    WRONG_TYPE = "308", Failed, "wrong type";
    BAD_PATTERN = "309", Failed, "not a regular expression";
    BAD_RANGE = "310", Failed, "not a range";
    /// All of something that has no end was asked for.
    ENDLESS = "311", Failed, "endless input";
    INTERRUPTED = "312", Interrupted, "interrupted";
    /// Text that is not a type.
    BAD_TYPE = "313", Usage, "not a type";
    /// A command got an input that it cannot work on, and the checker could not know.
    WRONG_INPUT = "314", Failed, "wrong input";
    MISSING_ARGUMENT = "315", Usage, "missing argument";
    /// A bare verb over rows that do not understand it.
    NO_VERB = "316", Failed, "verb does not apply";
    OUTSIDE_LOOP = "317", Usage, "outside a loop";
    TOO_DEEP = "318", Failed, "nested too deep";
    /// A program ended with a failure.
    PROGRAM_FAILED = "319", Failed, "program failed";
    CANNOT_RUN = "320", Failed, "program cannot be run";
    /// Raised by `error make`.
    RAISED = "321", Failed, "error raised by a program";
    /// `exit` ends the session; never shown.
    EXIT = "322", Done, "exit";
    CANNOT_READ = "323", Failed, "cannot read";
    CANNOT_WRITE = "324", Failed, "cannot write";
    /// A server could not be asked.
    HTTP_FAILED = "330", Failed, "no answer";
    /// A server answered that it will not.
    HTTP_REFUSED = "331", BadAnswer, "refused by the server";
    NO_TERMINAL = "332", Failed, "no terminal";
    /// A fault of ours.
    INTERNAL = "399", Failed, "internal fault";
}
