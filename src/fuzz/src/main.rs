//! Generated and damaged programs through parser, checker and formatter: no panic, no hang, no lost character.
//!
//! `cargo run --release -p dora-shell-fuzz -- --inputs 10000000` runs it; `docs/testing.md` tells how to read what it
//! says. Each input follows from the seed and its number, so that `--seed S --from N --inputs 1` looks at one again.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diag::Sources;
use engine::{Context, NoLive, NoUi, Session};
use sentences::{Grammar, Random, damaged, grammar, pieces, program};

/// An input that takes longer hangs, as far as somebody at a prompt is concerned.
const HANG: Duration = Duration::from_secs(1);
/// Texts of one session, whose sources pile up.
const ROUND: u64 = 500;
/// Failures after which it is no use to go on.
const ENOUGH: usize = 20;

struct Asked {
    inputs: u64,
    limit: Option<Duration>,
    seed: u64,
    from: u64,
    threads: u64,
    /// Directories whose programs and examples are damaged.
    corpus: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let asked = match asked(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let mut corpus = sentences::corpus(&asked.corpus);
    corpus.extend(commands::all().iter().flat_map(|command| command.examples).map(|example| example.code.to_string()));
    println!("{} texts in the corpus, seed {}", corpus.len(), asked.seed);
    // Panics are told with their input; the program's own words would come between.
    std::panic::set_hook(Box::new(|_| {}));
    let shared = Shared {
        next: AtomicU64::new(asked.from),
        end: asked.from.saturating_add(asked.inputs),
        begun: Instant::now(),
        failures: Mutex::default(),
        slowest: Mutex::default(),
        corpus,
        grammar: grammar(),
        asked,
    };
    let shared = Arc::new(shared);
    let threads: Vec<_> = (0..shared.asked.threads)
        .filter_map(|_| {
            let shared = shared.clone();
            engine::thread::named("dora-fuzz").spawn(move || shared.work()).ok()
        })
        .collect();
    shared.watch(&threads);
    let failures = shared.failures.lock().unwrap_or_else(PoisonError::into_inner);
    let done = shared.done();
    let seconds = shared.begun.elapsed().as_secs_f64();
    let (slowest, at) = *shared.slowest.lock().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{done} inputs in {seconds:.0} s, {:.0} a second; the slowest took {} ms (number {at}); {} failures",
        done as f64 / seconds.max(1e-9),
        slowest.as_millis(),
        failures.len()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let corpus = ["stdlib", "scripts", "tests", "docs"].map(|name| root.join(name)).to_vec();
    let mut asked = Asked { inputs: 1_000_000, limit: None, seed: 1, from: 0, threads: 2, corpus };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{word} takes a number, not `{value}`"));
        match word.as_str() {
            "--inputs" => asked.inputs = number()?,
            "--seconds" => asked.limit = Some(Duration::from_secs(number()?)),
            "--seed" => asked.seed = number()?,
            "--from" => asked.from = number()?,
            "--threads" => asked.threads = number()?.clamp(1, 256),
            "--corpus" => asked.corpus.push(value.into()),
            _ => {
                return Err(format!(
                    "there is no flag {word}; flags: --inputs --seconds --seed --from --threads --corpus"
                ));
            }
        }
    }
    Ok(asked)
}

struct Shared {
    asked: Asked,
    corpus: Vec<String>,
    grammar: Grammar,
    next: AtomicU64,
    end: u64,
    begun: Instant,
    failures: Mutex<Vec<u64>>,
    slowest: Mutex<(Duration, u64)>,
}

impl Shared {
    fn done(&self) -> u64 {
        self.next.load(Ordering::Relaxed).min(self.end).saturating_sub(self.asked.from)
    }

    fn is_over(&self) -> bool {
        self.asked.limit.is_some_and(|limit| self.begun.elapsed() > limit)
            || self.failures.lock().unwrap_or_else(PoisonError::into_inner).len() >= ENOUGH
    }

    fn work(&self) {
        loop {
            let from = self.next.fetch_add(ROUND, Ordering::Relaxed);
            if from >= self.end || self.is_over() {
                return;
            }
            let context = Context::new(commands::registry(), Sources::new(), Arc::new(NoUi), Arc::new(NoLive));
            let mut session = Session::new(context);
            // Near names are looked for among all programs, whose directories would be all that is measured.
            session.env_mut().set("PATH", value::Value::from(""));
            for number in from..(from + ROUND).min(self.end) {
                let text = self.input(number);
                let begun = Instant::now();
                let result = catch_unwind(AssertUnwindSafe(|| look_at(&session, &text)));
                let took = begun.elapsed();
                let mut slowest = self.slowest.lock().unwrap_or_else(PoisonError::into_inner);
                *slowest = (*slowest).max((took, number));
                drop(slowest);
                let wrong = match result {
                    Ok(Ok(())) if took < HANG => continue,
                    Ok(Ok(())) => format!("took {took:?}"),
                    Ok(Err(wrong)) => wrong,
                    Err(panic) => format!("panicked: {}", told(&*panic)),
                };
                self.fail(number, &text, &wrong);
            }
        }
    }

    /// The text of a number.
    fn input(&self, number: u64) -> String {
        let mut random = Random::new(self.asked.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number);
        let any = |random: &mut Random| match self.corpus.is_empty() {
            true => String::new(),
            false => self.corpus[random.below(self.corpus.len())].clone(),
        };
        match number % 4 {
            0 => {
                let (sentence, mut random) = program(&self.grammar, self.asked.seed ^ number);
                if random.below(2) == 0 { sentence } else { damaged(&sentence, &any(&mut random), &mut random) }
            }
            1 => pieces(&mut random),
            _ => {
                let (one, other) = (any(&mut random), any(&mut random));
                damaged(&one, &other, &mut random)
            }
        }
    }

    fn fail(&self, number: u64, text: &str, wrong: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push(number);
        println!("number {number}: {wrong}\n{text:?}\n");
    }

    /// Tells every ten seconds how far it is, until all threads have ended.
    fn watch(&self, threads: &[std::thread::JoinHandle<()>]) {
        let mut told = Instant::now();
        while threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(50));
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                println!("{} inputs, {} s", self.done(), self.begun.elapsed().as_secs());
                let _ = std::io::stdout().flush();
            }
        }
    }
}

/// Everything that must hold of a text; what does not.
fn look_at(session: &Session, text: &str) -> Result<(), String> {
    let source = session.context().sources().add("fuzz", text);
    let parsed = syntax::parse(&source);
    let joined: String = parsed.tokens.iter().map(|token| &text[token.range()]).collect();
    if joined != text {
        return Err("the tokens are not the text".into());
    }
    let checked = session.check(&source);
    for error in checked.errors.iter().chain(&checked.warnings) {
        for label in error.labels.iter().filter(|label| label.span.source == source.id) {
            if text.get(label.span.range()).is_none() {
                return Err(format!("{} points beside the text", error.code.id()));
            }
        }
    }
    let laid_out = syntax::format(text);
    if syntax::format::pieces(&laid_out) != syntax::format::pieces(text) {
        return Err(format!("the layout loses something:\n{laid_out}"));
    }
    if syntax::format(&laid_out) != laid_out {
        return Err(format!("a layout is laid out again:\n{laid_out}"));
    }
    Ok(())
}

fn told(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
