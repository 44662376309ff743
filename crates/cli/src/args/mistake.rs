//! A command line that clap refused, told in two lines like every other error.

use clap::error::ErrorKind;

use crate::exit::Exit;
use crate::failure::Failure;

/// What is wrong, and what to do.
pub(crate) fn describe(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let message = paragraph(&text, "error: ");
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // clap shows the whole help instead of an error.
        return Failure::usage("a command is missing", "run: coscrypt --help");
    }
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    let help = match (paragraph(&text, "tip: "), usage) {
        (Some(tip), _) => tip,
        (None, Some(usage)) => format!("usage: {usage}"),
        (None, None) => "run: coscrypt --help".to_owned(),
    };
    Failure::new(Exit::Usage, message.unwrap_or_else(|| text.trim().to_owned())).or_help(help)
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
        let error = super::super::command().try_get_matches_from(args).unwrap_err();
        let failure = describe(&error);
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
    fn a_similar_word_is_proposed() {
        assert_eq!(
            told(&["coscrypt", "inspct"]).1,
            "a similar subcommand exists: 'inspect'"
        );
    }
}
