use super::*;
use crate::error::{Error, IntegrityError};

fn arriving(pieces: &[&'static str]) -> impl Stream<Item = Result<Bytes, Error>> + use<> {
    stream::iter(
        pieces
            .iter()
            .map(|p| Ok(Bytes::from_static(p.as_bytes())))
            .collect::<Vec<_>>(),
    )
}

#[tokio::test]
async fn a_source_that_has_ended_is_not_asked_again() {
    // An `unfold` panics when it is.
    let once = stream::unfold(true, |first| async move {
        first.then(|| (Ok(Bytes::from_static(b"abc")), false))
    });
    let pieces: Vec<_> = Body::from_stream(3, once)
        .into_stream()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(pieces, ["abc"]);
}

#[tokio::test]
async fn a_short_or_long_body_is_an_error_not_an_end() {
    let body = ByteStream::new(Some(3), arriving(&["ab", "c"]));
    assert_eq!(body.collect(10).await.unwrap(), "abc");
    for (pieces, expected) in [(["ab", ""], 3), (["ab", "cd"], 3)] {
        let error = ByteStream::new(Some(expected), arriving(&pieces))
            .collect(10)
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Integrity(IntegrityError::Length { .. })),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_stored_crc_is_compared_at_the_end() {
    let crc = Crc64::of(b"abc");
    let good = ByteStream::new(None, arriving(&["ab", "c"])).check_crc(Some(crc));
    assert_eq!(good.collect(10).await.unwrap(), "abc");
    let bad = ByteStream::new(None, arriving(&["ab", "d"])).check_crc(Some(crc));
    assert!(matches!(
        bad.collect(10).await,
        Err(Error::Integrity(IntegrityError::Download { .. }))
    ));
}

#[tokio::test]
async fn memory_is_bounded() {
    assert!(
        ByteStream::new(Some(11), arriving(&[]))
            .collect(10)
            .await
            .is_err()
    );
    assert!(
        ByteStream::new(None, arriving(&["abcdef", "ghijkl"]))
            .collect(10)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_source_that_changes_its_length_fails() {
    let piece = || stream::iter([Ok(Bytes::from_static(b"abcd"))]);
    for len in [3, 5] {
        let sent: Result<Vec<_>, _> = Body::from_stream(len, piece()).into_stream().try_collect().await;
        assert!(sent.unwrap_err().to_string().contains("announced"));
    }
    let (body, crc) = Body::from_stream(4, piece()).with_crc();
    let sent: Vec<_> = body.into_stream().try_collect().await.unwrap();
    assert_eq!(
        (sent.concat().as_slice(), crc.value()),
        (b"abcd".as_slice(), Crc64::of(b"abcd"))
    );
}
