//! What a reader accepts.

/// Which formats a read may open (docs/format.md §5).
///
/// The official SDKs' formats are unauthenticated, or authenticated only at the end of the object: an attacker with write
/// access to the bucket can change what they decrypt to. They open only when the caller says so, and what comes out is
/// never called verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadPolicy {
    /// Only the sealed format. Everything else is refused with a reason.
    #[default]
    SealedOnly,
    /// The sealed format, and the SDKs' formats as unauthenticated data.
    AllowUnauthenticated,
}
