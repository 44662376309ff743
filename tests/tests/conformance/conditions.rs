//! GET and HEAD Object under the four conditions.

use cos_transport::{ETag, Error};
use jiff::{SignedDuration, Timestamp};

use super::bench::conform;

type Outcome = Result<(), u16>;

fn outcome<T: std::fmt::Debug>(result: Result<T, Error>) -> Outcome {
    match result {
        Ok(_) => Ok(()),
        Err(error) => {
            assert!(error.is_precondition_failed(), "{error}");
            Err(error.service().unwrap().status.as_u16())
        }
    }
}

#[tokio::test]
async fn tags_decide() {
    conform(&[], async |bench| {
        let key = bench.put("o", "text").await;
        let head = bench.bucket.head_object(key.clone()).send().await.unwrap();
        let (own, other) = (head.etag, ETag::new("00000000000000000000000000000000"));
        let get = || bench.bucket.get_object(key.clone());
        let ask = || bench.bucket.head_object(key.clone());
        assert_eq!(outcome(get().if_match(own.clone()).send().await), Ok(()));
        assert_eq!(outcome(get().if_match(other.clone()).send().await), Err(412));
        assert_eq!(outcome(get().if_none_match(other.clone()).send().await), Ok(()));
        assert_eq!(outcome(get().if_none_match(own.clone()).send().await), Err(304));
        assert_eq!(outcome(ask().if_match(own.clone()).send().await), Ok(()));
        assert_eq!(outcome(ask().if_match(other.clone()).send().await), Err(412));
        assert_eq!(outcome(ask().if_none_match(other).send().await), Ok(()));
        assert_eq!(outcome(ask().if_none_match(own).send().await), Err(304));
    })
    .await;
}

#[tokio::test]
async fn times_decide() {
    conform(&[], async |bench| {
        let key = bench.put("o", "text").await;
        let head = bench.bucket.head_object(key.clone()).send().await.unwrap();
        let written: Timestamp = head.last_modified.unwrap();
        let before = written - SignedDuration::from_secs(60);
        let get = || bench.bucket.get_object(key.clone());
        let ask = || bench.bucket.head_object(key.clone());
        assert_eq!(outcome(get().if_modified_since(before).send().await), Ok(()));
        assert_eq!(outcome(get().if_modified_since(written).send().await), Err(304));
        assert_eq!(outcome(get().if_unmodified_since(written).send().await), Ok(()));
        assert_eq!(outcome(get().if_unmodified_since(before).send().await), Err(412));
        assert_eq!(outcome(ask().if_modified_since(before).send().await), Ok(()));
        assert_eq!(outcome(ask().if_modified_since(written).send().await), Err(304));
    })
    .await;
}
