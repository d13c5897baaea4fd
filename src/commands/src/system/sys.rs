//! What the machine is and how it does.

use sysinfo::{Components, CpuRefreshKind, Disks, MINIMUM_CPU_UPDATE_INTERVAL, Networks, System, Users};
use value::DateTime;

use crate::prelude::*;

/// What all of them declare alike.
const SYS: Command =
    Command { category: Category::System, search: &["machine", "hardware", "top"], ..Command::DEFAULT };

pub static CPU: Command = Command {
    name: "sys cpu",
    summary: "Lists the processors",
    details: "Usage is that of the fifth of a second that is looked on, in percent of one processor.",
    io: &[(
        "nothing",
        "table<name: string, brand: string, vendor_id: string, freq: int, cpu_usage: float, load_average: string>",
    )],
    examples: &[try_it("How busy they are", "sys cpu | get cpu_usage | math avg")],
    run: |call, _| {
        let mut system = known(call, System::new())?;
        system.refresh_cpu_all();
        call.context().block_on(async { tokio::time::sleep(MINIMUM_CPU_UPDATE_INTERVAL).await })?;
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage().with_frequency());
        let load = known(call, System::load_average())?;
        let load = format!("{:.2}, {:.2}, {:.2}", load.one, load.five, load.fifteen);
        let rows = system.cpus().iter().map(|cpu| {
            let usage = (f64::from(cpu.usage()) * 10.0).round() / 10.0;
            row([
                ("name", Value::from(cpu.name())),
                ("brand", Value::from(cpu.brand().trim())),
                ("vendor_id", Value::from(cpu.vendor_id())),
                ("freq", count(cpu.frequency())),
                ("cpu_usage", Value::Float(usage)),
                ("load_average", Value::from(load.as_str())),
            ])
        });
        Ok(table(rows))
    },
    ..SYS
};

pub static MEM: Command = Command {
    name: "sys mem",
    summary: "Tells of the machine's memory",
    io: &[(
        "nothing",
        "record<total: filesize, free: filesize, used: filesize, available: filesize, swap total: filesize, swap free: filesize, swap used: filesize>",
    )],
    examples: &[try_it("What is left", "sys mem | get available")],
    run: |call, _| {
        let mut system = known(call, System::new())?;
        system.refresh_memory();
        Ok(Data::Value(row([
            ("total", bytes(system.total_memory())),
            ("free", bytes(system.free_memory())),
            ("used", bytes(system.used_memory())),
            ("available", bytes(system.available_memory())),
            ("swap total", bytes(system.total_swap())),
            ("swap free", bytes(system.free_swap())),
            ("swap used", bytes(system.used_swap())),
        ])))
    },
    ..SYS
};

pub static HOST: Command = Command {
    name: "sys host",
    summary: "Tells what this machine is: its name, its system, since when it runs",
    io: &[(
        "nothing",
        "record<name: any, os_version: any, long_os_version: any, kernel_version: any, hostname: any, uptime: duration, boot_time: datetime>",
    )],
    examples: &[try_it("Since when", "sys host | get boot_time")],
    run: |call, _| {
        let text = |told: std::result::Result<String, _>| told.ok().map_or(Value::Nothing, Value::string);
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        let uptime = seconds(known(call, System::uptime())?);
        let boot = seconds(known(call, System::boot_time())?);
        Ok(Data::Value(row([
            ("name", text(System::name())),
            ("os_version", text(System::os_version())),
            ("long_os_version", text(System::long_os_version())),
            ("kernel_version", text(System::kernel_version())),
            ("hostname", text(System::host_name())),
            ("uptime", Value::Duration(uptime)),
            ("boot_time", Value::DateTime(moment(boot))),
        ])))
    },
    ..SYS
};

pub static DISKS: Command = Command {
    name: "sys disks",
    summary: "Lists the file systems with the room on them",
    io: &[(
        "nothing",
        "table<device: string, type: string, mount: string, total: filesize, free: filesize, removable: bool, kind: string>",
    )],
    examples: &[try_it("The fullest ones", "sys disks | where free < 10gb")],
    search: &["df", "space", "mount"],
    run: |call, _| {
        let disks = known(call, Disks::new_with_refreshed_list())?;
        let rows = disks.iter().map(|disk| {
            row([
                ("device", Value::string(disk.name().to_string_lossy())),
                ("type", Value::string(disk.file_system().to_string_lossy())),
                ("mount", Value::string(disk.mount_point().to_string_lossy())),
                ("total", bytes(disk.total_space())),
                ("free", bytes(disk.available_space())),
                ("removable", Value::Bool(disk.is_removable())),
                ("kind", Value::string(disk.kind().to_string())),
            ])
        });
        Ok(table(rows))
    },
    ..SYS
};

pub static NET: Command = Command {
    name: "sys net",
    summary: "Lists the network interfaces, with what has gone through them",
    io: &[(
        "nothing",
        "table<name: string, mac: string, ip: table<address: string, protocol: string, loopback: bool, multicast: bool>, sent: filesize, recv: filesize>",
    )],
    examples: &[try_it("The busy ones", "sys net | where recv > 1mb")],
    search: &["ifconfig", "interface", "address"],
    run: |call, _| {
        let networks = known(call, Networks::new_with_refreshed_list())?;
        let mut list: Vec<_> = networks.iter().collect();
        list.sort_by_key(|(name, _)| (*name).clone());
        let rows = list.into_iter().map(|(name, network)| {
            let ip = network.ip_networks().iter().map(|ip| {
                row([
                    ("address", Value::string(ip.addr.to_string())),
                    ("protocol", Value::from(if ip.addr.is_ipv4() { "ipv4" } else { "ipv6" })),
                    ("loopback", Value::Bool(ip.addr.is_loopback())),
                    ("multicast", Value::Bool(ip.addr.is_multicast())),
                ])
            });
            row([
                ("name", Value::string(name.to_string_lossy())),
                ("mac", Value::string(network.mac_address().to_string())),
                ("ip", Value::list(ip.collect::<Vec<_>>())),
                ("sent", bytes(network.total_transmitted())),
                ("recv", bytes(network.total_received())),
            ])
        });
        Ok(table(rows))
    },
    ..SYS
};

pub static TEMP: Command = Command {
    name: "sys temp",
    summary: "Lists the temperatures of the machine's parts, in degrees Celsius",
    io: &[(
        "nothing",
        "table<unit: string, temp: oneof<float, nothing>, high: oneof<float, nothing>, critical: oneof<float, nothing>>",
    )],
    examples: &[try_it("The hottest", "sys temp | sort-by temp --reverse | first 3")],
    search: &["sensors", "heat"],
    run: |_, _| {
        // A machine without sensors has none to tell of.
        let components = Components::new_with_refreshed_list();
        let components = components.as_ref().map_or(&[][..], |components| components);
        let degrees = |told: Option<f32>| told.map_or(Value::Nothing, |told| Value::Float(f64::from(told)));
        let rows = components.iter().map(|part| {
            row([
                ("unit", Value::from(part.label())),
                ("temp", degrees(part.temperature())),
                ("high", degrees(part.max())),
                ("critical", degrees(part.critical())),
            ])
        });
        Ok(table(rows))
    },
    ..SYS
};

pub static USERS: Command = Command {
    name: "sys users",
    summary: "Lists the machine's users with their groups",
    io: &[("nothing", "table<name: string, groups: list<string>>")],
    examples: &[try_it("Who may use the cameras", "sys users | where 'video' in groups")],
    run: |call, _| {
        let users = known(call, Users::new_with_refreshed_list())?;
        let mut rows: Vec<(String, Vec<Value>)> = users
            .iter()
            .map(|user| {
                let groups = user.groups();
                (user.name().to_string(), groups.iter().map(|group| Value::from(group.name())).collect())
            })
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(table(
            rows.into_iter()
                .map(|(name, groups)| row([("name", Value::string(name)), ("groups", Value::list(groups))])),
        ))
    },
    ..SYS
};

/// What the system tells, or an error that it tells nothing.
pub(super) fn known<T, E: std::fmt::Debug>(call: &Call<'_>, told: std::result::Result<T, E>) -> Result<T> {
    told.map_err(|error| {
        Diagnostic::new(codes::CANNOT_READ, format!("the system does not tell: {error:?}")).label(call.head, "")
    })
}

pub(super) fn row<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    Value::record(fields.into_iter().collect())
}

pub(super) fn table(rows: impl Iterator<Item = Value>) -> Data {
    Data::Value(Value::list(rows.collect::<Vec<_>>()))
}

pub(super) fn bytes(bytes: u64) -> Value {
    Value::Filesize(i64::try_from(bytes).unwrap_or(i64::MAX))
}

pub(super) fn count(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A moment on this machine's clock, from nanoseconds since 1970.
pub(super) fn moment(nanos: i64) -> DateTime {
    crate::files::local(nanos)
}
