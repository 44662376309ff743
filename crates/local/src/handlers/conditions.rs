//! Conditional requests, in the order of RFC 9110 section 13.2.2.

use std::time::{SystemTime, UNIX_EPOCH};

use cos_transport::ETag;

use crate::request::Head;

/// What the conditions of a GET or HEAD say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

/// Judges the conditions by an object's tag and time of change (in Unix seconds).
pub(super) fn judge(head: &Head, etag: &ETag, modified: i64) -> Verdict {
    judge_by(head, "", etag, modified)
}

/// Judges the conditions on the source of a copy. Whichever does not hold, the copy is not made.
pub(super) fn source_matches(head: &Head, etag: &ETag, modified: i64) -> bool {
    judge_by(head, "x-cos-copy-source-", etag, modified) == Verdict::Proceed
}

fn judge_by(head: &Head, prefix: &str, etag: &ETag, modified: i64) -> Verdict {
    let header = |name| head.header(&format!("{prefix}{name}"));
    let date = |name| date(head, &format!("{prefix}{name}"));
    if let Some(tags) = header("if-match") {
        if !names(&tags, etag) {
            return Verdict::Failed;
        }
    } else if date("if-unmodified-since").is_some_and(|date| modified > date) {
        return Verdict::Failed;
    }
    if let Some(tags) = header("if-none-match") {
        if names(&tags, etag) {
            return Verdict::NotModified;
        }
    } else if date("if-modified-since").is_some_and(|date| modified <= date) {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether `If-Range` lets a range be served: it names the object as it is, or is not there.
pub(super) fn allows_range(head: &Head, etag: &ETag, modified: i64) -> bool {
    match head.header("if-range") {
        None => true,
        Some(value) => ETag::new(&value) == *etag || date(head, "if-range") == Some(modified),
    }
}

/// Whether a list of tags, or `*`, includes this one. Clients send tags with and without quotes.
fn names(tags: &str, etag: &ETag) -> bool {
    tags.split(',')
        .any(|tag| tag.trim() == "*" || ETag::new(tag) == *etag)
}

/// A header's date in Unix seconds; one that is no date counts as absent.
fn date(head: &Head, name: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(&head.header(name)?).ok()?;
    seconds(date)
}

fn seconds(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "Tue, 14 Nov 2023 22:13:19 GMT";
    const EXACTLY: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
    const MODIFIED: i64 = 1_700_000_000;

    fn head(headers: &[(&str, &str)]) -> Head {
        let mut request = http::Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Head::parse(request.body(()).unwrap().into_parts().0).unwrap()
    }

    fn verdict(headers: &[(&str, &str)]) -> Verdict {
        judge(&head(headers), &ETag::new("\"abc\""), MODIFIED)
    }

    #[test]
    fn a_range_is_only_of_the_object_that_is_meant() {
        let allows = |value| allows_range(&head(&[("if-range", value)]), &ETag::new("abc"), MODIFIED);
        assert!(allows("\"abc\"") && allows(EXACTLY));
        assert!(!allows("\"x\"") && !allows(BEFORE) && !allows("*"));
    }

    #[test]
    fn each_condition_alone() {
        assert_eq!(verdict(&[]), Verdict::Proceed);
        assert_eq!(verdict(&[("if-match", "\"abc\"")]), Verdict::Proceed);
        assert_eq!(verdict(&[("if-match", "\"x\", \"abc\"")]), Verdict::Proceed);
        assert_eq!(verdict(&[("if-match", "abc")]), Verdict::Proceed);
        assert_eq!(verdict(&[("if-match", "*")]), Verdict::Proceed);
        assert_eq!(verdict(&[("if-match", "\"x\"")]), Verdict::Failed);
        assert_eq!(verdict(&[("if-none-match", "\"abc\"")]), Verdict::NotModified);
        assert_eq!(verdict(&[("if-none-match", "*")]), Verdict::NotModified);
        assert_eq!(verdict(&[("if-none-match", "\"x\"")]), Verdict::Proceed);
        assert_eq!(verdict(&[("if-modified-since", BEFORE)]), Verdict::Proceed);
        assert_eq!(verdict(&[("if-modified-since", EXACTLY)]), Verdict::NotModified);
        assert_eq!(verdict(&[("if-unmodified-since", BEFORE)]), Verdict::Failed);
        assert_eq!(verdict(&[("if-unmodified-since", EXACTLY)]), Verdict::Proceed);
        assert_eq!(verdict(&[("if-modified-since", "yesterday")]), Verdict::Proceed);
    }

    #[test]
    fn tags_count_more_than_dates_and_failure_more_than_not_modified() {
        assert_eq!(
            verdict(&[("if-match", "\"abc\""), ("if-unmodified-since", BEFORE)]),
            Verdict::Proceed
        );
        assert_eq!(
            verdict(&[("if-none-match", "\"x\""), ("if-modified-since", EXACTLY)]),
            Verdict::Proceed
        );
        assert_eq!(
            verdict(&[("if-match", "\"x\""), ("if-none-match", "\"abc\"")]),
            Verdict::Failed
        );
        assert_eq!(
            verdict(&[("if-unmodified-since", BEFORE), ("if-none-match", "\"abc\"")]),
            Verdict::Failed
        );
    }
}
