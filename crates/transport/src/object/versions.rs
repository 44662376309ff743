//! `GET Bucket Object Versions`: a bucket's versions, a page or all of them.

use futures_util::Stream;
use http::Method;

use super::pages::{Advance, MAX_PAGE_LEN, Paged, check_page_len, pages};
use crate::bucket::Bucket;
use crate::error::Error;
use crate::request::Call;
use crate::wire::common::EncodingType;
use crate::wire::versions::ListVersionsPage;

/// Lists the versions in a bucket. Begun by [`Bucket::list_objects_versions`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send` or `pages`"]
pub struct ListObjectsVersions {
    bucket: Bucket,
    prefix: Option<String>,
    delimiter: Option<String>,
    key_marker: Option<String>,
    version_id_marker: Option<String>,
    max_keys: u32,
}

impl ListObjectsVersions {
    pub(crate) fn new(bucket: Bucket) -> Self {
        let (prefix, delimiter, key_marker, version_id_marker) = (None, None, None, None);
        Self {
            bucket,
            prefix,
            delimiter,
            key_marker,
            version_id_marker,
            max_keys: MAX_PAGE_LEN,
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

    /// Begins behind this key; with [`version_id_marker`](Self::version_id_marker), behind that version of it.
    pub fn key_marker(mut self, marker: impl Into<String>) -> Self {
        self.key_marker = Some(marker.into());
        self
    }

    /// Begins behind this version of the marked key.
    pub fn version_id_marker(mut self, marker: impl Into<String>) -> Self {
        self.version_id_marker = Some(marker.into());
        self
    }

    /// The most entries of a page: 1 to 1000.
    pub fn max_keys(mut self, max_keys: u32) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// One page.
    ///
    /// # Errors
    /// Besides those of every request: a page length outside of 1 to 1000.
    pub async fn send(self) -> Result<ListVersionsPage, Error> {
        self.page().await
    }

    /// All pages, asked for one by one as the stream is read.
    pub fn pages(self) -> impl Stream<Item = Result<ListVersionsPage, Error>> + Send {
        pages(self)
    }
}

impl Paged for ListObjectsVersions {
    type Page = ListVersionsPage;

    async fn page(&self) -> Result<ListVersionsPage, Error> {
        check_page_len(self.max_keys)?;
        let call = Call::new(Method::GET, self.bucket.target(None)?)
            .param("versions", "")
            .maybe_param("prefix", self.prefix.as_ref())
            .maybe_param("delimiter", self.delimiter.as_ref())
            .maybe_param("key-marker", self.key_marker.as_ref())
            .maybe_param("version-id-marker", self.version_id_marker.as_ref())
            .param("max-keys", self.max_keys)
            .param("encoding-type", EncodingType::Url.as_str());
        Ok(ListVersionsPage::parse(
            &self.bucket.client().execute_document(call).await?.1,
        )?)
    }

    fn advance(&mut self, page: &ListVersionsPage) -> Advance {
        let next = (page.next_key_marker.clone(), page.next_version_id_marker.clone());
        let has_moved = next.0.is_some() && next != (self.key_marker.take(), self.version_id_marker.take());
        (self.key_marker, self.version_id_marker) = next;
        Advance::new(page.is_truncated, has_moved)
    }
}
