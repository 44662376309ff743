//! `GET Service`: the account's buckets, a page or all of them.

use futures_util::{Stream, TryStreamExt, stream};
use http::Method;
use jiff::Timestamp;

use crate::client::Client;
use crate::error::Error;
use crate::name::Region;
use crate::object::pages::{Advance, Paged, check_len, pages};
use crate::request::Call;
use crate::wire::service::{BucketList, ListedBucket};

/// The most buckets of one page.
const MAX_PAGE_LEN: u32 = 2000;

/// Lists the account's buckets. Begun by [`Client::list_buckets`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`, `pages` or `entries`"]
pub struct ListBuckets {
    client: Client,
    region: Option<Region>,
    created: Option<Created>,
    tag: Option<(String, String)>,
    marker: Option<String>,
    max_keys: u32,
}

/// When a bucket was created. Times have a precision of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// Earlier than this.
    Before(Timestamp),
    /// Then or earlier.
    UpTo(Timestamp),
    /// Later than this.
    After(Timestamp),
    /// Then or later.
    Since(Timestamp),
}

impl Created {
    fn to_params(self) -> (&'static str, i64) {
        match self {
            Self::Before(time) => ("lt", time.as_second()),
            Self::UpTo(time) => ("lte", time.as_second()),
            Self::After(time) => ("gt", time.as_second()),
            Self::Since(time) => ("gte", time.as_second()),
        }
    }
}

impl ListBuckets {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            region: None,
            created: None,
            tag: None,
            marker: None,
            max_keys: MAX_PAGE_LEN,
        }
    }

    /// Only buckets of this region.
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Only buckets created then.
    pub fn created(mut self, created: Created) -> Self {
        self.created = Some(created);
        self
    }

    /// Only buckets with this tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tag = Some((key.into(), value.into()));
        self
    }

    /// Begins behind this bucket.
    pub fn marker(mut self, marker: impl Into<String>) -> Self {
        self.marker = Some(marker.into());
        self
    }

    /// The most buckets of a page: 1 to 2000.
    pub fn max_keys(mut self, max_keys: u32) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// One page.
    ///
    /// # Errors
    /// Besides those of every request: a page length outside of 1 to 2000.
    pub async fn send(self) -> Result<BucketList, Error> {
        self.page().await
    }

    /// All pages, asked for one by one as the stream is read.
    pub fn pages(self) -> impl Stream<Item = Result<BucketList, Error>> + Send {
        pages(self)
    }

    /// All buckets, page after page.
    pub fn entries(self) -> impl Stream<Item = Result<ListedBucket, Error>> + Send {
        self.pages()
            .map_ok(|page| stream::iter(page.buckets.into_iter().map(Ok)))
            .try_flatten()
    }
}

impl Paged for ListBuckets {
    type Page = BucketList;

    async fn page(&self) -> Result<BucketList, Error> {
        check_len(self.max_keys, MAX_PAGE_LEN)?;
        let (key, value) = self.tag.as_ref().map(|(key, value)| (key, value)).unzip();
        let (range, time) = self.created.map(Created::to_params).unzip();
        let call = Call::new(Method::GET, self.client.endpoint().service())
            .maybe_param("tagkey", key)
            .maybe_param("tagvalue", value)
            .maybe_param("region", self.region.as_ref())
            .maybe_param("create-time", time)
            .maybe_param("range", range)
            .maybe_param("marker", self.marker.as_ref())
            .param("max-keys", self.max_keys);
        Ok(BucketList::parse(&self.client.execute_document(call).await?.1)?)
    }

    fn advance(&mut self, page: &BucketList) -> Advance {
        let last = page.buckets.last().map(|bucket| bucket.name.clone());
        let next = page.next_marker.clone().or(last);
        let advance = Advance::new(page.is_truncated, next.is_some() && next != self.marker);
        self.marker = next;
        advance
    }
}
