//! Messages as Arrow: an IPC stream of one schema and one batch with one column, `data`.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Field, Schema};
use dora_message::aligned_vec::{AVec, ConstAlign};
use dora_message::common::DataMessage;
use dora_message::metadata::{FRAMING, FRAMING_ARROW_IPC, MetadataParameters, Parameter};

/// Writes an array as a message, and adds the parameter that says how it is framed.
pub fn encode(
    array: ArrayRef,
    mut parameters: MetadataParameters,
) -> Result<(DataMessage, MetadataParameters), ArrowError> {
    let schema = Arc::new(Schema::new(vec![Field::new("data", array.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(schema.clone(), vec![array])?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&batch)?;
    let bytes = writer.into_inner()?;
    parameters.insert(FRAMING.to_string(), Parameter::String(FRAMING_ARROW_IPC.to_string()));
    // Receivers read the arrays where they lie, which needs this alignment.
    let aligned: AVec<u8, ConstAlign<128>> = AVec::from_slice(128, &bytes);
    Ok((DataMessage::Vec(aligned), parameters))
}

/// Reads the array of a message.
pub fn decode(message: &DataMessage) -> Result<ArrayRef, ArrowError> {
    let DataMessage::Vec(bytes) = message;
    // The decoder takes what is there; a reader would first make room for whatever length the bytes claim.
    let mut rest = Buffer::from_slice_ref(&bytes[..]);
    let batch = StreamDecoder::new()
        .decode(&mut rest)?
        .ok_or_else(|| ArrowError::IpcError("the message holds no whole batch".to_string()))?;
    batch
        .columns()
        .first()
        .cloned()
        .ok_or_else(|| ArrowError::IpcError("the batch of the message has no column".to_string()))
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;

    use super::*;

    #[test]
    fn an_array_comes_back_as_it_was_and_is_marked_as_arrow() {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let (message, parameters) = encode(array.clone(), MetadataParameters::new()).unwrap();
        assert_eq!(&decode(&message).unwrap(), &array);
        assert_eq!(parameters.get("_framing"), Some(&Parameter::String("arrow-ipc".to_string())));
        let DataMessage::Vec(bytes) = &message;
        assert_eq!(bytes.as_ptr().align_offset(128), 0);
    }

    #[test]
    fn bytes_that_are_no_arrow_are_an_error() {
        for junk in [&b""[..], b"junk", b"\xff\xff\xff\xff\xff\xff\xff\x7f", &[0; 64]] {
            assert!(decode(&DataMessage::Vec(AVec::from_slice(128, junk))).is_err(), "{junk:?}");
        }
    }
}
