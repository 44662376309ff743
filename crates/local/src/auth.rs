//! Who sent a request: the `q-sign` signature of the `Authorization` header or of a presigned URL.

use std::borrow::Cow;

use cos_transport::sign::{Authorization, CanonicalRequest};
use cos_transport::{Credentials, percent_encode};
use subtle::ConstantTimeEq as _;

use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::store::UnixMillis;

/// How far a client's clock may be ahead of ours, in seconds.
const SKEW_MAX: i64 = 15 * 60;

const TOKEN: &str = "x-cos-security-token";

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requester {
    /// Who has the credentials.
    Owner,
    /// Anyone: the request is not signed.
    Anyone,
}

/// Checks that a request was signed with these credentials and for this time, or not at all.
pub(crate) fn check(head: &Head, credentials: &Credentials, now: UnixMillis) -> Result<Requester, Refusal> {
    let Some(signed) = authorization(head)? else {
        return match unsigned_override(head, None) {
            Some(name) => Err(must_be_signed(name)),
            None => Ok(Requester::Anyone),
        };
    };
    if signed.secret_id != credentials.secret_id() {
        return Err(Code::InvalidAccessKeyId.into());
    }
    check_token(head, credentials)?;
    check_time(&signed, now)?;
    check_signature(head, &signed, credentials)?;
    match unsigned_override(head, Some(&signed)) {
        Some(name) => Err(must_be_signed(name)),
        None => Ok(Requester::Owner),
    }
}

/// Finds the authorization in its header, in the query, or in the query's one parameter `sign`.
fn authorization(head: &Head) -> Result<Option<Authorization>, Refusal> {
    let parsed = if let Some(value) = head.header("authorization").filter(|value| !value.is_empty()) {
        Authorization::from_header(&value)
    } else if head.query.get("q-signature").is_some() {
        Authorization::from_pairs(head.query.iter())
    } else if let Some(value) = head.query.get("sign") {
        Authorization::from_header(value)
    } else {
        return Ok(None);
    };
    parsed
        .map(Some)
        .map_err(|error| Refusal::new(Code::InvalidArgument, error.to_string()))
}

fn check_token(head: &Head, credentials: &Credentials) -> Result<(), Refusal> {
    let sent = head
        .header(TOKEN)
        .or_else(|| head.query.get(TOKEN).map(Cow::Borrowed));
    let refuse = |message| Err(Refusal::new(Code::AccessDenied, message));
    match (credentials.token(), sent) {
        (None, None) => Ok(()),
        (Some(expected), Some(sent)) if bool::from(expected.as_bytes().ct_eq(sent.as_bytes())) => Ok(()),
        (Some(_), None) => refuse("These are temporary credentials: the request needs its security token."),
        (_, Some(_)) => refuse("The security token does not belong to these credentials."),
    }
}

fn check_time(signed: &Authorization, now: UnixMillis) -> Result<(), Refusal> {
    if signed.sign_time != signed.key_time {
        return Err(Refusal::new(
            Code::InvalidArgument,
            "q-sign-time and q-key-time must be the same.",
        ));
    }
    let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    let now = now.seconds();
    if seconds(signed.sign_time.start).saturating_sub(SKEW_MAX) > now {
        let message = "The difference between the request time and the server's time is too large.";
        return Err(Refusal::new(Code::RequestTimeTooSkewed, message));
    }
    if seconds(signed.sign_time.end) < now {
        return Err(Refusal::new(Code::AccessDenied, "Request has expired"));
    }
    Ok(())
}

/// Rebuilds the signed text from the lists of names that came with it.
fn check_signature(head: &Head, signed: &Authorization, credentials: &Credentials) -> Result<(), Refusal> {
    let mut first = None;
    // On an unusual port some clients sign the host with it and some without.
    for host in [head.host.as_str(), head.host_name()] {
        let canonical = canonical(head, signed, host);
        let expected = canonical.signature(credentials.secret_key(), signed.sign_time);
        if bool::from(expected.as_bytes().ct_eq(signed.signature.as_bytes())) {
            return Ok(());
        }
        first.get_or_insert(canonical);
    }
    let message = "The signature that the server calculated is not the one that was sent. \
                   Check the secret key and what was signed.";
    let mut refusal = Refusal::new(Code::SignatureDoesNotMatch, message);
    if let Some(canonical) = first {
        refusal = refusal.with_detail("StringToSign", canonical.string_to_sign(signed.sign_time));
        // The text that was hashed would repeat a token into logs.
        if !canonical.http_string.contains(TOKEN) {
            refusal = refusal.with_detail("FormatString", canonical.http_string);
        }
    }
    Err(refusal)
}

fn canonical(head: &Head, signed: &Authorization, host: &str) -> CanonicalRequest {
    // A name that is listed but not sent is left out: the signature will not match.
    let values: Vec<(&str, Cow<'_, str>)> = (signed.header_list.iter())
        .filter_map(|name| match name.as_str() {
            "host" => Some(("host", Cow::Borrowed(host))),
            name => head.header(name).map(|value| (name, value)),
        })
        .collect();
    let params = head
        .query
        .iter()
        .filter(|(name, _)| is_listed_param(signed, name));
    let headers = values.iter().map(|(name, value)| (*name, value.as_ref()));
    CanonicalRequest::new(head.method.as_str(), &head.path, params, headers)
}

fn is_listed_param(signed: &Authorization, name: &str) -> bool {
    let name = percent_encode(name).to_ascii_lowercase();
    signed
        .param_list
        .iter()
        .any(|listed| percent_encode_once(listed) == name)
}

/// The list's names are encoded by some clients and not by others.
fn percent_encode_once(listed: &str) -> String {
    if listed.contains('%') {
        listed.to_owned()
    } else {
        percent_encode(listed).to_ascii_lowercase()
    }
}

/// A parameter that changes the answer's headers and is not signed.
fn unsigned_override<'h>(head: &'h Head, signed: Option<&Authorization>) -> Option<&'h str> {
    let is_signed = |name: &str| signed.is_some_and(|signed| is_listed_param(signed, name));
    head.query
        .iter()
        .map(|(name, _)| name)
        .find(|name| name.starts_with("response-") && !is_signed(name))
}

fn must_be_signed(name: &str) -> Refusal {
    let message = format!("The parameter {name} must be part of the signature.");
    Refusal::new(Code::AccessDenied, message)
}
