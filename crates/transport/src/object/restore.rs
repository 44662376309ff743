//! `POST Object restore`: an archived object is made readable for some days.

use http::Method;

use crate::bucket::Bucket;
use crate::error::{Error, invalid};
use crate::name::ObjectKey;
use crate::request::Call;
use crate::wire::meta::{RestoreRequest, RestoreTier};

/// Restores an archived object. Begun by [`Bucket::restore_object`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RestoreObject {
    bucket: Bucket,
    key: ObjectKey,
    days: u32,
    tier: RestoreTier,
    version_id: Option<String>,
}

impl RestoreObject {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, days: u32) -> Self {
        Self {
            bucket,
            key,
            days,
            tier: RestoreTier::default(),
            version_id: None,
        }
    }

    /// How fast. DEEP_ARCHIVE knows no [`RestoreTier::Expedited`].
    pub fn tier(mut self, tier: RestoreTier) -> Self {
        self.tier = tier;
        self
    }

    /// This version rather than the latest.
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Asks for the restore, which takes its time: [`ObjectHead::restore`](super::ObjectHead) tells when it is done.
    ///
    /// # Errors
    /// Besides those of every request: no days, `RestoreAlreadyInProgress`, and the service's refusal of an object
    /// that is not archived.
    pub async fn send(self) -> Result<(), Error> {
        if self.days == 0 {
            return Err(invalid("an object is restored for at least one day"));
        }
        let request = RestoreRequest {
            days: self.days,
            tier: self.tier,
        };
        let call = Call::new(Method::POST, self.bucket.target(Some(&self.key))?)
            .param("restore", "")
            .maybe_param("versionId", self.version_id)
            .with_document(&request.to_element())?;
        self.bucket.client().execute_document(call).await.map(drop)
    }
}
