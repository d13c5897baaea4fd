//! Messages of dataflows as values, and values as messages: an Arrow IPC stream with one column, `data`.
//!
//! A message's value is the list of its array's items, or the item itself when there is one. Bytes (`UInt8`) are
//! binary, also inside of lists and records.
//!
//! - [`read`] – arrays as values
//! - [`mod@write`] – values as arrays

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::panic::catch_unwind;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema};
use diag::{Diagnostic, Result, codes};
use value::Value;

/// What a message holds.
#[derive(Debug)]
pub struct Payload {
    pub value: Value,
    /// The type of the array's items, as Arrow writes it.
    pub of: String,
    /// How many items there are, and how many each of them has where all have as many.
    pub shape: Vec<usize>,
}

/// Reads a message's data.
///
/// # Errors
/// `CANNOT_READ` when the bytes are no Arrow IPC stream with a column.
pub fn read(bytes: &[u8]) -> Result<Payload> {
    // Bytes that only look like Arrow can make its reader panic, and any node may send them.
    let (field, array, mut value) = catch_unwind(|| {
        let (field, array) = column(bytes).map_err(|error| unreadable(error.to_string()))?;
        let value = read::whole(&field, &array)?;
        Ok((field, array, value))
    })
    .unwrap_or_else(|_| Err(unreadable("it contradicts itself")))?;
    if array.len() == 1
        && let Value::List(items) = &value
        && let Some(only) = items.first()
    {
        value = only.clone();
    }
    let mut shape = vec![array.len()];
    shape.extend(read::inner_shape(&field));
    Ok(Payload { value, of: read::type_text(array.data_type()), shape })
}

/// Writes a value as a message's data: a list as the array of its items, anything else as an array of one.
///
/// # Errors
/// `NOT_A_MESSAGE` when the value, or the items of a list together, have no Arrow form.
pub fn write(value: &Value) -> Result<Vec<u8>> {
    let array = write::whole(value)?;
    encode(array).map_err(|error| {
        Diagnostic::new(codes::NOT_A_MESSAGE, "the value cannot be written as Arrow").cause(error.to_string())
    })
}

fn column(bytes: &[u8]) -> std::result::Result<(FieldRef, ArrayRef), ArrowError> {
    // The decoder takes what is there; a reader would first make room for whatever length the bytes claim.
    let mut rest = Buffer::from_slice_ref(bytes);
    let missing = |what: &str| ArrowError::IpcError(format!("it holds no {what}"));
    let batch = StreamDecoder::new().decode(&mut rest)?.ok_or_else(|| missing("whole batch"))?;
    let column = batch.columns().first().cloned().ok_or_else(|| missing("column"))?;
    let field = batch.schema_ref().fields().first().cloned().ok_or_else(|| missing("column"))?;
    Ok((field, column))
}

fn encode(array: ArrayRef) -> std::result::Result<Vec<u8>, ArrowError> {
    let schema = Arc::new(Schema::new(vec![Field::new("data", array.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(schema.clone(), vec![array])?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&batch)?;
    writer.into_inner()
}

fn unreadable(why: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::new(codes::CANNOT_READ, "a message cannot be read as Arrow").cause(why.into())
}

/// Whether items of a type are bytes, a list of which is binary.
fn is_byte(of: &DataType) -> bool {
    *of == DataType::UInt8
}
