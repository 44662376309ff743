//! Credentials that are renewed before they end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{Credentials, CredentialsError, CredentialsFuture, CredentialsProvider};

/// Credentials are renewed when they hold for less than this.
const AHEAD: Duration = Duration::from_secs(5 * 60);
/// Valid credentials are not renewed more often than this, whether or not it succeeds.
const PAUSE: Duration = Duration::from_secs(10);
/// Credentials whose end is not known are asked for again after this time.
const UNKNOWN_LIFE: Duration = Duration::from_secs(5 * 60);
/// The longest wait for a provider.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Keeps the credentials of another provider and renews them ahead of their end. However many requests wait, the
/// provider is asked once, and all of them get what it said. While the old credentials still hold, nobody waits for
/// new ones but the request that asks, and a renewal that fails is no error.
#[derive(Debug)]
pub struct RefreshingCredentials<P> {
    provider: P,
    ahead: Duration,
    kept: Mutex<Kept>,
    /// Held by whoever asks the provider.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    credentials: Option<Arc<Credentials>>,
    /// How often the provider was asked to the end, when last, and why it failed if it did.
    asked: u64,
    asked_at: Option<Instant>,
    failure: Option<CredentialsError>,
}

/// What a request can do with the credentials that are kept.
enum State {
    Fresh(Arc<Credentials>),
    /// Still good, and about to end.
    Ending(Arc<Credentials>),
    Useless,
}

impl<P: CredentialsProvider> RefreshingCredentials<P> {
    /// Keeps what `provider` gives.
    pub fn new(provider: P) -> Self {
        Self {
            provider,
            ahead: AHEAD,
            kept: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// How long before their end credentials are renewed; 5 minutes unless set.
    #[must_use]
    pub fn ahead(mut self, ahead: Duration) -> Self {
        self.ahead = ahead;
        self
    }

    async fn get(&self) -> Result<Arc<Credentials>, CredentialsError> {
        let (state, asked) = self.state();
        match state {
            State::Fresh(credentials) => Ok(credentials),
            State::Ending(credentials) => {
                let Ok(_turn) = self.asking.try_lock() else {
                    return Ok(credentials);
                };
                // Somebody else may have finished between the look and the lock.
                match self.state().0 {
                    State::Fresh(credentials) => Ok(credentials),
                    State::Ending(_) | State::Useless => self.ask().await.or_else(|error| {
                        tracing::warn!(%error, "the credentials end soon and could not be renewed");
                        Ok(credentials)
                    }),
                }
            }
            State::Useless => {
                let _turn = self.asking.lock().await;
                let (state, asked_now) = self.state();
                match state {
                    State::Fresh(credentials) | State::Ending(credentials) => Ok(credentials),
                    // What this request waited for has failed: asking again would make a queue of failures.
                    State::Useless if asked_now != asked => Err(self.failure()),
                    State::Useless => self.ask().await,
                }
            }
        }
    }

    fn state(&self) -> (State, u64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(credentials) = kept.credentials.clone() else {
            return (State::Useless, kept.asked);
        };
        let age = kept.asked_at.map_or(Duration::MAX, |at| at.elapsed());
        let state = match credentials.expires_at() {
            None if age < UNKNOWN_LIFE => State::Fresh(credentials),
            None => State::Ending(credentials),
            Some(end) => {
                let left = end.duration_since(Timestamp::now());
                match left.is_positive() {
                    false => State::Useless,
                    true if age < PAUSE => State::Fresh(credentials),
                    true if left > SignedDuration::try_from(self.ahead).unwrap_or(SignedDuration::MAX) => {
                        State::Fresh(credentials)
                    }
                    true => State::Ending(credentials),
                }
            }
        };
        (state, kept.asked)
    }

    fn failure(&self) -> CredentialsError {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.failure.clone().unwrap_or(CredentialsError::Missing)
    }

    /// Asks the provider. The caller holds the turn.
    async fn ask(&self) -> Result<Arc<Credentials>, CredentialsError> {
        let answer = tokio::time::timeout(TIMEOUT, self.provider.credentials())
            .await
            .unwrap_or_else(|_| {
                Err(CredentialsError::Provider(format!(
                    "nothing came for {} seconds",
                    TIMEOUT.as_secs()
                )))
            })
            .and_then(|credentials| match credentials.expires_at() {
                Some(end) if end <= Timestamp::now() => Err(CredentialsError::Provider(format!(
                    "those that were given ended at {end}; is this computer's clock right?"
                ))),
                _ => Ok(credentials),
            });
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked = kept.asked.wrapping_add(1);
        kept.asked_at = Some(Instant::now());
        match &answer {
            Ok(credentials) => {
                kept.credentials = Some(Arc::clone(credentials));
                kept.failure = None;
            }
            Err(error) => kept.failure = Some(error.clone()),
        }
        answer
    }
}

impl<P: CredentialsProvider> CredentialsProvider for RefreshingCredentials<P> {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(self.get())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::future::join_all;

    use super::*;

    /// Takes a second to answer; the answers are lifetimes in seconds, none for a failure. The last is repeated.
    #[derive(Debug)]
    struct Scripted {
        answers: Vec<Option<i64>>,
        asked: Arc<AtomicU64>,
    }

    impl CredentialsProvider for Scripted {
        fn credentials(&self) -> CredentialsFuture<'_> {
            Box::pin(async {
                let number = self.asked.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                let index = usize::try_from(number).unwrap().min(self.answers.len() - 1);
                let life = self.answers[index].ok_or(CredentialsError::Provider("down".into()))?;
                let end = Timestamp::now() + SignedDuration::from_secs(life);
                Ok(Arc::new(
                    Credentials::new(format!("id{number}"), "k")?.with_expiry(end),
                ))
            })
        }
    }

    fn refreshing(answers: &[Option<i64>]) -> (RefreshingCredentials<Scripted>, Arc<AtomicU64>) {
        let asked = Arc::<AtomicU64>::default();
        let scripted = Scripted {
            answers: answers.to_vec(),
            asked: Arc::clone(&asked),
        };
        (RefreshingCredentials::new(scripted), asked)
    }

    async fn ids(
        provider: &RefreshingCredentials<Scripted>,
        count: usize,
    ) -> Vec<Result<String, CredentialsError>> {
        let got = join_all((0..count).map(|_| provider.credentials())).await;
        got.into_iter()
            .map(|c| c.map(|c| c.secret_id().to_owned()))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn many_requests_share_one_answer() {
        let (provider, asked) = refreshing(&[Some(3600)]);
        for _ in 0..3 {
            assert!(
                ids(&provider, 100)
                    .await
                    .iter()
                    .all(|id| id.as_deref() == Ok("id0"))
            );
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn many_requests_share_one_failure_and_the_next_asks_again() {
        let (provider, asked) = refreshing(&[None, Some(3600)]);
        assert!(ids(&provider, 100).await.iter().all(Result::is_err));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert_eq!(ids(&provider, 1).await, [Ok("id1".into())]);
    }

    #[tokio::test(start_paused = true)]
    async fn renewed_ahead_by_one_request_while_the_others_go_on() {
        let (provider, asked) = refreshing(&[Some(60), Some(3600)]);
        assert_eq!(ids(&provider, 1).await, [Ok("id0".into())]);
        tokio::time::advance(PAUSE).await;
        let got = ids(&provider, 5).await;
        assert_eq!(
            got.iter().filter(|id| id.as_deref() == Ok("id1")).count(),
            1,
            "{got:?}"
        );
        assert_eq!(
            got.iter().filter(|id| id.as_deref() == Ok("id0")).count(),
            4,
            "{got:?}"
        );
        assert_eq!(ids(&provider, 1).await, [Ok("id1".into())]);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_old_ones_serve_while_the_provider_is_down() {
        let (provider, asked) = refreshing(&[Some(60), None]);
        ids(&provider, 1).await;
        for round in 2..5 {
            tokio::time::advance(PAUSE).await;
            for _ in 0..4 {
                assert_eq!(ids(&provider, 1).await, [Ok("id0".into())]);
            }
            assert_eq!(asked.load(Ordering::Relaxed), round);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_have_ended_are_never_used() {
        let (provider, _) = refreshing(&[Some(-1), Some(3600)]);
        assert!(ids(&provider, 1).await[0].is_err());
        assert_eq!(ids(&provider, 1).await, [Ok("id1".into())]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_gives_up_does_not_stop_the_others() {
        let (provider, _) = refreshing(&[Some(3600)]);
        let given_up = tokio::time::timeout(Duration::from_millis(1), provider.credentials()).await;
        assert!(given_up.is_err());
        assert_eq!(ids(&provider, 2).await, [Ok("id1".into()), Ok("id1".into())]);
    }
}
