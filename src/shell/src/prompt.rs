//! The interactive shell.

use engine::Session;

use crate::terminal::Terminal;

/// Reads lines and runs them until the user leaves; gives the exit code.
pub fn run(mut session: Session, terminal: &Terminal) -> i32 {
    let mut code = 0;
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let outcome = session.run("<prompt>", &line, false);
        code = crate::app::finish(&mut session, terminal, outcome);
    }
    code
}
