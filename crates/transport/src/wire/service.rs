//! The list of an account's buckets (`GET Service`).

use jiff::Timestamp;

use super::common::Owner;
use super::xml::{Element, XmlError};

/// One bucket of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBucket {
    /// Its name with the account number.
    pub name: String,
    /// Its region.
    pub location: String,
    /// When it was created.
    pub creation_date: Timestamp,
}

/// The account's buckets, or one page of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketList {
    /// The account.
    pub owner: Owner,
    /// Its buckets.
    pub buckets: Vec<ListedBucket>,
    /// The page begins behind this bucket.
    pub marker: Option<String>,
    /// Where the next page begins; only when truncated.
    pub next_marker: Option<String>,
    /// Whether there is a next page.
    pub is_truncated: bool,
}

impl BucketList {
    /// Reads a `<ListAllMyBucketsResult>`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "ListAllMyBucketsResult")?;
        let read = |bucket: &Element| -> Result<ListedBucket, XmlError> {
            Ok(ListedBucket {
                name: bucket.required("Name")?.to_owned(),
                location: bucket.text_of("Location").unwrap_or_default().to_owned(),
                creation_date: bucket.needed("CreationDate")?,
            })
        };
        let buckets = match root.get("Buckets") {
            Some(list) => list.all("Bucket").map(read).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        Ok(Self {
            owner: Owner::read(&root, "Owner").unwrap_or_default(),
            buckets,
            marker: root.text_of("Marker").map(str::to_owned),
            next_marker: root.text_of("NextMarker").map(str::to_owned),
            is_truncated: root.parsed("IsTruncated")?.unwrap_or_default(),
        })
    }

    /// The list as XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let bucket = |bucket: &ListedBucket| {
            Element::new("Bucket")
                .leaf("Name", &bucket.name)
                .leaf("Location", &bucket.location)
                .leaf("CreationDate", format_args!("{:.0}", bucket.creation_date))
        };
        Element::new("ListAllMyBucketsResult")
            .child(self.owner.to_element("Owner"))
            .child(Element::new("Buckets").extend(self.buckets.iter().map(bucket)))
            .maybe("Marker", self.marker.as_ref())
            .maybe("NextMarker", self.next_marker.as_ref())
            .leaf("IsTruncated", self.is_truncated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_survives() {
        let list = BucketList {
            owner: Owner {
                id: "qcs::cam::uin/1:uin/1".into(),
                display_name: "1".into(),
            },
            buckets: vec![ListedBucket {
                name: "b-1".into(),
                location: "ap-guangzhou".into(),
                creation_date: "2019-05-24T11:49:50Z".parse().unwrap(),
            }],
            marker: None,
            next_marker: Some("b-1".into()),
            is_truncated: true,
        };
        assert_eq!(
            BucketList::parse(list.to_element().to_document().as_bytes()).unwrap(),
            list
        );
        assert!(
            list.to_element()
                .to_document()
                .contains("<CreationDate>2019-05-24T11:49:50Z</CreationDate>")
        );
    }
}
