//! Everything that is written: results to stdout, all else to stderr; for people or as JSON.

pub(crate) mod connector;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod sanitize;

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use crate::args::global::{Globals, ProgressWhen};
use crate::exit::Exit;
use crate::failure::Failure;
use progress::Bar;
use sanitize::sanitize;

/// A result: a line for people, a JSON object for scripts.
pub(crate) trait Record: Serialize {
    /// The line, or lines, for people. Names in it go through `names`.
    fn human(&self, names: Names) -> String;
}

/// How names are written on stdout: raw into a pipe or file, sanitized on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    Raw,
    Sanitized,
}

impl Names {
    /// The name as it is shown.
    pub(crate) fn show(self, name: &str) -> String {
        match self {
            Self::Raw => name.to_owned(),
            Self::Sanitized => sanitize(name).into_owned(),
        }
    }
}

/// Which form results and errors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Human,
    Json,
}

/// Where a command's words go.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    quiet: bool,
    names: Names,
    bar: Bar,
}

impl Output {
    pub(crate) fn new(globals: &Globals) -> Self {
        let form = if globals.json { Form::Json } else { Form::Human };
        let bar = match globals.progress {
            ProgressWhen::Always => Bar::always(),
            ProgressWhen::Auto if form == Form::Human && !globals.quiet => Bar::on_terminal(),
            ProgressWhen::Auto | ProgressWhen::Never => Bar::never(),
        };
        let names = if io::stdout().is_terminal() {
            Names::Sanitized
        } else {
            Names::Raw
        };
        Self {
            form,
            quiet: globals.quiet,
            names,
            bar,
        }
    }

    /// Before the arguments are known to be right.
    pub(crate) fn plain(form: Form) -> Self {
        Self {
            form,
            quiet: false,
            names: Names::Sanitized,
            bar: Bar::never(),
        }
    }

    /// The progress bar, hidden unless it is wanted.
    pub(crate) fn bar(&self) -> &Bar {
        &self.bar
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// A result, on stdout.
    pub(crate) fn record(&self, record: &impl Record) -> Result<(), Failure> {
        let line = match self.form {
            Form::Human => record.human(self.names),
            Form::Json => json::to_line(record).map_err(|e| Failure::new(Exit::Failed, e.to_string()))?,
        };
        self.write(format!("{line}\n").as_bytes())
    }

    /// What was done to one of many items: for scripts always, for people only a summary follows.
    pub(crate) fn item(&self, record: &impl Record) -> Result<(), Failure> {
        if self.is_json() {
            self.record(record)
        } else {
            Ok(())
        }
    }

    /// Bytes on stdout, as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.bar
            .suspend(|| {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            })
            .map_err(|error| Failure::stdout(&error))
    }

    /// Bytes on stdout, without holding up anything else while nobody takes them.
    pub(crate) async fn data(self: &Arc<Self>, bytes: Bytes) -> Result<(), Failure> {
        let output = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || output.write(&bytes)).await;
        written.unwrap_or_else(|error| Err(Failure::new(Exit::Failed, error.to_string())))
    }

    /// A remark for people, on stderr; not with `--quiet`, and not beside JSON.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet && self.form == Form::Human {
            self.stderr(format!("{}\n", sanitize(&text.to_string())));
        }
    }

    /// A warning for people, on stderr, also with `--quiet`; a JSON object beside JSON.
    pub(crate) fn warn(&self, text: impl Display) {
        #[derive(Serialize)]
        struct Warning {
            warning: String,
        }
        let text = text.to_string();
        let line = match self.form {
            Form::Human => {
                let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
                format!("{style}warning:{style:#} {}", sanitize(&text))
            }
            Form::Json => json::to_line(&Warning { warning: text }).unwrap_or_default(),
        };
        self.stderr(line + "\n");
    }

    /// Why the command failed: two lines, or one JSON object.
    pub(crate) fn failed(&self, failure: &Failure) {
        self.report(None, failure);
    }

    /// Why one of many items failed; the others go on.
    pub(crate) fn item_failed(&self, item: &str, failure: &Failure) {
        self.report(Some(item), failure);
    }

    fn report(&self, item: Option<&str>, failure: &Failure) {
        #[derive(Serialize)]
        struct Report<'a> {
            error: &'a str,
            help: &'a str,
            exit: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            item: Option<&'a str>,
        }
        if failure.is_silent() {
            return;
        }
        let (error, help, exit) = (failure.message(), failure.help(), failure.exit().code());
        let text = match self.form {
            Form::Json => {
                json::to_line(&Report {
                    error,
                    help,
                    exit,
                    item,
                })
                .unwrap_or_default()
                    + "\n"
            }
            Form::Human => {
                let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
                let bold = Style::new().bold();
                // A message that names the item already needs no name before it.
                let item = item
                    .filter(|item| !error.contains(*item))
                    .map(|item| format!("{}: ", sanitize(item)))
                    .unwrap_or_default();
                let (error, help) = (sanitize(error), sanitize(help));
                format!("{red}error:{red:#} {item}{error}\n{bold}help:{bold:#} {help}\n")
            }
        };
        self.stderr(text);
    }

    /// One write for one message, so that messages do not mix. Nobody may be listening, which is no reason to stop.
    fn stderr(&self, text: String) {
        self.bar
            .suspend(|| _ = anstream::stderr().lock().write_all(text.as_bytes()));
    }
}
