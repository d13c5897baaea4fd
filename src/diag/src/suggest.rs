//! Did-you-mean.

/// The candidates nearest to `word`, best first, at most `limit`. Near means a few slips of the finger
/// (an insertion, deletion, substitution or swap each count one) or a common beginning.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let wanted = word.to_lowercase();
    let length = wanted.chars().count();
    let allowed = match length {
        0 => return Vec::new(),
        1 => 0,
        2..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    let mut scored: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            // Who slips more than once still begins right.
            let begins_right = lower.chars().next() == wanted.chars().next();
            let slips = if begins_right { allowed } else { allowed.min(1) };
            // A slip makes a word longer or shorter by one letter at most, so that few need measuring.
            let may_be_near = lower.chars().count().abs_diff(length) <= slips;
            let distance = may_be_near.then(|| strsim::damerau_levenshtein(&wanted, &lower));
            if let Some(distance) = distance.filter(|distance| *distance <= slips) {
                Some((distance, candidate))
            } else if wanted.len() >= 3 && lower.starts_with(&wanted) {
                Some((allowed + 1, candidate))
            } else {
                None
            }
        })
        .collect();
    scored.sort();
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(limit).map(|(_, candidate)| candidate).collect()
}

/// "did you mean `x`?", or "did you mean `x` or `y`?" for the nearest candidates, if any is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    match nearest(word, candidates, 3).as_slice() {
        [] => None,
        [one] => Some(format!("did you mean `{one}`?")),
        [init @ .., last] => {
            let init: Vec<String> = init.iter().map(|name| format!("`{name}`")).collect();
            Some(format!("did you mean {} or `{last}`?", init.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_one_slip() {
        assert_eq!(nearest("stauts", ["state", "status", "name"], 1), ["status"]);
    }

    #[test]
    fn the_empty_word_is_near_nothing() {
        assert!(nearest("", ["a", "b"], 3).is_empty());
    }

    #[test]
    fn several_are_joined_with_or() {
        assert_eq!(did_you_mean("lst", ["list", "last"]).unwrap(), "did you mean `last` or `list`?");
    }

    #[test]
    fn what_is_far_is_not_offered() {
        for (word, known) in [("nosuch", "touch"), ("foo", "from"), ("http", "help"), ("sys", "seq"), ("?", "w")] {
            assert_eq!(did_you_mean(word, [known]), None, "{word}");
        }
        assert_eq!(did_you_mean("zebra", ["status", "name"]), None);
    }
}
