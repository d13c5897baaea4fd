//! Pages of text for a terminal: words are wrapped, and Markdown's marks are taken away.

/// Lines are no longer than this, however wide the terminal is.
const WIDEST: usize = 100;

/// How many columns pages have where `call` shows them.
pub(crate) fn width(call: &engine::Call<'_>) -> usize {
    call.context().ui().width().map_or(WIDEST, |width| width.clamp(40, WIDEST))
}

/// Words on lines of at most `width` columns; the first begins after `first`, the others after as many blanks.
pub(crate) fn hanging(first: &str, words: &str, width: usize) -> String {
    let indent = first.chars().count();
    let mut text = first.to_string();
    let mut used = indent;
    for (at, word) in words.split_whitespace().enumerate() {
        let long = word.chars().count();
        if at > 0 && used + 1 + long > width {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        } else if at > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += long;
    }
    text.truncate(text.trim_end().len());
    text
}

/// A page of Markdown without its marks: headings alone on their lines, code indented, paragraphs and items wrapped,
/// tables as they are.
pub(crate) fn plain(markdown: &str, width: usize) -> String {
    let mut blocks: Vec<String> = Vec::new();
    let mut open = String::new();
    let mut in_code = false;
    let close = |open: &mut String, blocks: &mut Vec<String>| {
        let words = std::mem::take(open);
        match words.strip_prefix("- ") {
            Some(item) => blocks.push(hanging("- ", item, width)),
            None if !words.is_empty() => blocks.push(hanging("", &words, width)),
            None => {}
        }
    };
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            close(&mut open, &mut blocks);
            in_code = !in_code;
        } else if in_code {
            blocks.push(format!("    {line}").trim_end().to_string());
        } else if line.trim().is_empty() {
            close(&mut open, &mut blocks);
            blocks.push(String::new());
        } else if line.starts_with('#') {
            close(&mut open, &mut blocks);
            blocks.push(line.trim_start_matches('#').trim().to_string());
        } else if line.starts_with('|') {
            close(&mut open, &mut blocks);
            blocks.push(line.to_string());
        } else {
            if line.starts_with("- ") {
                close(&mut open, &mut blocks);
            }
            open.push_str(line);
            open.push(' ');
        }
    }
    close(&mut open, &mut blocks);
    blocks.join("\n").trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_under_themselves() {
        assert_eq!(hanging("  -a  ", "one two three", 13), "  -a  one two\n      three");
        assert_eq!(hanging("", "a-very-long-word b", 5), "a-very-long-word\nb");
    }

    #[test]
    fn pages_lose_their_marks_and_keep_their_code() {
        let page = "# DORA_E1: title\n\nOne paragraph over\ntwo lines.\n\n```\nls | first\n```\n\n- an item\n  of two lines\n- b\n";
        let shown =
            "DORA_E1: title\n\nOne paragraph\nover two lines.\n\n    ls | first\n\n- an item of two\n  lines\n- b";
        assert_eq!(plain(page, 16), shown);
    }
}
