//! A file becomes an object: in one request, or in parts that are sent in parallel and survive interruptions.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::journal::{Journal, JournalFolder};
use super::plan::{MIN_PART_SIZE, PartPlan};
use super::progress::{Meter, Progress};
use super::source::{FileIdentity, read_range};
use super::{blocking, journal_name};
use crate::attribute_setters;
use crate::attributes::{ObjectAttributes, TrafficLimit};
use crate::body::Body;
use crate::bucket::Bucket;
use crate::checksum::Crc64;
use crate::error::{Error, invalid};
use crate::name::ObjectKey;
use crate::types::ETag;
use crate::wire::multipart::{CompletedPart, PartNumber};

/// Files up to this length are sent in one request, in bytes.
pub const DEFAULT_THRESHOLD: u64 = 20 * 1024 * 1024;
/// Length of a part, unless the file is too long for it. In bytes.
pub const DEFAULT_PART_SIZE: u64 = 8 * 1024 * 1024;
/// Parts under way at a time.
pub const DEFAULT_CONCURRENCY: usize = 5;

/// What becomes of the parts that have arrived when an upload fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// They stay, and the same call goes on from there.
    #[default]
    Keep,
    /// They are deleted, and the next call begins anew.
    Abort,
}

/// Uploads a file. Begun by [`Bucket::upload_file`].
///
/// Dropping the future keeps what has arrived: the same call goes on from there.
#[must_use = "nothing is sent before `send`"]
pub struct UploadFile {
    bucket: Bucket,
    key: ObjectKey,
    path: PathBuf,
    attributes: ObjectAttributes,
    threshold: u64,
    part_size: u64,
    concurrency: usize,
    traffic_limit: Option<TrafficLimit>,
    md5: Md5OfParts,
    progress: Option<Arc<dyn Progress>>,
    journals: JournalFolder,
    on_failure: OnFailure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Md5OfParts {
    Left,
    Computed,
}

impl UploadFile {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, path: PathBuf) -> Self {
        Self {
            bucket,
            key,
            path,
            attributes: ObjectAttributes::default(),
            threshold: DEFAULT_THRESHOLD,
            part_size: DEFAULT_PART_SIZE,
            concurrency: DEFAULT_CONCURRENCY,
            traffic_limit: None,
            md5: Md5OfParts::Left,
            progress: None,
            journals: JournalFolder::default(),
            on_failure: OnFailure::default(),
        }
    }

    attribute_setters!();

    /// Files up to this length, in bytes, are sent in one request. 20 MiB unless set.
    pub fn threshold(mut self, bytes: u64) -> Self {
        self.threshold = bytes;
        self
    }

    /// Length of a part, in bytes: at least 1 MiB. Grows by itself for files that would need more than 10 000 parts.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = bytes;
        self
    }

    /// How many parts are under way at a time; so many are in memory. 5 unless set.
    pub fn concurrency(mut self, parts: usize) -> Self {
        self.concurrency = parts;
        self
    }

    /// Limits the speed of each connection.
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Computes and sends `Content-MD5` too. The CRC-64 is compared without this.
    pub fn compute_md5(mut self) -> Self {
        self.md5 = Md5OfParts::Computed;
        self
    }

    /// Is told how far the upload is.
    pub fn progress(mut self, progress: impl Progress + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Where it is remembered what has arrived. The platform's folder for state unless set.
    pub fn journal_folder(mut self, folder: JournalFolder) -> Self {
        self.journals = folder;
        self
    }

    /// What becomes of the parts that have arrived when the upload fails.
    pub fn on_failure(mut self, choice: OnFailure) -> Self {
        self.on_failure = choice;
        self
    }

    /// Uploads. A part that fails is sent again by the client's retry policy. At the end the CRC-64 of the object is
    /// compared with that of everything sent.
    ///
    /// # Errors
    /// Besides those of every request: a file that cannot be read or is changed meanwhile, impossible sizes, and the
    /// same upload under way in another process.
    pub async fn send(self) -> Result<UploadFileOutput, Error> {
        let path = self.path.clone();
        let identity = blocking(move || FileIdentity::at(&path), Error::Source).await?;
        if identity.len <= self.threshold {
            return self.send_whole(identity).await;
        }
        if self.concurrency == 0 {
            return Err(invalid("no part can be sent with none under way at a time"));
        }
        let plan = PartPlan::new(identity.len, self.part_size.max(MIN_PART_SIZE), 1)?;
        let upload = Upload::begin(&self, identity, plan).await?;
        let result = upload.run().await;
        if result.is_err() && self.on_failure == OnFailure::Abort {
            upload.abandon().await;
        }
        result
    }

    async fn send_whole(&self, identity: FileIdentity) -> Result<UploadFileOutput, Error> {
        let (path, len) = (self.path.clone(), identity.len);
        let bytes = blocking(move || read_range(&path, &identity, 0..len), Error::Source).await?;
        let meter = Meter::new(self.progress.clone(), len);
        let mut put = self
            .bucket
            .put_object(self.key.clone(), Body::from(bytes))
            .attributes(self.attributes.clone());
        if let Some(limit) = self.traffic_limit {
            put = put.traffic_limit(limit);
        }
        if self.md5 == Md5OfParts::Computed {
            put = put.compute_md5();
        }
        let stored = put.send().await?;
        meter.add(len);
        Ok(UploadFileOutput {
            etag: stored.etag,
            crc64: stored.crc64,
            version_id: stored.version_id,
            len,
            resumed: 0,
            request_id: stored.request_id,
        })
    }
}

impl fmt::Debug for UploadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UploadFile({} to {})", self.path.display(), self.key)
    }
}

/// Which upload a journal is of. Another state of the file, or other parts, are another upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    upload_id: String,
    part_size: u64,
    source: FileIdentity,
    /// Digest of the headers and metadata that the upload was begun with.
    attributes: String,
}

/// A part that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Arrived {
    number: u16,
    etag: String,
    crc64: u64,
}

type UploadJournal = Journal<Begun, Arrived>;

/// A multipart upload under way.
struct Upload<'a> {
    request: &'a UploadFile,
    identity: FileIdentity,
    plan: PartPlan,
    upload_id: String,
    arrived: BTreeMap<u32, CompletedPart>,
    journal: Arc<Mutex<Option<UploadJournal>>>,
}

impl<'a> Upload<'a> {
    /// Goes on with the upload of the journal, if it is of this file and the service still knows it; else begins one.
    async fn begin(request: &'a UploadFile, identity: FileIdentity, plan: PartPlan) -> Result<Self, Error> {
        let name = journal_name("upload", &request.bucket, &request.key, &request.path)?;
        let journals = request.journals.clone();
        let open = move || match journals.open()? {
            Some(folder) => Journal::open(&folder, &name.each_ref().map(String::as_str)).map(Some),
            None => Ok(None),
        };
        let opened = blocking(open, Error::State).await?;
        let (journal, found) = match opened {
            Some((journal, found)) => (Some(journal), found),
            None => (None, None),
        };
        let mut upload = Self {
            request,
            identity,
            plan,
            upload_id: String::new(),
            arrived: BTreeMap::new(),
            journal: Arc::new(Mutex::new(journal)),
        };
        if let Some((begun, arrived)) = found {
            let same = Begun {
                upload_id: begun.upload_id.clone(),
                ..upload.head()
            };
            if begun == same {
                upload.upload_id.clone_from(&begun.upload_id);
                if upload.find_arrived(arrived).await? {
                    return Ok(upload);
                }
            } else {
                tracing::debug!("the file or its parts are others than last time: that upload is dropped");
                let _ = request
                    .bucket
                    .abort_multipart_upload(request.key.clone(), begun.upload_id)
                    .send()
                    .await;
            }
        }
        let begun = request.bucket.create_multipart_upload(request.key.clone());
        upload.upload_id = begun
            .attributes(request.attributes.clone())
            .send()
            .await?
            .upload_id;
        upload.arrived.clear();
        let head = upload.head();
        upload.with_journal(move |journal| journal.begin(&head)).await?;
        Ok(upload)
    }

    fn head(&self) -> Begun {
        Begun {
            upload_id: self.upload_id.clone(),
            part_size: self.plan.part_size(),
            source: self.identity.clone(),
            attributes: self.request.attributes.digest(),
        }
    }

    /// Believes the journal only where the service says the same. False when the service does not know the upload.
    async fn find_arrived(&mut self, journal: Vec<Arrived>) -> Result<bool, Error> {
        let noted: BTreeMap<u16, Arrived> = journal.into_iter().map(|part| (part.number, part)).collect();
        let listing = self
            .request
            .bucket
            .list_parts(self.request.key.clone(), &self.upload_id);
        let mut listed = std::pin::pin!(listing.entries());
        loop {
            let part = match listed.try_next().await {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(true),
                Err(error) if error.is_not_found() => return Ok(false),
                Err(error) => return Err(error),
            };
            let index = u32::from(part.number.get()) - 1;
            let range = self.plan.range(index);
            let Some(noted) = noted.get(&part.number.get()) else {
                continue;
            };
            let is_same = noted.etag == part.etag.as_str()
                && index < self.plan.count()
                && part.size == range.end - range.start;
            // The file must still hold what was sent, whatever its times say.
            if is_same && self.local_crc(range).await? == noted.crc64 {
                let check = Some((part.size, noted.crc64));
                self.arrived.insert(
                    index,
                    CompletedPart {
                        number: part.number,
                        etag: part.etag,
                        check,
                    },
                );
            }
        }
    }

    async fn local_crc(&self, range: std::ops::Range<u64>) -> Result<u64, Error> {
        let (path, identity) = (self.request.path.clone(), self.identity.clone());
        blocking(
            move || Ok(Crc64::of(&read_range(&path, &identity, range)?)),
            Error::Source,
        )
        .await
    }

    async fn run(&self) -> Result<UploadFileOutput, Error> {
        let resumed: u64 = self.arrived.keys().map(|index| self.part_len(*index)).sum();
        let meter = Meter::new(self.request.progress.clone(), self.plan.len());
        if resumed > 0 {
            meter.add(resumed);
        }
        let missing: Vec<_> = self
            .plan
            .parts()
            .filter(|(index, _)| !self.arrived.contains_key(index))
            .collect();
        let sent: Vec<(u32, CompletedPart)> = stream::iter(missing)
            .map(|(index, range)| {
                let meter = meter.clone();
                async move {
                    let len = range.end - range.start;
                    let part = self.send_part(index, range).await?;
                    meter.add(len);
                    Ok::<_, Error>((index, part))
                }
            })
            .buffer_unordered(self.request.concurrency)
            .try_collect()
            .await?;
        let mut parts = self.arrived.clone();
        parts.extend(sent);
        let request = self.request;
        let parts = parts.into_values();
        let complete = request
            .bucket
            .complete_multipart_upload(request.key.clone(), &self.upload_id, parts);
        let done = complete.send().await?;
        self.forget().await;
        Ok(UploadFileOutput {
            etag: done.etag,
            crc64: done.crc64,
            version_id: done.version_id,
            len: self.plan.len(),
            resumed,
            request_id: done.request_id,
        })
    }

    async fn send_part(&self, index: u32, range: std::ops::Range<u64>) -> Result<CompletedPart, Error> {
        let number = PartNumber::new(index + 1)?;
        let (path, identity) = (self.request.path.clone(), self.identity.clone());
        let bytes = blocking(move || read_range(&path, &identity, range), Error::Source).await?;
        let mut upload = self.request.bucket.upload_part(
            self.request.key.clone(),
            &self.upload_id,
            number,
            Body::from(bytes),
        );
        if let Some(limit) = self.request.traffic_limit {
            upload = upload.traffic_limit(limit);
        }
        if self.request.md5 == Md5OfParts::Computed {
            upload = upload.compute_md5();
        }
        let part = upload.send().await?.part;
        if let Some((_, crc64)) = part.check {
            let arrived = Arrived {
                number: number.get(),
                etag: part.etag.to_string(),
                crc64,
            };
            self.with_journal(move |journal| journal.add(&arrived)).await?;
        }
        Ok(part)
    }

    async fn with_journal(
        &self,
        work: impl FnOnce(&mut UploadJournal) -> io::Result<()> + Send + 'static,
    ) -> Result<(), Error> {
        let journal = Arc::clone(&self.journal);
        let with = move || match &mut *journal.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(journal) => work(journal),
            None => Ok(()),
        };
        blocking(with, Error::State).await
    }

    /// The upload is over; a journal that stays behind would only be found to be of an unknown upload.
    async fn forget(&self) {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(journal) = journal {
            let _ = tokio::task::spawn_blocking(move || journal.remove()).await;
        }
    }

    async fn abandon(&self) {
        let request = self.request;
        let aborted = request
            .bucket
            .abort_multipart_upload(request.key.clone(), &self.upload_id)
            .send()
            .await;
        match aborted {
            Ok(()) => self.forget().await,
            // The journal stays, so that the next attempt finds the upload.
            Err(error) => tracing::warn!(%error, "the upload could not be aborted"),
        }
    }

    fn part_len(&self, index: u32) -> u64 {
        let range = self.plan.range(index);
        range.end - range.start
    }
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadFileOutput {
    /// Entity tag of the object.
    pub etag: ETag,
    /// CRC-64 of the object.
    pub crc64: Option<u64>,
    /// The version written, in a bucket with versions.
    pub version_id: Option<String>,
    /// Length of the object, in bytes.
    pub len: u64,
    /// Bytes that had arrived in an earlier, interrupted attempt.
    pub resumed: u64,
    /// Names the last request for the service's support.
    pub request_id: String,
}

impl Bucket {
    /// Uploads a file: in one request up to a threshold, else in parallel parts that survive interruptions.
    pub fn upload_file(&self, key: ObjectKey, path: impl AsRef<Path>) -> UploadFile {
        UploadFile::new(self.clone(), key, path.as_ref().to_owned())
    }
}
