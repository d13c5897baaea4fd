use std::time::{Duration, Instant};

use runtime::Handle;
use runtime::model::{MetadataParameters, Payload, Publication, TopicInfo};

use super::DATAFLOW;
use crate::ask;
use crate::changes::{self, Target};
use crate::model;
use crate::prelude::*;
use table::json::from_json;

pub static PUB: Command = Command {
    name: "topic pub",
    category: Category::Node,
    summary: "Sends messages through an output as if its node had sent them",
    details: "A list is sent as the Arrow array of its items, binary as that of its bytes, anything else as an array of \
        one: an int as Int64, a float as Float64, a record as a Struct. Without a value, each item that flows in is a \
        message.\n\n\
        From bash, lists and records are written as JSON: `dora topic pub imu/motion '{\"ax\": 0.1}'`.\n\n\
        With `--rate` and without `--count` a value is sent again and again, until ctrl-c or the end of the dataflow. \
        `inputs` of the result says how many inputs got the last message.",
    params: &[
        Param::required("topic", Takes::Name("topic"), "`node/output`, or `dataflow/node/output`"),
        Param::optional("value", Takes::Type("any"), "What to send; each item that flows in without it"),
        DATAFLOW,
        Param::flag("metadata", Some('m'), Takes::Type("oneof<record, string>"), "What is told beside the data"),
        Param::flag("count", Some('n'), Takes::Type("int"), "How often to send the value; once by default"),
        Param::flag("rate", Some('r'), Takes::Type("number"), "Messages per second"),
    ],
    io: &[("nothing", model::PUBLISHED), ("any", model::PUBLISHED)],
    examples: &[
        try_it("A number", "topic pub counter/number 7"),
        try_it(
            "A record, ten times a second",
            "topic pub imu/motion {ax: 0.1, ay: 0.0, az: 9.81} --rate 10 --count 50",
        ),
        try_it("With metadata", "topic pub camera/image (open --raw frame.rgb) --metadata {width: 640, height: 480}"),
        try_it("Each row of a table", "open motion.csv | topic pub imu/motion --rate 100"),
    ],
    search: &["publish", "send", "inject", "emit", "write"],
    run: |call, input| {
        let count = crate::rows::count(call, "count")?;
        let rate: Option<f64> = call.optional("rate")?;
        if let Some(rate) = rate.filter(|rate| !rate.is_finite() || *rate <= 0.0) {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("{rate} messages per second cannot be sent"))
                .label(call.span("rate"), "must be more than 0"));
        }
        let parameters = metadata(call)?;
        let info = super::topic(call, Data::Empty)?;
        let mut sender = Sender {
            handle: ask::handle(call)?,
            parameters,
            info,
            pace: rate.map(|rate| Duration::try_from_secs_f64(rate.recip()).unwrap_or(Duration::MAX)),
            started: Instant::now(),
            messages: 0,
            bytes: 0,
            inputs: 0,
        };
        let sent = send_all(call, input, count, &mut sender);
        // What was sent cannot be taken back.
        let result = sent.as_ref().map(|()| None).map_err(Clone::clone);
        changes::audit(call, &sender.target(), &result);
        sent?;
        Ok(Data::Value(sender.told()))
    },
    ..Command::DEFAULT
};

fn send_all(call: &Call<'_>, input: Data, count: Option<usize>, sender: &mut Sender) -> Result<()> {
    match value(call) {
        Some(value) => {
            let data = encode(&value).map_err(|error| error.or_label(call.span("value"), "this"))?;
            let count = count.unwrap_or(if sender.pace.is_some() { usize::MAX } else { 1 });
            for _ in 0..count {
                match sender.send(call, data.clone()) {
                    // What was to go on until the end of the dataflow has done so.
                    Err(error) if error.code == codes::DATAFLOW_ENDED && count == usize::MAX => break,
                    sent => sent?,
                }
            }
        }
        None if input.is_empty() => {
            return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "`topic pub` needs something to send")
                .label(call.head, "no value is given and nothing flows in")
                .help(format!("usage: {}", call.command.usage())));
        }
        None => {
            for item in crate::rows::plain(input)?.into_items(call.interrupt())?.take(count.unwrap_or(usize::MAX)) {
                let data = crate::rows::here(call, encode(&item?))?;
                sender.send(call, data)?;
            }
        }
    }
    Ok(())
}

/// The value that is given. Bash has no other way to write a list than as text.
fn value(call: &Call<'_>) -> Option<Value> {
    let value = call.value("value")?;
    let nested = |text: &str| text.starts_with(['[', '{']) && crate::dataflow::is_from_bash(call);
    let json = value.as_str().filter(|text| nested(text)).and_then(|text| serde_json::from_str(text).ok());
    Some(json.map_or_else(|| value.clone(), from_json))
}

fn metadata(call: &Call<'_>) -> Result<MetadataParameters> {
    let here = |error: Box<Diagnostic>| error.label(call.span("metadata"), "here");
    let given = match call.value("metadata") {
        None | Some(Value::Nothing) => return Ok(MetadataParameters::new()),
        Some(Value::String(text)) => serde_json::from_str(text).ok().map(from_json),
        Some(value) => Some(value.clone()),
    };
    match given.as_ref().and_then(Value::as_record) {
        Some(record) => model::parameters(record).map_err(here),
        None => Err(here(
            Diagnostic::new(codes::BAD_ARGUMENT, "this text is no record")
                .help("write `--metadata {width: 640}`, or from bash JSON: `--metadata '{\"width\": 640}'`"),
        )),
    }
}

fn encode(value: &Value) -> Result<Payload> {
    Ok(Payload::copy(&table::payload::write(value)?))
}

struct Sender {
    handle: Handle,
    info: TopicInfo,
    parameters: MetadataParameters,
    /// From one message to the next.
    pace: Option<Duration>,
    started: Instant,
    messages: u64,
    bytes: u64,
    inputs: u64,
}

impl Sender {
    /// The topic, for the audit.
    fn target(&self) -> Target {
        let name = format!("{}/{}", self.info.dataflow_name, self.info.topic);
        Target { key: name.clone(), name }
    }

    /// Sends a message when its time has come.
    fn send(&mut self, call: &Call<'_>, data: Payload) -> Result<()> {
        let nth = u32::try_from(self.messages).unwrap_or(u32::MAX);
        let due = self.pace.and_then(|pace| self.started.checked_add(pace.saturating_mul(nth)));
        let bytes = data.len() as u64;
        let publication = Publication {
            dataflow: self.info.dataflow.into(),
            topic: self.info.topic.clone(),
            parameters: self.parameters.clone(),
            data: Some(data),
        };
        let handle = self.handle.clone();
        self.inputs = ask::answer(call, async move {
            if let Some(due) = due {
                tokio::time::sleep_until(due.into()).await;
            }
            handle.publish(publication).await
        })?;
        self.messages += 1;
        self.bytes += bytes;
        Ok(())
    }

    fn told(&self) -> Value {
        model::published(&self.info, self.messages, self.inputs, self.bytes, self.started.elapsed())
    }
}
