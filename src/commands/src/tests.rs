//! What all declarations must keep to.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use diag::{Sources, codes};
use engine::{Context, NoLive, NoUi, Session};

fn session() -> Session {
    Session::new(Context::new(crate::registry(), Sources::new(), Arc::new(NoUi), Arc::new(NoLive)))
}

#[test]
fn every_example_gives_what_it_says() {
    let mut wrong = Vec::new();
    for command in crate::all() {
        for example in command.examples {
            let Some(expected) = example.result else { continue };
            let (given, wanted) = (session().value(example.code), session().value(expected));
            match (given, wanted) {
                (Ok(given), Ok(wanted)) if given == wanted => {}
                (given, wanted) => {
                    wrong.push(format!("{}: {}\n  gives  {given:?}\n  wanted {wanted:?}", command.name, example.code))
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} examples are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_declaration_is_missing_from_the_slices() {
    let known: HashSet<&str> = crate::all().iter().map(|command| command.name).collect();
    assert_eq!(known.len(), crate::all().len(), "two commands have one name");
    let mut missing = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if !text.contains("pub static") || path.ends_with("mod.rs") || path.ends_with("tests.rs") {
                continue;
            }
            let names = text.split("\n    name: \"").skip(1).filter_map(|rest| rest.split('"').next());
            missing
                .extend(names.filter(|name| !known.contains(name)).map(|name| format!("{name} in {}", path.display())));
        }
    }
    assert!(missing.is_empty(), "not in any slice: {missing:#?}");
}

#[test]
fn declarations_read_alike() {
    let mut wrong = Vec::new();
    for command in crate::all() {
        let name = command.name;
        let mut note = |what: &str| wrong.push(format!("{name}: {what}"));
        if command.summary.is_empty()
            || command.summary.ends_with('.')
            || command.summary.starts_with(char::is_lowercase)
        {
            note("the summary is a sentence without a full stop");
        }
        if command.examples.is_empty() {
            note("has no example");
        }
        if name.split(' ').count() > 3
            || name.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == ' '))
        {
            note("names are lower-case words joined by dashes");
        }
        for (from, to) in command.io {
            if let Err(error) = value::Type::parse(from).and_then(|_| value::Type::parse(to)) {
                note(&format!("{from} -> {to}: {error}"));
            }
        }
        let mut shorts = HashSet::new();
        for param in command.params {
            if param.doc.ends_with('.') || param.doc.is_empty() {
                note(&format!("`{}` needs a fragment without a full stop", param.name));
            }
            if let Err(error) = value::Type::parse(param.takes.type_text().replace("condition", "closure").as_str()) {
                note(&format!("`{}`: {error}", param.name));
            }
            if let Some(short) = param.short() {
                if !shorts.insert(short) || short == 'h' {
                    note(&format!("`-{short}` is taken"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Names that are not `noun verb` with a conventional verb, and why.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("dataflow build", "what dora-rs users type; it fetches and compiles, and starts nothing"),
    ("dataflow expand", "what dora-rs users type; it takes modules apart"),
    ("dataflow graph", "what dora-rs users type; it shows a file, not something that runs"),
    ("job spawn", "what users of Nushell type; it starts what has no name yet"),
    ("job kill", "what users of Nushell and of other shells type"),
    ("job unfreeze", "what users of Nushell type; `resume` is for what `pause` has stopped"),
    ("daemon config", "it shows, checks and edits one file, which has no parts with verbs of their own"),
    ("daemon debug", "internals, which nobody should build on"),
    ("daemon reload-config", "nothing is restarted, and nothing but the configuration is read"),
    ("dataflow stats", "what docker's users type; figures, where `status` is a state"),
    ("node stats", "as above"),
    ("error make", "raises what `catch` catches; nothing is created that stays"),
    ("builtin link", "makes a link, as `ln` does; `create` would promise a node"),
    ("context show", "what kubectl's and docker's users type for the one in use"),
    ("error explain", "the long form of a code, as in other compilers"),
    ("node connect", "wires an input to an output; nothing is created that has a name"),
    ("node disconnect", "the undoing of `node connect`"),
    ("node reload", "what dora-rs calls it, and no restart"),
    ("node replace", "one node in another's place, at once"),
    ("param delete", "what dora-rs calls it"),
    ("param get", "what dora-rs calls it"),
    ("param set", "what dora-rs calls it"),
    ("query sql", "a language to ask in, as Nushell has `query db`"),
    ("topic echo", "what dora-rs and ROS call it, as the other verbs of topics"),
    ("topic hz", "as above"),
    ("topic info", "as above"),
    ("topic pub", "as above"),
];

/// First words that gather functions of one kind of value rather than verbs of a thing.
const FAMILIES: &[&str] = &[
    "ansi", "bytes", "chart", "date", "decode", "detect", "drop", "each", "encode", "format", "from", "hash", "http",
    "into", "math", "merge", "path", "random", "roll", "seq", "skip", "split", "str", "sys", "take", "term", "to",
    "update", "url",
];

#[test]
fn verbs_are_conventional() {
    let verbs = "list inspect status create add remove start stop restart pause resume logs exec apply diff validate verify \
                 prune export run compare use watch events wait";
    let verbs: HashSet<&str> = verbs.split_whitespace().collect();
    let others: HashSet<&str> = OTHER_NAMES.iter().map(|(name, _)| *name).collect();
    for command in crate::all() {
        let Some((noun, verb)) = command.noun() else { continue };
        let conventional = FAMILIES.contains(&noun) || verbs.contains(verb) || others.contains(command.name);
        assert!(conventional, "`{}`: an unusual verb needs an entry with its reason", command.name);
    }
}

#[test]
fn aliases_name_commands_and_hide_none() {
    let registry = crate::registry();
    for alias in crate::ALIASES {
        assert!(registry.get(alias.target).is_some(), "`{}` names nothing", alias.target);
        assert!(registry.get(alias.name).is_none(), "`{}` is a command itself", alias.name);
    }
}

/// A session with the runtimes of an empty home.
fn session_with_runtimes(home: &Path, more: &[&'static engine::Command]) -> Session {
    let mut commands = crate::all();
    commands.extend(more);
    let registry = engine::Registry::new(&commands, crate::ALIASES);
    let context = Context::new(registry, Sources::new(), Arc::new(NoUi), Arc::new(NoLive));
    let store = store::Store::open(store::Home::at(home));
    let fleet = runtime::control::Fleet::new(runtime::Options {
        store: store.clone(),
        sources: context.sources().clone(),
        kind: store::runtimes::RuntimeKind::Embedded,
        executable: "/nowhere".into(),
        journal: None,
    });
    context.provide(runtime::control::Contexts::new(store.clone(), &fleet));
    context.provide(fleet);
    context.provide(store);
    let mut session = Session::new(context);
    session.env_mut().set_cwd(home.to_path_buf());
    session
}

fn code_of(session: &mut Session, text: &str) -> String {
    match session.value(text) {
        Ok(value) => format!("no error but {value:?}"),
        Err(error) => error.code.id().to_string(),
    }
}

#[test]
fn each_code_of_commands_is_raised() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    std::fs::write(home.path().join("there.txt"), "old").unwrap();
    for (text, code) in [
        ("[1 2] | chunks 0", "DORA_E600"),
        ("[1 2] | first (0 - 3)", "DORA_E600"),
        ("{a: 1} | insert a 2", "DORA_E601"),
        ("'{\"a\": }' | from json", "DORA_E602"),
        ("'a: [1' | from yaml", "DORA_E602"),
        ("[{|| 1}] | to json", "DORA_E603"),
        ("'new' | save there.txt", "DORA_E604"),
        ("help nothing-of-that-name", "DORA_E605"),
        ("builtin inspect camra", "DORA_E605"),
        ("error explain 998", "DORA_E605"),
        ("dataflow stop one two", "DORA_E608"),
        ("dataflow stop", "DORA_E609"),
        ("dataflow remove one", "DORA_E610"),
        ("node logs detector", "DORA_E612"),
        ("open missing.csv", "DORA_E402"),
        ("dataflow stop one", "DORA_E030"),
    ] {
        assert_eq!(code_of(&mut session, text), code, "{text}");
    }
    assert_eq!(std::fs::read_to_string(home.path().join("there.txt")).unwrap(), "old");
}

/// Stands in for a person who answers no.
struct Refuses;

impl engine::Ui for Refuses {
    fn is_interactive(&self) -> bool {
        true
    }
    fn confirm(&self, _: &str) -> diag::Result<bool> {
        Ok(false)
    }
    fn show(&self, _: engine::Data) -> diag::Result<()> {
        Ok(())
    }
    fn plain(&self, value: &value::Value) -> diag::Result<String> {
        Ok(value::text::to_text(value))
    }
    fn notice(&self, _: &str) {}
    fn width(&self) -> Option<usize> {
        None
    }
}

#[test]
fn who_answers_no_changes_nothing() {
    let mut commands = crate::all();
    commands.push(&DROP);
    let registry = engine::Registry::new(&commands, crate::ALIASES);
    let mut session = Session::new(Context::new(registry, Sources::new(), Arc::new(Refuses), Arc::new(NoLive)));
    assert_eq!(code_of(&mut session, "thing drop one"), "DORA_E611");
    // What cannot be dropped is told before anybody is asked.
    assert_eq!(code_of(&mut session, "thing drop one bad"), "DORA_E605");
}

/// Asks before it does nothing, unless a name begins with `bad`.
static DROP: engine::Command = engine::Command {
    name: "thing drop",
    params: &[
        engine::Param::rest("things", engine::Takes::Type("string"), "Which"),
        crate::changes::YES,
        crate::changes::DRY_RUN,
    ],
    io: crate::changes::IO,
    destructive: true,
    run: |call, input| {
        let targets = crate::changes::targets(call, "things", input)?;
        let check = |target: &crate::changes::Target| {
            let bad = target.name.starts_with("bad");
            let error = || Err(diag::Diagnostic::new(diag::codes::UNKNOWN_NAME, "bad"));
            let check = std::future::ready(if bad { error() } else { Ok(()) });
            futures::future::FutureExt::boxed(check)
        };
        crate::changes::verify(call, targets.iter().map(check).collect())?;
        crate::changes::confirm(call, "drop", &targets)?;
        Ok(engine::Data::Empty)
    },
    ..engine::Command::DEFAULT
};

/// Acts on anything whose name does not begin with `bad`.
static ACT: engine::Command = engine::Command {
    name: "thing act",
    params: &[engine::Param::rest("things", engine::Takes::Type("string"), "Which"), crate::changes::DRY_RUN],
    io: crate::changes::IO,
    run: |call, input| {
        let targets = crate::changes::targets(call, "things", input)?;
        crate::changes::apply(call, "thing", "act", targets, |target| {
            let name = target.name.clone();
            Box::pin(async move {
                if name.starts_with("bad") {
                    return Err(diag::Diagnostic::new(diag::codes::BAD_ARGUMENT, format!("{name} is bad")));
                }
                Ok(Some(format!("thing undo {name}")))
            })
        })
    },
    ..engine::Command::DEFAULT
};

#[test]
fn one_failure_stops_no_other_and_then_the_pipeline_fails() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[&ACT]);
    let error = session.value("thing act good bad fine").unwrap_err();
    assert_eq!(error.code.id(), "DORA_E607");
    assert_eq!(error.code.exit(), diag::Exit::Partly);
    assert_eq!(error.related.len(), 1);
    let changes =
        session.value("try { thing act good bad fine } catch {|e| $e.changes | select name status undo }").unwrap();
    let wanted = session
        .value("[[name status undo]; [good ok 'thing undo good'] [bad failed null] [fine ok 'thing undo fine']]")
        .unwrap();
    assert_eq!(changes, wanted);
    let journal = session.value("audit list | get result | sort").unwrap();
    assert_eq!(journal, session.value("[DORA_E600 DORA_E600 ok ok ok ok]").unwrap());
}

#[test]
fn a_dry_run_plans_and_does_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[&ACT]);
    let planned = session.value("thing act bad --dry-run | get status").unwrap();
    assert_eq!(planned, session.value("[planned]").unwrap());
    assert_eq!(session.value("audit list | length").unwrap(), value::Value::Int(0));
}

#[test]
fn rows_name_their_things_and_no_rows_are_no_error() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[&ACT]);
    let names =
        session.value("[{name: a, id: '1'} {name: b, id: '2'} {name: a, id: '1'}] | thing act | get name").unwrap();
    assert_eq!(names, session.value("[a b]").unwrap());
    assert_eq!(session.value("[] | thing act | length").unwrap(), value::Value::Int(0));
}

#[test]
fn tables_in_columns_and_lists_give_the_same() {
    let mut session = session();
    session.value("let n = 1000").unwrap();
    // Over 256 rows a query runs; under it, the interpreter does.
    let rows = "(1..1000 | each {|i| {id: $i, kind: (if $i mod 3 == 0 { null } else { $\"k($i mod 7)\" }), size: ($i * 1kb)} })";
    for stage in [
        "where size > 500kb and id mod 2 == 0",
        "where {|row| $row.kind == k3 }",
        "sort-by kind size --reverse",
        "select size id",
        "reject kind",
        "rename a b",
        "insert twice {|row| $row.id * 2 }",
        "update id {|row| $row.id + 1 }",
        "update id { $in + 1 }",
        "upsert kind {|row| $row.kind | default none }",
        "first 3",
        "last 3",
        "skip 997",
        "reverse | first",
        "group-by kind | aggregate { n: (length), top: ($in.id | math max), mean: ($in.size | math avg) }",
        "group-by {|row| $row.id mod 5 } | aggregate { n: (length) }",
        "aggregate { n: (length), p99: ($in.id | math quantile 0.99) }",
        "uniq-by kind",
        "get size | math sum",
        "append {id: 0, kind: x, size: 0b} | last",
        "into string size | get size | first",
        "str upcase kind | get kind | uniq",
        "default none kind | get kind | uniq",
    ] {
        let whole = session.value(&format!("{rows} | {stage}"));
        let streamed = session.value(&format!("{rows} | each {{|row| $row }} | {stage}"));
        let table = session.value(&format!("{rows} | to ndjson | from ndjson | collect | length"));
        assert_eq!(table.ok(), Some(value::Value::Int(1000)));
        match (whole, streamed) {
            (Ok(whole), Ok(streamed)) => assert_eq!(whole, streamed, "{stage}"),
            (whole, streamed) => panic!("{stage}: {whole:?} and {streamed:?}"),
        }
    }
}

/// A file is read in columns, and so few rows as here are records: every command over tables gives the same from both.
#[test]
fn a_file_and_its_rows_give_the_same() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    let kind = "(if $i mod 5 == 0 { null } else { $\"k($i mod 3)\" })";
    let record = format!(
        "{{id: $i, kind: {kind}, size: ($i * 1kb), took: (if $i mod 7 == 0 {{ null }} else {{ $i * 1ms }}), x: ($i / 4), \
         at: (2026-03-01T00:00:00+01:00 + $i * 1sec), tags: [$i, 2]}}"
    );
    let rows = format!("let rows = 1..100 | each {{|i| {record} }} | collect; $rows | save t.parquet");
    session.value(&rows).unwrap();
    let other = "let other = [[id note]; [3 a] [3 b] [7 c] [1000 d]]; $other | save other.parquet";
    session.value(other).unwrap();
    let mut wrong = Vec::new();
    for stage in [
        "each {|row| $row.id * 2 }",
        "each {|row| if $row.id mod 2 == 0 { $row.kind } }",
        "get took | math avg",
        "get kind | uniq",
        "get x | math stddev | math round --precision 9",
        "get id | length",
        "get at | first 2",
        "aggregate { kinds: ($in.kind | uniq | length), p: ($in.took | math quantile 0.3), m: ($in.x | math median) }",
        "group-by kind | aggregate { n: (length), took: ($in.took | math sum), most: ($in.x | math max) }",
        "sort-by took --reverse | last 9",
        "sort-by kind | first 7 | get id",
        "sort-by kind | last 40 | get id",
        "sort-by x | sort-by kind | first 3",
        "join OTHER id",
        "join OTHER id --left | where id < 9",
        "join OTHER id --right-outer",
        "join OTHER id --outer | last 3",
        "join OTHER id --semi",
        "join OTHER id --anti | length",
        "join OTHER id --asof | where id < 9",
        "join OTHER id --asof --direction nearest --tolerance 2 | where note != null",
        "join OTHER id --asof --direction forward | last 2",
        "rank took --method average --by kind | first 20",
        "rank x --reverse | last 3",
        "cumulative sum took --by kind | last 5",
        "cumulative mean x | last 3 | update x_mean { math round --precision 9 }",
        "fill-null took",
        "fill-null took --with linear --by kind | first 20",
        "fill-null --with next | first 6",
        "pivot kind size --by x --with sum | first 4",
        "select kind id | insert odd {|row| $row.id mod 2 } | pivot odd id --with mean",
        "select id size | unpivot id size | last 4",
        "explode tags | first 5",
        "select kind id | nest ids id | get ids | each { length }",
        "sample 10 --seed 3",
        "sample --fraction 0.05 --seed 3 | get id",
        "summary id kind took x | reject type",
        "window 20sec | aggregate { n: (length), sum: ($in.size | math sum) }",
        "window 1min --by kind | aggregate { n: (length) }",
        "window 20sec --every 10sec | aggregate { n: (length) }",
        "window 3sec --rolling | aggregate { n: (length), most: ($in.id | math max) } | last 4",
        "window 25 --on id | aggregate { n: (length) }",
        "query sql 'select kind, count(*) as n, sum(id) as s from self group by kind order by kind nulls last'",
        "query sql \"select id, took from self where took > interval '95 ms' order by id\"",
        "reject tags | query sql 'select a.id, b.note from self a join o b on a.id = b.id' --with {o: OTHER}",
    ] {
        let columns = session.value(&format!("open t.parquet | {}", stage.replace("OTHER", "(open other.parquet)")));
        let records = session.value(&format!("$rows | {}", stage.replace("OTHER", "$other")));
        match (columns, records) {
            (Ok(columns), Ok(records)) if format!("{columns:?}") == format!("{records:?}") => {}
            (columns, records) => wrong.push(format!("{stage}\n  columns {columns:?}\n  records {records:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn windows_of_a_stream_that_never_ends_come_one_by_one() {
    let mut session = session();
    let rows = "1.. | each {|i| {at: ($i * 100ms), n: $i} }";
    let sums = session.value(&format!(
        "{rows} | window 1sec --on at | aggregate {{ n: (length), sum: ($in.n | math sum) }} | first 2"
    ));
    assert_eq!(sums.unwrap(), session.value("[[at n sum]; [0sec 9 45] [1sec 10 145]]").unwrap());
    for (text, code) in [
        (format!("{rows} | aggregate {{ n: (length) }} | first"), codes::ENDLESS),
        (format!("{rows} | window 1sec --on at --every 100ms | first"), codes::ENDLESS),
        (format!("{rows} | rank n | first"), codes::ENDLESS),
        (format!("{rows} | join [[n]; [1]] n | first"), codes::ENDLESS),
        ("[[a]; [1]] | window 1sec".to_string(), codes::MISSING_ARGUMENT),
        ("[[at]; [1sec]] | window 5 --on at".to_string(), codes::WRONG_TYPE),
        ("[[at]; [1sec]] | window 1sec --on at --every 2sec".to_string(), codes::BAD_ARGUMENT),
        ("[[n]; [1]] | query sql 'select nothing from self'".to_string(), codes::BAD_SQL),
        ("[[n]; [1]] | query sql 'selec'".to_string(), codes::BAD_SQL),
        ("[[n]; [1] [x]] | query sql 'select n from self'".to_string(), codes::NOT_TABULAR),
        ("[[n]; [1]] | join [[n]; [1]] n --asof --left".to_string(), codes::BAD_ARGUMENT),
        ("[[n]; [1]] | join ([[n]; [1]] | each {|row| $row }) n m".to_string(), codes::NO_SUCH_COLUMN),
        ("[[a b c]; [1 a 2]] | pivot b c --by d".to_string(), codes::NO_SUCH_COLUMN),
    ] {
        assert_eq!(session.value(&text).map_err(|error| error.code), Err(code), "{text}");
    }
}

#[test]
fn groups_are_a_record_to_all_but_aggregate() {
    let mut session = session();
    for (text, wanted) in [
        ("[{x: a} {x: null} {x: a}] | group-by x | columns", "[a]"),
        ("[{x: a} {x: null} {x: a}] | group-by x | get a | length", "2"),
        ("[{x: a} {x: null} {x: a}] | group-by x | aggregate { n: (length) }", "[[x n]; [a 2] [null 1]]"),
        ("let g = [{x: a} {x: null}] | group-by x; $g | aggregate { n: (length) } | length", "2"),
        ("[{x: a}] | group-by x | to json --raw", "'{\"a\":[{\"x\":\"a\"}]}'"),
        ("[1 2 3] | group-by {|n| $n mod 2 == 0 } | get true", "[2]"),
    ] {
        match (session.value(text), session.value(wanted)) {
            (Ok(given), Ok(wanted)) => assert_eq!(given, wanted, "{text}"),
            (given, wanted) => panic!("{text}: {given:?}, {wanted:?}"),
        }
    }
}

#[test]
fn what_is_saved_opens_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    for file in ["a.csv", "a.tsv", "a.json", "a.ndjson", "a.parquet", "a.yaml", "a.arrow", "a.csv.gz", "a.ndjson.zst"] {
        let text = format!("[[name n]; [x 1] [y 2]] | save {file}; open {file}");
        match session.value(&text) {
            Ok(read) => assert_eq!(read, session.value("[[name n]; [x 1] [y 2]]").unwrap(), "{file}"),
            Err(error) => panic!("{file}: {error:?}"),
        }
        // Read and rewritten in one pipeline.
        let text = format!("open {file} | where n > 1 | save --force {file}; open {file} | get name");
        assert_eq!(session.value(&text).unwrap(), session.value("[y]").unwrap(), "{file}");
    }
    let book = "{a: [[n]; [1]], b: [[m]; [x]]} | save a.xlsx; open a.xlsx | get b.m.0";
    assert_eq!(session.value(book).unwrap(), value::Value::from("x"));
    let tables = "[[n]; [1]] | save a.db --table t; [[n]; [2]] | save --append a.db --table t; open a.db | get t.n";
    assert_eq!(session.value(tables).unwrap(), session.value("[1 2]").unwrap());
    for (text, code) in [
        ("[[n]; [1]] | save a.xlsx", codes::FILE_EXISTS),
        ("[[n]; [1]] | save --append a.xlsx", codes::BAD_ARGUMENT),
        ("[[n]; [1]] | save a.ods", codes::BAD_ARGUMENT),
        ("[[n]; [1]] | save a.db --table t", codes::FILE_EXISTS),
        ("[[n]; [1]] | save b.csv --compression zstd", codes::BAD_ARGUMENT),
        ("[[n]; [1]] | save b.parquet --partition-by m", codes::NO_SUCH_COLUMN),
        ("[[n]; [1]] | save b.parquet --partition-by n", codes::NOT_TABULAR),
        ("open a.csv --query 'select 1'", codes::BAD_ARGUMENT),
        ("open a.db --query 'selec'", codes::BAD_SQL),
        ("open 'nothing-*.csv'", codes::FILE_UNREADABLE),
    ] {
        assert_eq!(session.value(text).map_err(|error| error.code), Err(code), "{text}");
    }
    let left: Vec<_> = home
        .path()
        .read_dir()
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn endless_input_is_refused_by_what_needs_all_of_it_and_taken_by_the_rest() {
    let mut session = session();
    for stage in
        ["sort", "length", "last", "reverse", "math sum", "reduce {|a, b| $a }", "to json", "group-by", "ignore"]
    {
        assert_eq!(code_of(&mut session, &format!("1.. | {stage}")), "DORA_E311", "{stage}");
    }
    for stage in [
        "where $it mod 2 == 0",
        "each {|n| $n * 2 }",
        "skip 5",
        "enumerate",
        "wrap n",
        "chunks 2",
        "window 2",
        "zip 1..",
        "every 3",
    ] {
        let taken = session.value(&format!("1.. | {stage} | first 2 | length"));
        assert_eq!(taken.map_err(|error| format!("{stage}: {error:?}")), Ok(value::Value::Int(2)));
    }
}

#[test]
fn the_link_to_built_in_nodes_is_made_again_and_replaces_others_by_force_only() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    let link = home.path().join("dora-builtin");
    let program = std::env::current_exe().unwrap();
    session.value("builtin link . --dry-run").unwrap();
    assert!(!link.exists());
    for _ in 0..2 {
        session.value("builtin link .").unwrap();
        assert_eq!(std::fs::read_link(&link).unwrap(), program);
    }
    std::fs::remove_file(&link).unwrap();
    std::fs::write(&link, "mine").unwrap();
    assert_eq!(code_of(&mut session, "builtin link ."), "DORA_E604");
    assert_eq!(std::fs::read_to_string(&link).unwrap(), "mine");
    session.value("builtin link . --force").unwrap();
    assert_eq!(std::fs::read_link(&link).unwrap(), program);
    assert_eq!(code_of(&mut session, "builtin link nowhere"), "DORA_E404");
}

#[test]
fn checking_does_nothing_but_compute() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    for text in [
        "const x = (do { ^touch made })",
        "const x = ([1] | each { touch made; 1 })",
        "const x = ([1] | where {|n| touch made; true })",
        "const x = ([1] | each {|n| let n = (touch made); 1 })",
        "const x = ([[a]; [1]] | group-by a | aggregate { n: (touch made) })",
        "const x = (if true { touch made })",
        "const x = (try { touch made })",
        "const x = { (touch made): 1 }",
        "const act = { touch made }; const x = (do $act)",
        "const all = [{ touch made }]; const x = ($all | each {|f| do $f })",
        "const x = (do {|act = { touch made }| do $act })",
        "const x = (do { let act = { touch made }; do $act })",
        "const x = (do { loop { } })",
        "const x = (generate {|n| {out: $n, next: $n} } 1 | where $it > 1 | first)",
        "const x = (print hi)",
        "const x = (sleep 1ms)",
        "const x = (date now)",
        "const x = (random int)",
        "const x = (pwd)",
        "def f [x = (do { touch made })] { $x }",
    ] {
        let source = session.context().sources().add("<text>", text);
        let codes: Vec<&str> = session.check(&source).errors.iter().map(|error| error.code.id()).collect();
        assert_eq!(codes, ["DORA_E211"], "{text}");
        assert!(!home.path().join("made").exists(), "{text}");
    }
    for (text, wanted) in [
        ("const x = ([1 2] | each {|n| let twice = $n * 2; $twice + 1 } | math sum); $x", "8"),
        ("const x = ([[a]; [1] [2]] | where a > 1 | get a.0); $x", "2"),
        ("const add = {|a, b| $a + $b }; const x = ([1 2 3] | reduce $add); $x", "6"),
        ("const x = (do {|n| match $n { 1 => 'one', _ => 'other' } } 1); $x", "'one'"),
        ("const x = ('/home/joe' | path basename); $x", "'joe'"),
        // A closure that acts is a value as long as nobody calls it.
        ("const act = { touch made }; do $act; 'made' | path exists", "true"),
        ("def f [act = { touch made }] { 1 }; f", "1"),
    ] {
        match (session.value(text), session.value(wanted)) {
            (Ok(given), Ok(wanted)) => assert_eq!(given, wanted, "{text}"),
            (given, wanted) => panic!("{text}: {given:?}, {wanted:?}"),
        }
    }
}

#[test]
fn programs_are_looked_for_where_the_line_says() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    let program = home.path().join("only-here");
    std::fs::write(&program, "#!/bin/sh\necho found\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = home.path().display();
    assert_eq!(code_of(&mut session, "only-here"), "DORA_E201");
    for text in [
        format!("with-env {{PATH: ['{path}' /bin]}} {{ only-here | lines }}"),
        format!("PATH='{path}:/bin' only-here | lines"),
        format!("do {{ load-env {{PATH: ['{path}' /bin]}}; only-here | lines }}"),
    ] {
        assert_eq!(
            session.value(&text).map_err(|error| format!("{text}: {error:?}")),
            Ok(session.value("[found]").unwrap())
        );
    }
}

#[test]
fn columns_need_not_be_there_only_beside_flags_that_say_so() {
    let mut session = session();
    let rows = "[[name n]; [a 1] [B 2]]";
    for stage in [
        "join [[zz]; [a]] zz -o",
        "uniq-by nme --ignore-case",
        "sort-by nme --ignore-case",
        "str contains x nme --ignore-case",
        "get nme",
        "select nme",
        "reject nme",
    ] {
        assert_eq!(code_of(&mut session, &format!("{rows} | {stage}")), "DORA_E204", "{stage}");
    }
    for stage in ["get nme --optional", "select nme -o", "reject nme -o", "get NAME --ignore-case"] {
        let given = session.value(&format!("{rows} | {stage}"));
        assert!(given.is_ok(), "{stage}: {given:?}");
    }
}

#[test]
fn a_completer_says_nothing_of_whether_a_flag_takes_a_value() {
    let mut session = session();
    let modes = "def modes [] { [fast slow] }";
    for (text, wanted) in [
        ("def f [--mode: string@modes] { $mode }; f --mode fast", "'fast'"),
        ("def f [mode: string@modes] { $mode }; f slow", "'slow'"),
        ("def f [--mode: string@[fast slow]] { $mode }; f --mode fast", "'fast'"),
        ("def f [--fast] { $fast }; f --fast", "true"),
    ] {
        let given = session.value(&format!("{modes}; {text}")).map_err(|error| format!("{text}: {error:?}"));
        assert_eq!(given, Ok(session.value(wanted).unwrap()));
    }
}

#[test]
fn what_a_wrapper_is_given_it_hands_on_as_it_was() {
    let mut session = session();
    let given = session.value("def --wrapped f [...words] { $words }; f -x --level=3 --all -- end").unwrap();
    assert_eq!(given, session.value("['-x' '--level=3' '--all' '--' end]").unwrap());
    // Its own flags are its own, up to the `--` that both see.
    let given =
        session.value("def --wrapped g [--dry-run(-n), ...words] { [$dry_run $words] }; g -n -x -- -n").unwrap();
    assert_eq!(given, session.value("[true ['-x' '--' '-n']]").unwrap());
}

#[test]
fn saves_to_one_place_at_the_same_time_each_come_whole() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    for file in ["z.txt", "z.csv", "z.bin"] {
        let text = format!("1..40 | par-each {{|n| [[n]; [$n]] | to csv | save --force --raw {file}; $n }} | length");
        assert_eq!(session.value(&text).map_err(|error| format!("{file}: {error:?}")), Ok(value::Value::Int(40)));
        let saved = std::fs::read_to_string(home.path().join(file)).unwrap();
        assert!(saved.starts_with("n\n") && saved.ends_with('\n'), "{saved}");
    }
    assert_eq!(home.path().read_dir().unwrap().count(), 3, "nothing is left beside");
}

#[test]
fn every_operator_that_parses_has_a_meaning() {
    let mut session = session();
    for (text, wanted) in [
        ("'abc' like '^a'", "true"),
        ("'abc' not-like '^a'", "false"),
        ("[[n]; [ab] [c]] | where n like b | get n", "[ab]"),
        ("5 bit-and 6", "4"),
        ("5 bit-or 6", "7"),
        ("5 bit-xor 6", "3"),
        ("1 bit-shl 4 bit-or 1", "17"),
        ("256 bit-shr 4", "16"),
    ] {
        match (session.value(text), session.value(wanted)) {
            (Ok(given), Ok(wanted)) => assert_eq!(given, wanted, "{text}"),
            (given, wanted) => panic!("{text}: {given:?}, {wanted:?}"),
        }
    }
}

#[test]
fn numbers_at_the_end_of_their_range_are_counted_or_refused() {
    let mut session = session();
    for (text, wanted) in [
        ("'/a/b/c' | path dirname --num-levels 9223372036854775807", "'/'"),
        ("'/a/b/c' | path dirname --num-levels 2", "'/a'"),
        ("'a/b' | path dirname --num-levels 0", "'a/b'"),
    ] {
        assert_eq!(session.value(text).unwrap(), session.value(wanted).unwrap(), "{text}");
    }
    for (text, code) in [
        ("'2026-01-31' | into datetime --offset -2147483648", "DORA_E600"),
        ("'2026-01-31' | into datetime --offset 26", "DORA_E600"),
        ("'2262-04-11T23:47' | into datetime --offset -20", "DORA_E304"),
        ("{year: 2026, millisecond: 9223372036854775807} | into datetime", "DORA_E600"),
        ("{year: 2026, nanosecond: -1} | into datetime", "DORA_E600"),
    ] {
        assert_eq!(code_of(&mut session, text), code, "{text}");
    }
}

#[test]
fn the_topics_of_help_name_all_there_is() {
    let mut session = session();
    let mut page = |topic: &str| session.value(&format!("help {topic}")).unwrap().as_str().unwrap().to_string();
    let operators = page("operators");
    for (operator, _) in value::ops::Operator::ALL {
        assert!(operators.contains(&format!("`{operator}`")), "{operator}");
    }
    let literals = page("literals");
    for (unit, _) in value::units::DURATION_UNITS.iter().chain(&value::units::FILESIZE_UNITS) {
        assert!(literals.contains(&format!("`5{unit}`")), "{unit}");
    }
    for row in page("types").lines().filter_map(|line| line.strip_prefix("| `")) {
        let of = row.split('`').next().unwrap();
        assert!(value::Type::parse(of).is_ok(), "{of}");
    }
    assert_eq!(code_of(&mut session, "help operatros"), "DORA_E605");
}

#[test]
fn json_is_the_same_in_files_and_in_texts() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    let rows = "[[x took]; [1e300 5ms] [(-0.0) null]]";
    let given = session.value(&format!("{rows} | save a.ndjson; {rows} | to ndjson")).unwrap();
    let saved = std::fs::read_to_string(home.path().join("a.ndjson")).unwrap();
    assert_eq!(given, value::Value::string(saved));
    for stage in ["to json", "to ndjson", "to yaml", "save b.json", "save b.ndjson", "save b.yaml"] {
        assert_eq!(code_of(&mut session, &format!("[{{f: {{|| 1}}}}] | {stage}")), "DORA_E603", "{stage}");
    }
}

#[test]
fn a_reason_of_the_system_comes_without_its_number() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session_with_runtimes(home.path(), &[]);
    for text in [
        "[1] | save nowhere/a.txt",
        "[1] | save --append nowhere/a.txt",
        "mkdir '/proc/x'",
        "open .",
        "'x' | save /proc/x",
    ] {
        let error = session.value(text).unwrap_err();
        assert!(!error.message.contains("os error"), "{text}: {}", error.message);
    }
}
