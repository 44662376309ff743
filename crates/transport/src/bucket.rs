//! A bucket: the calls on its objects, and the few on the bucket itself.

use http::Method;

use crate::body::Body;
use crate::client::Client;
use crate::error::Error;
use crate::name::{BucketName, ObjectKey, Target};
use crate::object::{DeleteObject, GetObject, HeadObject, ListObjects, PutObject};
use crate::request::{Call, Repeat};

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

    /// Lists objects.
    pub fn list_objects(&self) -> ListObjects {
        ListObjects::new(self.clone())
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
}
