//! A limit on bandwidth, shared by everything that a client sends and receives.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, invalid};

/// So much may be sent at once after a pause: what flows in this time.
const BURST: Duration = Duration::from_millis(250);

/// A token bucket. Clones share the same bucket.
#[derive(Debug, Clone)]
pub struct Throttle(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    bytes_per_second: f64,
    /// When everything that was let through so far has had its time.
    paid_until: Mutex<Instant>,
}

impl Throttle {
    /// Lets so many bytes through each second, over all connections together.
    ///
    /// # Errors
    /// When it is none.
    pub fn bytes_per_second(bytes: u64) -> Result<Self, Error> {
        if bytes == 0 {
            return Err(invalid("a bandwidth of 0 bytes a second would never end"));
        }
        #[allow(clippy::cast_precision_loss, reason = "a rate need not be exact to the byte")]
        let bytes_per_second = bytes as f64;
        Ok(Self(Arc::new(Bucket {
            bytes_per_second,
            paid_until: Mutex::new(Instant::now()),
        })))
    }

    /// How much may pass in about one burst, in bytes: larger pieces would flow unevenly.
    pub(crate) fn slice(&self) -> usize {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive rate, within bounds"
        )]
        let slice = (self.0.bytes_per_second * BURST.as_secs_f64()) as usize;
        slice.clamp(1024, 64 * 1024)
    }

    /// Waits until `bytes` more may pass. Waiting callers pass in the order in which they asked.
    pub async fn pass(&self, bytes: usize) {
        self.pass_while(bytes, || {}).await;
    }

    /// The same, calling `waiting` about every second.
    pub(crate) async fn pass_while(&self, bytes: usize, waiting: impl Fn()) {
        #[allow(clippy::cast_precision_loss, reason = "a rate need not be exact to the byte")]
        let cost = Duration::from_secs_f64(bytes as f64 / self.0.bytes_per_second);
        let until = {
            let now = Instant::now();
            let mut paid_until = self.0.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
            let start = (*paid_until).max(now.checked_sub(BURST).unwrap_or(now));
            *paid_until = start + cost;
            *paid_until
        };
        loop {
            waiting();
            let now = Instant::now();
            if now >= until {
                return;
            }
            tokio::time::sleep_until(until.min(now + Duration::from_secs(1))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_together_keep_to_the_rate() {
        let throttle = Throttle::bytes_per_second(1_000_000).unwrap();
        let started = Instant::now();
        let passing = (0..10).map(|_| {
            let throttle = throttle.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    throttle.pass(10_000).await;
                }
            })
        });
        for task in passing.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let took = started.elapsed().as_secs_f64();
        assert!((9.5..=10.1).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_earns_no_more_than_a_burst() {
        let throttle = Throttle::bytes_per_second(1_000_000).unwrap();
        tokio::time::sleep(Duration::from_secs(100)).await;
        let started = Instant::now();
        throttle.pass(1_000_000).await;
        assert!(
            started.elapsed() >= Duration::from_millis(740),
            "{:?}",
            started.elapsed()
        );
        assert!(Throttle::bytes_per_second(0).is_err());
    }
}
