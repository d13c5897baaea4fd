//! What `dora --help` and `dora --version` say.

use diag::Exit;

/// The page of `dora` as a program; commands have their own.
pub fn usage() -> String {
    let codes = [
        (Exit::Done, "done"),
        (Exit::Failed, "failed while it ran"),
        (Exit::Usage, "refused: nothing has run"),
        (Exit::Partly, "done in part"),
        (Exit::BadAnswer, "done, and the answer is bad"),
        (Exit::NotFound, "something named is not there"),
        (Exit::Locked, "something is held by another"),
        (Exit::Interrupted, "interrupted"),
    ];
    let codes: String = codes.map(|(code, means)| format!("  {:3}  {means}\n", code as i32)).concat();
    format!(
        "\
A structured shell for dataflows, with the runtime that carries them.

Usage:
  dora                      the prompt
  dora COMMAND …            one command: dora dataflow list --output json
  dora -c CODE              code of the language: dora -c 'ls | length'
  dora FILE.dora …          a script, and the words for its `main`
  dora check FILE.dora …    looks for mistakes and runs nothing
  dora fmt [--check] PATH … lays programs out
  dora test PATH …          runs tests in programs and examples in documents

Options:
  -c, --commands CODE       run code
      --stdin               with -c: standard input is `$stdin`
      --output FORMAT       table, json, ndjson, yaml, csv or text
  -q, --quiet               names only, one on a line
      --error-format FORMAT text or json
  -h, --help                this page; `dora COMMAND --help` for a command
  -V, --version             the version

Exit codes:
{codes}
`dora help` says where to begin, `dora help commands` lists the commands.
"
    )
}

/// `dora 0.1.0 (speaks dora 1.1)`
pub fn version() -> String {
    format!("dora {} (speaks dora 1.1)\n", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_fits_a_terminal_and_tells_the_codes() {
        let page = usage();
        assert!(page.lines().all(|line| line.chars().count() < 80), "{page}");
        assert!(page.contains("130  interrupted") && page.contains("-c, --commands"), "{page}");
    }
}
