//! Live views: where `--watch` may stand, and how often it shows its line again.

use std::time::Duration;

use diag::{Diagnostic, Span, codes};
use syntax::ast::{self, ExprKind};
use value::Value;

use super::Checker;
use super::bind::Bound;
use crate::command::{Command, INTERVAL, LIVE, WATCH};

/// Without `--interval`.
const EVERY: Duration = Duration::from_secs(1);
/// More often nobody can look, and the work would never end.
const SHORTEST: Duration = Duration::from_millis(20);

/// Where the one call stands whose `--watch` makes a view of the whole program: the first of its only pipeline.
pub(super) fn place(block: &ast::Block) -> Option<Span> {
    let [pipeline] = block.statements.as_slice() else { return None };
    let ExprKind::Call(call) = &pipeline.elements.first()?.expr.kind else { return None };
    Some(call.head.span)
}

impl Checker<'_> {
    /// Takes note of `--watch`, or says why it cannot be there.
    pub(super) fn watches(&mut self, command: &'static Command, bound: &Bound, head: Span) {
        let argument = |name: &str| {
            let (at, _) = command.param(name)?;
            Some((bound.arguments.get(at)?.as_ref()?.span, bound.known.get(at)?.as_ref()?.value.as_ref()))
        };
        let asked = [WATCH.name, LIVE.name].into_iter().filter_map(argument);
        let Some((span, _)) = asked.into_iter().find(|(_, value)| *value != Some(&Value::Bool(false))) else {
            if let Some((span, _)) = argument(INTERVAL.name).filter(|_| command.param(WATCH.name).is_some()) {
                let error = Diagnostic::new(codes::BAD_ARGUMENT, "`--interval` says how often `--watch` shows it")
                    .label(span, "nothing is watched");
                self.report(error.help("add `--watch`"));
            }
            return;
        };
        if self.watchable.is_none_or(|place| (place.source, place.start) != (head.source, head.start)) {
            let error = Diagnostic::new(
                codes::BAD_ARGUMENT,
                "`--watch` shows a whole line again and again, so that only the first command of a line can have it",
            );
            self.report(error.label(span, "here it is a part of something").help("type the line by itself"));
            return;
        }
        let every = match argument(INTERVAL.name) {
            None => Some(EVERY),
            Some((_, Some(Value::Duration(nanos)))) => {
                u64::try_from(*nanos).ok().map(Duration::from_nanos).filter(|every| *every >= SHORTEST)
            }
            Some(_) => None,
        };
        match (every, argument(INTERVAL.name)) {
            (None, Some((span, _))) => {
                let error =
                    Diagnostic::new(codes::BAD_ARGUMENT, "how often a line is shown is a duration of 20ms or more");
                self.report(error.label(span, "such as `--interval 500ms`"));
            }
            (every, _) => self.watch = every,
        }
    }
}
