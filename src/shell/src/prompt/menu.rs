//! The list that Tab opens.

use nu_ansi_term::{Color, Style};
use reedline::{Completer, DescriptionMode, Editor, IdeMenu, Menu, MenuBuilder, MenuEvent, MenuSettings, Suggestion};

/// Rows of the list, with its frame.
const HEIGHT: u16 = 14;

/// A framed list beside the cursor, with a few words on what is selected. It leaves the prompt as it is, says how
/// many more there are, and shows nothing when nothing fits.
pub(super) struct CandidateMenu {
    list: IdeMenu,
}

impl CandidateMenu {
    pub fn new(name: &str) -> CandidateMenu {
        let list = IdeMenu::default()
            .with_name(name)
            .with_marker("> ")
            .with_default_border()
            .with_padding(1)
            .with_max_completion_width(48)
            .with_max_completion_height(HEIGHT)
            .with_description_mode(DescriptionMode::PreferRight)
            .with_text_style(Style::new())
            .with_selected_text_style(Style::new().reverse())
            .with_match_text_style(Style::new().bold())
            .with_selected_match_text_style(Style::new().reverse().bold())
            .with_description_text_style(Color::Cyan.normal());
        CandidateMenu { list }
    }
}

impl Menu for CandidateMenu {
    fn settings(&self) -> &MenuSettings {
        self.list.settings()
    }
    fn is_active(&self) -> bool {
        self.list.is_active()
    }
    fn set_active(&mut self, active: bool) {
        self.list.set_active(active);
    }
    fn clear_input(&mut self) {
        self.list.clear_input();
    }
    fn on_activate(&mut self) {
        self.list.on_activate();
    }
    fn on_deactivate(&mut self) {
        self.list.on_deactivate();
    }
    fn handle_menu_event(&mut self, event: &MenuEvent) {
        self.list.handle_menu_event(event);
    }
    fn menu_event(&mut self, event: MenuEvent) {
        self.list.menu_event(event);
    }
    fn can_quick_complete(&self) -> bool {
        self.list.can_quick_complete()
    }
    fn can_partially_complete(&mut self, updated: bool, editor: &mut Editor, completer: &mut dyn Completer) -> bool {
        self.list.can_partially_complete(updated, editor, completer)
    }
    fn update_values(&mut self, editor: &mut Editor, completer: &mut dyn Completer) {
        self.list.update_values(editor, completer);
    }
    fn reset_position(&mut self) {
        self.list.reset_position();
    }
    fn update_working_details(
        &mut self,
        editor: &mut Editor,
        completer: &mut dyn Completer,
        painter: &reedline::Painter,
    ) {
        self.list.update_working_details(editor, completer, painter);
    }
    fn replace_in_buffer(&self, editor: &mut Editor) {
        self.list.replace_in_buffer(editor);
    }
    fn menu_required_lines(&self, terminal_columns: u16) -> u16 {
        if self.get_values().is_empty() { 0 } else { self.list.menu_required_lines(terminal_columns) }
    }
    fn menu_string(&self, available_lines: u16, colors: bool) -> String {
        let all = self.get_values().len();
        if all == 0 {
            return String::new();
        }
        let mut text = self.list.menu_string(available_lines, colors);
        if !colors {
            // The mark of the selected row takes the place of a blank.
            text = text.replace("│> ", "│>");
        }
        let shown = usize::from(available_lines.min(HEIGHT)).saturating_sub(2);
        if all > shown { with_count(&text, all) } else { text }
    }
    fn min_rows(&self) -> u16 {
        if self.get_values().is_empty() { 0 } else { self.list.min_rows() }
    }
    fn get_values(&self) -> &[Suggestion] {
        self.list.get_values()
    }
    fn results_are_provisional(&self) -> bool {
        self.list.results_are_provisional()
    }
    fn is_awaiting_first_answer(&self) -> bool {
        self.list.is_awaiting_first_answer()
    }
    fn set_cursor_pos(&mut self, pos: (u16, u16)) {
        self.list.set_cursor_pos(pos);
    }
}

/// The list with the number of all candidates in the line that closes its frame.
fn with_count(text: &str, all: usize) -> String {
    let count = format!(" {all} in all ");
    let line = text.rfind('\n').map_or(0, |at| at + 1);
    let Some(last) = text[line..].find('╰').map(|at| line + at) else { return text.into() };
    let line = "─".repeat(count.chars().count());
    match text[last..].strip_prefix('╰').and_then(|frame| frame.strip_prefix(line.as_str())) {
        Some(rest) => format!("{}╰{count}{rest}", &text[..last]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_tells_how_many_candidates_there_are() {
        assert_eq!(with_count("│ a            │\n╰──────────────╯", 30), "│ a            │\n╰ 30 in all ───╯");
        assert_eq!(with_count("│ a │\n╰───╯", 30), "│ a │\n╰───╯");
    }
}
