//! Contexts: whether requests go to the runtimes of this home, or to one coordinator. Never to both.
//!
//! A session begins with the context that was chosen last, or that the variable [`VARIABLE`] names, and keeps it
//! whatever other sessions choose: nobody's next command goes elsewhere because somebody typed something.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use diag::{Diagnostic, Result, codes};
use store::Store;
use store::contexts::ContextRow;

use super::coordinator::Coordinator;
use super::fleet::Fleet;
use super::token::Token;
use crate::handle::Handle;

/// The context that is all runtimes of this home.
pub const LOCAL: &str = "local";
/// The variable that names a context for a process, or for one command.
pub const VARIABLE: &str = "DORA_CONTEXT";

/// The contexts of a home as one session sees them.
pub struct Contexts {
    store: Store,
    local: Handle,
    /// What this session goes by; set when it is first asked.
    chosen: Mutex<Option<String>>,
    /// Coordinators that were asked, whose connections are kept.
    open: Mutex<HashMap<String, (ContextRow, Handle)>>,
}

impl Contexts {
    /// Makes the contexts of a session. Nothing is read yet.
    pub fn new(store: Store, fleet: &Fleet) -> Contexts {
        Contexts { store, local: fleet.handle(), chosen: Mutex::default(), open: Mutex::default() }
    }

    /// The context that counts: the one named for a command, else the session's.
    pub fn name(&self, named: Option<&str>) -> Result<String> {
        if let Some(named) = named.filter(|named| !named.is_empty()) {
            return Ok(named.to_string());
        }
        let mut chosen = lock(&self.chosen);
        if let Some(name) = chosen.as_ref() {
            return Ok(name.clone());
        }
        // A home whose state cannot be read has flows of its own all the same.
        let name = self.store.chosen_context()?.unwrap_or_else(|| LOCAL.to_string());
        Ok(chosen.insert(name).clone())
    }

    /// The way in to the context that counts.
    pub fn handle(&self, named: Option<&str>) -> Result<Handle> {
        let name = self.name(named)?;
        if name == LOCAL {
            return Ok(self.local.clone());
        }
        let row = self.row(&name)?;
        let mut open = lock(&self.open);
        if let Some((known, handle)) = open.get(&name) {
            if *known == row {
                return Ok(handle.clone());
            }
        }
        let handle = Coordinator::new(&name, &row.address, row.token_path.clone())?.handle();
        open.insert(name, (row, handle.clone()));
        Ok(handle)
    }

    /// The coordinator of a context that is not [`LOCAL`].
    pub fn row(&self, name: &str) -> Result<ContextRow> {
        if let Some(row) = self.store.context(name)? {
            return Ok(row);
        }
        let known: Vec<String> = self.store.contexts()?.into_iter().map(|row| row.name).collect();
        let names = known.iter().map(String::as_str).chain([LOCAL]);
        let error = Diagnostic::new(codes::CONTEXT_NOT_FOUND, format!("there is no context `{name}`"));
        Err(match diag::suggest::did_you_mean(name, names) {
            Some(hint) => error.help(hint),
            None => error.next("dora context list"),
        })
    }

    /// All coordinators, by name.
    pub fn all(&self) -> Result<Vec<ContextRow>> {
        self.store.contexts()
    }

    /// Adds a coordinator after looking at its name, address and token file; nothing is connected to.
    pub fn add(&self, row: ContextRow) -> Result<()> {
        let row = checked(row)?;
        if self.store.add_context(&row)? {
            return Ok(());
        }
        Err(Diagnostic::new(codes::CONTEXT_NAME, format!("there is a context `{}` already", row.name))
            .help("choose another name, or remove that one first")
            .next(format!("context remove {}", row.name)))
    }

    /// Removes a coordinator. A session that goes by it goes back to this home.
    pub fn remove(&self, name: &str) -> Result<ContextRow> {
        if name == LOCAL {
            let told = "the dataflows of this home are always there: `local` cannot be removed";
            return Err(Diagnostic::new(codes::CONTEXT_NAME, told).next("context list"));
        }
        let row = self.row(name)?;
        self.store.remove_context(name)?;
        lock(&self.open).remove(name);
        let mut chosen = lock(&self.chosen);
        if chosen.as_deref() == Some(name) {
            *chosen = Some(LOCAL.to_string());
        }
        Ok(row)
    }

    /// Has this session, and those that begin after it, go by a context.
    pub fn choose(&self, name: &str) -> Result<()> {
        let coordinator = (name != LOCAL).then_some(name);
        if let Some(name) = coordinator {
            self.row(name)?;
        }
        self.store.choose_context(coordinator)?;
        *lock(&self.chosen) = Some(name.to_string());
        Ok(())
    }
}

/// The same row with its address spelled out, if it can be one.
fn checked(row: ContextRow) -> Result<ContextRow> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = &row.name;
    if name.is_empty() || name.len() > 100 || name.starts_with('-') || !name.chars().all(fits) || name == LOCAL {
        return Err(Diagnostic::new(codes::CONTEXT_NAME, format!("`{name}` cannot be the name of a new context"))
            .help("a name is made of letters, digits, `_`, `-` and `.`, does not begin with `-`, and is not `local`"));
    }
    let address = super::coordinator::link::Address::parse(&row.address)?.to_string();
    if let Some(path) = &row.token_path {
        Token::read(path)?;
    }
    Ok(ContextRow { address, ..row })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
