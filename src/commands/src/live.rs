//! What is known of the world while a line is still being typed.

use std::path::Path;
use std::sync::Arc;

use engine::Live;
use value::Type;

/// Asks files for their headers, and whatever services there are for the names of their things.
pub struct World {
    names: NamesOf,
}

/// Gives the names of a resource's things, with a word on each. Must answer at once: a prompt waits for it.
pub type NamesOf = Arc<dyn Fn(&str) -> Vec<(String, String)> + Send + Sync>;

impl World {
    /// Knows files, and names by asking `names`.
    pub fn new(names: NamesOf) -> Self {
        World { names }
    }
}

impl Live for World {
    fn names(&self, resource: &str) -> Vec<(String, String)> {
        (self.names)(resource)
    }

    fn file_type(&self, path: &Path) -> Option<Type> {
        if !path.is_file() {
            return None;
        }
        let table = crate::files::open::lazily(path).ok()??;
        table.schema().ok().map(Type::Table)
    }
}
