//! The service's limit on metadata (docs/format.md §3).

use super::headers::{EnvelopeHeaders, METADATA_PREFIX};

/// Bytes of metadata that the service stores with an object: names and values, `x-cos-meta-` included.
pub const METADATA_LIMIT: usize = 2_048;

/// Envelope and user metadata together exceed [`METADATA_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the metadata is too large: {envelope} bytes of encryption headers and {user} bytes of user metadata exceed the \
     service's {METADATA_LIMIT}"
)]
pub struct BudgetExceeded {
    /// Bytes that the envelope takes.
    pub envelope: usize,
    /// Bytes that the user's own metadata takes.
    pub user: usize,
}

/// Checks that envelope and user metadata fit, and returns the bytes they take together.
///
/// User metadata is given as names with or without the `x-cos-meta-` prefix, which counts in any case.
///
/// # Errors
/// [`BudgetExceeded`] with the figures.
pub fn check<N: AsRef<str>, V: AsRef<str>>(
    envelope: &EnvelopeHeaders,
    user: impl IntoIterator<Item = (N, V)>,
) -> Result<usize, BudgetExceeded> {
    let envelope = envelope.len_on_wire();
    let user = user
        .into_iter()
        .map(|(name, value)| name_len(name.as_ref()) + value.as_ref().len())
        .sum();
    if envelope + user > METADATA_LIMIT {
        Err(BudgetExceeded { envelope, user })
    } else {
        Ok(envelope + user)
    }
}

fn name_len(name: &str) -> usize {
    let prefixed = name
        .get(..METADATA_PREFIX.len())
        .is_some_and(|p| p.eq_ignore_ascii_case(METADATA_PREFIX));
    if prefixed {
        name.len()
    } else {
        METADATA_PREFIX.len() + name.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_limit_fits_and_one_byte_more_does_not() {
        let value = "v".repeat(METADATA_LIMIT - METADATA_PREFIX.len() - 1);
        let none = EnvelopeHeaders::default();
        assert_eq!(check(&none, [("a", value.as_str())]), Ok(METADATA_LIMIT));
        assert_eq!(
            check(&none, [("x-cos-meta-a", value.as_str())]),
            Ok(METADATA_LIMIT)
        );
        let over = check(&none, [("ab", value.as_str())]).unwrap_err();
        assert_eq!((over.envelope, over.user), (0, METADATA_LIMIT + 1));
    }
}
