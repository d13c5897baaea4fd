//! How the line that is typed may go on.

use diag::Exit;
use nu_ansi_term::Style;
use reedline::{Hinter, History, HistoryItem, SearchQuery};

/// How many lines that begin alike are looked at.
const SEEN: i64 = 20;

/// Shows the rest of the last line that begins alike, one of this directory first. Lines that were refused are not
/// worth repeating. Behind a blank nothing is shown: it would look like part of what completion has just put there.
#[derive(Default)]
pub(super) struct LineHinter {
    rest: String,
}

impl Hinter for LineHinter {
    fn handle(&mut self, line: &str, _: usize, history: &dyn History, colors: bool, cwd: &str) -> String {
        self.rest.clear();
        if !line.is_empty() && !line.ends_with(' ') {
            let session = history.session();
            let here = SearchQuery::last_with_prefix_and_cwd(line.into(), cwd.into(), session);
            let anywhere = SearchQuery::last_with_prefix(line.into(), session);
            let found = [here, anywhere].into_iter().find_map(|query| {
                let lines = history.search(SearchQuery { limit: Some(SEEN), ..query }).unwrap_or_default();
                lines.into_iter().find_map(|before| rest_of(&before, line))
            });
            self.rest = found.unwrap_or_default();
        }
        if colors && !self.rest.is_empty() {
            Style::new().dimmed().paint(&self.rest).to_string()
        } else {
            self.rest.clone()
        }
    }

    fn complete_hint(&self) -> String {
        self.rest.clone()
    }

    /// The next word, with the blanks before it.
    fn next_hint_token(&self) -> String {
        let blanks = self.rest.len() - self.rest.trim_start().len();
        let end = self.rest[blanks..].find(char::is_whitespace).map_or(self.rest.len(), |at| blanks + at);
        self.rest[..end].to_string()
    }
}

fn rest_of(before: &HistoryItem, line: &str) -> Option<String> {
    let was_refused = before.exit_status == Some(Exit::Usage as i64);
    let rest = before.command_line.strip_prefix(line).filter(|rest| !rest.is_empty() && !was_refused)?;
    Some(rest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reedline::FileBackedHistory;

    fn typed(line: &str, code: i64) -> HistoryItem {
        HistoryItem { exit_status: Some(code), ..HistoryItem::from_command_line(line) }
    }

    #[test]
    fn a_line_that_was_refused_is_not_repeated() {
        assert_eq!(rest_of(&typed("dataflow list", 0), "dataf").as_deref(), Some("low list"));
        assert_eq!(rest_of(&typed("dataflow logs --follow", 130), "dataf").as_deref(), Some("low logs --follow"));
        assert_eq!(rest_of(&typed("dataflow lst", 2), "dataf"), None);
        assert_eq!(rest_of(&typed("ls", 0), "ls"), None);
    }

    #[test]
    fn nothing_is_shown_behind_a_blank() {
        let mut history = FileBackedHistory::new(10).unwrap();
        history.save(HistoryItem::from_command_line("ls | where size > 1kb")).unwrap();
        let mut hinter = LineHinter::default();
        let mut shown = |line: &str| hinter.handle(line, line.len(), &history, false, "/");
        assert_eq!(shown("ls | wh"), "ere size > 1kb");
        assert_eq!(shown("ls | where "), "");
        shown("ls | wh");
        assert_eq!(hinter.next_hint_token(), "ere");
    }
}
