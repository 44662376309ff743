//! The command line: what can be said, and how what was said wrongly is told.

pub(crate) mod global;
pub(crate) mod inspect;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod location;
mod mistake;
pub(crate) mod offline;
pub(crate) mod serve;
pub(crate) mod shell;
pub(crate) mod transfer;

use std::ffi::OsString;
use std::io::Write as _;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::Exit;
use crate::output::{Form, Output};
use global::Globals;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "coscrypt",
    version,
    about = "Encrypts files before they go to Tencent Cloud COS, and brings them back",
    after_help = "\
Objects are written cos://BUCKET-APPID/KEY. Credentials come from COS_SECRET_ID, COS_SECRET_KEY and
COS_SESSION_TOKEN or from the configuration, never from the command line.

Example, on a folder instead of an account:
  coscrypt key new master.key
  coscrypt --key master.key --endpoint local:store put -r photos cos://backup-1250000000/photos/
",
    subcommand_required = true,
    max_term_width = 100
)]
pub(crate) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How.
    #[command(flatten)]
    pub(crate) globals: Globals,
}

/// What can be done; each has a file in `cmd`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make, describe and split key files
    #[command(subcommand)]
    Key(key::KeyCommand),
    Put(transfer::Put),
    Get(transfer::Get),
    Cat(transfer::Cat),
    Ls(list::Ls),
    Stat(inspect::Stat),
    Rm(list::Rm),
    Inspect(inspect::Inspect),
    Encrypt(offline::Encrypt),
    Decrypt(offline::Decrypt),
    Serve(serve::Serve),
    Completions(shell::Completions),
    Man(shell::Man),
}

/// The command as clap knows it, for manual pages and completions.
pub(crate) fn command() -> clap::Command {
    CommandLine::command()
}

/// Reads the command line. Help and mistakes are written here, and leave only their exit code.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<CommandLine, Exit> {
    let args: Vec<OsString> = args.into_iter().collect();
    let form = if args.iter().any(|arg| arg == "--json") {
        Form::Json
    } else {
        Form::Human
    };
    let mut command = with_short_help(command());
    let parsed = command.try_get_matches_from_mut(&args).and_then(|mut matches| {
        CommandLine::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    });
    parsed.map_err(|error| match error.use_stderr() {
        false => show_help(&error),
        true => {
            let failure = mistake::describe(&error, &command, &args);
            Output::plain(form).failed(&failure);
            failure.exit()
        }
    })
}

/// Help for a command lists its own options; those of all commands are listed once, by `coscrypt --help`.
fn with_short_help(mut command: clap::Command) -> clap::Command {
    command.build();
    hide_global_options(command)
}

fn hide_global_options(command: clap::Command) -> clap::Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    names.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |sub| {
            let hidden = sub.mut_args(|arg| {
                let is_global = arg.is_global_set();
                arg.hide(is_global)
            });
            let after = match (hidden.has_subcommands(), hidden.get_after_help()) {
                (false, Some(text)) => {
                    format!("{text}\n\nOptions of every command, such as --key: coscrypt --help")
                }
                _ => "Options of every command, such as --key: coscrypt --help".to_owned(),
            };
            hide_global_options(hidden.after_help(after))
        })
    })
}

/// Help and version were asked for: they go to stdout.
fn show_help(text: &clap::Error) -> Exit {
    match anstream::stdout().write_all(text.render().ansi().to_string().as_bytes()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_an_example_that_fits_a_screen() {
        fn check(command: &clap::Command, path: &str) {
            let help = command.clone().render_help().to_string();
            // The options of all commands are listed at the top only.
            let most = if path == "coscrypt" { 44 } else { 30 };
            assert!(
                help.lines().count() <= most,
                "{path}: {} lines",
                help.lines().count()
            );
            if command.has_subcommands() {
                command
                    .get_subcommands()
                    .filter(|sub| sub.get_name() != "help")
                    .for_each(|sub| {
                        check(sub, &format!("{path} {}", sub.get_name()));
                    });
            } else {
                assert!(help.contains("Example"), "{path} has no example");
            }
        }
        let command = with_short_help(command());
        check(&command, "coscrypt");
    }

    #[test]
    fn secrets_cannot_be_arguments() {
        fn names(command: &clap::Command) -> Vec<String> {
            let own = command
                .get_arguments()
                .filter_map(|arg| arg.get_long())
                .map(str::to_owned);
            own.chain(command.get_subcommands().flat_map(names)).collect()
        }
        for name in names(&command()) {
            assert!(
                !["secret", "token", "password", "passphrase"]
                    .iter()
                    .any(|bad| name.contains(bad)),
                "{name}"
            );
        }
    }
}
