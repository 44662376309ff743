//! An object becomes a file: whole, verified, and only then under its name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::journal::{Found, Journal, JournalFolder};
use super::plan::{MIN_PART_SIZE, PartPlan};
use super::progress::{Meter, Progress};
use super::target::{Existing, PartFile};
use super::upload::{DEFAULT_CONCURRENCY, DEFAULT_PART_SIZE, DEFAULT_THRESHOLD};
use super::{blocking, journal_name};
use crate::attributes::TrafficLimit;
use crate::bucket::Bucket;
use crate::checksum::Crc64;
use crate::error::{Error, IntegrityError, invalid};
use crate::name::ObjectKey;
use crate::object::{Conditions, GetObject, ObjectHead, condition_setters, response_setters};
use crate::types::ByteRange;

/// So much is collected before it is written, in bytes.
const WRITE_SIZE: usize = 1024 * 1024;

/// Downloads an object. Begun by [`Bucket::download_file`].
///
/// Dropping the future keeps what has arrived, beside the target: the same call goes on from there.
#[must_use = "nothing is sent before `send`"]
pub struct DownloadFile {
    bucket: Bucket,
    key: ObjectKey,
    target: PathBuf,
    version_id: Option<String>,
    conditions: Conditions,
    overrides: Vec<(&'static str, String)>,
    traffic_limit: Option<TrafficLimit>,
    threshold: u64,
    part_size: u64,
    concurrency: usize,
    existing: Existing,
    modified: ModifiedTime,
    progress: Option<Arc<dyn Progress>>,
    journals: JournalFolder,
}

/// What the file's time of modification becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModifiedTime {
    /// When it was downloaded.
    #[default]
    Now,
    /// When the object was written.
    OfObject,
}

impl DownloadFile {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, target: PathBuf) -> Self {
        Self {
            bucket,
            key,
            target,
            version_id: None,
            conditions: Conditions::default(),
            overrides: Vec::new(),
            traffic_limit: None,
            threshold: DEFAULT_THRESHOLD,
            part_size: DEFAULT_PART_SIZE,
            concurrency: DEFAULT_CONCURRENCY,
            existing: Existing::default(),
            modified: ModifiedTime::default(),
            progress: None,
            journals: JournalFolder::default(),
        }
    }

    condition_setters!();
    response_setters!();

    /// This version rather than the latest.
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Limits the speed of each connection.
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Objects up to this length, in bytes, are fetched in one request. 20 MiB unless set.
    pub fn threshold(mut self, bytes: u64) -> Self {
        self.threshold = bytes;
        self
    }

    /// Length of a part, in bytes: at least 1 MiB. 8 MiB unless set.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = bytes;
        self
    }

    /// How many parts are under way at a time. 5 unless set.
    pub fn concurrency(mut self, parts: usize) -> Self {
        self.concurrency = parts;
        self
    }

    /// What becomes of a file that is there already: it stays, and the download is refused, unless set.
    pub fn existing(mut self, choice: Existing) -> Self {
        self.existing = choice;
        self
    }

    /// What the file's time of modification becomes.
    pub fn modified_time(mut self, choice: ModifiedTime) -> Self {
        self.modified = choice;
        self
    }

    /// Is told how far the download is.
    pub fn progress(mut self, progress: impl Progress + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Where it is remembered what has arrived. The platform's folder for state unless set.
    pub fn journal_folder(mut self, folder: JournalFolder) -> Self {
        self.journals = folder;
        self
    }

    /// Downloads into a file beside the target, which takes the target's name when everything has arrived and its
    /// CRC-64, where the service keeps one, is right. All parts are of one state of the object.
    ///
    /// # Errors
    /// Besides those of every request: a target that exists or cannot be written, a full disk, an object that is
    /// replaced meanwhile, other bytes than are stored, and the same download under way in another process.
    pub async fn send(self) -> Result<DownloadFileOutput, Error> {
        if self.concurrency == 0 {
            return Err(invalid("no part can be fetched with none under way at a time"));
        }
        let (target, existing) = (self.target.clone(), self.existing);
        blocking(move || existing.check(&target), Error::Destination).await?;
        let mut head = self
            .bucket
            .head_object(self.key.clone())
            .conditions(self.conditions.clone());
        if let Some(version_id) = &self.version_id {
            head = head.version_id(version_id);
        }
        let head = head.send().await?;
        let download = Download::begin(&self, head).await?;
        let resumed = download.fetch().await?;
        download.finish(resumed).await
    }

    /// A request for a part of the object, in the state that `head` describes.
    fn request(&self, head: &ObjectHead, range: Option<ByteRange>) -> GetObject {
        let mut get = self
            .bucket
            .get_object(self.key.clone())
            .if_match(head.etag.clone());
        get = get.overrides(self.overrides.clone());
        if let Some(version_id) = &self.version_id {
            get = get.version_id(version_id);
        }
        if let Some(limit) = self.traffic_limit {
            get = get.traffic_limit(limit);
        }
        match range {
            Some(range) => get.range(range),
            None => get,
        }
    }
}

impl fmt::Debug for DownloadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DownloadFile({} to {})", self.key, self.target.display())
    }
}

/// Which download a journal is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    etag: String,
    len: u64,
    part_size: u64,
}

/// A part that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    index: u32,
    crc64: u64,
}

type DownloadJournal = Journal<Begun, Written>;

/// A download under way.
struct Download<'a> {
    request: &'a DownloadFile,
    head: ObjectHead,
    plan: PartPlan,
    file: PartFile,
    journal: Arc<Mutex<Option<DownloadJournal>>>,
    /// CRC-64 of each part that is in the file.
    parts: Mutex<Vec<Option<u64>>>,
}

impl<'a> Download<'a> {
    async fn begin(request: &'a DownloadFile, head: ObjectHead) -> Result<Self, Error> {
        let len = head.content_length;
        let in_one = len <= request.threshold;
        let part_size = if in_one { len } else { request.part_size };
        let plan = PartPlan::new(len, part_size.max(MIN_PART_SIZE), 1)?;
        let name = journal_name("download", &request.bucket, &request.key, &request.target)?;
        let begun = Begun {
            etag: head.etag.to_string(),
            len,
            part_size: plan.part_size(),
        };
        // What comes in one request is not worth a journal.
        let journals = if in_one {
            JournalFolder::None
        } else {
            request.journals.clone()
        };
        let target = request.target.clone();
        let opened = move || {
            let Some(folder) = journals.open()? else {
                return Ok((None, PartFile::temporary(&target)?, None));
            };
            let (mut journal, found) = DownloadJournal::open(&folder, &name.each_ref().map(String::as_str))?;
            let file = PartFile::beside(&target, &name.concat())?;
            let found: Option<Found<Begun, Written>> = found.filter(|(head, _)| *head == begun);
            if found.is_none() {
                file.clear()?;
                journal.begin(&begun)?;
            }
            Ok((Some(journal), file, found))
        };
        let (journal, file, found) = blocking(opened, Error::Destination).await?;
        let parts = vec![None; plan.count() as usize];
        let journal = Arc::new(Mutex::new(journal));
        let download = Self {
            request,
            head,
            plan,
            file,
            journal,
            parts: Mutex::new(parts),
        };
        if let Some((_, written)) = found {
            download.find_written(written).await?;
        }
        Ok(download)
    }

    /// Believes the journal only where the file holds what it says.
    async fn find_written(&self, written: Vec<Written>) -> Result<(), Error> {
        for part in written {
            if part.index >= self.plan.count() {
                continue;
            }
            let (file, range) = (self.file.clone(), self.plan.range(part.index));
            let crc = blocking(move || file.crc64(range), Error::Destination).await?;
            if crc == Some(part.crc64) {
                self.set_part(part.index, part.crc64);
            }
        }
        Ok(())
    }

    /// Fetches what is missing, and returns how many bytes were there already.
    async fn fetch(&self) -> Result<u64, Error> {
        let meter = Meter::new(self.request.progress.clone(), self.plan.len());
        let known = self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_known = |index: u32| known.get(index as usize).is_some_and(Option::is_some);
        let ranges = self.plan.parts().filter(|(index, _)| is_known(*index));
        let resumed: u64 = ranges.map(|(_, range)| range.end - range.start).sum();
        if resumed > 0 {
            meter.add(resumed);
        }
        let missing: Vec<_> = self.plan.parts().filter(|(index, _)| !is_known(*index)).collect();
        stream::iter(missing.into_iter().map(Ok))
            .try_for_each_concurrent(self.request.concurrency, |(index, range)| {
                let meter = meter.clone();
                async move { self.fetch_part(index, range, &meter).await }
            })
            .await?;
        Ok(resumed)
    }

    /// Fetches a part, and again when the connection breaks in the middle of it.
    async fn fetch_part(&self, index: u32, range: std::ops::Range<u64>, meter: &Meter) -> Result<(), Error> {
        let mut attempts = self.request.bucket.client().retry_policy().start();
        let crc64 = loop {
            match self.try_part(range.clone()).await {
                Ok(crc64) => break crc64,
                Err(error) => {
                    let is_passing = match &error {
                        // What the request itself could repeat, it has.
                        Error::Service(_) => false,
                        Error::Integrity(IntegrityError::Length { .. }) => true,
                        error => error.is_retryable(),
                    };
                    if !is_passing || !attempts.wait(&error, error.retry_after()).await {
                        return Err(error);
                    }
                }
            }
        };
        self.set_part(index, crc64);
        let journal = Arc::clone(&self.journal);
        let note = move || match &mut *journal.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(journal) => journal.add(&Written { index, crc64 }),
            None => Ok(()),
        };
        blocking(note, Error::State).await?;
        meter.add(range.end - range.start);
        Ok(())
    }

    async fn try_part(&self, range: std::ops::Range<u64>) -> Result<u64, Error> {
        let is_whole = range == (0..self.plan.len());
        let get = self
            .request
            .request(&self.head, (!is_whole).then(|| range.clone().into()));
        let mut body = get.send().await?.body;
        let (mut crc, mut offset) = (Crc64::new(), range.start);
        let mut pending: Vec<Bytes> = Vec::new();
        let mut pending_len = 0;
        loop {
            let piece = body.try_next().await?;
            if let Some(piece) = &piece {
                crc.update(piece);
                pending_len += piece.len();
                pending.push(piece.clone());
            }
            if pending_len >= WRITE_SIZE || (piece.is_none() && pending_len > 0) {
                let (file, pieces, at) = (self.file.clone(), std::mem::take(&mut pending), offset);
                blocking(move || file.write_at(at, &pieces), Error::Destination).await?;
                offset += pending_len as u64;
                pending_len = 0;
            }
            if piece.is_none() {
                return Ok(crc.value());
            }
        }
    }

    async fn finish(self, resumed: u64) -> Result<DownloadFileOutput, Error> {
        let parts = self.parts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let received = parts
            .iter()
            .zip(self.plan.parts())
            .try_fold(0, |crc, (part, (_, range))| {
                part.map(|part| Crc64::combine(crc, part, range.end - range.start))
            });
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (stored, len) = (self.head.crc64, self.plan.len());
        let (file, target, existing) = (self.file, self.request.target.clone(), self.request.existing);
        let modified = self
            .head
            .last_modified
            .filter(|_| self.request.modified == ModifiedTime::OfObject);
        if let (Some(received), Some(stored)) = (received, stored)
            && received != stored
        {
            // Nothing of it can be trusted, so nothing of it is kept.
            let clean = move || {
                file.discard()?;
                journal.map_or(Ok(()), Journal::remove)
            };
            blocking(clean, Error::Destination).await?;
            return Err(IntegrityError::Download { stored, received }.into());
        }
        let place = move || {
            file.place(&target, len, existing, modified)?;
            journal.map_or(Ok(()), Journal::remove)
        };
        blocking(place, Error::Destination).await?;
        Ok(DownloadFileOutput {
            head: self.head,
            len,
            resumed,
        })
    }

    fn set_part(&self, index: u32, crc64: u64) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get_mut(index as usize) {
            *part = Some(crc64);
        }
    }
}

/// A file that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadFileOutput {
    /// The object's headers.
    pub head: ObjectHead,
    /// Length of the file, in bytes.
    pub len: u64,
    /// Bytes that had arrived in an earlier, interrupted attempt.
    pub resumed: u64,
}

impl Bucket {
    /// Downloads an object into a file: in parallel parts that survive interruptions, verified before the file takes
    /// its name.
    pub fn download_file(&self, key: ObjectKey, target: impl AsRef<Path>) -> DownloadFile {
        DownloadFile::new(self.clone(), key, target.as_ref().to_owned())
    }
}
