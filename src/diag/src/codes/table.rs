//! Tables, queries, and the files they come from.

super::codes! {
    /// The query engine failed in a way that says nothing about the data.
    QUERY_FAILED = "400", Failed, "query engine failed";
    /// A file that a lazy table reads is not what it was when the table was made.
    FILE_CHANGED = "401", Failed, "file changed";
    FILE_UNREADABLE = "402", NotFound, "file cannot be read";
    /// A file's content does not fit its format, or a cell its column's type.
    BAD_CONTENT = "403", Failed, "content does not fit";
    FILE_UNWRITABLE = "404", Failed, "file cannot be written";
    /// Rows that a file format has no place for.
    NOT_TABULAR = "405", Failed, "no place in this format";
    BAD_SQL = "406", Usage, "SQL cannot be understood";
}
