//! POST Object restore.

use std::time::Duration;

use cos_transport::wire::meta::{RestoreRequest, RestoreTier};
use cos_transport::{BucketName, ObjectKey, StorageClass};
use http::StatusCode;

use super::describe::{RestoreState, is_archived};
use super::receive::{self, DocumentMd5};
use super::{Answer, get};
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::empty;
use crate::service::Service;
use crate::store::{Restore, StateConflict, StoreError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn restore(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut RequestBody,
) -> Answer {
    let request = receive::document(head, body, DocumentMd5::Optional, RestoreRequest::parse).await?;
    if request.days == 0 {
        let message = "An object is restored for at least one day.";
        return Err(Refusal::new(Code::InvalidArgument, message));
    }
    let (now, duration) = (service.clock.now(), service.restore_time);
    let version = get::version(head)?;
    let status = service
        .store
        .update_object(bucket.as_str(), key.as_str(), version, move |record| {
            if !is_archived(record) {
                return Err(StoreError::State(StateConflict::NotArchived));
            }
            let is_deep = record.attributes.storage_class == StorageClass::DeepArchive.as_str();
            if is_deep && request.tier == RestoreTier::Expedited {
                return Err(StoreError::State(StateConflict::TierUnknown));
            }
            let state = record
                .restore
                .as_ref()
                .map(|restore| RestoreState::of(restore, now));
            let (ready, status) = match state {
                Some(RestoreState::Pending) => {
                    return Err(StoreError::State(StateConflict::RestoreInProgress));
                }
                // It is readable already, and from now on for so many days.
                Some(RestoreState::Ready) => (now, StatusCode::OK),
                Some(RestoreState::Over) | None => (now.after(duration), StatusCode::ACCEPTED),
            };
            record.restore = Some(Restore {
                requested: now,
                ready,
                expires: ready.after(DAY.saturating_mul(request.days)),
                tier: request.tier.as_str().to_owned(),
            });
            Ok(status)
        })
        .await?;
    Ok(empty(status))
}
