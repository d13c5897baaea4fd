//! What runs in the background.

use std::time::SystemTime;

use crate::prelude::*;

/// What all of them declare alike.
const JOB: Command = Command {
    category: Category::System,
    io: &[("any", "nothing")],
    search: &["background", "thread", "fg", "bg"],
    infer: Some(|_| Some(Type::Nothing)),
    ..Command::DEFAULT
};

pub static SPAWN: Command = Command {
    name: "job spawn",
    summary: "Runs a closure in the background and gives the job's number",
    details: "What it gives is dropped; what it prints is shown. A failure is told when it happens. Jobs end with the \
              session that has started them: what shall live on belongs into a dataflow.",
    params: &[
        Param::required("closure", Takes::Closure, "What to run"),
        Param::flag("description", Some('d'), Takes::Type("string"), "What `job list` calls it"),
    ],
    io: &[("any", "int")],
    examples: &[
        try_it("Fetch something meanwhile", "job spawn { http get https://example.org/map.pgm --raw | save map.pgm }"),
        try_it(
            "Under a name",
            "job spawn --description watcher { watch flows {|| dataflow validate flows/demo.yml } }",
        ),
    ],
    infer: Some(|_| Some(Type::Int)),
    run: |call, input| {
        let closure: ClosureValue = call.required("closure")?;
        let jobs = call.context().clone();
        let job = jobs.jobs().begin(call.optional("description")?);
        let id = job.id;
        let mut runner = call.runner(&closure).in_job(job.clone());
        let work = move || {
            let result = value::interrupt::with_interrupt(&job.interrupt, || runner.run_to_end(input));
            jobs.jobs().end(id);
            match result {
                Err(error) if !job.interrupt.is_raised() && error.code != codes::EXIT => {
                    jobs.ui().notice(&format!("job {id} failed: [{}] {}", error.code.id(), error.message));
                }
                _ => {}
            }
        };
        let thread = engine::thread::named(format!("dora-job-{id}")).spawn(work);
        if let Err(error) = thread {
            call.context().jobs().end(id);
            return Err(engine::thread::refused(&error).label(call.head, ""));
        }
        Ok(Data::Value(Value::Int(i64::try_from(id).unwrap_or(i64::MAX))))
    },
    ..JOB
};

pub static LIST: Command = Command {
    name: "job list",
    summary: "Lists what runs in the background, and what ctrl-z has frozen",
    io: &[(
        "nothing",
        "table<id: int, type: string@[thread frozen], pids: list<int>, description: oneof<string, nothing>, started: datetime>",
    )],
    examples: &[try_it("The frozen ones", "job list | where type == frozen")],
    infer: None,
    run: |call, _| {
        let rows = call.context().jobs().list().into_iter().map(|job| {
            let started = job.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
            let started = crate::files::local(i64::try_from(started).unwrap_or(i64::MAX));
            let mut row = Record::new();
            row.insert("id", Value::Int(i64::try_from(job.id).unwrap_or(i64::MAX)));
            row.insert("type", Value::from(if job.is_frozen { "frozen" } else { "thread" }));
            row.insert("pids", Value::list(job.pids.iter().map(|pid| Value::Int((*pid).into())).collect::<Vec<_>>()));
            row.insert("description", job.description.map_or(Value::Nothing, Value::string));
            row.insert("started", Value::DateTime(started));
            Value::record(row)
        });
        Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
    },
    ..JOB
};

pub static KILL: Command = Command {
    name: "job kill",
    summary: "Ends jobs, with the programs that they have started",
    details: "A program that does not end within two seconds is ended by force.",
    params: &[
        Param::required("id", Takes::Type("int"), "Which one"),
        Param::rest("more", Takes::Type("int"), "And which more"),
    ],
    examples: &[try_it("The first one", "job kill 1")],
    run: |call, _| {
        let mut ids: Vec<i64> = vec![call.required("id")?];
        ids.extend(call.rest::<i64>("more")?);
        for id in ids {
            if !u64::try_from(id).is_ok_and(|id| call.context().jobs().kill(id)) {
                return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("there is no job {id}"))
                    .label(call.place(), "not a job")
                    .next("job list"));
            }
        }
        Ok(Data::Empty)
    },
    ..JOB
};

pub static UNFREEZE: Command = Command {
    name: "job unfreeze",
    summary: "Lets a program go on that ctrl-z has frozen, with the terminal to itself",
    params: &[Param::optional("id", Takes::Type("int"), "Which one; the last one that was frozen by default")],
    examples: &[try_it("Where I was", "job unfreeze")],
    run: |call, _| {
        let id = call.optional::<u64>("id")?;
        engine::external::unfreeze(call.context(), id).map_err(|error| error.or_label(call.place(), ""))?;
        Ok(Data::Empty)
    },
    ..JOB
};
