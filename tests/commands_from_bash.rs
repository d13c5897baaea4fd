//! `dora NOUN VERB …`, `dora -c`, scripts: output formats and exit codes.

use crate::world::World;

#[test]
fn a_reader_gives_the_same_rows_in_every_format() {
    let world = World::new();
    world.write("t.csv", "name,size\na,1\nb,2\n");
    let json: serde_json::Value =
        serde_json::from_str(&world.dora(&["open", "t.csv", "--output", "json"]).out).expect("JSON");
    assert_eq!(json, serde_json::json!([{"name": "a", "size": 1}, {"name": "b", "size": 2}]));
    let yaml: serde_json::Value =
        serde_yaml::from_str(&world.dora(&["open", "t.csv", "--output=yaml"]).out).expect("YAML");
    assert_eq!(yaml, json);
    assert_eq!(world.dora(&["open", "t.csv", "--output", "csv"]).out, "name,size\na,1\nb,2\n");
    assert_eq!(world.dora(&["open", "t.csv", "--output", "ndjson"]).out.lines().count(), 2);
    assert_eq!(world.dora(&["open", "t.csv", "--quiet"]).out, "a\nb\n");
    assert!(world.dora(&["open", "t.csv"]).out.contains("name"));
}

#[test]
fn an_empty_list_still_has_its_columns() {
    let ran = World::new().dora(&["dataflow", "list"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("status"), "{}", ran.out);
    assert_eq!(World::new().dora(&["dataflow", "list", "--output", "json"]).out.trim(), "[]");
}

#[test]
fn a_watched_line_gives_its_rows_again_and_again_until_nobody_reads_them() {
    let world = World::new();
    let dora = world.command(&[]);
    let mut command = std::process::Command::new("bash");
    let line = "set -o pipefail; \"$0\" dataflow list --watch --interval 20ms --output json | head -n 3";
    command.args(["-c", line]).arg(dora.get_program()).current_dir(world.path());
    command.envs(dora.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = crate::world::ran(command.output().expect("bash"));
    assert_eq!((ran.code, ran.out.as_str()), (0, "[]\n[]\n[]\n"), "{}", ran.err);
}

#[test]
fn what_never_ends_is_given_to_programs_row_by_row() {
    let world = World::new();
    world.write(
        "flow.yml",
        "nodes:\n  - {id: a, path: dora-builtin, args: counter --rate 50, outputs: [n]}\n  \
         - {id: b, path: dora-builtin, args: sink --report 100ms, inputs: {n: a/n}}\n",
    );
    world.eval("dataflow start flow.yml --detach");
    let dora = world.command(&[]);
    let mut command = std::process::Command::new("bash");
    let line = "set -o pipefail; \"$0\" node logs b --follow --output json | head -n 2";
    command.args(["-c", line]).arg(dora.get_program()).current_dir(world.path());
    command.envs(dora.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = crate::world::ran(command.output().expect("bash"));
    let rows: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(ran.code == 0 && rows.len() == 2, "{}{}", ran.out, ran.err);
    assert_eq!(rows[0]["node"], "b");
}

#[test]
fn variables_are_given_as_users_of_dora_rs_type_them() {
    let world = World::new();
    world.write(
        "node.dora",
        "export def on-start [] { print $'($env.COLOR) ($env.CODE)' }\nexport def on-input [event] { null }\n",
    );
    world.write(
        "flow.yml",
        "nodes:\n  - {id: a, path: dora-builtin, args: counter --count 1, outputs: [n]}\n  \
         - {id: b, path: dora-builtin, args: script node.dora, inputs: {n: a/n}}\n",
    );
    let ran = world.dora(&["dataflow", "start", "flow.yml", "--env", "COLOR=blue", "--env=CODE=007"]);
    assert!(ran.code == 0 && ran.out.contains("blue 007"), "{}{}", ran.out, ran.err);
}

#[test]
fn exit_codes_tell_what_kind_of_failure_it_was() {
    let world = World::new();
    assert_eq!(world.dora(&["-c", "1 + 1"]).code, 0);
    assert_eq!(world.dora(&["-c", "error make {msg: 'x'}"]).code, 1);
    assert_eq!(world.dora(&["-c", "nonsense-command"]).code, 2);
    assert_eq!(world.dora(&["dataflow", "inspect", "nothing"]).code, 10);
    assert_eq!(world.dora(&["dataflow", "start", "nothing.yml"]).code, 10);
    assert_eq!(world.dora(&["-c", "exit 7"]).code, 7);
    assert_eq!(world.dora(&["-c", "^sh -c 'exit 9'"]).code, 9);
    let missing = world.dora(&["nothing.dora"]);
    assert!(missing.code == 10 && missing.err.contains("DORA_E606"), "{}", missing.err);
}

#[test]
fn an_unknown_output_format_names_the_right_one() {
    let ran = World::new().dora(&["dataflow", "list", "--output", "jsn"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("json"), "{}", ran.err);
}

#[test]
fn a_mistyped_flag_is_shown_under_the_callers_own_words() {
    let ran = World::new().dora(&["dataflow", "list", "--al"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("dataflow list --al") && ran.err.contains("--all"), "{}", ran.err);
}

#[test]
fn a_script_has_arguments_and_help() {
    let world = World::new();
    let script = "# Greets.\ndef main [name: string, --times: int = 1] {\n    1..$times | each {|_| $\"hello ($name)\" } | str join ', '\n}\n";
    world.write("greet.dora", script);
    assert_eq!(world.dora(&["greet.dora", "you", "--times", "2"]).out, "hello you, hello you\n");
    assert!(world.dora(&["greet.dora", "--help"]).out.contains("Greets."));
    assert_eq!(world.dora(&["greet.dora"]).code, 2);
}

#[test]
fn a_closed_standard_output_ends_quietly() {
    let world = World::new();
    let mut command = world.command(&["-c", "1..1000000 | each {|n| $n }"]);
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    let ran = crate::world::ran(child.wait_with_output().expect("ends"));
    assert_eq!(ran.err, "");
}

#[test]
fn a_query_over_a_file_is_written_to_another() {
    let world = World::new();
    world.write("nodes.csv", "topic,size,latency\na,500,1\na,2000,2\nb,3000,5\na,4000,4\n");
    world.eval(
        "open nodes.csv | where size > 1kb | group-by topic \
         | aggregate { n: (length), mean: ($in.latency | math avg) } | save out.parquet",
    );
    let result = world.eval("open out.parquet | to json --raw");
    assert_eq!(result, r#"[{"topic":"a","n":2,"mean":3.0},{"topic":"b","n":1,"mean":5.0}]"#);
}

#[test]
fn what_cannot_be_got_back_is_not_removed_unasked() {
    let ran = World::new().dora(&["dataflow", "remove", "a", "b"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("DORA_E610") && ran.err.contains("--yes"), "{}", ran.err);
}

#[test]
fn bytes_on_standard_input_come_as_they_are() {
    let world = World::new();
    let read = |name: &str, bytes: &[u8], code: &str| {
        let file = world.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        let mut command = world.command(&["--stdin", "-c", code]);
        command.stdin(std::fs::File::open(&file).expect("the file"));
        crate::world::ran(command.output().expect("runs"))
    };
    assert_eq!(read("text", "é\n".as_bytes(), "$stdin | str length").out, "3\n");
    let ran = read("bytes", b"\xff\x00a", "$stdin == 0x[ff 00 61]");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("true\n", ""));
}

#[test]
fn checking_a_script_runs_nothing_of_it() {
    let world = World::new();
    let script = world.write("f.dora", "const x = (do { ^touch made })\nconst y = ([1] | each { touch made; 1 })\n");
    let ran = world.dora(&["check", &script.display().to_string()]);
    assert_eq!((ran.code, ran.err.matches("DORA_E211").count()), (2, 2), "{}", ran.err);
    assert!(!world.path().join("made").exists());
}
