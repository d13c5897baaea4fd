//! What is wrong with a program before it runs.

super::codes! {}
