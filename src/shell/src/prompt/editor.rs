//! The line editor.

use std::sync::MutexGuard;

use engine::Session;
use nu_ansi_term::Style;
use reedline::{
    Completer, CompletionResult, EditCommand, Emacs, Highlighter, KeyCode, KeyModifiers, Osc133Markers, Reedline,
    ReedlineEvent, ReedlineMenu, Span, StyledText, Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};

use super::SharedSession;
use super::hint::LineHinter;
use super::history::StoredHistory;
use super::menu::CandidateMenu;
use crate::complete::candidates;
use crate::highlight::{classify, look_up, matching_brackets};

const MENU: &str = "completion";

/// An editor that knows the session's commands and names.
pub(super) fn editor(session: &SharedSession, history: Option<StoredHistory>, colors: bool, marks: bool) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let complete = vec![
        ReedlineEvent::Menu(MENU.into()),
        // With the menu open, Tab goes on to the next.
        ReedlineEvent::MenuNext,
        ReedlineEvent::Edit(vec![EditCommand::Complete]),
    ];
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, ReedlineEvent::UntilFound(complete));
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, ReedlineEvent::Edit(vec![EditCommand::InsertNewline]));
    let mut editor = Reedline::create()
        .with_ansi_colors(colors)
        .use_bracketed_paste(true)
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(CandidateMenu::new(MENU))))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_completer(Box::new(SessionCompleter { session: session.clone() }))
        .with_highlighter(Box::new(SessionHighlighter { session: session.clone() }))
        .with_validator(Box::new(Brackets))
        .with_hinter(Box::new(LineHinter::default()))
        // What begins with a blank is nobody's business.
        .with_history_exclusion_prefix(Some(" ".into()));
    if marks {
        editor = editor.with_semantic_markers(Some(Osc133Markers::boxed()));
    }
    if let Some(history) = history {
        let id = history.session_id();
        editor = editor.with_history(Box::new(history)).with_history_session_id(Some(id));
    }
    editor
}

fn lock(session: &SharedSession) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

struct SessionCompleter {
    session: SharedSession,
}

impl Completer for SessionCompleter {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let found = candidates(&lock(&self.session), line, pos);
        let suggestions: Vec<Suggestion> = found
            .into_iter()
            .map(|candidate| Suggestion {
                value: candidate.text,
                description: (!candidate.about.is_empty()).then_some(candidate.about),
                span: Span::new(candidate.span.start, candidate.span.end.max(candidate.span.start)),
                append_whitespace: candidate.closed,
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(suggestions)
    }
}

struct SessionHighlighter {
    session: SharedSession,
}

impl Highlighter for SessionHighlighter {
    fn highlight(&self, line: &str, cursor: usize) -> StyledText {
        let session = lock(&self.session);
        let mut styled = StyledText::new();
        for (range, class) in classify(line, |words, piped| look_up(&session, words, piped)) {
            styled.push((class.style(), line[range].to_string()));
        }
        if let Some((open, close)) = matching_brackets(line, cursor) {
            for bracket in [open, close] {
                styled.style_range(bracket.start, bracket.end, Style::new().bold().underline());
            }
        }
        styled
    }
}

/// Whether a bracket or quote is open, so that the text goes on in the next line.
pub(super) fn is_incomplete(text: &str) -> bool {
    let source = diag::Sources::new().add("<line>", text);
    syntax::parse(&source).incomplete
}

struct Brackets;

impl Validator for Brackets {
    fn validate(&self, line: &str) -> ValidationResult {
        if is_incomplete(line) { ValidationResult::Incomplete } else { ValidationResult::Complete }
    }
}
