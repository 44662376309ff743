//! A command line that clap refused, told in two lines like every other error.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};

use crate::failure::Failure;

/// What is wrong with these arguments, and what to do.
pub(crate) fn describe(error: &clap::Error, command: &clap::Command, args: &[OsString]) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // clap shows the whole help instead of an error.
        return Failure::usage("a command is missing", "run: coscrypt --help");
    }
    let text = error.render().to_string();
    let message = match wrong_value(error) {
        Some(message) => message,
        None => paragraph(&text, "error: ").unwrap_or_else(|| text.trim().to_owned()),
    };
    let similar = paragraph(&text, "tip: ").filter(|tip| tip.contains("similar"));
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    let help = match (similar, usage) {
        (Some(tip), _) => tip,
        (None, Some(usage)) => format!("usage: {usage}"),
        (None, None) => format!("run: {} --help", command_named_in(command, args)),
    };
    Failure::usage(message, help)
}

/// A value that does not parse: what its own parser says. The value is not repeated, for it may hold a secret.
fn wrong_value(error: &clap::Error) -> Option<String> {
    let source = error
        .source()
        .filter(|_| error.kind() == ErrorKind::ValueValidation)?;
    match error.get(ContextKind::InvalidArg)?.to_string() {
        option if option.starts_with('-') => Some(format!(
            "{}: {source}",
            option.split(' ').next().unwrap_or_default()
        )),
        _ => Some(source.to_string()),
    }
}

/// `coscrypt key new`, when that is what was meant.
fn command_named_in(command: &clap::Command, args: &[OsString]) -> String {
    let mut names = vec!["coscrypt"];
    let mut command = command;
    for arg in args.iter().filter_map(|arg| arg.to_str()) {
        if let Some(found) = command.find_subcommand(arg) {
            names.push(found.get_name());
            command = found;
        }
    }
    names.join(" ")
}

/// The lines from the one that begins with `start` up to the next empty one, as one line.
fn paragraph(text: &str, start: &str) -> Option<String> {
    let first = text
        .lines()
        .position(|line| line.trim_start().starts_with(start))?;
    let lines = text
        .lines()
        .skip(first)
        .map(str::trim)
        .take_while(|line| !line.is_empty());
    Some(lines.collect::<Vec<_>>().join(" ").replacen(start, "", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(args: &[&str]) -> (String, String) {
        let mut command = super::super::command();
        let error = command.try_get_matches_from_mut(args).unwrap_err();
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let failure = describe(&error, &command, &args);
        (failure.message().to_owned(), failure.help().to_owned())
    }

    #[test]
    fn a_mistake_is_one_line_and_what_to_do_another() {
        for args in [
            &["coscrypt"] as &[&str],
            &["coscrypt", "nonsense"],
            &["coscrypt", "ls", "--nonsense"],
            &["coscrypt", "put"],
            &["coscrypt", "ls", "s3://b/k"],
            &["coscrypt", "get", "cos://b-1/k"],
            &["coscrypt", "--jobs", "0", "ls", "cos://b-1"],
        ] {
            let (message, help) = told(args);
            assert!(
                !message.is_empty() && !message.contains('\n'),
                "{args:?}: {message}"
            );
            assert!(!help.is_empty() && !help.contains('\n'), "{args:?}: {help}");
        }
    }

    #[test]
    fn a_value_is_not_repeated() {
        let (message, _) = told(&[
            "coscrypt",
            "--endpoint",
            "https://ann:sesame@example.com",
            "ls",
            "cos://b-1",
        ]);
        assert!(
            message.contains("credentials") && !message.contains("sesame"),
            "{message}"
        );
    }

    #[test]
    fn help_names_the_command() {
        assert_eq!(
            told(&["coscrypt", "key", "new", "--type", "dsa", "x"]).1,
            "run: coscrypt key new --help"
        );
    }

    #[test]
    fn a_similar_word_is_proposed() {
        assert_eq!(
            told(&["coscrypt", "inspct"]).1,
            "a similar subcommand exists: 'inspect'"
        );
    }
}
