//! The least that a program with runtimes needs: it can be its own guard, daemon and built-in nodes.
//!
//! `shell hold FILE NAME` runs a dataflow in this process until standard input closes, as a shell does;
//! `shell detach FILE NAME` starts it in the daemon; `shell list` tells what runs anywhere.

use std::io::{Read, Write};
use std::process::ExitCode;

use diag::Sources;
use runtime::control::{Fleet, daemon};
use runtime::model::StartOptions;
use runtime::{Options, guard};
use store::runtimes::RuntimeKind;
use store::{Home, Store};

fn main() -> ExitCode {
    if guard::is_wanted() {
        return guard::main();
    }
    if std::env::var_os("DORA_BUILTIN").is_some() {
        return exit(nodes::main(std::env::args_os().skip(1).collect(), None));
    }
    if daemon::is_wanted() {
        return exit(daemon::main());
    }
    let tokio = tokio::runtime::Runtime::new().map_err(|error| error.to_string());
    match tokio.and_then(|tokio| tokio.block_on(run()).map_err(|error| format!("{error:?}"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

async fn run() -> diag::Result<()> {
    let fleet = Fleet::new(Options {
        store: Store::open(Home::locate()?),
        sources: Sources::new(),
        kind: RuntimeKind::Embedded,
        journal: None,
        executable: std::env::current_exe().unwrap_or_default(),
    });
    let args: Vec<String> = std::env::args().skip(1).collect();
    let options = |file: &str, name: &str| StartOptions { name: Some(name.to_string()), ..StartOptions::file(file) };
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["hold", file, name] => {
            let flow = fleet.handle().start(options(file, name)).await?;
            say(&format!("{} {}", flow.status, flow.runtime));
            let waited = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
            drop(waited);
            fleet.handle().shutdown(false).await?;
        }
        ["detach", file, name] => {
            let flow = fleet.start_detached(options(file, name)).await?;
            say(&format!("{} {}", flow.status, flow.runtime));
        }
        ["list"] => {
            for flow in fleet.handle().list(true).await? {
                say(&format!("{} {} {}", flow.name, flow.status, flow.runtime));
            }
        }
        _ => say("shell hold FILE NAME | detach FILE NAME | list"),
    }
    Ok(())
}

fn say(line: &str) {
    // Whoever reads may have gone.
    let _ = writeln!(std::io::stdout(), "{line}");
}
