//! State, configuration and the files that hold them.

super::codes! {
    /// The state database refused a statement for a reason without a code of its own.
    STATE_FAILED = "500", Failed, "state database failed";
    /// A directory or the database of dora's state cannot be made or written.
    STATE_UNWRITABLE = "501", Failed, "state cannot be written";
    /// The state database is not one, or a part of it cannot be read.
    STATE_DAMAGED = "502", Failed, "state database damaged";
    /// Another process held the state database too long.
    STATE_BUSY = "503", Locked, "state database locked";
    /// The state database has a schema this version does not know.
    STATE_NEWER = "504", Failed, "state of a newer version";
    /// The user has no home directory and `DORA_HOME` is not set.
    NO_HOME = "505", Failed, "no place for state";
}
