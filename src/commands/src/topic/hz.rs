use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::unfold;
use runtime::model::{TopicMessage, UnixNanos};
use tokio::time::{Instant, sleep_until};

use super::{DATAFLOW, Messages, TOPICS};
use crate::ask;
use crate::model;
use crate::prelude::*;

/// How often rows come.
const EVERY: Duration = Duration::from_secs(1);
/// How far back they look.
const WINDOW: Duration = Duration::from_secs(10);

pub static HZ: Command = Command {
    name: "topic hz",
    category: Category::Node,
    summary: "Measures how often messages of topics come, and how evenly",
    details: "Each second a row for each topic tells of the last ten seconds. With `--window` or `--duration` there is \
        one row for each topic, at the end.\n\n\
        `mean`, `min`, `max` and `stddev` are of the time from one message to the next, as the runtime gets them; \
        `jitter` is by how much, on average, this time differs from the one before. A topic that has fallen silent \
        has a falling rate.",
    params: &[
        TOPICS,
        DATAFLOW,
        Param::flag("window", Some('w'), Takes::Type("int"), "Over so many messages of each topic, then end"),
        Param::flag("duration", None, Takes::Type("duration"), "Over this time, then end"),
    ],
    io: &[
        ("nothing", model::RATES),
        ("record", model::RATES),
        ("table", model::RATES),
        ("list<any>", model::RATES),
        ("string", model::RATES),
    ],
    examples: &[
        try_it("As it changes", "topic hz camera/image"),
        try_it("Over a hundred messages", "topic hz camera/image --window 100 | get rate"),
        try_it("Everything, for three seconds", "topic list | topic hz --duration 3sec | sort-by rate"),
    ],
    search: &["rate", "frequency", "jitter", "interval", "bandwidth"],
    run: |call, input| {
        let window = crate::rows::count(call, "window")?;
        let limit: Option<Duration> = call.optional("duration")?;
        if window.is_some_and(|window| window < 2) {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "time passes between two messages")
                .label(call.span("window"), "must be at least 2"));
        }
        let infos = super::topics(call, input)?;
        let meters = super::names(&infos).into_iter().map(Meter::new).collect();
        let messages = super::tap(call, &infos, false)?;
        let mut measuring =
            Measuring { messages, meters, window, limit, due: None, ready: VecDeque::new(), over: false };
        measuring.begin();
        let rows = unfold(measuring, |mut measuring| async move {
            let row = measuring.next().await?;
            Some((row, measuring))
        });
        Ok(ask::stream(call, rows.boxed(), window.is_none() && limit.is_none(), Value::clone))
    },
    ..Command::DEFAULT
};

struct Measuring {
    messages: Messages,
    meters: Vec<Meter>,
    window: Option<usize>,
    limit: Option<Duration>,
    /// When the next rows are due.
    due: Option<Instant>,
    ready: VecDeque<Value>,
    over: bool,
}

impl Measuring {
    fn begin(&mut self) {
        let wait = match (self.window, self.limit) {
            (_, Some(limit)) => limit,
            (Some(_), None) => return,
            (None, None) => EVERY,
        };
        self.due = Instant::now().checked_add(wait);
    }

    fn once(&self) -> bool {
        self.window.is_some() || self.limit.is_some()
    }

    async fn next(&mut self) -> Option<Result<Value>> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Some(Ok(row));
            }
            if self.over {
                return None;
            }
            let due = self.due;
            let due = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = due => self.tell(),
                message = self.messages.next() => match message {
                    Some(Ok((place, message))) => self.take(place, &message),
                    Some(Err(error)) => return Some(Err(error)),
                    // The dataflow has ended: what was measured is worth telling.
                    None => {
                        self.over = true;
                        if self.once() {
                            self.tell();
                        }
                    }
                },
            }
        }
    }

    fn take(&mut self, place: usize, message: &TopicMessage) {
        let Some(meter) = self.meters.get_mut(place).filter(|meter| !meter.told) else { return };
        meter.take(message);
        if self.window.is_some_and(|window| meter.came.len() >= window) {
            meter.told = true;
            self.ready.push_back(meter.row(message.time));
            self.over = self.meters.iter().all(|meter| meter.told);
        }
    }

    /// Makes a row for each topic that has none yet.
    fn tell(&mut self) {
        let now = UnixNanos::now();
        let once = self.once();
        for meter in self.meters.iter_mut().filter(|meter| !meter.told) {
            if !once {
                meter.forget(now);
            }
            self.ready.push_back(meter.row(now));
            meter.told = once;
        }
        self.over |= once;
        self.due = self.due.and_then(|due| due.checked_add(EVERY));
    }
}

/// What is measured of one topic.
struct Meter {
    name: String,
    /// When messages came, and their bytes.
    came: VecDeque<(UnixNanos, u64)>,
    missed: u64,
    told: bool,
}

impl Meter {
    fn new(name: String) -> Meter {
        Meter { name, came: VecDeque::new(), missed: 0, told: false }
    }

    fn take(&mut self, message: &TopicMessage) {
        self.came.push_back((message.time, message.size));
        self.missed += message.missed;
    }

    /// Forgets what is older than the window, but for the last message, since when it may be silent.
    fn forget(&mut self, now: UnixNanos) {
        while self.came.len() > 1 && self.came.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.came.pop_front();
        }
    }

    fn row(&self, now: UnixNanos) -> Value {
        let times = self.came.iter().map(|(at, _)| *at);
        let intervals: Vec<f64> = times.clone().zip(times.skip(1)).map(|(a, b)| b.since(a).as_secs_f64()).collect();
        // Messages after the first, each of which ends an interval.
        let bytes: u64 = self.came.iter().skip(1).map(|(_, size)| size).sum();
        let statistics = Statistics::of(&intervals);
        let silent = self.came.back().map_or(0.0, |(at, _)| now.since(*at).as_secs_f64());
        let mut measured: f64 = intervals.iter().sum();
        if statistics.as_ref().is_none_or(|statistics| silent > statistics.max) {
            measured += silent;
        }
        let per_second = |n: f64| if measured > 0.0 { n / measured } else { 0.0 };
        model::rate(
            now,
            &self.name,
            &model::Measured {
                rate: per_second(intervals.len() as f64),
                bandwidth: per_second(bytes as f64),
                messages: self.came.len() as u64,
                missed: self.missed,
                intervals: statistics,
            },
        )
    }
}

/// What is told of the intervals between messages, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statistics {
    pub mean: f64,
    pub min: f64,
    pub max: f64,
    pub stddev: f64,
    /// `None` of a single interval.
    pub jitter: Option<f64>,
}

impl Statistics {
    fn of(intervals: &[f64]) -> Option<Statistics> {
        if intervals.is_empty() {
            return None;
        }
        let count = intervals.len() as f64;
        let mean = intervals.iter().sum::<f64>() / count;
        let variance = intervals.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let changes = intervals.windows(2).map(|two| (two[1] - two[0]).abs());
        Some(Statistics {
            mean,
            min: intervals.iter().copied().fold(f64::INFINITY, f64::min),
            max: intervals.iter().copied().fold(0.0, f64::max),
            stddev: variance.sqrt(),
            jitter: (intervals.len() > 1).then(|| changes.sum::<f64>() / (count - 1.0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A meter to which messages of a kilobyte came at these milliseconds.
    fn meter(millis: &[i64]) -> Meter {
        let mut meter = Meter::new("a/b".to_string());
        meter.came = millis.iter().map(|at| (UnixNanos(at * 1_000_000), 1000)).collect();
        meter
    }

    fn field(meter: &Meter, now: i64, name: &str) -> String {
        let row = meter.row(UnixNanos(now * 1_000_000));
        format!("{:?}", row.as_record().unwrap().get(name).unwrap())
    }

    #[test]
    fn even_messages_have_a_rate_and_no_jitter() {
        let meter = meter(&[0, 100, 200, 300]);
        for (name, value) in
            [("rate", "10.0"), ("mean", "100ms"), ("stddev", "0ns"), ("jitter", "0ns"), ("bandwidth", "10000b")]
        {
            assert_eq!(field(&meter, 350, name), value, "{name}");
        }
    }

    #[test]
    fn uneven_messages_differ_from_one_interval_to_the_next() {
        let meter = meter(&[0, 100, 300, 400]);
        assert_eq!((field(&meter, 400, "min"), field(&meter, 400, "max")), ("100ms".into(), "200ms".into()));
        assert_eq!(field(&meter, 400, "jitter"), "100ms");
    }

    #[test]
    fn the_rate_of_a_silent_topic_falls() {
        let mut meter = meter(&[0, 100, 200]);
        assert_eq!(field(&meter, 1000, "rate"), "2.0");
        meter.forget(UnixNanos(60_000_000_000));
        assert_eq!(field(&meter, 60_000, "rate"), "0.0");
        assert_eq!(field(&meter, 60_000, "mean"), "null");
    }
}
