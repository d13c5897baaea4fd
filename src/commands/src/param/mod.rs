//! Parameters: values that running nodes are told while they run.

use engine::Command;

pub(crate) mod change;
pub(crate) mod list;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[&change::DELETE, &change::SET, &list::GET, &list::LIST];

use runtime::model::NodeRef;

use crate::prelude::*;

const NODE: Param = Param::required("node", Takes::Name("node"), "Its name, or `dataflow/node`");
const KEY: Param = Param::required("key", Takes::Type("string"), "The parameter's name");
const DATAFLOW: Param = Param::flag("dataflow", Some('d'), Takes::Name("dataflow"), "The dataflow it belongs to");

/// The node that a call names.
fn node(call: &Call<'_>) -> Result<NodeRef> {
    crate::node::which(call, Data::Empty)
}
