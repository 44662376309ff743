//! The server's clock, which tests may put forward or back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::store::UnixMillis;

/// The system's clock with an offset. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_millis: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time.
    #[must_use]
    pub fn system() -> Clock {
        Clock::default()
    }

    /// From now on the clock is ahead of the system's time by `offset`.
    pub fn set_ahead(&self, offset: Duration) {
        self.offset_millis.store(millis(offset), Ordering::Relaxed);
    }

    /// From now on the clock is behind the system's time by `offset`.
    pub fn set_behind(&self, offset: Duration) {
        self.offset_millis.store(-millis(offset), Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> UnixMillis {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis);
        UnixMillis(system.saturating_add(self.offset_millis.load(Ordering::Relaxed)))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
