//! `$nu`: what a program may want to know of the process that it runs in, under the names that Nushell has for it.

use value::{Record, Value};

use crate::context::{Context, Env};

/// The value of `$nu`.
pub(crate) fn about(context: &Context, env: &Env) -> Value {
    let path = |path: std::path::PathBuf| Value::string(path.to_string_lossy());
    let system = [
        ("name", Value::from(std::env::consts::OS)),
        ("arch", Value::from(std::env::consts::ARCH)),
        ("family", Value::from(std::env::consts::FAMILY)),
    ];
    let fields = [
        ("pid", Value::Int(std::process::id().into())),
        ("current-exe", std::env::current_exe().map_or(Value::Nothing, path)),
        ("home-dir", path(env.resolve("~"))),
        ("temp-dir", path(std::env::temp_dir())),
        ("is-interactive", Value::Bool(context.ui().has_job_control())),
        ("os-info", Value::record(system.into_iter().collect())),
    ];
    Value::record(fields.into_iter().collect::<Record>())
}
