//! When a request is sent again, and after how long.

use std::time::Duration;

use rand::RngExt;

/// How often and how fast a failed request is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u32,
    /// Wait before the second attempt; doubled for each further one, then varied at random.
    pub first_delay: Duration,
    /// The longest wait between two attempts, also when the service asks for more.
    pub max_delay: Duration,
    /// The longest time spent waiting, all waits between attempts together. The attempts themselves may take as long as
    /// they move.
    pub budget: Duration,
}

/// Whether a request that stays without an answer goes to the service's other domain in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackupDomain {
    /// Never.
    #[default]
    Never,
    /// The last attempt goes from `BUCKET.cos.REGION.myqcloud.com` to `BUCKET.cos.REGION.tencentcos.cn`, when the one
    /// before had no answer, or one without a request id, which is not the service's. Other hosts are kept.
    OnLastAttempt,
}

impl RetryPolicy {
    /// One attempt.
    #[must_use]
    pub fn never() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// Begins a series of attempts.
    #[must_use]
    pub fn start(&self) -> Attempts<'_> {
        Attempts {
            policy: self,
            number: 1,
            waited: Duration::ZERO,
        }
    }

    /// The wait before attempt `attempt + 1`, when `attempt` (from 1) has failed and `waited` was spent on earlier
    /// waits; none to give up. `asked` is how long the service wants to be left alone.
    fn delay(&self, attempt: u32, waited: Duration, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = self
            .first_delay
            .saturating_mul(1u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        // Half of the wait is chance, so that many clients do not come back at once.
        let varied = doubled
            .min(self.max_delay)
            .mul_f64(0.5 + rand::rng().random::<f64>() / 2.0);
        let delay = asked.map_or(varied, |asked| asked.max(varied).min(self.max_delay));
        (waited + delay <= self.budget).then_some(delay)
    }
}

/// Attempts at one thing, and the waits between them.
#[derive(Debug)]
pub struct Attempts<'a> {
    policy: &'a RetryPolicy,
    number: u32,
    waited: Duration,
}

impl Attempts<'_> {
    /// Which attempt this is, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// After an attempt failed with `error`: waits, and is true, or gives up at once. `asked` is how long the service
    /// wants to be left alone.
    pub async fn wait(&mut self, error: &impl std::fmt::Display, asked: Option<Duration>) -> bool {
        let Some(delay) = self.policy.delay(self.number, self.waited, asked) else {
            return false;
        };
        tracing::debug!(attempt = self.number, %error, ?delay, "trying again");
        tokio::time::sleep(delay).await;
        self.number += 1;
        self.waited += delay;
        true
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_delay: Duration::from_millis(200),
            max_delay: Duration::from_secs(20),
            budget: Duration::from_secs(120),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_bounds_and_end() {
        let policy = RetryPolicy {
            attempts: 12,
            ..RetryPolicy::default()
        };
        for attempt in 1..12 {
            let delay = policy.delay(attempt, Duration::ZERO, None).unwrap();
            let nominal = (policy.first_delay * 2u32.pow(attempt - 1)).min(policy.max_delay);
            assert!(delay >= nominal / 2 && delay <= nominal, "{attempt}: {delay:?}");
        }
        assert_eq!(policy.delay(12, Duration::ZERO, None), None);
        assert_eq!(policy.delay(1, policy.budget, None), None);
        assert_eq!(RetryPolicy::never().delay(1, Duration::ZERO, None), None);
        let asked = Some(Duration::from_secs(7));
        assert_eq!(policy.delay(1, Duration::ZERO, asked), asked);
        assert_eq!(
            policy.delay(1, Duration::ZERO, Some(Duration::from_secs(900))),
            Some(policy.max_delay)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn long_attempts_are_repeated_too_and_only_waits_count() {
        let policy = RetryPolicy {
            budget: Duration::from_secs(3),
            ..RetryPolicy::default()
        };
        let mut attempts = policy.start();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(attempts.wait(&"broken", Some(Duration::from_secs(2))).await);
        assert_eq!(attempts.number(), 2);
        assert!(
            !attempts.wait(&"broken", Some(Duration::from_secs(2))).await,
            "4 seconds of waiting are too much"
        );
    }
}
