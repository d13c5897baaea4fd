use runtime::config::{Config, SettingValue};
use runtime::control::daemon;
use store::{Home, Store};

use super::control::the_daemon;
use crate::ask;
use crate::changes::{self, DRY_RUN};
use crate::model;
use crate::prelude::*;

const KEYS: &str = "table<key: string, value: any, default: any, needs_restart: bool, about: string>";
const VALID: &str = "record<file: string, valid: bool>";

/// What `--edit` begins with where there is no file.
const TEMPLATE: &str = "\
# What this home is set to. A line without `#` sets a key; `dora daemon config` shows all of them.
# runtime: embedded          # or daemon: where `dataflow start` runs dataflows
# grace_period: 10           # seconds a node may take to stop by itself
# allow_shell_nodes: false   # whether `path: shell` needs no flag
# log_size: 64MiB            # how large a log grows before a new file begins
# log_files: 5               # older files kept of a log
# daemon:
#   port: 6013
#   interface: 127.0.0.1
#   log_level: info
";

pub static CONFIG: Command = Command {
    name: "daemon config",
    category: Category::Daemon,
    summary: "Shows what this home and its daemon are set to, or checks or edits the file",
    details: "The file is `config.yml` in the directory for configuration, or where `DORA_CONFIG` says; without one every \
              key has its default. `DORA_COORDINATOR_PORT`, `DORA_COORDINATOR_INTERFACE` and `DORA_LOG_LEVEL` go before it. \
              A daemon that runs reads it again with `daemon reload-config`; keys with `needs_restart` take effect with \
              `daemon restart`.",
    params: &[
        Param::switch("show", None, "Show all keys, as without any flag"),
        Param::switch("validate", None, "Only check the file"),
        Param::switch("edit", None, "Open it in the editor that VISUAL or EDITOR names, then check it"),
    ],
    io: &[("nothing", KEYS)],
    examples: &[
        try_it("All keys", "daemon config"),
        try_it("What takes a restart", "daemon config | where needs_restart"),
        try_it("Check the file", "daemon config --validate"),
    ],
    search: &["settings", "options", "configuration"],
    infer: Some(|shape| shape.switch("validate").then(|| Type::parse(VALID).ok()).flatten()),
    run: |call, _| {
        ask::fleet(call)?;
        let store = call.context().service::<Store>()?;
        if call.switch("edit") {
            edit(call, store.home())?;
        }
        let config = Config::load(store.home(), call.context().sources())?;
        if call.switch("validate") {
            let file = model::text(Config::path(store.home()).display());
            let fields = [("file", file), ("valid", Value::Bool(true))];
            return Ok(Data::Value(Value::record(fields.into_iter().collect())));
        }
        let rows = config.settings().into_iter().map(|setting| {
            let fields = [
                ("key", model::text(setting.key)),
                ("value", value_of(&setting.value)),
                ("default", value_of(&setting.default)),
                ("needs_restart", Value::Bool(setting.needs_restart)),
                ("about", model::text(setting.about)),
            ];
            Value::record(fields.into_iter().collect())
        });
        Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};

fn value_of(value: &SettingValue) -> Value {
    match value {
        SettingValue::Text(text) => model::text(text),
        SettingValue::Bool(flag) => Value::Bool(*flag),
        SettingValue::Count(number) => model::int(*number),
        SettingValue::Time(time) => model::duration(*time),
        SettingValue::Bytes(bytes) => model::size(*bytes),
    }
}

/// Lets the user's editor have the file, and waits for it.
fn edit(call: &Call<'_>, home: &Home) -> Result<()> {
    let path = Config::path(home);
    if !call.context().ui().is_interactive() {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, "an editor needs a terminal")
            .label(call.span("edit"), "there is none")
            .help(format!("write the file: {}", path.display())));
    }
    if !path.exists() {
        Home::create(home.config())?;
        std::fs::write(&path, TEMPLATE).map_err(|error| {
            Diagnostic::new(codes::CANNOT_WRITE, format!("{} cannot be written", path.display()))
                .cause(diag::os_reason(&error))
        })?;
    }
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| call.env().get(name).map(value::text::to_text));
    let editor = named.filter(|editor| !editor.trim().is_empty()).unwrap_or_else(|| "vi".to_string());
    // Editors come with arguments: `code --wait`.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or_default();
    let failed = |why: String| {
        Diagnostic::new(codes::PROGRAM_FAILED, format!("the editor `{editor}` {why}"))
            .label(call.span("edit"), "")
            .help("the variables VISUAL and EDITOR name another one")
    };
    match std::process::Command::new(program).args(words).arg(&path).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("ended with {status}"))),
        Err(error) => Err(failed(format!("cannot be started: {}", diag::os_reason(&error)))),
    }
}

pub static RELOAD: Command = Command {
    name: "daemon reload-config",
    category: Category::Daemon,
    summary: "Has the daemon read its configuration again; its dataflows go on",
    details: "A configuration that is not valid changes nothing. Keys that need a restart keep their values until then.",
    params: &[Param::switch("validate-first", None, "Check the file here before the daemon is asked"), DRY_RUN],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("After a change", "daemon reload-config --validate-first")],
    search: &["settings", "again", "sighup"],
    run: |call, _| {
        ask::fleet(call)?;
        let store = call.context().service::<Store>()?;
        if call.switch("validate-first") || call.switch("dry-run") {
            Config::load(store.home(), call.context().sources())?;
        }
        changes::apply(call, "daemon", "reload-config", vec![the_daemon()], |_| {
            let store = store.clone();
            Box::pin(async move { daemon::handle(&store)?.reload_config().await.map(|()| None) })
        })
    },
    ..Command::DEFAULT
};
