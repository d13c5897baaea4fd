//! The tables people see most, as a terminal of 80 and one of 120 columns shows them.

use render::{Options, value_to_text};
use value::{DateTime, Record, Type, Value};

/// The rows of a command's table with these cells; what is not given is null. Columns are the declared ones.
fn table(command: &str, rows: &[&[(&str, Value)]]) -> String {
    let all = commands::all();
    let command = all.iter().find(|known| known.name == command).unwrap_or_else(|| panic!("no {command}"));
    let of = command.io.iter().find_map(|(_, to)| Type::parse(to).ok()?.fields().cloned()).unwrap();
    let row = |cells: &&[(&str, Value)]| {
        for (name, _) in *cells {
            assert!(of.get(name).is_some(), "{} has no column {name}", command.name);
        }
        let cell = |name: &str| {
            cells.iter().find(|(known, _)| *known == name).map_or(Value::Nothing, |(_, cell)| cell.clone())
        };
        Value::record(of.names().map(|name| (name, cell(name))).collect::<Record>())
    };
    shown(Value::list(rows.iter().map(row).collect::<Vec<_>>()))
}

fn shown(value: Value) -> String {
    let now = "2026-11-25T12:00:00[UTC]".parse().unwrap();
    let at = |width| {
        let options = Options { now: Some(jiff::Zoned::clone(&now)), ..Options::terminal(width, false) };
        value_to_text(&value, &options).unwrap()
    };
    format!("{}\n\n{}", at(80), at(120))
}

fn time(text: &str) -> Value {
    Value::DateTime(DateTime::parse(text).unwrap())
}

#[test]
fn of_logs_the_messages_are_shown() {
    let row = |seconds: &str, node: &str, level: &str, message: &str| {
        [
            ("time", time(&format!("2026-11-25T03:48:{seconds}Z"))),
            ("node", node.into()),
            ("level", level.into()),
            ("message", message.into()),
            ("stream", "stderr".into()),
            ("target", "dora::camera".into()),
            ("fields", Value::record(Record::new())),
        ]
    };
    let rows = [
        row("26.293", "camera", "info", "opened /dev/video0 with 640x480 at 30 frames per second, exposure automatic"),
        row("27", "monitor", "warn", "image: 7 messages lost"),
    ];
    insta::assert_snapshot!(table("dataflow logs", &[&rows[0], &rows[1]]));
}

#[test]
fn of_nodes_state_and_load_are_shown_and_the_cause_of_a_failure() {
    let row = |name: &str, status: &str, cause: Value| {
        [
            ("name", name.into()),
            ("dataflow", "demo".into()),
            ("status", status.into()),
            ("cause", cause),
            ("cpu", 27.5.into()),
            ("memory", Value::Filesize(18_800_000)),
            ("uptime", Value::Duration(65_000_000_000)),
            ("restarts", 0.into()),
            ("pid", 30_631.into()),
            ("received", 120_000.into()),
            ("sent", 120_000.into()),
            ("received_rate", 100.0.into()),
            ("sent_rate", 30.0.into()),
            ("source", "dora-builtin".into()),
            ("id", "01a1fbd1-0000-7000-8000-000000000000/camera".into()),
        ]
    };
    let healthy = [row("camera", "running", Value::Nothing), row("imu", "running", Value::Nothing)];
    let failed = row("imu", "failed", "ended with SIGKILL".into());
    let both = [table("node list", &[&healthy[0], &healthy[1]]), table("node list", &[&healthy[0], &failed])];
    insta::assert_snapshot!(both.join("\n\n"));
}

#[test]
fn of_events_the_reasons_are_shown() {
    let row = [
        ("time", time("2026-11-24T23:59:26.293Z")),
        ("dataflow", "demo".into()),
        ("node", "camera".into()),
        ("kind", "transition".into()),
        ("from", "running".into()),
        ("to", "failed".into()),
        ("why", "ended with exit code 1 after 3 restarts".into()),
    ];
    insta::assert_snapshot!(table("dataflow events", &[&row]));
}

#[test]
fn of_changes_the_way_back_is_shown() {
    let row = [
        ("name", "demo".into()),
        ("action", "stop".into()),
        ("status", "ok".into()),
        ("took", Value::Duration(7_177_000)),
        ("undo", "dataflow start /home/ann/flows/demo.yml --name demo".into()),
        ("resource", "dataflow".into()),
    ];
    insta::assert_snapshot!(table("dataflow stop", &[&row]));
}

#[test]
fn of_long_lists_of_files_names_sizes_and_times_are_shown() {
    let row = |name: &str, kind: &str, size: i64, modified: &str| {
        let fields = [
            ("name", Value::from(name)),
            ("type", kind.into()),
            ("size", Value::Filesize(size)),
            ("modified", time(modified)),
            ("target", Value::Nothing),
            ("mode", "644".into()),
            ("uid", 0.into()),
            ("gid", 0.into()),
            ("links", 1.into()),
            ("readonly", false.into()),
            ("inode", 1_234_567.into()),
        ];
        Value::record(fields.into_iter().collect::<Record>())
    };
    let rows = vec![
        row("a-file-with-quite-a-long-name.parquet", "file", 12_345_678, "2026-11-25T10:00:00Z"),
        row("src", "dir", 4096, "2025-01-31T10:00:00Z"),
    ];
    insta::assert_snapshot!(shown(Value::list(rows)));
}
