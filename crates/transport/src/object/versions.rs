//! `GET Bucket Object Versions`: a bucket's versions, a page or all of them.

use futures_util::{Stream, TryStreamExt, stream};
use http::Method;
use jiff::Timestamp;

use super::pages::{Advance, KeyEncoding, MAX_PAGE_LEN, Paged, check_page_len, pages};
use crate::bucket::Bucket;
use crate::error::Error;
use crate::request::Call;
use crate::wire::versions::{ListVersionsPage, ListedDeleteMarker, ListedVersion};

/// Lists the versions in a bucket. Begun by [`Bucket::list_objects_versions`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`, `pages` or `entries`"]
pub struct ListObjectsVersions {
    bucket: Bucket,
    prefix: Option<String>,
    delimiter: Option<String>,
    key_marker: Option<String>,
    version_id_marker: Option<String>,
    max_keys: u32,
    encoding_type: KeyEncoding,
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

    /// How keys are written on their way; percent-encoded unless set. [`KeyEncoding::Plain`] fails for keys
    /// that XML cannot carry.
    pub fn encoding_type(mut self, encoding: KeyEncoding) -> Self {
        self.encoding_type = encoding;
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

    /// All versions and delete markers, page after page, in constant memory: by key, the newest of each first. Folded
    /// prefixes are in [`pages`](Self::pages) only.
    pub fn entries(self) -> impl Stream<Item = Result<VersionEntry, Error>> + Send {
        self.pages()
            .map_ok(|page| stream::iter(in_order(page).into_iter().map(Ok)))
            .try_flatten()
    }
}

/// One entry of a bucket's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionEntry {
    /// A version of an object.
    Version(ListedVersion),
    /// A marker that hides older versions.
    DeleteMarker(ListedDeleteMarker),
}

impl VersionEntry {
    /// Key, decoded.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Version(version) => &version.key,
            Self::DeleteMarker(marker) => &marker.key,
        }
    }

    /// The version, or that of the marker itself.
    #[must_use]
    pub fn version_id(&self) -> &str {
        match self {
            Self::Version(version) => &version.version_id,
            Self::DeleteMarker(marker) => &marker.version_id,
        }
    }

    /// Whether it is what a plain GET finds.
    #[must_use]
    pub fn is_latest(&self) -> bool {
        match self {
            Self::Version(version) => version.is_latest,
            Self::DeleteMarker(marker) => marker.is_latest,
        }
    }

    fn last_modified(&self) -> Timestamp {
        match self {
            Self::Version(version) => version.last_modified,
            Self::DeleteMarker(marker) => marker.last_modified,
        }
    }
}

/// Documents keep versions and markers apart.
fn in_order(page: ListVersionsPage) -> Vec<VersionEntry> {
    let versions = page.versions.into_iter().map(VersionEntry::Version);
    let markers = page.delete_markers.into_iter().map(VersionEntry::DeleteMarker);
    let mut entries: Vec<_> = versions.chain(markers).collect();
    // Stable: of two entries of one moment the document's order decides.
    entries.sort_by(|a, b| {
        let latest_first = b.is_latest().cmp(&a.is_latest());
        let newest_first = b.last_modified().cmp(&a.last_modified());
        a.key().cmp(b.key()).then(latest_first).then(newest_first)
    });
    entries
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
            .maybe_param("encoding-type", self.encoding_type.as_param());
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
