//! The configuration of a home: `config.yml` in its directory for configuration. Every key has a default, and without a
//! file all of them hold.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use diag::{Diagnostic, Result, Source, Sources, codes};
use store::Home;

use crate::descriptor::yaml::{Node, Value};
use crate::descriptor::{Problems, parse, schema};
use crate::logs::files::Rotation;
use crate::model::LogLevel;

/// The port dora-rs's CLI looks for a coordinator at.
pub const PORT: u16 = 6013;
/// The variable that names another file than the home's.
pub const FILE_VARIABLE: &str = "DORA_CONFIG";
/// The variable that sets another `daemon.log_level` than the file.
pub const LOG_LEVEL_VARIABLE: &str = "DORA_LOG_LEVEL";

/// What a home is set to.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Whether `dataflow start` starts in the daemon, without being told.
    pub in_daemon: bool,
    /// How long a node may take to stop before it is told by a signal, unless the order says otherwise.
    pub grace_period: Duration,
    /// Whether `path: shell` runs without a flag.
    pub allow_shell_nodes: bool,
    /// How large logs grow, unless a node says otherwise.
    pub rotation: Rotation,
    pub daemon: DaemonConfig,
}

/// What its daemon is set to.
#[derive(Debug, Clone, PartialEq)]
pub struct DaemonConfig {
    /// Of its control socket; 0 takes a free one.
    pub port: u16,
    /// On others than loopback every request needs the token.
    pub interface: IpAddr,
    /// What is less grave than this is not written to its log.
    pub log_level: LogLevel,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            in_daemon: false,
            grace_period: Duration::from_secs(10),
            allow_shell_nodes: false,
            rotation: Rotation::default(),
            daemon: DaemonConfig { port: PORT, interface: Ipv4Addr::LOCALHOST.into(), log_level: LogLevel::Info },
        }
    }
}

/// A key, its value, and what it takes to change it.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub key: &'static str,
    pub value: SettingValue,
    /// What it is without a file.
    pub default: SettingValue,
    /// Whether a daemon that runs must be restarted, not only told to read the configuration again.
    pub needs_restart: bool,
    pub about: &'static str,
}

/// A value of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingValue {
    Text(String),
    Bool(bool),
    Count(u64),
    Time(Duration),
    Bytes(u64),
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingValue::Text(text) => f.write_str(text),
            SettingValue::Bool(flag) => flag.fmt(f),
            SettingValue::Count(number) | SettingValue::Bytes(number) => number.fmt(f),
            SettingValue::Time(time) => time.as_secs_f64().fmt(f),
        }
    }
}

impl Config {
    /// Where it is read from: where `DORA_CONFIG` says, else from the home.
    pub fn path(home: &Home) -> PathBuf {
        named_file().unwrap_or_else(|| home.config().join("config.yml"))
    }

    /// Reads the configuration of a home.
    ///
    /// # Errors
    /// `INVALID_CONFIG` with every problem of the file at its place.
    pub fn load(home: &Home, sources: &Sources) -> Result<Config> {
        let path = Config::path(home);
        let mut config = match std::fs::read_to_string(&path) {
            Ok(text) => Config::read(&sources.add(path.display().to_string(), text))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named_file().is_none() => Config::default(),
            Err(error) => {
                return Err(Diagnostic::new(codes::INVALID_CONFIG, format!("{} cannot be read", path.display()))
                    .cause(diag::os_reason(&error)));
            }
        };
        if let Some(text) = std::env::var_os(LOG_LEVEL_VARIABLE).filter(|text| !text.is_empty()) {
            let text = text.to_string_lossy().to_lowercase();
            config.daemon.log_level = text.parse().map_err(|error| {
                Diagnostic::new(codes::INVALID_CONFIG, format!("{LOG_LEVEL_VARIABLE} is no log level: {error}"))
            })?;
        }
        Ok(config)
    }

    /// Reads a text.
    pub fn read(source: &Source) -> Result<Config> {
        let mut problems = Problems::new(source, codes::INVALID_CONFIG);
        let root = parse(source, &mut problems)?;
        schema::check_config(&root, &mut problems);
        problems.into_result()?;
        // Every value is of its type from here on.
        let mut config = Config::default();
        let daemon = root.get("daemon");
        let of_daemon = |key: &str| daemon.and_then(|daemon| daemon.get(key));
        set(&mut config.in_daemon, root.get("runtime"), |node| Some(node.text()? == "daemon"));
        set(&mut config.grace_period, root.get("grace_period"), seconds);
        set(&mut config.allow_shell_nodes, root.get("allow_shell_nodes"), Node::boolean);
        set(&mut config.rotation.size, root.get("log_size"), bytes);
        set(&mut config.rotation.files, root.get("log_files"), whole);
        set(&mut config.daemon.port, of_daemon("port"), whole);
        set(&mut config.daemon.interface, of_daemon("interface"), |node| node.text()?.parse().ok());
        set(&mut config.daemon.log_level, of_daemon("log_level"), |node| node.text()?.to_lowercase().parse().ok());
        Ok(config)
    }

    /// All keys with their values.
    pub fn settings(&self) -> Vec<Setting> {
        use SettingValue::{Bool, Bytes, Count, Text, Time};
        let rows = |config: &Config| {
            let place = if config.in_daemon { "daemon" } else { "embedded" };
            let daemon = &config.daemon;
            [
                ("runtime", Text(place.to_string()), false, "where `dataflow start` runs dataflows"),
                ("grace_period", Time(config.grace_period), false, "how long a node may take to stop by itself"),
                ("allow_shell_nodes", Bool(config.allow_shell_nodes), false, "whether `path: shell` needs no flag"),
                ("log_size", Bytes(config.rotation.size), false, "how large a log grows before a new file begins"),
                ("log_files", Count(config.rotation.files.into()), false, "older files kept of a log"),
                ("daemon.port", Count(daemon.port.into()), true, "port of its control socket; 0 takes a free one"),
                ("daemon.interface", Text(daemon.interface.to_string()), true, "address it listens on"),
                ("daemon.log_level", Text(daemon.log_level.to_string()), false, "what is less grave is not in its log"),
            ]
        };
        let defaults = rows(&Config::default());
        let both = rows(self).into_iter().zip(defaults);
        both.map(|((key, value, needs_restart, about), (_, default, ..))| Setting {
            key,
            value,
            default,
            needs_restart,
            about,
        })
        .collect()
    }
}

fn named_file() -> Option<PathBuf> {
    std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn set<T>(field: &mut T, node: Option<&Node>, read: impl Fn(&Node) -> Option<T>) {
    if let Some(value) = node.filter(|node| !node.is_null()).and_then(read) {
        *field = value;
    }
}

fn seconds(node: &Node) -> Option<Duration> {
    match node.value {
        Value::Integer(number) => u64::try_from(number).ok().map(Duration::from_secs),
        Value::Float(number) => Duration::try_from_secs_f64(number).ok(),
        _ => None,
    }
}

fn bytes(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::String(text) => dora_message::config::parse_byte_count(text).ok(),
        _ => None,
    }
}

fn whole<T: TryFrom<i128>>(node: &Node) -> Option<T> {
    match node.value {
        Value::Integer(number) => T::try_from(number).ok(),
        _ => None,
    }
}

/// The configuration of a home as it was last read.
pub struct Settings {
    home: Home,
    sources: Sources,
    current: RwLock<Option<Arc<Config>>>,
}

impl Settings {
    /// Reads nothing yet.
    pub fn new(home: Home, sources: Sources) -> Self {
        Settings { home, sources, current: RwLock::new(None) }
    }

    /// The configuration; it is read when it is asked for first.
    pub fn get(&self) -> Result<Arc<Config>> {
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.map_or_else(|| self.reload(), Ok)
    }

    /// Reads it again. One that is not valid changes nothing.
    pub fn reload(&self) -> Result<Arc<Config>> {
        let config = Arc::new(Config::load(&self.home, &self.sources)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(config.clone());
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        Config::read(&Sources::new().add("config.yml", text))
    }

    #[test]
    fn every_key_is_read_and_has_a_default() {
        let config = read(
            "runtime: daemon\ngrace_period: 2.5\nallow_shell_nodes: true\nlog_size: 1MB\nlog_files: 2\n\
             daemon: {port: 0, interface: '0.0.0.0', log_level: WARN}\n",
        )
        .unwrap();
        assert_eq!(config.grace_period, Duration::from_millis(2500));
        assert_eq!((config.rotation.size, config.rotation.files), (1 << 20, 2));
        assert_eq!((config.daemon.port, config.daemon.log_level), (0, LogLevel::Warn));
        assert!(config.settings().iter().all(|setting| setting.value != setting.default), "{:?}", config.settings());
        for nothing in ["", "# nothing\n", "daemon:\n"] {
            assert_eq!(read(nothing).unwrap(), Config::default());
        }
    }

    #[test]
    fn every_problem_is_told_with_the_nearest_right_key() {
        let error = read("runtime: deamon\ngrace_perod: 3\ndaemon: {port: 70000, interface: here}\n").unwrap_err();
        assert_eq!(error.code, codes::INVALID_CONFIG);
        let told = format!("{error:?}");
        for words in ["did you mean `daemon`", "did you mean `grace_period`", "0 to 65535", "IP address"] {
            assert!(told.contains(words), "{words:?} is missing in {told}");
        }
        assert_eq!(read("- 1").unwrap_err().code, codes::INVALID_CONFIG);
        assert_eq!(read("a: [").unwrap_err().code, codes::INVALID_CONFIG);
    }
}
