//! One run: logging, the runtime, signals, and how it ends.

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::args::{Command, CommandLine};
use crate::cmd::{self, Context};
use crate::exit::Exit;
use crate::failure::{Failure, plain};
use crate::output::Output;

/// How long work that was told to stop may take to clean up behind itself.
const CLEAN_UP_TIME: Duration = Duration::from_millis(500);

/// Runs the command and reports how it ended.
pub(crate) fn run(command_line: CommandLine) -> Exit {
    start_logging(command_line.globals.verbose);
    let output = Arc::new(Output::new(&command_line.globals));
    let ended = run_until_stopped(command_line, &output);
    output.bar().finish();
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            output.failed(&failure);
            failure.exit()
        }
    }
}

/// The command has a thread of its own, so that a signal is heard even while it waits in a write to a full pipe.
fn run_until_stopped(command_line: CommandLine, output: &Arc<Output>) -> Result<Exit, Failure> {
    let stop = CancellationToken::new();
    let (done, ended) = oneshot::channel();
    let worker = {
        let (stop, output) = (stop.clone(), Arc::clone(output));
        thread::Builder::new().name("command".into()).spawn(move || {
            // Nobody listens any more only when the program is ending.
            _ = done.send(run_on_a_runtime(command_line, output, stop));
        })
    };
    worker.map_err(cannot_start)?;
    let signals = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot_start)?;
    signals.block_on(wait(ended, stop))
}

async fn wait(
    mut ended: oneshot::Receiver<Result<Exit, Failure>>,
    stop: CancellationToken,
) -> Result<Exit, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_start)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_start)?;
    loop {
        tokio::select! {
            ended = &mut ended => return ended.unwrap_or_else(|_| Err(panicked())),
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if stop.is_cancelled() {
            return Err(Failure::interrupted());
        }
        stop.cancel();
    }
}

fn run_on_a_runtime(
    command_line: CommandLine,
    output: Arc<Output>,
    stop: CancellationToken,
) -> Result<Exit, Failure> {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(cannot_start)?;
    let context = Context::new(command_line.globals, output);
    let ended = runtime.block_on(async {
        match command_line.command {
            // The only one for which a signal is the normal end.
            Command::Serve(serve) => cmd::serve::run(&context, serve, stop.cancelled()).await,
            command => tokio::select! {
                // A signal goes first: what it ended in a pipeline must not look like the end of the data.
                biased;
                () = stop.cancelled() => Err(Failure::interrupted()),
                ended = cmd::run(&context, command) => ended,
            },
        }
    });
    // A thread may hang in a read of stdin or a write to a full pipe: it is not waited for.
    runtime.shutdown_timeout(CLEAN_UP_TIME);
    ended
}

fn cannot_start(error: io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the program cannot start: {}", plain(&error)),
    )
}

fn panicked() -> Failure {
    Failure::new(Exit::Failed, "the program failed inside: this is a bug")
        .or_help("report it with what you did")
}

/// Events of this project's own crates only: those of others could hold what must not be shown.
fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter =
        ["coscrypt", "cos_transport", "cos_encryption", "cos_local"].map(|name| format!("{name}={level}"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter.join(",")))
        .with_writer(io::stderr)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .finish();
    // It fails only where another one was set, which cannot be.
    _ = tracing::subscriber::set_global_default(subscriber);
}
