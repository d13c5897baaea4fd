//! `dora`: the words decide what this process is: shell, script, one command, daemon, guard or built-in node.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Processes that this program starts of itself come first: they must not look at anything else.
    if runtime::guard::is_wanted() {
        return runtime::guard::main();
    }
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    let code = if Path::new(&name).file_name().is_some_and(|name| name == "dora-builtin") {
        shell::node::main(args.collect())
    } else if runtime::control::daemon::is_wanted() {
        runtime::control::daemon::main()
    } else {
        shell::main(args.map(|arg| arg.to_string_lossy().into_owned()).collect())
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
