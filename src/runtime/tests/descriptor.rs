//! Every mistake in a dataflow file is told, at its place.

use diag::{Diagnostic, Sources, codes};
use runtime::descriptor::plan::PlannedNode;
use runtime::descriptor::{self, Checked};
use runtime::model::StartOptions;

fn check(yaml: &str) -> Result<Checked, Vec<(usize, usize, Diagnostic)>> {
    let sources = Sources::new();
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a.py"), "").unwrap();
    std::fs::write(root.path().join("camera.py"), "").unwrap();
    std::fs::write(root.path().join("data.txt"), "").unwrap();
    let options = StartOptions { working_dir: Some(root.path().into()), ..StartOptions::text("flow.yml", yaml) };
    descriptor::load(&options, "/bin/true".as_ref(), &sources).map_err(|mut error| {
        let related = std::mem::take(&mut error.related);
        let mut all = vec![*error];
        all.extend(related);
        let place = |problem: &Diagnostic| {
            let span = problem.labels.first().expect("every problem has a place").span;
            sources.get(span.source).unwrap().line_column(span.start as usize)
        };
        all.into_iter().map(|problem| (place(&problem).0, place(&problem).1, problem)).collect()
    })
}

/// Everything a node's program is given.
fn args_of(node: &PlannedNode) -> Vec<String> {
    let program = node.program.as_ref().unwrap();
    program.args.iter().chain(&node.args).map(|word| word.to_str().unwrap().to_string()).collect()
}

/// The only problem of a file: line, column, message and help.
fn only(yaml: &str) -> (usize, usize, String, String) {
    let mut problems = check(yaml).err().unwrap_or_else(|| panic!("no problem is found in:\n{yaml}"));
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let (line, column, problem) = problems.remove(0);
    (line, column, problem.message, problem.help.unwrap_or_default())
}

#[test]
fn all_problems_of_a_file_are_told_at_once_in_its_order() {
    let problems = check(
        "\
nodes:
  - id: camera
    path: camra.py
    output: [image]
    inputs:
      tick: dora/timer/milis/100
  - id: camera
    path: a.py
    restart_policy: sometimes
  - id: plot
    path: a.py
    inputs:
      image: camara/image
      depth: {source: camera/depth, queue_size: many}
",
    )
    .err()
    .unwrap();
    let told: Vec<(usize, usize, &str)> =
        problems.iter().map(|(line, column, problem)| (*line, *column, problem.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (3, 11, "the program of node `camera` was not found: `camra.py`"),
            (4, 5, "`output` is not a key of a node"),
            (
                6,
                13,
                "`dora/timer/milis/100` is not valid: timer unit must be `secs`, `millis`, `micros`, `nanos`, or `hz` (got `milis`)"
            ),
            (7, 9, "two nodes have the id `camera`"),
            (9, 21, "`restart_policy` must be one of never, on-failure, always"),
            (13, 14, "`plot` is to be fed by node `camara`, and there is no such node"),
            (14, 23, "`plot` is to be fed by `camera/depth`, and node `camera` has no output `depth`"),
            (14, 49, "`queue_size` must be a whole number from 0 to 4294967296, and this is text"),
        ]
    );
    let helps: Vec<&str> = problems.iter().filter_map(|(_, _, problem)| problem.help.as_deref()).collect();
    assert!(helps.iter().any(|help| help.starts_with("did you mean `outputs`")), "{helps:?}");
    assert!(helps.contains(&"did you mean `millis`?"), "{helps:?}");
    assert!(helps.contains(&"did you mean `camera`?"), "{helps:?}");
}

#[test]
fn text_that_is_not_yaml_is_told_where_it_ceases_to_be() {
    let (line, _, message, _) = only("nodes:\n  - id: a\n   path: a.py\n");
    assert_eq!(line, 3, "{message}");
    assert_eq!(only("nodes: [a\n").0, 2);
    assert_eq!(only("").2, "the dataflow is empty: it needs `nodes`");
    assert_eq!(only("- 1\n").2, "a dataflow is a map with `nodes`, and this is a list");
}

#[test]
fn a_program_that_is_nowhere_is_told_with_what_lies_beside_it() {
    let problems = check("nodes:\n  - id: a\n    path: camra.py\n  - id: b\n    path: data.txt\n").err().unwrap();
    assert_eq!(problems.len(), 2);
    assert!(problems.iter().all(|(_, _, problem)| problem.code == codes::PROGRAM_NOT_FOUND));
    assert_eq!((problems[0].0, problems[0].1), (3, 11));
    assert_eq!(problems[0].2.help.as_deref(), Some("did you mean `camera.py`?"));
    assert!(problems[1].2.causes[0].title.contains("not executable"), "{:?}", problems[1].2);
}

#[test]
fn what_dora_can_and_this_runtime_cannot_is_told_as_that() {
    for (node, key) in [
        ("hub: some/package", "`hub`"),
        ("path: https://example.org/node", "a program from a web address"),
        ("ros2: {topic: /a}", "`ros2`"),
        ("operator: {shared-library: a}", "an operator that is a shared-library"),
        ("path: a.py\n    deploy: {machine: robot}", "deployment to other machines"),
    ] {
        let problems = check(&format!("nodes:\n  - id: a\n    {node}\n")).err().unwrap();
        assert_eq!(problems.len(), 1, "{node}: {problems:?}");
        assert_eq!(problems[0].2.code, codes::UNSUPPORTED_IN_DATAFLOW, "{node}");
        assert_eq!(problems[0].2.message, format!("{key} is not supported by this runtime"));
        assert!(problems[0].2.help.is_some());
    }
}

#[test]
fn what_is_missing_is_told_at_the_thing_that_lacks_it() {
    assert_eq!(only("nodes:\n  - path: a.py\n").2, "a node needs `id`");
    assert_eq!(only("nodes:\n  - id: a\n").2, "node `a` does not say what to run");
    assert_eq!(only("nodes: []\n").2, "the dataflow has no nodes");
    assert_eq!(only("node: []\n").3, "did you mean `nodes`?".to_string());
}

#[test]
fn keys_of_earlier_versions_are_told_where_they_went() {
    let problems = check("nodes:\n  - id: a\n    custom: {source: a.py}\n").err().unwrap();
    assert!(
        problems
            .iter()
            .any(|(_, _, problem)| problem.help.as_deref().is_some_and(|help| help.contains("since dora 1.0")))
    );
}

#[test]
fn a_whole_valid_file_becomes_a_plan() {
    let checked = check(
        "\
env: {COMMON: 1, SHARED: common}
nodes:
  - id: a
    path: a.py
    args: --name 'two words' -v
    env: {SHARED: own, FLAG: true, LD_PRELOAD: /evil.so}
    inputs:
      tick: dora/timer/hz/50
      logs: dora/logs/warn/b
      image: {source: b/image, queue_size: 3, queue_policy: backpressure, input_timeout: 1.5}
    restart_policy: always
    restart_delay: 0.5
    min_log_level: INFO
    max_log_size: 10MB
    cpu_affinity: [0]
  - id: b
    path: dora-builtin
    args: camera --rate 30
    outputs: [image]
    output_types: {image: std/media/v1/Image}
",
    )
    .unwrap_or_else(|problems| panic!("{problems:#?}"));
    let [a, b] = checked.plan.nodes.as_slice() else { panic!("two nodes") };
    let args: Vec<_> = args_of(a).into_iter().skip(2).collect();
    assert_eq!(args, ["--name", "two words", "-v"]);
    assert_eq!(args_of(a)[0], "-u");
    assert_eq!((a.env["COMMON"].as_str(), a.env["SHARED"].as_str(), a.env["FLAG"].as_str()), ("1", "own", "true"));
    let image = a.inputs.iter().find(|input| input.id.to_string() == "image").unwrap();
    assert_eq!(image.queue_size, 3);
    assert_eq!(a.restart.backoff(3), std::time::Duration::from_secs(2));
    assert_eq!(b.program.as_ref().unwrap().name.as_deref(), Some("dora-builtin"));
    assert_eq!(b.program.as_ref().unwrap().path.to_str(), Some("/bin/true"));
    assert_eq!(checked.hash.len(), 64);
    // Nothing that is valid is refused, and nothing that has no effect is silent.
    assert_eq!(checked.plan.notices.len(), 1, "{:?}", checked.plan.notices);
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let sources = Sources::new();
    let error =
        descriptor::load(&StartOptions::file("/nowhere/flow.yml"), "/bin/true".as_ref(), &sources).err().unwrap();
    assert_eq!(error.code, codes::DATAFLOW_UNREADABLE);
}
