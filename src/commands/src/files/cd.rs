use crate::prelude::*;

pub static CD: Command = Command {
    name: "cd",
    category: Category::Files,
    effect: Effect::Moves,
    summary: "Changes the current directory; `cd -` goes back",
    params: &[Param::optional("path", Takes::Directory, "Where to; home by default")],
    io: &[("nothing", "nothing")],
    examples: &[try_it("Up", "cd .."), try_it("Back", "cd -")],
    search: &["directory", "chdir"],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, _| {
        let shown = call.optional::<String>("path")?.unwrap_or_else(|| "~".into());
        let target = match shown.as_str() {
            "-" => match call.env().get("OLDPWD") {
                Some(Value::String(old)) => old.as_str().into(),
                _ => {
                    return Err(Diagnostic::new(codes::FILE_UNREADABLE, "there is no directory to go back to")
                        .label(call.span("path"), "here"));
                }
            },
            path => call.env().resolve(path),
        };
        let target = match target.canonicalize() {
            Ok(target) => target,
            Err(error) => {
                return Err(super::open::missing(&shown, &target, &error).label(call.span("path"), "this directory"));
            }
        };
        if !target.is_dir() {
            return Err(Diagnostic::new(codes::FILE_UNREADABLE, format!("`{shown}` is not a directory"))
                .label(call.span("path"), "a file"));
        }
        let old = call.env().cwd().to_string_lossy().into_owned();
        call.env_mut().set("OLDPWD", Value::string(old));
        call.env_mut().set_cwd(target);
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};
