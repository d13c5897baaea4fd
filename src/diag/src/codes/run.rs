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
}
