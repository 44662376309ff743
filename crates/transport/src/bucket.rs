//! A bucket: the calls on its objects, and the few on the bucket itself.

use std::path::Path;

use http::Method;

use crate::body::Body;
use crate::client::Client;
use crate::error::{Error, invalid};
use crate::name::{BucketName, ObjectKey, Target};
use crate::object::{
    AbortMultipartUpload, AppendObject, CompleteMultipartUpload, CopyObject, CopySource,
    CreateMultipartUpload, DeleteObject, DeleteObjects, GetObject, HeadObject, ListMultipartUploads,
    ListObjects, ListObjectsVersions, ListParts, PutObject, RestoreObject, UploadPart, UploadPartCopy,
};
use crate::request::{Call, Repeat};
use crate::wire::meta::Versioning;
use crate::wire::multipart::{CompletedPart, PartNumber};

/// One bucket, reached through a [`Client`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: BucketName,
}

impl Bucket {
    pub(crate) fn new(client: Client, name: BucketName) -> Self {
        Self { client, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &BucketName {
        &self.name
    }

    /// The client behind it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn target(&self, key: Option<&ObjectKey>) -> Result<Target, Error> {
        Ok(self.client.endpoint().target(&self.name, key)?)
    }

    /// Writes an object in one request.
    pub fn put_object(&self, key: ObjectKey, body: impl Into<Body>) -> PutObject {
        PutObject::new(self.clone(), key, body.into())
    }

    /// Writes a file as an object in one request; [`upload_file`](Self::upload_file) does it in parts, too.
    ///
    /// # Errors
    /// [`Error::Source`] when the file cannot be opened or is not a regular file.
    pub async fn put_object_from_file(
        &self,
        key: ObjectKey,
        path: impl AsRef<Path>,
    ) -> Result<PutObject, Error> {
        let body = Body::from_file(path).await.map_err(Error::Source)?;
        Ok(self.put_object(key, body))
    }

    /// Writes the empty object that stands for a folder: its key ends in `/`. Objects need no folder above them; it
    /// is there to be seen.
    ///
    /// # Errors
    /// When the key does not end in `/`.
    pub fn put_folder(&self, key: ObjectKey) -> Result<PutObject, Error> {
        match key.is_folder() {
            true => Ok(self.put_object(key, Body::empty())),
            false => Err(invalid(format!(
                "the key {:?} does not stand for a folder: such keys end in '/'",
                key.as_str()
            ))),
        }
    }

    /// Reads an object or a range of it.
    pub fn get_object(&self, key: ObjectKey) -> GetObject {
        GetObject::new(self.clone(), key)
    }

    /// Asks for an object's headers.
    pub fn head_object(&self, key: ObjectKey) -> HeadObject {
        HeadObject::new(self.clone(), key)
    }

    /// Deletes an object.
    pub fn delete_object(&self, key: ObjectKey) -> DeleteObject {
        DeleteObject::new(self.clone(), key)
    }

    /// Deletes many objects, each with or without a version.
    pub fn delete_objects(
        &self,
        objects: impl IntoIterator<Item = (ObjectKey, Option<String>)>,
    ) -> DeleteObjects {
        DeleteObjects::new(self.clone(), objects.into_iter().collect())
    }

    /// Copies an object into this bucket.
    pub fn copy_object(&self, key: ObjectKey, source: CopySource) -> CopyObject {
        CopyObject::new(self.clone(), key, source)
    }

    /// Appends to an object at `position`, its present length in bytes.
    pub fn append_object(&self, key: ObjectKey, position: u64, body: impl Into<Body>) -> AppendObject {
        AppendObject::new(self.clone(), key, position, body.into())
    }

    /// Makes an archived object readable for some days.
    pub fn restore_object(&self, key: ObjectKey, days: u32) -> RestoreObject {
        RestoreObject::new(self.clone(), key, days)
    }

    /// Lists objects.
    pub fn list_objects(&self) -> ListObjects {
        ListObjects::new(self.clone())
    }

    /// Lists the versions of objects.
    pub fn list_objects_versions(&self) -> ListObjectsVersions {
        ListObjectsVersions::new(self.clone())
    }

    /// Begins a multipart upload.
    pub fn create_multipart_upload(&self, key: ObjectKey) -> CreateMultipartUpload {
        CreateMultipartUpload::new(self.clone(), key)
    }

    /// Uploads a part.
    pub fn upload_part(
        &self,
        key: ObjectKey,
        upload_id: impl Into<String>,
        number: PartNumber,
        body: impl Into<Body>,
    ) -> UploadPart {
        UploadPart::new(self.clone(), key, upload_id.into(), number, body.into())
    }

    /// Makes a part out of an object or a range of it.
    pub fn upload_part_copy(
        &self,
        key: ObjectKey,
        upload_id: impl Into<String>,
        number: PartNumber,
        source: CopySource,
    ) -> UploadPartCopy {
        UploadPartCopy::new(self.clone(), key, upload_id.into(), number, source)
    }

    /// Lists the parts of an upload.
    pub fn list_parts(&self, key: ObjectKey, upload_id: impl Into<String>) -> ListParts {
        ListParts::new(self.clone(), key, upload_id.into())
    }

    /// Lists unfinished uploads.
    pub fn list_multipart_uploads(&self) -> ListMultipartUploads {
        ListMultipartUploads::new(self.clone())
    }

    /// Puts the parts of an upload together.
    pub fn complete_multipart_upload(
        &self,
        key: ObjectKey,
        upload_id: impl Into<String>,
        parts: impl IntoIterator<Item = CompletedPart>,
    ) -> CompleteMultipartUpload {
        CompleteMultipartUpload::new(self.clone(), key, upload_id.into(), parts.into_iter().collect())
    }

    /// Drops an unfinished upload.
    pub fn abort_multipart_upload(
        &self,
        key: ObjectKey,
        upload_id: impl Into<String>,
    ) -> AbortMultipartUpload {
        AbortMultipartUpload::new(self.clone(), key, upload_id.into())
    }

    /// Creates the bucket (`PUT Bucket`).
    ///
    /// # Errors
    /// Those of every request; `BucketAlreadyOwnedByYou` when it is there already.
    pub async fn create(&self) -> Result<(), Error> {
        let mut call = Call::new(Method::PUT, self.target(None)?);
        // Whether a lost request created the bucket cannot be told from one that found it.
        call.repeat = Repeat::AfterRefusalOnly;
        self.client.execute(call).await.map(drop)
    }

    /// Whether the bucket is there and may be used (`HEAD Bucket`).
    ///
    /// # Errors
    /// Those of every request; [`Error::is_not_found`] when it does not exist.
    pub async fn head(&self) -> Result<(), Error> {
        self.client
            .execute(Call::new(Method::HEAD, self.target(None)?))
            .await
            .map(drop)
    }

    /// Deletes the bucket, which must be empty (`DELETE Bucket`).
    ///
    /// # Errors
    /// Those of every request; `BucketNotEmpty`.
    pub async fn delete(&self) -> Result<(), Error> {
        let mut call = Call::new(Method::DELETE, self.target(None)?);
        call.repeat = Repeat::AfterRefusalOnly;
        self.client.execute(call).await.map(drop)
    }

    /// Whether the bucket keeps versions (`GET Bucket versioning`).
    ///
    /// # Errors
    /// Those of every request.
    pub async fn get_versioning(&self) -> Result<Versioning, Error> {
        let call = Call::new(Method::GET, self.target(None)?).param("versioning", "");
        Ok(Versioning::parse(&self.client.execute_document(call).await?.1)?)
    }

    /// Has the bucket keep versions, or stop making them (`PUT Bucket versioning`).
    ///
    /// # Errors
    /// Besides those of every request: [`Versioning::Never`], which there is no way back to.
    pub async fn put_versioning(&self, versioning: Versioning) -> Result<(), Error> {
        if versioning == Versioning::Never {
            return Err(invalid("a bucket that kept versions can only suspend them"));
        }
        let call = Call::new(Method::PUT, self.target(None)?).param("versioning", "");
        self.client
            .execute_document(call.with_document(&versioning.to_element())?)
            .await
            .map(drop)
    }
}
