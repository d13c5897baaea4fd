//! Programs: started with the scope's environment, fed with values as text, read as bytes.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use diag::{Diagnostic, Result, Span, codes, suggest};
use syntax::ast::PipeFrom;
use value::{Record, Value};

use crate::context::{Context, Env};
use crate::data::{Bytes, Data};
use crate::error_value;
use crate::job::{Job, signal};
use crate::program::{ExternalNode, Node, RedirectNode};
use crate::run::{Interpreter, Stop};

/// A running program whose output somebody is reading.
pub struct Program {
    name: String,
    span: Span,
    child: Child,
    /// Everything it says on standard error, when that is kept.
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// Writes its input; ends when the input or the program does.
    feeder: Option<JoinHandle<Result<()>>>,
    /// The job that has started it.
    job: Option<Arc<Job>>,
}

impl Program {
    /// A program that a command has started by itself.
    pub fn started(name: String, span: Span, child: Child) -> Program {
        Program { name, span, child, stderr: None, feeder: None, job: None }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it writes as it comes, when its output is a pipe; without one, waits for its end.
    pub fn output(mut self) -> Result<Data> {
        match self.child.stdout.take() {
            Some(stdout) => Ok(Data::Bytes(Bytes { reader: Box::new(stdout), program: Some(self) })),
            None => self.finish().map(|()| Data::Empty),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `PROGRAM_FAILED` with the exit code unless it is zero; what went wrong while its input was made.
    pub fn finish(self) -> Result<()> {
        let (name, span) = (self.name.clone(), self.span);
        let (status, _) = self.complete()?;
        check_status(&name, span, status)
    }

    /// Waits for its end, whatever it is: its status and what it said on standard error.
    pub fn complete(mut self) -> Result<(ExitStatus, Vec<u8>)> {
        let status = self.child.wait().map_err(|error| failed(&self.name, self.span, &error))?;
        self.rest(status)
    }

    /// What remains of it once it has ended.
    fn rest(self, status: ExitStatus) -> Result<(ExitStatus, Vec<u8>)> {
        if let Some(job) = &self.job {
            job.remove_program(self.child.id());
        }
        let stderr = self.stderr.and_then(|thread| thread.join().ok()).unwrap_or_default();
        if let Some(feeder) = self.feeder
            && let Ok(Err(error)) = feeder.join()
        {
            return Err(error);
        }
        Ok((status, stderr))
    }
}

/// The exit code as shells count it: a signal's number above 128.
pub fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn check_status(name: &str, span: Span, status: ExitStatus) -> Result<()> {
    use std::os::unix::process::ExitStatusExt;
    if status.success() {
        return Ok(());
    }
    let code = exit_code(status);
    if status.signal() == Some(libc::SIGINT) {
        return Err(Diagnostic::new(codes::INTERRUPTED, format!("`{name}` was interrupted")).label(span, ""));
    }
    // A reader that stopped reading (`| first 3`) is no failure of the writer.
    if status.signal() == Some(libc::SIGPIPE) {
        return Ok(());
    }
    let how = match status.signal() {
        Some(signal) => format!("was ended by signal {signal}"),
        None => format!("ended with exit code {code}"),
    };
    let error = Diagnostic::new(codes::PROGRAM_FAILED, format!("`{name}` {how}"))
        .label(span, "this program")
        .help("`do --ignore-errors { … }` goes on, and `| complete` gives the exit code as a value");
    let fields: Record = [("exit_code", Value::Int(code.into()))].into_iter().collect();
    Err(error_value::with_fields(error, fields))
}

/// The error for a program that could not be run.
pub fn failed(name: &str, span: Span, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::CANNOT_RUN, format!("`{name}` cannot be run: {}", diag::os_reason(error)))
        .label(span, "this program")
}

/// Finds a program on the scope's PATH, or by its path.
pub fn find(name: &str, env: &Env) -> Option<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runs = |path: &std::path::Path| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        let path = env.resolve(name);
        return runs(&path).then_some(path);
    }
    path_dirs(env).into_iter().map(|dir| dir.join(name)).find(|path| runs(path))
}

fn path_dirs(env: &Env) -> Vec<std::path::PathBuf> {
    match env.get("PATH") {
        Some(Value::String(path)) => std::env::split_paths(path.as_str()).collect(),
        Some(Value::List(parts)) => parts.iter().filter_map(Value::as_str).map(Into::into).collect(),
        _ => Vec::new(),
    }
}

/// The names of all programs on PATH, for did-you-mean and completion.
pub fn names(env: &Env) -> Vec<String> {
    let mut names: Vec<String> = path_dirs(env)
        .iter()
        .filter_map(|dir| dir.read_dir().ok())
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The error for a word that is neither a command nor a program.
pub fn not_found(name: &str, env: &Env, commands: &[&str], span: Span) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::UNKNOWN_COMMAND, format!("there is no command or program `{name}`"))
        .label(span, "not found");
    let programs = names(env);
    // Commands first: a slip is more likely in one of ours than to have meant one of a thousand programs.
    let near = suggest::did_you_mean(name, commands.iter().copied())
        .or_else(|| suggest::did_you_mean(name, programs.iter().map(String::as_str)));
    match near {
        Some(help) => error.help(help),
        None => error.help("`help` lists the commands"),
    }
}

/// Starts a program. Its output is captured when something takes it; otherwise it goes to the terminal, and this waits.
pub(crate) fn start(
    interpreter: &mut Interpreter,
    node: &ExternalNode,
    name: &Value,
    arguments: &[Value],
    input: Data,
    span: Span,
) -> Result<Data> {
    let name = value::text::to_text(name);
    let Some(path) = find(&name, &interpreter.env) else {
        let commands: Vec<&str> =
            interpreter.context.registry().commands().iter().map(|command| command.name).collect();
        return Err(not_found(&name, &interpreter.env, &commands, node.name.span));
    };
    let capture = interpreter.captures();
    let mut command = Command::new(path);
    command.args(arguments.iter().map(argument_text)).env_clear().envs(interpreter.env.for_programs());
    command.current_dir(interpreter.env.cwd());
    command.stdin(if input.is_empty() { Stdio::inherit() } else { Stdio::piped() });
    if capture && node.pipe != PipeFrom::Err || node.pipe == PipeFrom::Both {
        command.stdout(Stdio::piped());
    }
    if node.keep_stderr || node.pipe != PipeFrom::Out {
        command.stderr(Stdio::piped());
    }
    let job = interpreter.context.job().cloned();
    let foreground = command_of_the_terminal(interpreter, capture);
    if job.is_some() {
        // It must neither take what is typed nor end with ctrl-c.
        command.process_group(0);
        if input.is_empty() {
            command.stdin(Stdio::null());
        }
    } else if foreground {
        terminal::take(&mut command);
    }
    let interrupt = interpreter.context.interrupt().clone();
    interrupt.check()?;
    let mut child = command.spawn().map_err(|error| failed(&name, span, &error))?;
    if let Some(job) = &job {
        job.add_program(child.id());
    }
    if interrupt.is_raised() {
        // Ctrl-C came before the program was there to get it too.
        let pid = libc::pid_t::try_from(child.id()).unwrap_or(0);
        if pid > 0 {
            // SAFETY: plain arguments; the child has not been waited for, so its id is still its own.
            unsafe { libc::kill(pid, libc::SIGINT) };
        }
    }
    let feeder = feed(interpreter, &mut child, input)?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let mut program = Program { name, span, child, stderr: None, feeder, job };
    let reader: Option<Box<dyn Read + Send>> = match (node.pipe, stdout, stderr) {
        (PipeFrom::Err, _, Some(stderr)) => Some(Box::new(stderr)),
        (PipeFrom::Both, Some(stdout), Some(stderr)) => {
            program.stderr = Some(collect(stderr));
            // Standard error follows: keeping the order would need one pipe for both.
            Some(Box::new(stdout))
        }
        (_, stdout, stderr) => {
            program.stderr = stderr.map(collect);
            stdout.map(|stdout| Box::new(stdout) as Box<dyn Read + Send>)
        }
    };
    match reader {
        Some(reader) => Ok(Data::Bytes(Bytes { reader, program: Some(program) })),
        None if foreground => in_front(&interpreter.context, program).map(|()| Data::Empty),
        None => {
            program.finish()?;
            Ok(Data::Empty)
        }
    }
}

/// Whether a program gets the terminal to itself, so that ctrl-c and ctrl-z reach it alone.
fn command_of_the_terminal(interpreter: &Interpreter, capture: bool) -> bool {
    !capture && interpreter.context.ui().has_job_control()
}

/// Waits for a program that has the terminal: until it ends, or ctrl-z freezes it and it becomes a job.
fn in_front(context: &Context, program: Program) -> Result<()> {
    let waited = terminal::wait(program.id());
    terminal::give_back();
    match waited.map_err(|error| failed(&program.name, program.span, &error))? {
        terminal::Waited::Ended(status) => {
            let (name, span) = (program.name.clone(), program.span);
            let (status, _) = program.rest(status)?;
            check_status(&name, span, status)
        }
        terminal::Waited::Stopped => {
            let name = program.name.clone();
            let id = context.jobs().freeze(program);
            context.ui().notice(&format!("`{name}` is frozen: `job unfreeze {id}` goes on, `job kill {id}` ends it"));
            Ok(())
        }
    }
}

/// Lets a frozen program go on with the terminal: that of an id, or the last one that was frozen.
///
/// # Errors
/// `BAD_ARGUMENT` when there is none, or the job is not frozen; as a program's when it fails.
pub fn unfreeze(context: &Context, id: Option<u64>) -> Result<()> {
    let none = |what: String| Diagnostic::new(codes::BAD_ARGUMENT, what).next("job list");
    let program = match context.jobs().thaw(id) {
        Ok(Some(program)) => program,
        Ok(None) => return Err(none(id.map_or("no job is frozen".into(), |id| format!("there is no job {id}")))),
        Err(_) => return Err(none(format!("job {} is not frozen, it runs", id.unwrap_or_default()))),
    };
    terminal::give_to(program.id());
    signal(program.id(), rustix::process::Signal::CONT);
    in_front(context, program)
}

/// The terminal's foreground process group, which gets what is typed and the signals of ctrl-c and ctrl-z.
mod terminal {
    use std::io::Result;
    use std::os::fd::{AsFd, AsRawFd};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, ExitStatus};

    use rustix::process::{Pid, WaitOptions, getpgrp, waitpid};
    use rustix::termios::tcsetpgrp;

    pub enum Waited {
        Ended(ExitStatus),
        /// It stands still.
        Stopped,
    }

    /// Makes the program the leader of a process group that has the terminal from its first step on.
    pub fn take(command: &mut Command) {
        // The program's own standard input may be a pipe. Without a terminal there is nothing to take.
        let Ok(terminal) = std::io::stdin().as_fd().try_clone_to_owned() else { return };
        command.process_group(0);
        // SAFETY: between fork and exec only calls are made that may be made there; each is given plain arguments. The
        // group is set before this runs. Who is not in the foreground group yet is stopped by `tcsetpgrp` unless it
        // takes no notice of SIGTTOU; ctrl-z is heard again, which the shell itself does not.
        unsafe {
            command.pre_exec(move || {
                libc::signal(libc::SIGTTOU, libc::SIG_IGN);
                libc::tcsetpgrp(terminal.as_raw_fd(), libc::getpid());
                libc::signal(libc::SIGTTOU, libc::SIG_DFL);
                libc::signal(libc::SIGTSTP, libc::SIG_DFL);
                Ok(())
            });
        }
    }

    pub fn give_to(leader: u32) {
        if let Some(pid) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
            // Without a terminal there is nothing to give.
            let _ = tcsetpgrp(std::io::stdin(), pid);
        }
    }

    /// Takes the terminal back for the shell.
    pub fn give_back() {
        let _ = tcsetpgrp(std::io::stdin(), getpgrp());
    }

    /// Waits until a child has ended or stands still.
    pub fn wait(child: u32) -> Result<Waited> {
        let pid = i32::try_from(child).ok().and_then(Pid::from_raw).ok_or(std::io::ErrorKind::InvalidInput)?;
        loop {
            match waitpid(Some(pid), WaitOptions::UNTRACED) {
                Ok(Some((_, status))) if status.stopped() => return Ok(Waited::Stopped),
                Ok(Some((_, status))) => return Ok(Waited::Ended(ExitStatus::from_raw(status.as_raw()))),
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn collect(mut stderr: ChildStderr) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        // What was read before a failure is still worth showing.
        let _ = stderr.read_to_end(&mut all);
        all
    })
}

fn argument_text(value: &Value) -> String {
    value::text::to_text(value)
}

/// Writes the input on a thread of its own, so that a program may write before it has read all.
fn feed(interpreter: &Interpreter, child: &mut Child, input: Data) -> Result<Option<JoinHandle<Result<()>>>> {
    let Some(mut stdin) = child.stdin.take() else { return Ok(None) };
    if let Data::Bytes(mut bytes) = input {
        return Ok(Some(std::thread::spawn(move || {
            // A program that ends before it has read all is its own affair.
            let _ = std::io::copy(&mut bytes.reader, &mut stdin);
            drop(stdin);
            bytes.program.map_or(Ok(()), Program::finish)
        })));
    }
    let bytes = match input.into_value(interpreter.context.interrupt())? {
        Value::Binary(bytes) => bytes.to_vec(),
        Value::String(text) => text.as_bytes().to_vec(),
        other => interpreter.context.ui().plain(&other)?.into_bytes(),
    };
    Ok(Some(std::thread::spawn(move || {
        let _ = stdin.write_all(&bytes);
        Ok(())
    })))
}

/// Runs a stage with its output in files: `o> file`, `e>> file`, `o+e> file`.
pub(crate) fn redirect(
    interpreter: &mut Interpreter,
    body: &Node,
    to: &[RedirectNode],
    input: Data,
) -> Result<Data, Stop> {
    let data = interpreter.run_captured(body, input)?;
    let mut data = Some(data);
    let mut errors = Vec::new();
    let mut output = Vec::new();
    let mut program = None;
    match data.take() {
        Some(Data::Bytes(mut bytes)) => {
            bytes
                .reader
                .read_to_end(&mut output)
                .map_err(|error| crate::data::unread(error).or_label(body.span, ""))?;
            if let Some(running) = bytes.program {
                let (name, span) = (running.name.clone(), running.span);
                let (status, stderr) = running.complete()?;
                errors = stderr;
                program = Some((name, span, status));
            }
        }
        Some(other) => {
            let value = other.into_value(interpreter.context.interrupt())?;
            if !value.is_nothing() {
                output = interpreter.context.ui().plain(&value)?.into_bytes();
            }
        }
        None => {}
    }
    let mut rest = Some(output);
    for redirect in to {
        let target = value::text::to_text(&interpreter.eval(&redirect.target)?);
        let path = interpreter.env.resolve(&target);
        let mut options = std::fs::OpenOptions::new();
        options.create(true).write(true).append(redirect.append).truncate(!redirect.append);
        let write = |bytes: &[u8]| options.open(&path).and_then(|mut file| file.write_all(bytes));
        let written = match redirect.from {
            PipeFrom::Out => write(&rest.take().unwrap_or_default()),
            PipeFrom::Err => write(&std::mem::take(&mut errors)),
            PipeFrom::Both => {
                let mut both = rest.take().unwrap_or_default();
                both.append(&mut errors);
                write(&both)
            }
        };
        written.map_err(|error| {
            Diagnostic::new(codes::CANNOT_WRITE, format!("`{target}` cannot be written: {}", diag::os_reason(&error)))
                .label(redirect.target.span, "to here")
        })?;
    }
    // What was not redirected goes where it would have gone.
    let _ = std::io::stderr().write_all(&errors);
    if let Some((name, span, status)) = program {
        check_status(&name, span, status)?;
    }
    match rest {
        Some(bytes) if !bytes.is_empty() => {
            Ok(Data::Bytes(Bytes { reader: Box::new(std::io::Cursor::new(bytes)), program: None }))
        }
        _ => Ok(Data::Empty),
    }
}
