//! Tables, queries, and the files they come from.

super::codes! {}
