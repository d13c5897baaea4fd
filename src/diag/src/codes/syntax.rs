//! Reading the text of a program.

super::codes! {}
