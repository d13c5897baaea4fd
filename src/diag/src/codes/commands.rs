//! Commands, targets and confirmation.

super::codes! {}
