//! Why the operating system refused.

/// What the system says of a failure, as the end of a sentence: without its number, and in lower case.
pub fn os_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text).lines().next().unwrap_or_default();
    let mut chars = reason.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::*;

    #[test]
    fn a_reason_ends_a_sentence() {
        assert_eq!(os_reason(&Error::from_raw_os_error(13)), "permission denied");
        assert_eq!(os_reason(&Error::other("the disk is gone")), "the disk is gone");
        assert_eq!(os_reason(&Error::other("")), "");
    }
}
