//! From one page of a listing to the next.

use std::future::Future;

use futures_util::{Stream, stream};

use crate::error::{Error, invalid};
use crate::wire::common::EncodingType;

/// The most entries of one page, in every listing of objects, versions, uploads and parts.
pub(super) const MAX_PAGE_LEN: u32 = 1000;

/// How keys are written on their way from the service (`encoding-type`). They arrive decoded either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyEncoding {
    /// Percent-encoded: every key survives.
    #[default]
    Url,
    /// As they are. XML has no way to write most control characters.
    Plain,
}

impl KeyEncoding {
    pub(super) fn as_param(self) -> Option<&'static str> {
        match self {
            Self::Url => Some(EncodingType::Url.as_str()),
            Self::Plain => None,
        }
    }
}

pub(super) fn check_page_len(len: u32) -> Result<(), Error> {
    check_len(len, MAX_PAGE_LEN)
}

pub(crate) fn check_len(len: u32, max: u32) -> Result<(), Error> {
    match (1..=max).contains(&len) {
        true => Ok(()),
        false => Err(invalid(format!("a page has 1 to {max} entries, not {len}"))),
    }
}

/// A listing that comes in pages.
pub(crate) trait Paged: Send + Sync {
    type Page: Send;

    /// The page at the markers.
    fn page(&self) -> impl Future<Output = Result<Self::Page, Error>> + Send;

    /// Moves the markers behind the page.
    fn advance(&mut self, page: &Self::Page) -> Advance;
}

/// What lies behind a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advance {
    /// Nothing.
    End,
    /// Another page.
    Next,
    /// The same page again and again: the service is broken.
    Stuck,
}

impl Advance {
    pub(crate) fn new(is_truncated: bool, has_moved: bool) -> Self {
        match (is_truncated, has_moved) {
            (false, _) => Self::End,
            (true, true) => Self::Next,
            (true, false) => Self::Stuck,
        }
    }
}

/// All pages, asked for one by one as the stream is read.
pub(crate) fn pages<L: Paged>(listing: L) -> impl Stream<Item = Result<L::Page, Error>> + Send {
    stream::try_unfold(Some(listing), |listing| async move {
        let Some(mut listing) = listing else {
            return Ok(None);
        };
        let page = listing.page().await?;
        match listing.advance(&page) {
            Advance::End => Ok(Some((page, None))),
            Advance::Next => Ok(Some((page, Some(listing)))),
            Advance::Stuck => Err(Error::Protocol(
                "the listing does not move on from one page to the next".into(),
            )),
        }
    })
}
