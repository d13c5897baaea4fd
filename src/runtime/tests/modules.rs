//! Modules become the nodes they stand for, and every mistake is told in the file it is in.

use std::path::Path;

use diag::{Diagnostic, Sources};
use runtime::descriptor::{self, Checked};
use runtime::model::StartOptions;

use crate::world::{World, with_python};

/// The files of a dataflow, `flow.yml` among them, each with its text; nothing is in the others.
fn check(files: &[(&str, &str)]) -> Result<Checked, Vec<String>> {
    let sources = Sources::new();
    let root = tempfile::tempdir().unwrap();
    let home = root.path().join("project");
    for (name, text) in files {
        let file = home.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let options = StartOptions::file(home.join("flow.yml"));
    descriptor::load(&options, "/bin/true".as_ref(), &sources).map_err(|mut error| {
        let related = std::mem::take(&mut error.related);
        let place = |problem: &Diagnostic| {
            let span = problem.labels.first().expect("every problem has a place").span;
            let source = sources.get(span.source).unwrap();
            let file = Path::new(&source.name).file_name().unwrap().to_string_lossy().into_owned();
            format!("{file}:{}: {}: {}", source.line_column(span.start as usize).0, problem.code.id(), problem.message)
        };
        std::iter::once(*error).chain(related).map(|problem| place(&problem)).collect()
    })
}

const OUTER: &str = "\
module: {name: outer, inputs: [raw], inputs_optional: [opt], outputs: [result]}
build: echo module
nodes:
  - id: p
    path: p.py
    args: --speed $PARAM_SPEED ${_param.speed}
    env: {X: inner}
    build: echo own
    inputs: {d: _mod/raw, o: _mod/opt, log: dora/logs/info/n2}
    outputs: [mid]
  - id: n
    module: inner.yml
    inputs: {in: {source: p/mid, queue_size: 7}}
    params: {k: $PARAM_SPEED}
  - id: n2
    path: ls
    inputs: {own: {source: _mod/raw, queue_policy: backpressure}}
  - id: last
    operators:
      - {id: op1, python: op.py, inputs: {x: n/out}, outputs: [result]}
";

const INNER: &str = "\
module: {name: inner, inputs: [in], outputs: [out]}
nodes:
  - {id: leaf, path: ../leaf.py, args: $PARAM_K, inputs: {i: _mod/in}, outputs: [out]}
";

const FLOW: &str = "\
nodes:
  - {id: src, path: src.py, outputs: [a]}
  - id: mod
    module: modules/outer.yml
    inputs: {raw: {source: src/a, queue_size: 3}}
    params: {speed: '2.0'}
    env: {X: outer, Y: outer}
    build: echo node
  - {id: sink, path: src.py, inputs: {r: mod/result}}
";

const SCRIPTS: &[(&str, &str)] = &[("src.py", ""), ("leaf.py", ""), ("modules/p.py", ""), ("modules/op.py", "")];

fn with(files: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    SCRIPTS.iter().chain(files).copied().collect()
}

#[test]
fn a_nested_module_becomes_nodes_with_all_that_it_hands_down() {
    let files = with(&[("flow.yml", FLOW), ("modules/outer.yml", OUTER), ("modules/inner.yml", INNER)]);
    let checked = check(&files).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let ids: Vec<String> = checked.plan.nodes.iter().map(|node| node.id.to_string()).collect();
    assert_eq!(ids, ["src", "mod.p", "mod.n.leaf", "mod.n2", "mod.last", "sink"]);
    let expected = "\
nodes:
- id: src
  path: src.py
  outputs:
  - a
- id: mod.p
  path: modules/p.py
  args: --speed 2.0 2.0
  env:
    X: inner
    Y: outer
    PARAM_SPEED: '2.0'
  build: |-
    echo node
    echo module
    echo own
  inputs:
    d:
      source: src/a
      queue_size: 3
    log: dora/logs/info/mod.n2
  outputs:
  - mid
- id: mod.n.leaf
  path: leaf.py
  args: '2.0'
  inputs:
    i:
      source: mod.p/mid
      queue_size: 7
  outputs:
  - out
  build: |-
    echo node
    echo module
  env:
    X: outer
    Y: outer
    PARAM_SPEED: '2.0'
    PARAM_K: '2.0'
- id: mod.n2
  path: ls
  inputs:
    own:
      queue_policy: backpressure
      source: src/a
      queue_size: 3
  build: |-
    echo node
    echo module
  env:
    X: outer
    Y: outer
    PARAM_SPEED: '2.0'
- id: mod.last
  operators:
  - id: op1
    python: modules/op.py
    inputs:
      x: mod.n.leaf/out
    outputs:
    - result
    build: |-
      echo node
      echo module
  env:
    X: outer
    Y: outer
    PARAM_SPEED: '2.0'
- id: sink
  path: src.py
  inputs:
    r: mod.last/op1/result
";
    assert_eq!(checked.expanded.as_deref(), Some(expected));
    assert_eq!(checked.modules.len(), 1);
    assert_eq!(checked.modules[0].nodes, ["mod.p", "mod.n.leaf", "mod.n2", "mod.last"]);
}

#[test]
fn every_mistake_is_told_in_the_file_it_is_in() {
    let told = |files: &[(&'static str, &'static str)]| check(&with(files)).err().unwrap_or_default();
    let flow = "\
nodes:
  - id: mod
    module: modules/outer.yml
    inputs: {row: src/a}
    restart_policy: always
    params: {a-b: x, s: y, S: z}
  - {id: src, path: src.py, outputs: [a], inputs: {back: mod/other}}
";
    let module = "\
module: {name: m, inputs: [raw], outputs: [result, gone]}
nodes:
  - {id: p, path: nowhere.py, inputs: {d: _mod/rew, e: q/x, f: _mod/raw}, outputs: [result], color: red}
";
    assert_eq!(
        told(&[("flow.yml", flow), ("modules/outer.yml", module)]),
        [
            "flow.yml:3: DORA_E033: the module of node `mod` needs the input `raw`, and the node does not give it",
            "flow.yml:4: DORA_E033: the module of node `mod` has no input `row`",
            "flow.yml:5: DORA_E033: node `mod` is a module, and `restart_policy` belongs to the nodes in it",
            "flow.yml:6: DORA_E033: `a-b` cannot be the name of a parameter: it is letters, digits and `_`",
            "flow.yml:6: DORA_E033: two parameters of node `mod` would both be the variable `PARAM_S`",
            "flow.yml:7: DORA_E033: the module `mod` has no output `other`",
            "outer.yml:1: DORA_E033: the module declares the output `gone`, and none of its nodes has it",
            "outer.yml:3: DORA_E010: the program of node `mod.p` was not found: `modules/nowhere.py`",
            "outer.yml:3: DORA_E033: the module declares no input `rew`",
            "outer.yml:3: DORA_E002: `mod.p` is to be fed by node `q`, and there is no such node",
            "outer.yml:3: DORA_E002: `color` is not a key of a node",
        ]
    );
}

#[test]
fn a_module_that_cannot_be_read_or_goes_round_in_a_circle_is_told_at_its_name() {
    let flow = |module: &str| {
        format!("nodes:\n  - id: m\n    module: {module}\n  - {{id: s, path: src.py, inputs: {{x: m/y}}}}\n")
    };
    let told = |module: &str, files: &[(&str, &str)]| {
        let flow = flow(module);
        let mut all: Vec<(&str, &str)> = SCRIPTS.to_vec();
        all.push(("flow.yml", flow.as_str()));
        all.extend(files);
        check(&all).err().unwrap_or_default()
    };
    assert_eq!(told("gone.yml", &[]), ["flow.yml:3: DORA_E033: the module of node `m` was not found: `gone.yml`"]);
    assert_eq!(
        told("/etc/hostname", &[]),
        [
            "flow.yml:3: DORA_E033: the module of node `m` must be named from the directory of its file on: `/etc/hostname`"
        ]
    );
    assert_eq!(
        told("../outside.yml", &[("../outside.yml", "")]),
        ["flow.yml:3: DORA_E033: the module of node `m` lies outside the dataflow's directory: `../outside.yml`"]
    );
    assert_eq!(told("m.yml", &[("m.yml", "a: [")])[0].split(':').next(), Some("m.yml"));
    assert_eq!(told("m.yml", &[("m.yml", "nodes: []")]), ["m.yml:1: DORA_E002: a module needs `module`"]);
    let (a, b) = (
        "module: {name: a, outputs: [y]}\nnodes:\n  - {id: b, module: b.yml}\n",
        "module: {name: b, outputs: [y]}\nnodes:\n  - {id: a, module: a.yml}\n",
    );
    assert_eq!(
        told("a.yml", &[("a.yml", a), ("b.yml", b)]),
        ["b.yml:3: DORA_E033: modules go round in a circle: a.yml → b.yml → a.yml"]
    );
    let deep: Vec<(String, String)> = (0..9)
        .map(|n| (format!("{n}.yml"), format!("module: {{name: a}}\nnodes:\n  - {{id: b, module: {}.yml}}\n", n + 1)))
        .collect();
    let deep: Vec<(&str, &str)> = deep.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let deep = [deep.as_slice(), &[("9.yml", "module: {name: a}\nnodes: []\n")]].concat();
    assert_eq!(told("0.yml", &deep)[0], "7.yml:3: DORA_E033: modules are nested more than 8 deep");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_of_a_module_run_and_are_restarted_as_they_were_though_its_file_has_changed() {
    let world = World::new();
    let flow = "\
nodes:
  - id: m
    module: m.yml
    params: {word: hello}
    inputs: {tick: dora/timer/millis/10}
  - {id: sink, path: sink.py, inputs: {said: m/said}}
";
    let module = "\
module: {name: m, inputs: [tick], outputs: [said]}
nodes:
  - {id: source, path: source.py, args: $PARAM_WORD, inputs: {tick: _mod/tick}, outputs: [said]}
";
    let source = "\
import os, sys, pyarrow as pa
from dora import Node
node = Node()
next(iter(node))
node.send_output('said', pa.array([sys.argv[1] + ' ' + os.environ['PARAM_WORD']]))
";
    let sink = "\
from dora import Node
for event in Node():
    if event['type'] == 'INPUT': print(event['value'][0])
";
    let file = world.write(flow, &[("m.yml", module), ("source.py", source), ("sink.py", sink)]);
    let first = world.handle.start(with_python(&file)).await.unwrap();
    assert_eq!(world.printed(first.id).await, ["sink: hello hello"]);
    assert_eq!(world.handle.inspect(first.id).await.unwrap().descriptor, flow);

    std::fs::write(world.root.path().join("m.yml"), "nonsense").unwrap();
    let again = world.handle.restart(first.id, Default::default(), false).await.unwrap();
    assert_eq!(world.printed(again.id).await, ["sink: hello hello"]);
}
