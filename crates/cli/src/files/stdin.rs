//! Standard input, whose end is not taken at its word at once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf, Stdin};
use tokio::time::Sleep;

/// How long a signal may take from the process that wrote to the pipe to this one.
const PATIENCE: Duration = Duration::from_millis(100);

/// Reads stdin and, at its end, waits a moment. Ctrl-C in a pipeline ends the writer too: its unfinished output must not
/// be stored as if it were whole, so the signal is given the time to arrive here.
pub(crate) struct PatientStdin<R = Stdin> {
    inner: R,
    end: Option<Pin<Box<Sleep>>>,
}

impl PatientStdin {
    pub(crate) fn new() -> Self {
        Self::of(tokio::io::stdin())
    }
}

impl<R> PatientStdin<R> {
    fn of(inner: R) -> Self {
        Self { inner, end: None }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for PatientStdin<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.end.is_none() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
            if buffer.filled().len() > before || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        let end = self
            .end
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        end.as_mut().poll(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn everything_comes_and_the_end_comes_late() {
        let mut text = String::new();
        let started = std::time::Instant::now();
        PatientStdin::of(&b"some text"[..])
            .read_to_string(&mut text)
            .await
            .unwrap();
        assert_eq!(text, "some text");
        assert!(started.elapsed() >= PATIENCE);
    }
}
