//! Bodies on their way: whether they move, how fast, and what became of their source.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;

use crate::body::Body;
use crate::error::Error;
use crate::transfer::Throttle;

/// Slices in which a body is handed to HTTP, in bytes: each one that goes out is a sign of life.
const SLICE: usize = 64 * 1024;

/// Hands the body on in small slices, noting that something moved, no faster than the throttle lets it, and keeps the
/// error of a source that fails.
pub(super) fn watch(
    body: Body,
    throttle: Option<Throttle>,
    activity: Activity,
    source_error: Arc<Mutex<Option<std::io::Error>>>,
) -> Body {
    let len = body.len();
    let slice = throttle.as_ref().map_or(SLICE, Throttle::slice);
    let stream = body.in_slices(slice).into_stream().map_err(move |error| {
        let told = std::io::Error::new(error.kind(), error.to_string());
        *source_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        told
    });
    let stream = stream.and_then(move |slice| {
        let (throttle, activity) = (throttle.clone(), activity.clone());
        async move {
            activity.mark();
            if let Some(throttle) = throttle {
                throttle.pass_while(slice.len(), || activity.mark()).await;
            }
            Ok(slice)
        }
    });
    Body::from_stream(len, stream)
}

/// A body of no bytes is never asked for any by HTTP: whether it has none is found out here.
pub(super) async fn settled(body: Body) -> Result<Body, Error> {
    if !body.is_empty() {
        return Ok(body);
    }
    body.into_stream()
        .try_for_each(|_| async { Ok(()) })
        .await
        .map_err(Error::Source)?;
    Ok(Body::empty())
}

/// When something last moved.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    since: Instant,
    last_millis: Arc<AtomicU64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            last_millis: Arc::default(),
        }
    }
}

impl Activity {
    fn millis(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn mark(&self) {
        self.last_millis.store(self.millis(), Ordering::Relaxed);
    }

    /// Returns, with the timeout in seconds, once nothing has moved for so long.
    pub(super) async fn stalled(&self, timeout: Duration) -> u64 {
        loop {
            let still = Duration::from_millis(
                self.millis()
                    .saturating_sub(self.last_millis.load(Ordering::Relaxed)),
            );
            match timeout.checked_sub(still) {
                None | Some(Duration::ZERO) => return timeout.as_secs(),
                Some(rest) => tokio::time::sleep(rest).await,
            }
        }
    }
}
