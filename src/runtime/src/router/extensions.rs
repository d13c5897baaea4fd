//! Values that nodes leave for each other beside the dataflow, by namespace and key. The runtime gives them no
//! meaning; it tells those who touched a value when it is dropped.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many values and how many bytes of them one dataflow may keep.
const MOST_VALUES: usize = 8192;
const MOST_BYTES: usize = 256 << 20;

/// The values of one dataflow. Nodes are named by their place in the plan.
#[derive(Default)]
pub struct Extensions(Mutex<HashMap<Name, Value>>);

/// Namespace and key.
pub type Name = (String, String);

struct Value {
    bytes: Vec<u8>,
    owner: usize,
    touched_by: BTreeSet<usize>,
}

impl Extensions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a value; only its owner may replace it.
    pub fn store(&self, name: Name, bytes: Vec<u8>, owner: usize) -> Result<(), String> {
        let mut values = self.lock();
        let others = values.iter().filter(|(of, _)| **of != name);
        let total: usize = others.map(|(_, value)| value.bytes.len()).sum::<usize>() + bytes.len();
        if total > MOST_BYTES {
            return Err(format!("the values of one dataflow may have {MOST_BYTES} bytes in all"));
        }
        let count = values.len();
        match values.get_mut(&name) {
            Some(value) if value.owner != owner => {
                Err(format!("the value `{}/{}` belongs to another node", name.0, name.1))
            }
            Some(value) => {
                value.bytes = bytes;
                Ok(())
            }
            None if count >= MOST_VALUES => Err(format!("one dataflow may keep {MOST_VALUES} values")),
            None => {
                values.insert(name, Value { bytes, owner, touched_by: [owner].into() });
                Ok(())
            }
        }
    }

    /// Reads a value; the reader is told when it is dropped.
    pub fn load(&self, name: &Name, reader: usize) -> Option<Vec<u8>> {
        let mut values = self.lock();
        let value = values.get_mut(name)?;
        value.touched_by.insert(reader);
        Some(value.bytes.clone())
    }

    /// Drops a value; returns who is to be told.
    pub fn drop_value(&self, name: &Name) -> BTreeSet<usize> {
        self.lock().remove(name).map(|value| value.touched_by).unwrap_or_default()
    }

    /// Drops the values of a node that has ended; returns who is to be told of each.
    pub fn drop_all_of(&self, owner: usize) -> Vec<(Name, BTreeSet<usize>)> {
        let mut values = self.lock();
        let gone = values.extract_if(|_, value| value.owner == owner);
        gone.map(|(name, value)| (name, value.touched_by)).collect()
    }
}
