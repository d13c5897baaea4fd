//! Commands, targets and confirmation.

super::codes! {
    /// An argument of the right type with a value that cannot be.
    BAD_ARGUMENT = "600", Failed, "argument out of range";
    /// `insert` where something is already.
    COLUMN_EXISTS = "601", Failed, "exists already";
    /// Text that is not in the format it was read as.
    NOT_THAT_FORMAT = "602", Failed, "not in that format";
    /// A value that a format has no place for.
    NO_FORM = "603", Failed, "no form in that format";
    /// A file that would be overwritten.
    FILE_EXISTS = "604", Failed, "file exists";
    /// A word that names no command, code or thing where one is wanted.
    UNKNOWN_NAME = "605", NotFound, "unknown name";
    /// A script that cannot be read.
    NO_SCRIPT = "606", NotFound, "no such script";
    /// Some targets of a command were done and some failed.
    PARTLY_DONE = "607", Partly, "partly done";
    /// Every target of a command failed.
    ALL_FAILED = "608", Failed, "nothing done";
    /// A command that needs targets got none it understands.
    NO_TARGET = "609", Usage, "no target";
    /// What cannot be undone was not confirmed, and nobody can be asked.
    NOT_CONFIRMED = "610", Usage, "not confirmed";
    /// A question whether to go on was answered with no.
    DECLINED = "611", Failed, "declined";
    NODE_NOT_FOUND = "612", NotFound, "node not found";
    /// `dora test` found something else than what was expected.
    TEST_FAILED = "613", Failed, "test failed";
}
