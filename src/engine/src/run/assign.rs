//! Assignments: to variables, into what they hold, and to the environment.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes};
use value::ops::{self, Operator};
use value::{PathMember, Type, Value};

use super::{Flow, Interpreter, function};
use crate::program::{Node, Slot};

impl Interpreter {
    pub(super) fn assign(
        &mut self,
        slot: Slot,
        path: &[PathMember],
        new: Value,
        of: Option<&Type>,
        span: Span,
    ) -> Flow<()> {
        if path.is_empty() {
            let new = function::checked(new, of, span)?;
            self.set(slot, new);
            return Ok(());
        }
        self.slot(slot).set_path(path, new, true).map_err(|error| error.or_label(span, ""))?;
        Ok(())
    }

    /// `$x op= value`. The variable is taken out while its new value is made, so that what only it holds grows in
    /// place: a loop of `++=` takes linear time.
    pub(super) fn update(
        &mut self,
        slot: Slot,
        path: &[PathMember],
        op: Operator,
        value: &Node,
        of: Option<&Type>,
        span: Span,
    ) -> Flow<()> {
        let right = self.eval(value)?;
        let apply = |left: Value| -> Result<Value, Box<Diagnostic>> {
            combine(op, left, &right).map_err(|error| error.or_label(span, ""))
        };
        if path.is_empty() {
            let left = std::mem::replace(self.slot(slot), Value::Nothing);
            // Appending cannot fail, so the left side need not be kept for that, and stays unshared.
            let kept = if appends(op, &left, &right) { None } else { Some(left.clone()) };
            match apply(left).and_then(|new| function::checked(new, of, span)) {
                Ok(new) => self.set(slot, new),
                Err(error) => {
                    self.set(slot, kept.unwrap_or(Value::Nothing));
                    return Err(error.into());
                }
            }
            return Ok(());
        }
        self.slot(slot)
            .update_path(path, false, &mut |left| apply(left.cloned().unwrap_or(Value::Nothing)))
            .map_err(|error| error.or_label(span, ""))?;
        Ok(())
    }

    pub(super) fn assign_env(
        &mut self,
        name: &str,
        path: &[PathMember],
        op: Option<Operator>,
        value: &Node,
        span: Span,
    ) -> Flow<()> {
        let right = self.eval(value)?;
        let mut whole = self.env.get(name).cloned().unwrap_or(Value::Nothing);
        let left = if path.is_empty() { whole.clone() } else { whole.follow(path).unwrap_or(Value::Nothing) };
        let new = match op {
            Some(op) => combine(op, left, &right).map_err(|error| error.or_label(span, ""))?,
            None => right,
        };
        if path.is_empty() {
            whole = new;
        } else {
            whole.set_path(path, new, true).map_err(|error| error.or_label(span, ""))?;
        }
        self.env.assign(name, whole).map_err(|error| error.label(span, "sets it"))?;
        Ok(())
    }
}

fn appends(op: Operator, left: &Value, right: &Value) -> bool {
    matches!(
        (op, left, right),
        (Operator::Concat, Value::List(_), Value::List(_))
            | (Operator::Concat | Operator::Add, Value::String(_), Value::String(_))
    )
}

/// The operator applied, growing the left side in place where nobody else holds it.
fn combine(op: Operator, left: Value, right: &Value) -> Result<Value, Box<Diagnostic>> {
    match (op, left, right) {
        (Operator::Concat, Value::List(mut items), Value::List(more)) => {
            Arc::make_mut(&mut items).extend(more.iter().cloned());
            Ok(Value::List(items))
        }
        (Operator::Concat | Operator::Add, Value::String(mut text), Value::String(more)) => {
            Arc::make_mut(&mut text).push_str(more);
            Ok(Value::String(text))
        }
        (op, left, right) => ops::apply(op, &left, right).map_err(|error| {
            if error.code == codes::WRONG_OPERANDS {
                error.cause(format!("the variable holds {}", left.type_of()))
            } else {
                error
            }
        }),
    }
}
