//! Telling how far a transfer is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Told of a transfer's progress, from any thread. A function of done and total bytes will do.
pub trait Progress: Send + Sync {
    /// `done` of `total` bytes have arrived at the other end. `done` never goes back; it may begin above 0 when a
    /// transfer is resumed.
    fn update(&self, done: u64, total: u64);
}

impl<F: Fn(u64, u64) + Send + Sync> Progress for F {
    fn update(&self, done: u64, total: u64) {
        self(done, total);
    }
}

/// Adds up what the parts of one transfer report.
#[derive(Clone)]
pub(super) struct Meter {
    progress: Option<Arc<dyn Progress>>,
    done: Arc<AtomicU64>,
    total: u64,
}

impl Meter {
    pub(super) fn new(progress: Option<Arc<dyn Progress>>, total: u64) -> Self {
        Self {
            progress,
            done: Arc::default(),
            total,
        }
    }

    pub(super) fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(progress) = &self.progress {
            progress.update(done, self.total);
        }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.done.load(Ordering::Relaxed), self.total)
    }
}
