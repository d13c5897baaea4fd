//! A record as a message for inputs: an Arrow array of one string, as stock nodes expect it.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use dora_message::aligned_vec::AVec;
use dora_message::common::DataMessage;
use dora_message::metadata::{FRAMING, FRAMING_ARROW_IPC, Metadata, Parameter};
use dora_message::uhlc::HLC;

use crate::model::{LogLevel, LogRecord};
use crate::router::message::Message;

/// Encodes a text; `None` when Arrow refuses it, which it does only past 2 GiB.
pub fn text(text: &str, clock: &HLC) -> Option<Arc<Message>> {
    let payload = ipc(text).ok()?;
    let now = clock.new_timestamp();
    let parameters = [(FRAMING.to_string(), Parameter::String(FRAMING_ARROW_IPC.to_string()))].into();
    let length = payload.len();
    let data = Some(DataMessage::Vec(AVec::from_slice(128, &payload)));
    let body = dora_message::encode(&(Metadata::from_parameters(now, parameters), data)).ok()?;
    Some(Message::small(&body, length, now.get_time().as_u64()))
}

/// Encodes a record as the JSON that dora's `send_logs_as` and `dora/logs` carry.
pub fn record(record: &LogRecord, clock: &HLC) -> Option<Arc<Message>> {
    let level = match record.level {
        LogLevel::Stdout => "stdout".to_string(),
        level => level.as_str().to_uppercase(),
    };
    let json = serde_json::json!({
        "build_id": null,
        "dataflow_id": record.dataflow,
        "node_id": record.node,
        "daemon_id": null,
        "level": level,
        "target": record.target,
        "module_path": null,
        "file": record.fields.get("file"),
        "line": record.fields.get("line").and_then(|line| line.parse::<u32>().ok()),
        "message": record.message,
        "timestamp": chrono::DateTime::from_timestamp_nanos(record.time.0),
        "fields": record.fields,
    });
    text(&json.to_string(), clock)
}

fn ipc(text: &str) -> Result<Vec<u8>, ArrowError> {
    let schema = Arc::new(Schema::new(vec![Field::new("data", DataType::Utf8, true)]));
    let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let batch = RecordBatch::try_new(schema.clone(), vec![column])?;
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &schema)?;
    writer.write(&batch)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_string_that_arrow_reads_back() {
        let bytes = ipc("hello").unwrap();
        let batch = arrow_ipc::reader::StreamReader::try_new(bytes.as_slice(), None).unwrap().next().unwrap().unwrap();
        let column = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap().clone();
        assert_eq!(column.iter().collect::<Vec<_>>(), [Some("hello")]);
    }

    #[test]
    fn a_record_reads_back_as_doras_own_message() {
        use dora_message::common::{LogMessage, LogMessageHelper};
        let told = LogRecord {
            time: crate::model::UnixNanos(1_795_168_800_500_000_000),
            dataflow: crate::model::DataflowId::generate(),
            dataflow_name: "demo".into(),
            node: Some("camera".parse().unwrap()),
            level: LogLevel::Warn,
            stream: crate::model::LogStream::Stdout,
            target: None,
            message: "low".into(),
            fields: Default::default(),
        };
        let message = record(&told, &HLC::default()).unwrap();
        let (_, data): (Metadata, Option<DataMessage>) = dora_message::decode(message.body()).unwrap();
        let Some(DataMessage::Vec(bytes)) = data else { panic!("no data") };
        let batch = arrow_ipc::reader::StreamReader::try_new(&bytes[..], None).unwrap().next().unwrap().unwrap();
        let column = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap().clone();
        let helper: LogMessageHelper = serde_json::from_str(column.value(0)).unwrap();
        let read = LogMessage::from(helper);
        assert_eq!(read.message, "low");
        assert_eq!(read.node_id, told.node);
    }
}
