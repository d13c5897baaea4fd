use std::sync::Arc;

use engine::command::Kind;
use engine::{Context, Live, NoUi, Param, Registry};

use super::*;

/// A world with two dataflows.
struct TwoFlows;

impl Live for TwoFlows {
    fn names(&self, resource: &str) -> Vec<(String, String)> {
        let flows = [("demo", "running"), ("slam", "failed")];
        if resource == "node" {
            return ["camera", "imu", "demo/camera", "demo/imu"].map(|name| (name.into(), String::new())).into();
        }
        if resource != "dataflow" {
            return Vec::new();
        }
        flows.iter().map(|(name, status)| ((*name).into(), (*status).into())).collect()
    }
    fn file_type(&self, _: &std::path::Path) -> Option<Type> {
        None
    }
}

static LIST: Command = Command {
    name: "flow list",
    summary: "Lists flows",
    params: &[
        Param::switch("all", Some('a'), "Ended ones too"),
        Param::flag("sort", None, Takes::Words(&["name", "age"]), "By what"),
    ],
    io: &[("nothing", "table<name: string, status: string@[running stopped], size: filesize>")],
    yields: Some("flow"),
    ..Command::DEFAULT
};

static STOP: Command = Command {
    name: "flow stop",
    summary: "Stops flows",
    params: &[
        Param::rest("names", Takes::Name("dataflow"), "Which"),
        Param::flag("grace", Some('g'), Takes::Type("duration"), "How long they may take"),
    ],
    io: &[("any", "table")],
    ..Command::DEFAULT
};

fn session() -> Session {
    let mut all = commands::all();
    all.extend([&LIST, &STOP]);
    let registry = Registry::new(&all, commands::ALIASES);
    let context = Context::new(registry, Sources::new(), Arc::new(NoUi), Arc::new(TwoFlows));
    Session::new(context)
}

fn texts(session: &Session, line: &str) -> Vec<String> {
    candidates(session, line, line.len()).into_iter().map(|candidate| candidate.text).collect()
}

/// What is offered for a line in a new session.
fn offered(line: &str) -> Vec<String> {
    texts(&session(), line)
}

#[test]
fn commands_are_offered_by_their_beginning_with_what_they_do() {
    let session = session();
    let found = candidates(&session, "flow l", 6);
    assert_eq!((found[0].text.as_str(), found[0].span.clone(), found[0].about.as_str()), ("list", 5..6, "Lists flows"));
    assert_eq!(texts(&session, "flow"), ["flow list", "flow stop"]);
    assert_eq!(texts(&session, "flow "), ["list", "stop"]);
    assert!(texts(&session, "ec").contains(&"echo".to_string()));
}

#[test]
fn flags_are_offered_once_each_and_their_values_from_the_closed_set() {
    assert_eq!(offered("flow list --"), ["--all", "--sort", "--help"]);
    assert_eq!(offered("flow list --all --"), ["--sort", "--help"]);
    assert_eq!(offered("flow list --sort "), ["name", "age"]);
    assert_eq!(offered("flow list --sort=a"), ["age"]);
    assert_eq!(offered("flow list "), ["--all", "--sort", "--help"]);
}

#[test]
fn names_of_live_things_are_offered_and_not_twice() {
    assert_eq!(offered("flow stop "), ["demo", "slam"]);
    assert_eq!(offered("flow stop demo "), ["slam"]);
    assert_eq!(offered("flow stop --grace 5sec d"), ["demo"]);
}

#[test]
fn nodes_are_offered_by_name_and_within_a_dataflow_once_that_was_named() {
    assert_eq!(offered("node inspect "), ["camera", "imu"]);
    assert_eq!(offered("node inspect demo/"), ["demo/camera", "demo/imu"]);
    assert!(offered("node nosuch ").is_empty(), "no files where a command is missing");
}

#[test]
fn words_of_a_list_are_offered_one_after_another() {
    assert_eq!(offered("dataflow logs demo --level ")[..2], ["error", "warn"]);
    let line = "dataflow logs demo --level error,w";
    let found = candidates(&session(), line, line.len());
    assert_eq!((found[0].text.as_str(), found[0].span.clone()), ("warn", line.len() - 1..line.len()));
    assert!(!offered("dataflow logs demo --level=error,").contains(&"error".to_string()));
}

#[test]
fn help_completes_the_names_of_commands_word_by_word() {
    assert_eq!(offered("help dataf"), ["dataflow"]);
    assert_eq!(offered("help dataflow remo"), ["remove"]);
}

#[test]
fn what_is_offered_after_a_pipe_takes_what_flows() {
    for command in ["dataflow list | ", "node list | ", "topic list | "] {
        let session = session();
        for verb in texts(&session, command) {
            let line = format!("{command}{verb}");
            let errors = session.check(&Sources::new().add("<t>", line.as_str())).errors;
            // Some do once their columns are named, which comes next.
            let refused = errors.iter().find(|error| {
                error.code == diag::codes::WRONG_PIPELINE_INPUT && !error.message.ends_with("columns are named")
            });
            assert!(refused.is_none(), "{line}: {refused:?}");
        }
    }
}

#[test]
fn columns_are_those_of_what_flows_in() {
    let columns = ["name", "status", "size"];
    assert_eq!(offered("flow list | where "), columns);
    assert_eq!(offered("flow list | where s"), ["status", "size"]);
    assert_eq!(offered("flow list | select name "), ["status", "size"]);
    assert_eq!(offered("flow list | select name size | sort-by "), ["name", "size"]);
    assert_eq!(offered("flow list | where size > 1kb and "), columns);
    assert_eq!(offered("let a = (flow list | where "), columns);
    assert_eq!(offered("flow list | each {|x| 1 }; flow list | where "), columns);
}

#[test]
fn conditions_offer_operators_after_a_column_and_words_after_a_comparison() {
    let operators = offered("flow list | where status ");
    assert!(operators.contains(&"==".to_string()) && !operators.contains(&"and".to_string()), "{operators:?}");
    assert_eq!(offered("flow list | where status == "), ["running", "stopped"]);
    assert_eq!(offered("flow list | where status == r"), ["running"]);
    assert_eq!(offered("flow list | where status == running "), ["and", "or"]);
}

#[test]
fn verbs_of_the_resource_that_flows_in_come_first() {
    assert_eq!(offered("flow list | where status == running | s")[0], "stop");
    assert_eq!(offered("flow list | stop --g"), ["--grace"]);
    assert!(!offered("[1 2] | ").contains(&"stop".to_string()));
}

#[test]
fn variables_and_functions_of_the_session_and_of_the_line_are_offered() {
    let mut session = session();
    session
        .run("<t>", "let threshold = 1\ndef twice [x: int] { $x * 2 }\nlet r = {alpha: 1, beta: 'x'}", true)
        .result
        .unwrap();
    assert_eq!(texts(&session, "echo $th"), ["$threshold"]);
    assert_eq!(texts(&session, "let thin = 1; $th"), ["$thin", "$threshold"]);
    assert_eq!(texts(&session, "tw"), ["twice"]);
    assert_eq!(texts(&session, "$r."), ["$r.alpha", "$r.beta"]);
    assert!(texts(&session, "$env.PA").contains(&"$env.PATH".to_string()));
}

#[test]
fn files_are_offered_with_quotes_where_they_need_them() {
    let root = tempfile::tempdir().unwrap();
    for file in ["data.csv", "da ta.csv", ".hidden"] {
        std::fs::write(root.path().join(file), "a\n").unwrap();
    }
    std::fs::create_dir(root.path().join("dir")).unwrap();
    let mut session = session();
    session.env_mut().set_cwd(root.path().to_path_buf());
    assert_eq!(texts(&session, "open da"), ["\"da ta.csv\"", "data.csv"]);
    assert_eq!(texts(&session, "open \"da t"), ["\"da ta.csv\""]);
    assert_eq!(texts(&session, "open ."), [".hidden"]);
    assert_eq!(texts(&session, "cd "), ["dir/"]);
    assert_eq!(texts(&session, "open ./di"), ["./dir/"]);
}

#[test]
fn nothing_is_offered_in_comments_and_texts() {
    assert!(offered("flow list # fl").is_empty());
    assert!(offered("echo $\"fl").is_empty());
}

#[test]
fn any_cursor_in_any_line_is_answered() {
    let session = session();
    let line = "flow list | where (size > 1kb) and status == 'é' | each {|row| $row.name | str up } | sort-by ";
    for cursor in (0..=line.len()).filter(|at| line.is_char_boundary(*at)) {
        for candidate in candidates(&session, line, cursor) {
            assert!(candidate.span.end == cursor && line.get(candidate.span).is_some());
        }
    }
}

#[test]
fn an_answer_comes_within_the_budget() {
    let session = session();
    let line = "flow list | where size > 1kb | sort-by name | select name status | where ";
    candidates(&session, line, line.len());
    let begun = std::time::Instant::now();
    let rounds = 20;
    for _ in 0..rounds {
        candidates(&session, line, line.len());
    }
    let each = begun.elapsed() / rounds;
    assert!(each < std::time::Duration::from_millis(50), "{each:?}");
}

#[test]
fn rest_parameters_go_on_for_ever() {
    assert_eq!(LIST.params.iter().filter(|param| param.kind == Kind::Rest).count(), 0);
    assert_eq!(offered("flow list | select name status "), ["size"]);
}
