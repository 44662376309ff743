//! How far a transfer is: a bar on a terminal, a line a second where there is none and one was asked for.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::human::{Bytes, Took};

const REDRAWS_A_SECOND: u8 = 8;
const BETWEEN_LINES: Duration = Duration::from_secs(1);

/// Counts the bytes of a command's transfers, and shows them.
#[derive(Debug)]
pub(crate) struct Bar {
    bytes: AtomicU64,
    expected: AtomicU64,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines { started: Instant, last: Mutex<Instant> },
}

impl Bar {
    pub(crate) fn never() -> Self {
        Self {
            bytes: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            shown: Shown::Nothing,
        }
    }

    /// A bar if stderr is a terminal.
    pub(crate) fn on_terminal() -> Self {
        if !io::stderr().is_terminal() {
            return Self::never();
        }
        // Hidden until a transfer starts: most commands have none.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self {
            shown: Shown::Bar(bar),
            ..Self::never()
        }
    }

    /// A bar on a terminal, else lines.
    pub(crate) fn always() -> Self {
        if io::stderr().is_terminal() {
            return Self::on_terminal();
        }
        let now = Instant::now();
        Self {
            shown: Shown::Lines {
                started: now,
                last: Mutex::new(now),
            },
            ..Self::never()
        }
    }

    /// So many more bytes are to come.
    pub(crate) fn expect(&self, bytes: u64) {
        let expected = self.expected.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Shown::Bar(bar) = &self.shown {
            if bar.length().is_none() {
                bar.set_style(style("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left"));
            }
            bar.set_length(expected);
            self.show(bar);
        }
    }

    /// So many bytes were moved.
    pub(crate) fn advance(&self, bytes: usize) {
        let bytes = bytes as u64;
        let sum = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                if bar.length().is_none() {
                    bar.set_style(style("{spinner} {bytes} {bytes_per_sec} {elapsed}"));
                }
                self.show(bar);
                bar.inc(bytes);
            }
            Shown::Lines { started, last } => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= BETWEEN_LINES {
                    *last = Instant::now();
                    let of = match self.expected.load(Ordering::Relaxed) {
                        0 => String::new(),
                        expected => format!(" of {}", Bytes(expected)),
                    };
                    let line = format!("{}{of} in {}\n", Bytes(sum), Took(started.elapsed()));
                    // Nobody may be listening, which is no reason to stop.
                    _ = io::stderr().lock().write_all(line.as_bytes());
                }
            }
        }
    }

    /// Takes the bar off the screen.
    pub(crate) fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    /// Writes something else without drawing over it.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(write),
            Shown::Nothing | Shown::Lines { .. } => write(),
        }
    }

    fn show(&self, bar: &ProgressBar) {
        if bar.is_hidden() && !bar.is_finished() {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS_A_SECOND));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; the default style stands in should one be wrong.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
