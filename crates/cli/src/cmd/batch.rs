//! Many items, one outcome: every failure is told, the others go on, and a summary follows.

use std::time::Instant;

use serde::Serialize;

use super::Context;
use crate::exit::{Exit, Tally};
use crate::failure::Failure;
use crate::output::human::{Bytes, Count, Took};
use crate::output::{Names, Record};

/// Whether the command is about one item or about many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Its failure is the command's.
    One,
    /// Failures are told one by one.
    Many,
}

/// Who sees every item that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Items {
    ForScripts,
    ForAll,
}

/// The outcomes of a command's items.
pub(super) struct Batch<'a> {
    context: &'a Context,
    scope: Scope,
    /// What is done to items, for the summary: `stored`.
    verb: &'static str,
    items: Items,
    tally: Tally,
    bytes: u64,
    started: Instant,
}

impl<'a> Batch<'a> {
    pub(super) fn new(context: &'a Context, scope: Scope, verb: &'static str) -> Self {
        let (tally, started) = (Tally::default(), Instant::now());
        Self {
            context,
            scope,
            verb,
            items: Items::ForScripts,
            tally,
            bytes: 0,
            started,
        }
    }

    /// For a command that only tells what it would do: people see every item.
    pub(super) fn dry_run(context: &'a Context, scope: Scope, verb: &'static str) -> Self {
        Self {
            items: Items::ForAll,
            ..Self::new(context, scope, verb)
        }
    }

    /// Notes an outcome: what was done with how many bytes, or why not. An error ends the command.
    pub(super) fn note(
        &mut self,
        item: &str,
        outcome: Result<(impl Record, u64), Failure>,
    ) -> Result<(), Failure> {
        match outcome {
            Ok((record, bytes)) => {
                self.tally.done();
                self.bytes += bytes;
                match self.items {
                    Items::ForScripts => self.context.output().item(&record),
                    Items::ForAll => self.context.output().record(&record),
                }
            }
            Err(failure) if self.scope == Scope::One || failure.is_silent() => Err(failure),
            Err(failure) => {
                self.tally.failed(failure.exit());
                self.context.output().item_failed(item, &failure);
                match failure.concerns_all() {
                    false => Ok(()),
                    true => {
                        self.context
                            .output()
                            .warn("this would happen to everything else too: stopping");
                        self.summarize()?;
                        Err(Failure::reported(self.tally.exit()))
                    }
                }
            }
        }
    }

    /// The summary, and the exit code for all.
    pub(super) fn finish(self) -> Result<Exit, Failure> {
        self.summarize()?;
        Ok(self.tally.exit())
    }

    /// How many items there were.
    pub(super) fn count(&self) -> u64 {
        self.tally.done_count() + self.tally.failed_count()
    }

    fn summarize(&self) -> Result<(), Failure> {
        let (done, failed, took) = (
            self.tally.done_count(),
            self.tally.failed_count(),
            self.started.elapsed(),
        );
        self.context.output().bar().finish();
        let (verb, objects) = (self.verb, Count(done, "object"));
        let others = if failed > 0 {
            format!("; {failed} failed")
        } else {
            String::new()
        };
        self.context.output().note(match self.items {
            Items::ForAll => format!("{verb} {objects}{others}"),
            Items::ForScripts => format!(
                "{verb} {objects}, {}, in {}{others}",
                Bytes(self.bytes),
                Took(took)
            ),
        });
        let summary = Counts {
            objects: done,
            bytes: self.bytes,
            failed,
            seconds: took.as_secs_f64(),
        };
        self.context.output().item(&Summary { summary })
    }
}

#[derive(Serialize)]
struct Summary {
    summary: Counts,
}

#[derive(Serialize)]
struct Counts {
    objects: u64,
    /// Of plaintext.
    bytes: u64,
    failed: u64,
    seconds: f64,
}

impl Record for Summary {
    fn human(&self, _names: Names) -> String {
        String::new()
    }
}
