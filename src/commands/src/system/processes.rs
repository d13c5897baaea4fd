use sysinfo::{MINIMUM_CPU_UPDATE_INTERVAL, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::sys::{bytes, count, known, moment, row, table};
use crate::prelude::*;

pub static PROCESSES: Command = Command {
    name: "sys processes",
    category: Category::System,
    summary: "Lists the processes of the machine",
    details: "Processor time is that of the fifth of a second that is looked on, in percent of one processor.",
    params: &[Param::switch("long", Some('l'), "With command line, start, user and directory")],
    io: &[(
        "nothing",
        "table<pid: int, ppid: oneof<int, nothing>, name: string, status: string, cpu: float, mem: filesize, virtual: filesize>",
    )],
    examples: &[
        try_it("The largest", "sys processes | sort-by mem --reverse | first 5"),
        try_it("All of Python", "sys processes --long | where command =~ python"),
    ],
    search: &["ps", "top", "tasks", "pid", "kill"],
    infer: Some(|shape| {
        let long = "table<pid: int, ppid: oneof<int, nothing>, name: string, status: string, cpu: float, mem: filesize, \
                    virtual: filesize, command: string, start_time: datetime, user_id: any, cwd: any>";
        shape.switch("long").then(|| Type::parse(long).ok()).flatten()
    }),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, _: Data) -> Result<Data> {
    let long = call.switch("long");
    let mut system = known(call, System::new())?;
    let mut what = ProcessRefreshKind::nothing().with_cpu().with_memory();
    if long {
        let once = UpdateKind::OnlyIfNotSet;
        what = what.with_cmd(once).with_user(once).with_cwd(once);
    }
    let mut look = || system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    look();
    call.context().block_on(async { tokio::time::sleep(MINIMUM_CPU_UPDATE_INTERVAL).await })?;
    look();
    let mut processes: Vec<_> = system.processes().values().filter(|process| process.thread_kind().is_none()).collect();
    processes.sort_by_key(|process| process.pid());
    Ok(table(processes.into_iter().map(|process| {
        let short = [
            ("pid", Value::Int(process.pid().as_u32().into())),
            ("ppid", process.parent().map_or(Value::Nothing, |parent| Value::Int(parent.as_u32().into()))),
            ("name", Value::string(process.name().to_string_lossy())),
            ("status", Value::string(process.status().to_string())),
            ("cpu", Value::Float((f64::from(process.cpu_usage()) * 10.0).round() / 10.0)),
            ("mem", bytes(process.memory())),
            ("virtual", bytes(process.virtual_memory())),
        ];
        if !long {
            return row(short);
        }
        let words: Vec<_> = process.cmd().iter().map(|word| word.to_string_lossy()).collect();
        let start = i64::try_from(process.start_time()).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        let rest = [
            ("command", Value::string(words.join(" "))),
            ("start_time", Value::DateTime(moment(start))),
            ("user_id", process.user_id().map_or(Value::Nothing, |id| count(u64::from(**id)))),
            ("cwd", process.cwd().map_or(Value::Nothing, |cwd| Value::string(cwd.to_string_lossy()))),
        ];
        Value::record(short.into_iter().chain(rest).collect())
    })))
}
