//! `GET Bucket` (List Objects): a bucket's keys, a page or all of them.

use futures_util::{Stream, TryStreamExt, stream};
use http::Method;

use super::pages::{Advance, KeyEncoding, MAX_PAGE_LEN, Paged, check_page_len, pages};
use crate::bucket::Bucket;
use crate::error::Error;
use crate::request::Call;
use crate::wire::list::{ListObjectsPage, ListedObject};

/// Lists a bucket. Begun by [`Bucket::list_objects`]. Keys travel percent-encoded, so that every key survives.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`, `pages` or `entries`"]
pub struct ListObjects {
    bucket: Bucket,
    prefix: Option<String>,
    delimiter: Option<String>,
    marker: Option<String>,
    max_keys: u32,
    encoding_type: KeyEncoding,
}

impl ListObjects {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            prefix: None,
            delimiter: None,
            marker: None,
            max_keys: MAX_PAGE_LEN,
            encoding_type: KeyEncoding::Url,
        }
    }

    /// Only keys that begin so.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Folds keys that share what precedes it, as `/` makes folders.
    pub fn delimiter(mut self, delimiter: impl Into<String>) -> Self {
        self.delimiter = Some(delimiter.into());
        self
    }

    /// Begins behind this key.
    pub fn marker(mut self, marker: impl Into<String>) -> Self {
        self.marker = Some(marker.into());
        self
    }

    /// The most entries of a page: 1 to 1000.
    pub fn max_keys(mut self, max_keys: u32) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// How keys are written on their way; percent-encoded unless set. [`KeyEncoding::Plain`] fails for keys
    /// that XML cannot carry.
    pub fn encoding_type(mut self, encoding: KeyEncoding) -> Self {
        self.encoding_type = encoding;
        self
    }

    /// One page.
    ///
    /// # Errors
    /// Besides those of every request: a page size outside of 1 to 1000.
    pub async fn send(self) -> Result<ListObjectsPage, Error> {
        self.page().await
    }

    /// All pages, asked for one by one as the stream is read.
    pub fn pages(self) -> impl Stream<Item = Result<ListObjectsPage, Error>> + Send {
        pages(self)
    }

    /// All objects, page after page, in constant memory. Folded prefixes are in [`pages`](Self::pages) only.
    pub fn entries(self) -> impl Stream<Item = Result<ListedObject, Error>> + Send {
        self.pages()
            .map_ok(|page| stream::iter(page.contents.into_iter().map(Ok)))
            .try_flatten()
    }
}

impl Paged for ListObjects {
    type Page = ListObjectsPage;

    async fn page(&self) -> Result<ListObjectsPage, Error> {
        check_page_len(self.max_keys)?;
        let call = Call::new(Method::GET, self.bucket.target(None)?)
            .maybe_param("prefix", self.prefix.as_ref())
            .maybe_param("delimiter", self.delimiter.as_ref())
            .maybe_param("marker", self.marker.as_ref())
            .param("max-keys", self.max_keys)
            .maybe_param("encoding-type", self.encoding_type.as_param());
        let (_, document) = self.bucket.client().execute_document(call).await?;
        Ok(ListObjectsPage::parse(&document)?)
    }

    fn advance(&mut self, page: &ListObjectsPage) -> Advance {
        let next = next_marker(page);
        let advance = Advance::new(page.is_truncated, next > self.marker);
        self.marker = next;
        advance
    }
}

/// Where the next page begins: as the page says, else behind its last entry.
fn next_marker(page: &ListObjectsPage) -> Option<String> {
    let last_key = page.contents.last().map(|object| object.key.clone());
    page.next_marker
        .clone()
        .or_else(|| last_key.max(page.common_prefixes.last().cloned()))
}
