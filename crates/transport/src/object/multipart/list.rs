//! What is under way: the parts of an upload, the uploads of a bucket.

use futures_util::{Stream, TryStreamExt, stream};
use http::Method;

use crate::bucket::Bucket;
use crate::error::Error;
use crate::name::ObjectKey;
use crate::object::pages::{Advance, KeyEncoding, MAX_PAGE_LEN, Paged, check_page_len, pages};
use crate::request::Call;
use crate::wire::multipart::{ListPartsPage, ListUploadsPage, ListedPart, ListedUpload};

/// Lists the parts of an upload. Begun by [`Bucket::list_parts`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`, `pages` or `entries`"]
pub struct ListParts {
    bucket: Bucket,
    key: ObjectKey,
    upload_id: String,
    max_parts: u32,
    part_number_marker: Option<u32>,
    encoding_type: KeyEncoding,
}

impl ListParts {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, upload_id: String) -> Self {
        Self {
            bucket,
            key,
            upload_id,
            max_parts: MAX_PAGE_LEN,
            part_number_marker: None,
            encoding_type: KeyEncoding::Url,
        }
    }

    /// The most parts of a page: 1 to 1000.
    pub fn max_parts(mut self, max_parts: u32) -> Self {
        self.max_parts = max_parts;
        self
    }

    /// Begins behind this part.
    pub fn part_number_marker(mut self, marker: u32) -> Self {
        self.part_number_marker = Some(marker);
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
    pub async fn send(self) -> Result<ListPartsPage, Error> {
        self.page().await
    }

    /// All pages, asked for one by one as the stream is read.
    pub fn pages(self) -> impl Stream<Item = Result<ListPartsPage, Error>> + Send {
        pages(self)
    }

    /// All parts, page after page.
    pub fn entries(self) -> impl Stream<Item = Result<ListedPart, Error>> + Send {
        self.pages()
            .map_ok(|page| stream::iter(page.parts.into_iter().map(Ok)))
            .try_flatten()
    }
}

impl Paged for ListParts {
    type Page = ListPartsPage;

    async fn page(&self) -> Result<ListPartsPage, Error> {
        check_page_len(self.max_parts)?;
        let call = Call::new(Method::GET, self.bucket.target(Some(&self.key))?)
            .param("uploadId", &self.upload_id)
            .param("max-parts", self.max_parts)
            .maybe_param("part-number-marker", self.part_number_marker)
            .maybe_param("encoding-type", self.encoding_type.as_param());
        Ok(ListPartsPage::parse(
            &self.bucket.client().execute_document(call).await?.1,
        )?)
    }

    fn advance(&mut self, page: &ListPartsPage) -> Advance {
        let last = page.parts.last().map(|part| part.number.get().into());
        let next = page.next_part_number_marker.or(last);
        let advance = Advance::new(page.is_truncated, next > self.part_number_marker);
        self.part_number_marker = next;
        advance
    }
}

/// Lists the unfinished uploads of a bucket. Begun by [`Bucket::list_multipart_uploads`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`, `pages` or `entries`"]
pub struct ListMultipartUploads {
    bucket: Bucket,
    prefix: Option<String>,
    delimiter: Option<String>,
    key_marker: Option<String>,
    upload_id_marker: Option<String>,
    max_uploads: u32,
    encoding_type: KeyEncoding,
}

impl ListMultipartUploads {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            prefix: None,
            delimiter: None,
            key_marker: None,
            upload_id_marker: None,
            max_uploads: MAX_PAGE_LEN,
            encoding_type: KeyEncoding::Url,
        }
    }

    /// Only uploads of keys that begin so.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Folds keys that share what precedes it.
    pub fn delimiter(mut self, delimiter: impl Into<String>) -> Self {
        self.delimiter = Some(delimiter.into());
        self
    }

    /// Begins behind this key; with [`upload_id_marker`](Self::upload_id_marker), behind that upload of it.
    pub fn key_marker(mut self, marker: impl Into<String>) -> Self {
        self.key_marker = Some(marker.into());
        self
    }

    /// Begins behind this upload of the marked key. Ignored without a key.
    pub fn upload_id_marker(mut self, marker: impl Into<String>) -> Self {
        self.upload_id_marker = Some(marker.into());
        self
    }

    /// The most uploads of a page: 1 to 1000.
    pub fn max_uploads(mut self, max_uploads: u32) -> Self {
        self.max_uploads = max_uploads;
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
    pub async fn send(self) -> Result<ListUploadsPage, Error> {
        self.page().await
    }

    /// All pages, asked for one by one as the stream is read.
    pub fn pages(self) -> impl Stream<Item = Result<ListUploadsPage, Error>> + Send {
        pages(self)
    }

    /// All uploads, page after page.
    pub fn entries(self) -> impl Stream<Item = Result<ListedUpload, Error>> + Send {
        self.pages()
            .map_ok(|page| stream::iter(page.uploads.into_iter().map(Ok)))
            .try_flatten()
    }
}

impl Paged for ListMultipartUploads {
    type Page = ListUploadsPage;

    async fn page(&self) -> Result<ListUploadsPage, Error> {
        check_page_len(self.max_uploads)?;
        let call = Call::new(Method::GET, self.bucket.target(None)?)
            .param("uploads", "")
            .maybe_param("prefix", self.prefix.as_ref())
            .maybe_param("delimiter", self.delimiter.as_ref())
            .maybe_param("key-marker", self.key_marker.as_ref())
            .maybe_param(
                "upload-id-marker",
                self.upload_id_marker
                    .as_ref()
                    .filter(|_| self.key_marker.is_some()),
            )
            .param("max-uploads", self.max_uploads)
            .maybe_param("encoding-type", self.encoding_type.as_param());
        Ok(ListUploadsPage::parse(
            &self.bucket.client().execute_document(call).await?.1,
        )?)
    }

    fn advance(&mut self, page: &ListUploadsPage) -> Advance {
        let next = (page.next_key_marker.clone(), page.next_upload_id_marker.clone());
        let has_moved = next.0.is_some() && next != (self.key_marker.take(), self.upload_id_marker.take());
        (self.key_marker, self.upload_id_marker) = next;
        Advance::new(page.is_truncated, has_moved)
    }
}
