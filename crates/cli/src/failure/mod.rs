//! Why a command fails: what happened, what to do, and the exit code. Library errors become failures in `libraries`.

mod libraries;

use std::io;
use std::path::Path;

use crate::exit::Exit;
use crate::output::sanitize::sanitize_path;

/// A failed command, or a failed item among many.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    help: Option<String>,
    concerns: Concerns,
}

/// Whether other items of the same command would fail for the same reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concerns {
    One,
    All,
}

impl Failure {
    /// What happened, in plain words.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            help: None,
            concerns: Concerns::One,
        }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message).or_help(help)
    }

    /// The second line: what to do about it. Keeps what was said already.
    #[must_use]
    pub(crate) fn or_help(mut self, help: impl Into<String>) -> Self {
        self.help.get_or_insert_with(|| in_line(help.into()));
        self
    }

    /// A file or folder that could not be used.
    pub(crate) fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            io::ErrorKind::PermissionDenied => Exit::NotPermitted,
            io::ErrorKind::AlreadyExists => Exit::Exists,
            _ => Exit::Failed,
        };
        let failure = Self::new(
            exit,
            format!("cannot {doing} {}: {}", sanitize_path(path), plain(error)),
        );
        match error.kind() {
            io::ErrorKind::NotFound => failure.or_help("check the path"),
            io::ErrorKind::PermissionDenied => failure.or_help("check who owns it and its permissions"),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                failure.or_help("make room on the disk and run the same command again")
            }
            _ => failure,
        }
    }

    /// stdout could not be written. A reader that went away has what it wanted.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::Done, "the output was closed"),
            _ => Self::new(Exit::Failed, format!("cannot write to stdout: {}", plain(error))),
        }
    }

    /// A signal to stop arrived.
    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
            .or_help("run the same command again; nothing unfinished was left under a final name")
    }

    /// Items failed, and each has said why.
    pub(crate) fn reported(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Says that every other item would fail too.
    #[must_use]
    pub(crate) fn concerning(mut self, concerns: Concerns) -> Self {
        self.concerns = concerns;
        self
    }

    /// Whether there is no point in going on with other items.
    pub(crate) fn concerns_all(&self) -> bool {
        self.concerns == Concerns::All
    }

    /// Nothing is left to say.
    pub(crate) fn is_silent(&self) -> bool {
        self.exit == Exit::Done || self.message.is_empty()
    }

    pub(crate) fn help(&self) -> &str {
        self.help.as_deref().unwrap_or(match self.exit {
            Exit::Done => "",
            Exit::Failed => "run it again with -v to see more",
            Exit::Usage => "run: coscrypt --help",
            Exit::SomeFailed => "see the errors above",
            Exit::NotFound => "check the name",
            Exit::NotAuthentic => "do not use the data; restore the object from another version or a backup",
            Exit::Key => "give the right key file with --key FILE",
            Exit::NotPermitted => "check the credentials and the permissions",
            Exit::Exists => "choose another name",
            Exit::Interrupted => "run the same command again",
        })
    }
}

/// The system's words without "(os error 2)".
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.contains(OS_ERROR) {
        true => without_os_errors(&text).to_lowercase(),
        false => text,
    }
}

const OS_ERROR: &str = " (os error ";

/// The system's numbers tell people nothing.
fn without_os_errors(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once(OS_ERROR) {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = rest.strip_prefix(')').unwrap_or(rest);
    }
    plain + rest
}

/// Help follows "help: ", so it begins small and ends without a full stop.
fn in_line(mut help: String) -> String {
    let is_word = help.chars().nth(1).is_some_and(|second| !second.is_uppercase());
    if let Some(first) = help.get_mut(..1).filter(|_| is_word) {
        first.make_ascii_lowercase();
    }
    if help.ends_with('.') && !help.ends_with("..") {
        help.pop();
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_written_alike_wherever_it_comes_from() {
        for (from, told) in [
            ("Give the private key file.", "give the private key file"),
            ("TLS is off.", "TLS is off"),
            ("check the name", "check the name"),
            ("", ""),
        ] {
            assert_eq!(Failure::new(Exit::Failed, "x").or_help(from).help(), told);
        }
    }

    #[test]
    fn the_systems_words_come_without_their_number() {
        assert_eq!(
            plain(&io::Error::from_raw_os_error(2)),
            "no such file or directory"
        );
        assert_eq!(without_os_errors("a (os error 1) b (os error 22)"), "a b");
        assert_eq!(
            plain(&io::Error::other("it has fewer bytes")),
            "it has fewer bytes"
        );
    }

    #[test]
    fn a_closed_pipe_is_success() {
        assert_eq!(
            Failure::stdout(&io::ErrorKind::BrokenPipe.into()).exit(),
            Exit::Done
        );
        assert!(Failure::stdout(&io::ErrorKind::BrokenPipe.into()).is_silent());
        assert_eq!(
            Failure::stdout(&io::ErrorKind::StorageFull.into()).exit(),
            Exit::Failed
        );
    }

    #[test]
    fn every_failure_has_help() {
        for exit in [
            Exit::Failed,
            Exit::Usage,
            Exit::SomeFailed,
            Exit::NotFound,
            Exit::NotAuthentic,
            Exit::Key,
            Exit::NotPermitted,
            Exit::Exists,
            Exit::Interrupted,
        ] {
            assert!(!Failure::new(exit, "x").help().is_empty(), "{exit:?}");
        }
    }
}
