//! `completions`, `man`: made from the same definition that reads the command line.

use std::io;

use super::{Context, command};
use crate::args::shell::{Completions, Man};
use crate::exit::Exit;
use crate::failure::Failure;

/// What no other help says.
const CONFIGURATION: &str = "\
CONFIGURATION: config.toml in the platform's folder for coscrypt (~/.config/coscrypt on Linux), or the file named by \
--config or COSCRYPT_CONFIG. It holds profiles, and the one named default is used unless --profile says otherwise. A \
profile may set endpoint, addressing, region, keys (a list of key files), jobs, secret_id, secret_key and \
session_token; a file with secrets must be readable by its owner only. The command line, a profile named on it \
included, wins over the environment, and that over the default profile.

EXIT CODES: 0 done, 1 failed, 2 usage, 3 some items failed, 4 not found, 5 data failed authentication, 6 key missing \
or wrong, 7 not permitted or credentials, 10 target exists, 130 interrupted.";

pub(super) fn completions(context: &Context, args: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "coscrypt", &mut script);
    context.output().write(&script)?;
    Ok(Exit::Done)
}

pub(super) fn man(context: &Context, args: Man) -> Result<Exit, Failure> {
    match args.dir {
        Some(folder) => {
            let doing = |error: io::Error| Failure::file("write manual pages to", &folder, &error);
            std::fs::create_dir_all(&folder).map_err(doing)?;
            clap_mangen::generate_to(with_configuration(), &folder).map_err(doing)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(with_configuration())
                .render(&mut page)
                .map_err(|error| Failure::stdout(&error))?;
            context.output().write(&page)?;
        }
    }
    Ok(Exit::Done)
}

fn with_configuration() -> clap::Command {
    command().after_long_help(CONFIGURATION)
}
