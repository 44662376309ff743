//! `DELETE Multiple Objects`.

use http::Method;

use crate::bucket::Bucket;
use crate::error::Error;
use crate::name::ObjectKey;
use crate::request::Call;
use crate::wire::delete::{
    DeleteFailure, DeleteReport, DeleteRequest, DeleteResult, DeleteTarget, DeletedObject, is_xml_text,
};

/// The most objects of one request.
const MAX_OBJECTS: usize = 1000;

/// Deletes many objects. Begun by [`Bucket::delete_objects`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DeleteObjects {
    bucket: Bucket,
    objects: Vec<(ObjectKey, Option<String>)>,
    report: DeleteReport,
}

impl DeleteObjects {
    pub(crate) fn new(bucket: Bucket, objects: Vec<(ObjectKey, Option<String>)>) -> Self {
        Self {
            bucket,
            objects,
            report: DeleteReport::default(),
        }
    }

    /// Whether the result names every object, or only those that could not be deleted.
    pub fn report(mut self, report: DeleteReport) -> Self {
        self.report = report;
        self
    }

    /// Deletes, a thousand objects a request. Keys with control characters, which XML cannot carry, are deleted one
    /// by one. What could not be deleted is in the result, each with its reason.
    ///
    /// # Errors
    /// Those of every request; what earlier requests of this call deleted stays deleted.
    pub async fn send(self) -> Result<DeleteResult, Error> {
        let mut result = DeleteResult::default();
        let (in_bulk, single): (Vec<_>, Vec<_>) = self
            .objects
            .into_iter()
            .partition(|(key, _)| is_xml_text(key.as_str()));
        for objects in in_bulk.chunks(MAX_OBJECTS) {
            let objects = objects.iter().map(|(key, version_id)| DeleteTarget {
                key: key.to_string(),
                version_id: version_id.clone(),
            });
            let request = DeleteRequest {
                report: self.report,
                objects: objects.collect(),
            };
            let call = Call::new(Method::POST, self.bucket.target(None)?).param("delete", "");
            let call = call.with_document(&request.to_element())?;
            let (_, document) = self.bucket.client().execute_document(call).await?;
            let answer = DeleteResult::parse(&document)?;
            result.deleted.extend(answer.deleted);
            result.failed.extend(answer.failed);
        }
        for (key, version_id) in single {
            delete_one(&self.bucket, key, version_id, &mut result).await?;
        }
        if self.report == DeleteReport::Quiet {
            result.deleted.clear();
        }
        Ok(result)
    }
}

async fn delete_one(
    bucket: &Bucket,
    key: ObjectKey,
    version_id: Option<String>,
    result: &mut DeleteResult,
) -> Result<(), Error> {
    let mut request = bucket.delete_object(key.clone());
    if let Some(version_id) = &version_id {
        request = request.version_id(version_id);
    }
    let key = key.to_string();
    match request.send().await {
        Ok(done) => {
            let delete_marker_version_id = done.version_id.filter(|_| done.delete_marker);
            let delete_marker = done.delete_marker;
            result.deleted.push(DeletedObject {
                key,
                version_id,
                delete_marker,
                delete_marker_version_id,
            });
        }
        Err(Error::Service(error)) => {
            let (code, message) = (error.code, error.message);
            result.failed.push(DeleteFailure {
                key,
                version_id,
                code,
                message,
            });
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
