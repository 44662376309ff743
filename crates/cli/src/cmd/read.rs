//! Reading one object, for `get` and `cat`.

use std::path::PathBuf;
use std::sync::Arc;

use cos_encryption::client::{EncryptedBucket, EncryptionClient, GetObjectOutput, ObjectHead};
use cos_encryption::keys::KeyRing;
use cos_encryption::policy::ReadPolicy;
use cos_transport::ObjectKey;
use futures_util::TryStreamExt as _;

use super::sink::Sink;
use crate::args::location::Location;
use crate::args::transfer::ReadOptions;
use crate::connect::Session;
use crate::failure::Failure;
use crate::files::target::Target;
use crate::output::Output;

/// Reads objects of one bucket.
pub(super) struct Reader {
    bucket: EncryptedBucket,
    options: ReadOptions,
    output: Arc<Output>,
}

impl Reader {
    pub(super) fn new(
        session: &Session,
        keys: KeyRing,
        location: &Location,
        options: ReadOptions,
        output: &Arc<Output>,
    ) -> Self {
        let policy = match options.allow_unauthenticated {
            true => ReadPolicy::AllowUnauthenticated,
            false => ReadPolicy::SealedOnly,
        };
        let client = EncryptionClient::new(session.client().clone(), keys).with_read_policy(policy);
        Self {
            bucket: client.bucket(location.bucket.clone()),
            options,
            output: Arc::clone(output),
        }
    }

    pub(super) fn bucket(&self) -> &EncryptedBucket {
        &self.bucket
    }

    pub(super) fn object(&self, key: &str) -> String {
        format!("cos://{}/{key}", self.bucket.plain().name())
    }

    /// Writes an object to a file, which appears only once everything was verified.
    pub(super) async fn to_file(&self, key: ObjectKey, target: Target) -> Result<Read, Failure> {
        let path = target.path();
        let arriving = self.ask(key).await?;
        let (size, head) = self.pass_on(arriving, Sink::to(target)?).await?;
        Ok(Read { path, size, head })
    }

    /// Writes an object to stdout, piece by piece as it is verified.
    pub(super) async fn to_stdout(&self, key: ObjectKey) -> Result<ObjectHead, Failure> {
        let arriving = self.ask(key).await?;
        let (_, head) = self
            .pass_on(arriving, Sink::Stdout(Arc::clone(&self.output)))
            .await?;
        Ok(head)
    }

    async fn pass_on(
        &self,
        mut arriving: GetObjectOutput,
        mut sink: Sink,
    ) -> Result<(u64, ObjectHead), Failure> {
        while let Some(piece) = arriving.body.try_next().await? {
            self.output.bar().advance(piece.len());
            sink.write(piece).await?;
        }
        sink.finish().await?;
        Ok((len_of(&arriving), arriving.head))
    }

    /// Asks for the headers only.
    pub(super) async fn head(&self, key: ObjectKey) -> Result<ObjectHead, Failure> {
        let mut request = self.bucket.head_object(key.clone());
        if let Some(version_id) = &self.options.version_id {
            request = request.version_id(version_id);
        }
        request.send().await.map_err(|error| self.failure(error, &key))
    }

    fn failure(&self, error: cos_encryption::Error, key: &ObjectKey) -> Failure {
        match error {
            cos_encryption::Error::Transport(error) => {
                super::object_failure(error, self.bucket.plain().name(), key.as_str())
            }
            error => error.into(),
        }
    }

    async fn ask(&self, key: ObjectKey) -> Result<GetObjectOutput, Failure> {
        let mut request = self.bucket.get_object(key.clone());
        if let Some(range) = self.options.range {
            request = request.range(range);
        }
        if let Some(version_id) = &self.options.version_id {
            request = request.version_id(version_id);
        }
        let arriving = request.send().await.map_err(|error| self.failure(error, &key))?;
        self.output.bar().expect(len_of(&arriving));
        Ok(arriving)
    }
}

/// What was read.
pub(super) struct Read {
    pub(super) path: PathBuf,
    /// Bytes of plaintext.
    pub(super) size: u64,
    pub(super) head: ObjectHead,
}

fn len_of(arriving: &GetObjectOutput) -> u64 {
    arriving.plain_range.end - arriving.plain_range.start
}
