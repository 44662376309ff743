//! `completions`, `man`: made from the same definition that reads the command line.

use std::io;

use super::{Context, command};
use crate::args::shell::{Completions, Man};
use crate::exit::Exit;
use crate::failure::Failure;

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
            clap_mangen::generate_to(command(), &folder).map_err(doing)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command())
                .render(&mut page)
                .map_err(|error| Failure::stdout(&error))?;
            context.output().write(&page)?;
        }
    }
    Ok(Exit::Done)
}
