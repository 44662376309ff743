//! Bodies that are cut, slowed down or damaged on their way.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Sleep, sleep};

/// So that what was sent before a cut leaves the buffers first.
const BEFORE_CUT: Duration = Duration::from_millis(30);

/// The connection is cut on purpose.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is cut by a fault on purpose")]
pub(crate) struct Cut;

/// What happens to a request's body.
#[derive(Debug, Default)]
pub(crate) struct RequestDisturbance {
    pub(super) cut_after: Option<u64>,
    pub(super) corrupt_at: Option<u64>,
}

impl RequestDisturbance {
    /// Passes on a piece that begins at an offset.
    pub(crate) fn pass(&self, piece: Bytes, offset: u64) -> Result<Bytes, Cut> {
        match self.cut_after {
            Some(after) if offset + piece.len() as u64 > after => Err(Cut),
            _ => Ok(corrupt(piece, offset, self.corrupt_at)),
        }
    }
}

/// What happens to an answer's body.
#[derive(Debug, Default)]
pub(crate) struct AnswerDisturbance {
    pub(super) cut_after: Option<u64>,
    pub(super) corrupt_at: Option<u64>,
    pub(super) drip: Option<(usize, Duration)>,
    sent: u64,
    held: Bytes,
    waiting: Option<Pin<Box<Sleep>>>,
    is_cut: bool,
}

impl AnswerDisturbance {
    /// The next piece, of those that `source` gives.
    pub(crate) fn poll<E: From<Cut>>(
        &mut self,
        context: &mut Context<'_>,
        source: impl FnOnce(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>>,
    ) -> Poll<Option<Result<Bytes, E>>> {
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.as_mut().poll(context));
            self.waiting = None;
        }
        if self.is_cut {
            return Poll::Ready(Some(Err(Cut.into())));
        }
        if self.held.is_empty() {
            match ready!(source(context)) {
                Some(Ok(piece)) => self.held = piece,
                other => return Poll::Ready(other),
            }
        }
        let room = self.cut_after.map_or(u64::MAX, |after| after - self.sent);
        if room == 0 {
            self.is_cut = true;
            return self.wait(context, BEFORE_CUT);
        }
        let longest = self.drip.map_or(usize::MAX, |(piece, _)| piece);
        let longest = longest.min(usize::try_from(room).unwrap_or(usize::MAX));
        let piece = self.held.split_to(longest.min(self.held.len()));
        let piece = corrupt(piece, self.sent, self.corrupt_at);
        self.sent += piece.len() as u64;
        if let Some((_, pause)) = self.drip {
            self.waiting = Some(Box::pin(sleep(pause)));
        }
        Poll::Ready(Some(Ok(piece)))
    }

    /// Whether there is more than the source has.
    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty() && !self.is_cut
    }

    fn wait<T>(&mut self, context: &mut Context<'_>, duration: Duration) -> Poll<T> {
        let mut waiting = Box::pin(sleep(duration));
        // Not over yet, but it must be asked to wake the task.
        let _ = waiting.as_mut().poll(context);
        self.waiting = Some(waiting);
        Poll::Pending
    }
}

fn corrupt(piece: Bytes, offset: u64, at: Option<u64>) -> Bytes {
    let index = at.and_then(|at| usize::try_from(at.checked_sub(offset)?).ok());
    match index.filter(|index| *index < piece.len()) {
        Some(index) => {
            let mut damaged = BytesMut::from(piece);
            damaged[index] ^= 1;
            damaged.freeze()
        }
        None => piece,
    }
}
