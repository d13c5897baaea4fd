use std::path::Path;

use crate::changes::{self, DRY_RUN, Target};
use crate::prelude::*;

pub static LINK: Command = Command {
    name: "builtin link",
    category: Category::Node,
    summary: "Makes `dora-builtin` in a directory, so that dora-rs itself finds the built-in nodes",
    details: "This runtime needs no link. One of dora-rs finds `path: dora-builtin` when the directory is on its PATH. \
              The link names this very program, so it is to be made again when that moves.",
    params: &[
        Param::required("directory", Takes::Path, "Where the link goes"),
        Param::switch("force", Some('f'), "Replace what is there under that name"),
        DRY_RUN,
    ],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("Beside the programs of a virtual environment", "builtin link .venv/bin")],
    search: &["dora-builtin", "symlink", "install", "dora-rs"],
    run: |call, _| {
        let directory: String = call.required("directory")?;
        let place = call.env().resolve(&directory);
        let link = place.join(nodes::PROGRAM);
        let failed = |error: std::io::Error| {
            Diagnostic::new(codes::FILE_UNWRITABLE, format!("no link can be made in `{directory}`: {error}"))
                .label(call.span("directory"), "in here")
        };
        let program = std::env::current_exe().map_err(failed)?;
        if !place.is_dir() {
            return Err(failed(std::io::Error::other("it is no directory")));
        }
        let there = link.symlink_metadata().is_ok() && std::fs::read_link(&link).ok().as_ref() != Some(&program);
        if there && !call.switch("force") {
            return Err(Diagnostic::new(codes::FILE_EXISTS, format!("`{}` exists already", link.display()))
                .label(call.span("directory"), "in here")
                .help("`--force` replaces it"));
        }
        let name = link.display().to_string();
        changes::apply(call, "builtin", "link", vec![Target { key: name.clone(), name }], |target| {
            let (link, program) = (target.key.clone(), program.clone());
            Box::pin(async move {
                put(link.as_ref(), &program).map_err(|error| {
                    Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{link}` cannot be made: {error}"))
                })?;
                Ok(Some(format!("rm {}", value::literal::bare_or_quoted(&link))))
            })
        })
    },
    ..Command::DEFAULT
};

/// Makes the link beside its place and puts it there, so that it is never missing while it is replaced.
fn put(link: &Path, program: &Path) -> std::io::Result<()> {
    let beside = link.with_file_name(format!(".{}.{}.part", nodes::PROGRAM, std::process::id()));
    std::os::unix::fs::symlink(program, &beside)?;
    std::fs::rename(&beside, link).inspect_err(|_| {
        // What could not be put in its place must not lie around.
        let _ = std::fs::remove_file(&beside);
    })
}
