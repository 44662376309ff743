//! coscrypt: client-side encryption for Tencent Cloud COS, on the command line.

mod args;
mod cmd;
mod config;
mod connect;
mod exit;
mod failure;
mod files;
mod output;
mod run;
mod secrets;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    secrets::keep_out_of_core_dumps();
    match args::parse(std::env::args_os()) {
        Ok(command_line) => run::run(command_line).into(),
        Err(exit) => exit.into(),
    }
}
