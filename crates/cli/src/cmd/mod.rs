//! The commands, one file each: arguments in, library calls, results out.

mod batch;
mod cat;
mod decrypt;
mod describe;
mod encrypt;
mod get;
mod headers;
mod inspect;
mod key;
mod ls;
mod put;
mod read;
mod rm;
pub(crate) mod serve;
mod shell;
mod sink;
mod stat;

use std::sync::Arc;

use cos_transport::BucketName;

use crate::args::global::Globals;
use crate::args::{Command, command};
use crate::connect::Session;
use crate::exit::Exit;
use crate::failure::{Concerns, Failure};
use crate::output::Output;
use crate::settings::Settings;

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    globals: Globals,
    output: Arc<Output>,
}

impl Context {
    pub(crate) fn new(globals: Globals, output: Arc<Output>) -> Self {
        Self { globals, output }
    }

    pub(crate) fn output(&self) -> &Arc<Output> {
        &self.output
    }

    /// Settings, from everywhere: only commands that need them read the configuration.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        Settings::resolve(&self.globals)
    }

    /// Does something with the service, and leaves it in order whatever comes of it.
    pub(crate) async fn with_session<T>(
        &self,
        settings: &mut Settings,
        work: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let session = Session::open(settings, &self.output).await?;
        let ended = work(&session).await;
        session.close().await;
        ended
    }
}

/// Runs a command.
pub(crate) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Key(args) => key::run(context, args).await,
        Command::Put(args) => put::run(context, args).await,
        Command::Get(args) => get::run(context, args).await,
        Command::Cat(args) => cat::run(context, args).await,
        Command::Ls(args) => ls::run(context, args).await,
        Command::Stat(args) => stat::run(context, args).await,
        Command::Rm(args) => rm::run(context, args).await,
        Command::Inspect(args) => inspect::run(context, args).await,
        Command::Completions(args) => shell::completions(context, &args),
        Command::Man(args) => shell::man(context, args),
        Command::Serve(args) => serve::run(context, args, std::future::pending()).await,
        Command::Encrypt(args) => encrypt::run(context, args).await,
        Command::Decrypt(args) => decrypt::run(context, args).await,
    }
}

/// An object could not be reached. The answer to a HEAD has no body, so what is missing is said here.
fn object_failure(error: cos_transport::Error, bucket: &BucketName, key: &str) -> Failure {
    if !error.is_not_found() || is_missing_bucket(&error) {
        return bucket_failure(error, bucket);
    }
    Failure::new(Exit::NotFound, format!("cos://{bucket}/{key} does not exist"))
        .or_help(format!("see what is there with: coscrypt ls cos://{bucket}/"))
}

/// A bucket could not be reached.
fn bucket_failure(error: cos_transport::Error, bucket: &BucketName) -> Failure {
    if !is_missing_bucket(&error) {
        return error.into();
    }
    Failure::new(Exit::NotFound, format!("the bucket {bucket} does not exist"))
        .or_help("check its name, its account number (APPID) and the region")
        .concerning(Concerns::All)
}

fn is_missing_bucket(error: &cos_transport::Error) -> bool {
    error.service().is_some_and(|error| error.code == "NoSuchBucket")
}
