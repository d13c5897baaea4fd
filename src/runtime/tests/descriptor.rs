//! Every mistake in a dataflow file is told, at its place.

use std::path::Path;

use diag::{Diagnostic, Sources, codes};
use runtime::descriptor::module::Module;
use runtime::descriptor::plan::PlannedNode;
use runtime::descriptor::{self, Checked, graph};
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
fn what_belongs_to_git_is_told_where_it_is_wrong() {
    let source = |rest: &str| format!("nodes:\n  - id: a\n    path: made\n{rest}");
    assert!(check(&source("    git: https://example.org/a.git\n    tag: v1\n")).is_ok());
    for (rest, line, message) in [
        ("    git: x\n    branch: b\n    tag: t\n", 6, "node `a` has both `branch` and `tag`, and one is enough"),
        ("    build: 'true'\n    rev: abc\n", 5, "node `a` has a `rev` and no `git` that it belongs to"),
        ("    git: --upload-pack=x\n", 4, "this cannot be the address of a repository"),
        ("    build: echo 'open\n", 4, "the build command `echo 'open` cannot be split into words"),
    ] {
        let told = only(&source(rest));
        assert_eq!((told.0, told.2.as_str()), (line, message));
    }
    let operators = "nodes:\n  - id: a\n    git: x\n    operator: {python: a.py}\n";
    assert_eq!(only(operators).2, "node `a` has a `git` and no `path` in it");
}

#[test]
fn pip_becomes_the_pip_of_uv_where_uv_is_asked_for() {
    let yaml =
        "nodes:\n  - id: a\n    path: a.py\n    build: |\n      pip install x\n      pip3 list\n      pipx run y\n";
    let words = |uv: bool| {
        let options = StartOptions { uv, working_dir: Some("/nowhere".into()), ..StartOptions::text("flow.yml", yaml) };
        let checked = descriptor::load(&options, "/bin/true".as_ref(), &Sources::new()).unwrap();
        let commands = &checked.plan.nodes[0].build.commands;
        commands.iter().map(|command| command.words.join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(words(false), ["pip install x", "pip3 list", "pipx run y"]);
    assert_eq!(words(true), ["uv pip install x", "uv pip list", "pipx run y"]);
}

#[test]
fn a_variable_that_is_not_set_is_told_where_it_is_to_be_put_in() {
    let yaml = "env: {A: $SURELY_UNSET_1}\nnodes:\n  - id: a\n    path: a.py\n    env:\n      B: ${SURELY_UNSET_2}/x\n      C: ${SURELY_UNSET_3:-ok} $$X $PATH\n";
    let problems = check(yaml).err().unwrap();
    let told: Vec<(usize, &str)> =
        problems.iter().map(|(line, _, problem)| (*line, problem.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "`A` is to contain the variable `SURELY_UNSET_1`, which is not set"),
            (6, "`B` is to contain the variable `SURELY_UNSET_2`, which is not set"),
        ]
    );
}

const TYPED: &str = "\
nodes:
  - id: camera
    path: a.py
    outputs: [image, small]
    output_types: {image: std/media/v1/Image, small: std/core/v1/UInt8, imag: std/media/v1/Imge}
  - id: plot
    operators:
      - id: op
        python: a.py
        inputs: {picture: camera/image, number: camera/small, tick: dora/timer/hz/1}
        input_types: {picture: std/vision/v1/Detection, number: std/core/v1/UInt64, tick: std/core/v1/UInt64}
";

#[test]
fn types_that_do_not_fit_are_notices_and_mistakes_where_types_are_strict() {
    let expected = [
        (5, "there is a type for the output `imag`, and no such output"),
        (5, "`std/media/v1/Imge` is no type of dora's"),
        (
            11,
            "`plot/op` takes `std/vision/v1/Detection` at its input `picture`, and `camera/image` gives `std/media/v1/Image`",
        ),
    ];
    let checked = check(TYPED).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(checked.plan.notices.len(), 3, "{:?}", checked.plan.notices);
    assert!(checked.plan.notices[2].ends_with("(line 11 of flow.yml)"), "{:?}", checked.plan.notices);
    assert!(checked.plan.notices[1].contains("did you mean `std/media/v1/Image`?"), "{:?}", checked.plan.notices);

    let problems = check(&format!("strict_types: true\n{TYPED}")).err().unwrap();
    let told: Vec<(usize, &str)> =
        problems.iter().map(|(line, _, problem)| (line - 1, problem.message.as_str())).collect();
    assert_eq!(told, expected);
    assert!(problems.iter().all(|(_, _, problem)| problem.code == codes::TYPE_MISMATCH));

    let rule = "type_rules: [{from: std/media/v1/Image, to: std/vision/v1/Detection}]\n";
    assert_eq!(check(&format!("{rule}{TYPED}")).ok().unwrap().plan.notices.len(), 2);
}

#[test]
fn types_may_be_defined_beside_the_dataflow() {
    let root = tempfile::tempdir().unwrap();
    let flow = "\
nodes:
  - {id: a, path: /bin/true, outputs: [x], output_types: {x: my/sensors/v1/Thing}}
  - {id: b, path: /bin/true, inputs: {x: a/x}, input_types: {x: my/sensors/v1/Thng}}
";
    let load = |file: &str, text: &str| {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let options = StartOptions { working_dir: Some(root.path().into()), ..StartOptions::text("flow.yml", flow) };
        let checked = descriptor::load(&options, "/bin/true".as_ref(), &Sources::new());
        (path, checked.map(|checked| checked.plan.notices))
    };
    let (_, told) = load("types/README.md", "no types");
    assert_eq!(told.unwrap().len(), 3, "neither is known, and they do not fit");

    let (_, told) = load("types/my/sensors/v1.yml", "types: {Thing: {arrow: Struct}, Other: {arrow: Utf8}}");
    let told = told.unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("`my/sensors/v1/Thng` is no type"), "{told:?}");
    assert!(told[0].contains("did you mean `my/sensors/v1/Thing`"), "{told:?}");

    for (file, text, problem) in [
        ("types/my/broken.yml", "types: {", "expect"),
        ("types/my/broken.yml", "kinds: {}", "defines no types"),
        ("types/std/v1.yml", "types: {}", "dora's own"),
    ] {
        let (path, told) = load(file, text);
        let error = told.unwrap_err();
        assert!(error.to_string().contains(problem), "{error:?}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_graph_names_what_feeds_what_and_draws_it() {
    let checked = check(TYPED).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let edges = graph::edges(&checked.plan);
    let named: Vec<String> = edges.iter().map(|edge| format!("{} → {}", edge.source, edge.input.id)).collect();
    assert_eq!(named, ["camera/small → op/number", "camera/image → op/picture", "dora/timer/secs/1 → op/tick"]);
    let drawn = graph::mermaid(&checked.plan, &[Module { id: "box".into(), nodes: vec!["plot".into()] }]);
    assert_eq!(
        drawn,
        r#"flowchart TB
  subgraph m0 ["box"]
    n1[/"plot"\]
  end
  n0[\"camera"/]
  d0(["dora/timer/secs/1"])
  n0 -- "small as op/number: UInt8" --> n1
  n0 -- "image as op/picture: Image" --> n1
  d0 -- "op/tick" --> n1
"#
    );
}

/// The problems of a node that is to join a dataflow with a camera.
fn joining(yaml: &str) -> Result<PlannedNode, Vec<(usize, String)>> {
    let sources = Sources::new();
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a.py"), "").unwrap();
    let running =
        "nodes:\n  - {id: camera, path: a.py, outputs: [image]}\n  - {id: old, path: a.py, outputs: [gone]}\n";
    let options = StartOptions { working_dir: Some(root.path().into()), ..StartOptions::text("flow.yml", running) };
    let executable = Path::new("/bin/true");
    let plan = descriptor::load(&options, executable, &sources).unwrap().plan;
    let place = descriptor::resolve::Place::of(&options, root.path(), executable);
    let source = sources.add("the node", yaml);
    descriptor::load_node(&source, &place, &plan).map_err(|mut error| {
        let related = std::mem::take(&mut error.related);
        let line = |problem: &Diagnostic| {
            let span = problem.labels.first().expect("every problem has a place").span;
            sources.get(span.source).unwrap().line_column(span.start as usize).0
        };
        std::iter::once(*error).chain(related).map(|problem| (line(&problem), problem.message)).collect()
    })
}

#[test]
fn every_problem_of_a_node_that_is_to_join_is_told_at_its_line() {
    for (yaml, problems) in [
        ("id: [", &[(1, "")][..]),
        ("- id: a", &[(1, "a node is a map with an `id` and a `path`, and this is a list")]),
        ("path: a.py", &[(1, "a node needs `id`")]),
        ("id: a/b\npath: a.py", &[(1, "`a/b` cannot be the id of a node")]),
        ("id: a", &[(1, "node `a` does not say what to run")]),
        ("id: a\npath: a.py\noperators: []", &[(3, "node `a` has both `path` and `operators`")]),
        (
            "id: a\npath: b.py\nargs: \"'x\"",
            &[(2, "the program of node `a` was not found: `b.py`"), (3, "the arguments of node `a`")],
        ),
        (
            "id: a\npath: a.py\ncolour: red\noutputs: [x, x]",
            &[(3, "`colour` is not a key of a node"), (4, "the output `x` is declared twice")],
        ),
        (
            "id: a\npath: a.py\ninputs:\n  i: camra/image\n  j: camera/depth\n  k: dora/timer/x/1",
            &[
                (4, "`a` is to be fed by node `camra`"),
                (5, "`a` is to be fed by `camera/depth`"),
                (6, "`dora/timer/x/1` is not valid"),
            ],
        ),
        (
            "id: old\npath: a.py\noutputs: [new]\ninputs: {i: old/gone}",
            &[(4, "`old` is to be fed by `old/gone`, and node `old` has no output `gone`")],
        ),
        ("id: a\npath: shell\nargs: ls", &[(2, "node `a` is a command line of the shell")]),
        ("id: a\nmodule: m.yml", &[(2, "`module` is not supported by this runtime")]),
        ("id: a\nhub: x", &[(2, "`hub` is not supported by this runtime")]),
        ("id: a\npath: a.py\ndeploy: {machine: robot}", &[(3, "deployment to other machines is not supported")]),
        ("id: a\npath: a.py\nenv: {X: $SURELY_UNSET}", &[(3, "`X` is to contain the variable `SURELY_UNSET`")]),
        (
            "id: a\npath: a.py\nqueue: 1\nrestart_policy: soon",
            &[(3, "`queue` is not a key of a node"), (4, "`restart_policy` must be one of")],
        ),
    ] {
        let told = joining(yaml).err().unwrap_or_else(|| panic!("no problem is found in:\n{yaml}"));
        assert_eq!(told.len(), problems.len(), "{yaml}\n{told:#?}");
        for ((line, message), (wanted_line, wanted)) in told.iter().zip(problems) {
            assert!(line == wanted_line && message.starts_with(wanted), "{yaml}\n{told:#?}");
        }
    }
}

#[test]
fn a_node_that_joins_may_be_fed_by_those_that_run_and_by_itself() {
    let node = joining("id: a\npath: a.py\noutputs: [x]\ninputs: {i: camera/image, own: a/x, log: dora/logs/info/old}");
    let node = node.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(node.inputs.len(), 3);
    assert!(joining("id: guest\npath: dynamic\n").ok().unwrap().dynamic);
    let built = joining("id: made\npath: not/yet/there\nbuild: 'true'\n").ok().unwrap();
    assert_eq!((built.program, built.build.commands.len()), (None, 1));
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let sources = Sources::new();
    let error =
        descriptor::load(&StartOptions::file("/nowhere/flow.yml"), "/bin/true".as_ref(), &sources).err().unwrap();
    assert_eq!(error.code, codes::DATAFLOW_UNREADABLE);
}
