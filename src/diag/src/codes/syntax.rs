//! Reading the text of a program.

super::codes! {
    /// A bracket was opened and never closed, or something around it ended first.
    UNCLOSED_BRACKET = "100", Usage, "bracket not closed";
    /// A quoted text has no closing quote.
    UNCLOSED_QUOTE = "101", Usage, "text not closed";
    /// A closing bracket stands where nothing is open.
    STRAY_BRACKET = "102", Usage, "bracket closes nothing";
    /// Brackets are nested, or operators chained, beyond what is read.
    NESTED_TOO_DEEP = "103", Usage, "nested too deeply";
    /// Something is glued to the end of a quoted text or a bracket.
    TEXT_AFTER_QUOTE = "104", Usage, "text glued to a value";
    /// An operator lacks a value on one of its sides.
    OPERAND_MISSING = "105", Usage, "operand missing";
    /// Two values stand side by side with no operator between them.
    OPERATOR_MISSING = "106", Usage, "operator missing";
    /// An operator of another shell or language.
    FOREIGN_OPERATOR = "107", Usage, "operator of another language";
    /// A backslash in double quotes is followed by something that is no escape.
    BAD_ESCAPE = "108", Usage, "unknown escape";
    /// A number that does not fit its type.
    NUMBER_OUT_OF_RANGE = "109", Usage, "number too large";
    /// A pipeline has a stage with nothing in it.
    EMPTY_STAGE = "110", Usage, "nothing to run";
    /// `let`, `mut` or `const` without a name, `=` or value.
    BAD_BINDING = "111", Usage, "binding not understood";
    /// A keyword form lacks the name it is about.
    NAME_EXPECTED = "112", Usage, "name missing";
    /// A keyword form lacks its `{ … }`.
    BLOCK_EXPECTED = "113", Usage, "block missing";
    /// A `def` or closure whose parameters or types cannot be read.
    UNREADABLE_SIGNATURE = "114", Usage, "signature not understood";
    /// A `match` arm that cannot be read.
    BAD_MATCH_ARM = "115", Usage, "pattern not understood";
    /// A record field without its key, colon or value.
    BAD_RECORD = "116", Usage, "record not understood";
    /// Something in a list or table that does not belong there.
    BAD_LIST = "117", Usage, "list or table not understood";
    /// A variable or cell path that cannot be read.
    BAD_VARIABLE = "118", Usage, "variable or path not understood";
    /// `export` stands before what cannot be exported.
    BAD_EXPORT = "119", Usage, "nothing to export";
    /// A redirection has no target.
    BAD_REDIRECTION = "120", Usage, "redirection without a file";
    /// Something stands after a form that is complete.
    EXTRA_TEXT = "121", Usage, "text after the end";
    /// Digits in `0x[…]`, `0o[…]` or `0b[…]` that are none.
    BAD_BINARY = "122", Usage, "binary literal not understood";
    /// The left side of an assignment is not a variable.
    BAD_ASSIGNMENT = "123", Usage, "assignment without a variable";
    /// A parameter that must be given follows one that may be left out.
    REQUIRED_AFTER_OPTIONAL = "124", Usage, "required parameter after an optional one";
    /// `NAME=value` stands alone.
    ENVIRONMENT_ALONE = "125", Usage, "environment for no call";
}
