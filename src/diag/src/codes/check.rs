//! What is wrong with a program before it runs.

super::codes! {
    /// A word that names neither a command nor a program.
    UNKNOWN_COMMAND = "201", Usage, "unknown command";
    UNKNOWN_FLAG = "202", Usage, "unknown flag";
    UNKNOWN_VARIABLE = "203", Usage, "unknown variable";
    /// A column that the input does not have, found before it runs.
    UNKNOWN_COLUMN = "204", Usage, "unknown column";
    /// An argument of the wrong type.
    WRONG_ARGUMENT = "205", Usage, "wrong argument";
    TOO_MANY_ARGUMENTS = "206", Usage, "too many arguments";
    /// A word outside a closed set.
    NOT_IN_SET = "207", Usage, "word not in the set";
    /// What flows in is not what the command works on.
    WRONG_PIPELINE_INPUT = "208", Usage, "wrong pipeline input";
    /// An assignment to what cannot change.
    NOT_MUTABLE = "209", Usage, "not mutable";
    /// A closure uses a `mut` of the outside.
    CAPTURED_MUT = "210", Usage, "closure uses a mut variable";
    NOT_CONSTANT = "211", Usage, "not a constant";
    /// A name declared twice where it may stand once.
    DUPLICATE_NAME = "212", Usage, "duplicate name";
    UNKNOWN_MODULE = "213", Usage, "unknown module";
    /// A verb without a resource it could belong to.
    UNKNOWN_VERB = "214", Usage, "verb does not apply here";
    WRONG_ASSIGNMENT = "215", Usage, "wrong type assigned";
    /// A signature that cannot be called as written.
    BAD_SIGNATURE = "216", Usage, "bad signature";
    /// `@name` that is not known, or stands above no `def`.
    BAD_ATTRIBUTE = "217", Usage, "attribute without a meaning";
}
