//! The secret that our methods ask for: whoever can read the owner's files may drive the owner's flows.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use diag::{Diagnostic, Result, codes};
use store::Home;
use uuid::Uuid;

/// How many bytes of a token file are read.
const LONGEST: u64 = 4096;

/// A secret of 244 random bits, in hexadecimal.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Makes a token, and a file that holds it and that the owner alone may read.
    pub fn create(path: &Path) -> Result<Token> {
        if let Some(directory) = path.parent() {
            Home::create(directory)?;
        }
        let token = Token(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()));
        let write = || {
            // Never an existing file: its mode, or whoever holds it open, could give the secret away.
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(token.0.as_bytes())
        };
        write().map_err(|error| {
            Diagnostic::new(codes::STATE_UNWRITABLE, format!("the token file {} cannot be written", path.display()))
                .cause(error.to_string())
        })?;
        Ok(token)
    }

    /// Reads the token of a file. One that others can read too is no secret and is refused, as dora-rs does.
    pub fn read(path: &Path) -> Result<Token> {
        let unreadable = |error: io::Error| {
            Diagnostic::new(codes::TOKEN_REFUSED, format!("the token file {} cannot be read", path.display()))
                .cause(error.to_string())
                .help("only the user who started the runtime can drive it")
        };
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            let told =
                format!("the token file {} can be read by others: its mode is {:o}", path.display(), mode & 0o777);
            return Err(Diagnostic::new(codes::TOKEN_REFUSED, told)
                .help("whoever has read it can drive what it opens; make a new token when that may have happened")
                .next(format!("chmod 600 '{}'", path.display())));
        }
        let mut text = String::new();
        // Tokens are short; a file that is not one is not read to its end.
        file.take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Diagnostic::new(
                codes::TOKEN_REFUSED,
                format!("the token file {} holds no token", path.display()),
            ));
        }
        Ok(Token(token.to_string()))
    }

    /// The value of an `Authorization` header.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Whether a header holds this token, in a time that does not tell how much of it was right.
    pub fn admits(&self, header: &[u8]) -> bool {
        let expected = self.header();
        let difference = expected.bytes().zip(header).fold(0, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(difference) == 0 && header.len() == expected.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_its_owner_and_admits_itself_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("tokens/a");
        let token = Token::create(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let read = Token::read(&path).unwrap();
        assert!(token.admits(read.header().as_bytes()));
        let other = Token::create(&path).unwrap();
        for header in [other.header(), String::new(), "Bearer ".to_string(), format!("{}0", token.header())] {
            assert!(!token.admits(header.as_bytes()), "{header}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_read_is_refused_with_its_path() {
        let error = Token::read(Path::new("/nowhere/token")).err().unwrap();
        assert_eq!(error.code, codes::TOKEN_REFUSED);
        assert!(error.message.contains("/nowhere/token"));
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("token");
        let write = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            Token::read(&path)
        };
        for (text, mode) in [("secret", 0o640), ("secret", 0o604), (" \n", 0o600), ("two words", 0o600)] {
            let error = write(text, mode).err().unwrap();
            assert_eq!(error.code, codes::TOKEN_REFUSED, "{text:?} {mode:o}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        assert!(write("secret\n", 0o600).unwrap().admits(b"Bearer secret"));
    }
}
