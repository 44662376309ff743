//! Tags of an object, and who may read it.

use http::Method;

use crate::attributes::ObjectAttributes;
use crate::bucket::Bucket;
use crate::error::{Error, invalid};
use crate::name::ObjectKey;
use crate::request::Call;
use crate::types::Acl;
use crate::wire::meta::{AccessControlPolicy, Tagging};

impl Bucket {
    /// An object's tags (`GET Object tagging`).
    ///
    /// # Errors
    /// Those of every request.
    pub async fn get_object_tagging(&self, key: &ObjectKey) -> Result<Tagging, Error> {
        let call = Call::new(Method::GET, self.target(Some(key))?).param("tagging", "");
        Ok(Tagging::parse(&self.client().execute_document(call).await?.1)?)
    }

    /// Replaces an object's tags (`PUT Object tagging`).
    ///
    /// # Errors
    /// Besides those of every request: more than 10 tags, empty names, a name that comes twice.
    pub async fn put_object_tagging(&self, key: &ObjectKey, tagging: &Tagging) -> Result<(), Error> {
        let names: std::collections::BTreeSet<&str> =
            tagging.tags.iter().map(|(name, _)| name.as_str()).collect();
        if names.len() != tagging.tags.len() || names.contains("") {
            return Err(invalid("a tag's name is not empty and comes once"));
        }
        if names.len() > Tagging::MAX_TAGS {
            return Err(invalid(format!(
                "an object has at most {} tags",
                Tagging::MAX_TAGS
            )));
        }
        let call = Call::new(Method::PUT, self.target(Some(key))?).param("tagging", "");
        self.client()
            .execute_document(call.with_document(&tagging.to_element())?)
            .await
            .map(drop)
    }

    /// Removes an object's tags (`DELETE Object tagging`).
    ///
    /// # Errors
    /// Those of every request.
    pub async fn delete_object_tagging(&self, key: &ObjectKey) -> Result<(), Error> {
        let call = Call::new(Method::DELETE, self.target(Some(key))?).param("tagging", "");
        self.client().execute(call).await.map(drop)
    }

    /// Who may do what with an object (`GET Object acl`).
    ///
    /// # Errors
    /// Those of every request.
    pub async fn get_object_acl(&self, key: &ObjectKey) -> Result<AccessControlPolicy, Error> {
        let call = Call::new(Method::GET, self.target(Some(key))?).param("acl", "");
        Ok(AccessControlPolicy::parse(
            &self.client().execute_document(call).await?.1,
        )?)
    }

    /// Sets who may read an object (`PUT Object acl`), by one of the service's own lists.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn put_object_acl(&self, key: &ObjectKey, acl: Acl) -> Result<(), Error> {
        let mut call = Call::new(Method::PUT, self.target(Some(key))?).param("acl", "");
        ObjectAttributes {
            acl: Some(acl),
            ..ObjectAttributes::default()
        }
        .apply(&mut call.headers)?;
        self.client().execute_document(call).await.map(drop)
    }

    /// Sets who may do what with an object (`PUT Object acl`), grant by grant.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn put_object_grants(
        &self,
        key: &ObjectKey,
        policy: &AccessControlPolicy,
    ) -> Result<(), Error> {
        let call = Call::new(Method::PUT, self.target(Some(key))?).param("acl", "");
        self.client()
            .execute_document(call.with_document(&policy.to_element())?)
            .await
            .map(drop)
    }
}
