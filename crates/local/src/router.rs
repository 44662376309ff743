//! Which operation a request asks for, on what.

use cos_transport::{BucketName, ObjectKey};

use crate::error::{Code, Refusal};
use crate::request::Head;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    ListBuckets,
    Bucket(BucketName, BucketOperation),
    Object(BucketName, ObjectKey, ObjectOperation),
}

/// What is asked of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BucketOperation {
    Create,
    Head,
    Delete,
    ListObjects,
    ListVersions,
    ListUploads,
    DeleteObjects,
    GetVersioning,
    PutVersioning,
    GetAcl,
    PutAcl,
}

/// What is asked of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectOperation {
    Put,
    Append,
    Copy,
    Get,
    Head,
    Delete,
    Restore,
    Select,
    GetTagging,
    PutTagging,
    DeleteTagging,
    GetAcl,
    PutAcl,
    CreateUpload,
    UploadPart,
    CopyPart,
    ListParts,
    CompleteUpload,
    AbortUpload,
}

/// Parameters that turn a request into another operation than its method says. None of them may be overlooked:
/// answering the plain operation instead would be a wrong success.
const SUBRESOURCES: [&str; 46] = [
    "accelerate",
    "acl",
    "append",
    "asyncProcess",
    "ci-process",
    "cors",
    "delete",
    "domain",
    "domaincertificate",
    "encryption",
    "image_process",
    "imageInfo",
    "imageMogr2",
    "imageView2",
    "intelligent-tiering",
    "intelligenttiering",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "object-lock",
    "object_list",
    "origin",
    "partNumber",
    "policy",
    "policyStatus",
    "position",
    "qrcode",
    "referer",
    "rename",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "select-type",
    "symlink",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "watermark",
    "website",
];

/// Finds the operation of a request.
pub(crate) fn route(head: &Head) -> Result<Operation, Refusal> {
    let place = Place::of(head)?;
    let sub = subresources(head);
    match place {
        Place::Service => match (head.method.as_str(), sub.as_slice()) {
            ("GET", []) => Ok(Operation::ListBuckets),
            (_, sub) => Err(refuse(head, sub)),
        },
        Place::Bucket(bucket) => bucket_operation(head, &sub).map(|o| Operation::Bucket(bucket, o)),
        Place::Object(bucket, key) => {
            object_operation(head, &sub).map(|operation| Operation::Object(bucket, key, operation))
        }
    }
}

fn bucket_operation(head: &Head, sub: &[&str]) -> Result<BucketOperation, Refusal> {
    Ok(match (head.method.as_str(), sub) {
        ("PUT", []) => BucketOperation::Create,
        ("HEAD", []) => BucketOperation::Head,
        ("DELETE", []) => BucketOperation::Delete,
        ("GET", []) => BucketOperation::ListObjects,
        ("GET", ["versions"]) => BucketOperation::ListVersions,
        ("GET", ["uploads"]) => BucketOperation::ListUploads,
        ("POST", ["delete"]) => BucketOperation::DeleteObjects,
        ("GET", ["versioning"]) => BucketOperation::GetVersioning,
        ("PUT", ["versioning"]) => BucketOperation::PutVersioning,
        ("GET", ["acl"]) => BucketOperation::GetAcl,
        ("PUT", ["acl"]) => BucketOperation::PutAcl,
        (_, sub) => return Err(refuse(head, sub)),
    })
}

fn object_operation(head: &Head, sub: &[&str]) -> Result<ObjectOperation, Refusal> {
    let is_copy = head.headers.contains_key("x-cos-copy-source");
    Ok(match (head.method.as_str(), sub) {
        ("PUT", []) if is_copy => ObjectOperation::Copy,
        ("PUT", []) => ObjectOperation::Put,
        ("POST", ["append", "position"]) => ObjectOperation::Append,
        ("GET", []) => ObjectOperation::Get,
        ("HEAD", []) => ObjectOperation::Head,
        ("DELETE", []) => ObjectOperation::Delete,
        ("POST", ["restore"]) => ObjectOperation::Restore,
        ("POST", ["select", "select-type"]) => ObjectOperation::Select,
        ("GET", ["tagging"]) => ObjectOperation::GetTagging,
        ("PUT", ["tagging"]) => ObjectOperation::PutTagging,
        ("DELETE", ["tagging"]) => ObjectOperation::DeleteTagging,
        ("GET", ["acl"]) => ObjectOperation::GetAcl,
        ("PUT", ["acl"]) => ObjectOperation::PutAcl,
        ("POST", ["uploads"]) => ObjectOperation::CreateUpload,
        ("PUT", ["partNumber", "uploadId"]) if is_copy => ObjectOperation::CopyPart,
        ("PUT", ["partNumber", "uploadId"]) => ObjectOperation::UploadPart,
        ("GET", ["uploadId"]) => ObjectOperation::ListParts,
        ("POST", ["uploadId"]) => ObjectOperation::CompleteUpload,
        ("DELETE", ["uploadId"]) => ObjectOperation::AbortUpload,
        (_, sub) => return Err(refuse(head, sub)),
    })
}

/// The parameters of a request that choose its operation, in alphabetical order.
fn subresources(head: &Head) -> Vec<&'static str> {
    let asked = |name: &&str| head.query.get(name).is_some();
    SUBRESOURCES.into_iter().filter(asked).collect()
}

fn refuse(head: &Head, sub: &[&str]) -> Refusal {
    match sub {
        [] => {
            let message = format!("The method {} is not possible on this resource.", head.method);
            Refusal::new(Code::MethodNotAllowed, message)
        }
        sub => {
            let message = format!(
                "This server does not know the operation {} ?{}.",
                head.method,
                sub.join("&")
            );
            Refusal::new(Code::NotImplemented, message)
        }
    }
}

/// What a URL names.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Service,
    Bucket(BucketName),
    Object(BucketName, ObjectKey),
}

impl Place {
    /// The bucket is the first label of the host (`BUCKET.cos.REGION.myqcloud.com`) or, with any other host, the
    /// first part of the path.
    fn of(head: &Head) -> Result<Place, Refusal> {
        let path = head.path.strip_prefix('/').unwrap_or(&head.path);
        let label = head.host_name().split_once('.').map_or("", |(label, _)| label);
        if let Ok(bucket) = label.parse() {
            return Place::in_bucket(bucket, path);
        }
        if path.is_empty() {
            return Ok(Place::Service);
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        match bucket.parse() {
            Ok(bucket) => Place::in_bucket(bucket, key),
            Err(error) => Err(Refusal::new(Code::InvalidBucketName, error.to_string())),
        }
    }

    fn in_bucket(bucket: BucketName, key: &str) -> Result<Place, Refusal> {
        if key.is_empty() {
            return Ok(Place::Bucket(bucket));
        }
        if key.len() > ObjectKey::MAX_LEN {
            let message = format!(
                "The key has {} bytes, the most is {}.",
                key.len(),
                ObjectKey::MAX_LEN
            );
            return Err(Refusal::new(Code::KeyTooLong, message));
        }
        match key.parse() {
            Ok(key) => Ok(Place::Object(bucket, key)),
            Err(error) => Err(Refusal::new(Code::InvalidObjectName, error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn routed(method: &str, host: &str, uri: &str) -> Result<Operation, Code> {
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header("host", host)
            .body(())
            .unwrap();
        let head = Head::parse(request.into_parts().0).map_err(|refusal| refusal.code)?;
        route(&head).map_err(|refusal| refusal.code)
    }

    fn object(bucket: &str, key: &str, operation: ObjectOperation) -> Result<Operation, Code> {
        Ok(Operation::Object(
            bucket.parse().unwrap(),
            key.parse().unwrap(),
            operation,
        ))
    }

    proptest! {
        #[test]
        fn no_url_is_too_strange(host in "[ -~]{0,20}", uri in "/[!-~]{0,40}") {
            let request = http::Request::builder().uri(&uri).header("host", host).body(());
            if let Ok(request) = request && let Ok(head) = Head::parse(request.into_parts().0) {
                let _ = route(&head);
            }
        }
    }

    #[test]
    fn the_bucket_is_in_the_path_or_before_the_host() {
        let expected = object("b-1", "a/é", ObjectOperation::Get);
        assert_eq!(routed("GET", "127.0.0.1:9000", "/b-1/a/%C3%A9"), expected);
        assert_eq!(routed("GET", "[::1]:9000", "/b-1/a/%C3%A9"), expected);
        assert_eq!(
            routed("GET", "b-1.cos.ap-guangzhou.myqcloud.com", "/a/%C3%A9"),
            expected
        );
        assert_eq!(routed("GET", "b-1.localhost:9000", "/a/%C3%A9"), expected);
    }

    #[test]
    fn without_a_key_it_is_the_bucket_and_without_a_bucket_the_service() {
        let bucket = |operation| Ok(Operation::Bucket("b-1".parse().unwrap(), operation));
        assert_eq!(routed("GET", "localhost", "/"), Ok(Operation::ListBuckets));
        assert_eq!(
            routed("GET", "service.cos.myqcloud.com", "/?max-keys=2000"),
            Ok(Operation::ListBuckets)
        );
        assert_eq!(
            routed("GET", "localhost", "/b-1"),
            bucket(BucketOperation::ListObjects)
        );
        assert_eq!(
            routed("PUT", "localhost", "/b-1/"),
            bucket(BucketOperation::Create)
        );
        assert_eq!(
            routed("HEAD", "b-1.localhost", "/"),
            bucket(BucketOperation::Head)
        );
        assert_eq!(
            routed("DELETE", "b-1.localhost", "/"),
            bucket(BucketOperation::Delete)
        );
    }

    #[test]
    fn odd_keys_are_taken_as_they_are() {
        for (path, key) in [
            ("a//b", "a//b"),
            ("a/.%2Fb", "a/./b"),
            ("a/./b", "a/./b"),
            ("..%2Fa", "../a"),
            ("a%20b+c", "a b+c"),
            ("folder/", "folder/"),
            ("%E4%B8%AD%3F%23%25", "中?#%"),
        ] {
            assert_eq!(
                routed("PUT", "localhost", &format!("/b-1/{path}")),
                object("b-1", key, ObjectOperation::Put),
                "{path}"
            );
        }
        let longest = "k".repeat(850);
        assert!(routed("PUT", "localhost", &format!("/b-1/{longest}")).is_ok());
    }

    #[test]
    fn bad_names_have_their_own_codes() {
        assert_eq!(
            routed("PUT", "localhost", &format!("/b-1/{}", "k".repeat(851))),
            Err(Code::KeyTooLong)
        );
        assert_eq!(
            routed("PUT", "localhost", "/b-1//a"),
            Err(Code::InvalidObjectName)
        );
        assert_eq!(
            routed("PUT", "localhost", "/b-1/a%1b"),
            Err(Code::InvalidObjectName)
        );
        assert_eq!(
            routed("PUT", "localhost", "/nobucket/a"),
            Err(Code::InvalidBucketName)
        );
        assert_eq!(routed("GET", "localhost", "/b-1/%ff"), Err(Code::InvalidURI));
    }

    #[test]
    fn parameters_choose_the_operation() {
        let bucket = |operation| Ok(Operation::Bucket("b-1".parse().unwrap(), operation));
        for (method, query, operation) in [
            ("POST", "uploads", ObjectOperation::CreateUpload),
            ("PUT", "uploadId=x&partNumber=1", ObjectOperation::UploadPart),
            ("GET", "uploadId=x&max-parts=3", ObjectOperation::ListParts),
            ("POST", "uploadId=x", ObjectOperation::CompleteUpload),
            ("DELETE", "uploadId=x", ObjectOperation::AbortUpload),
            ("POST", "append&position=0", ObjectOperation::Append),
            ("POST", "restore", ObjectOperation::Restore),
            ("GET", "acl=", ObjectOperation::GetAcl),
            ("GET", "versionId=MTg0", ObjectOperation::Get),
        ] {
            let uri = format!("/b-1/a?{query}");
            assert_eq!(routed(method, "localhost", &uri), object("b-1", "a", operation));
        }
        assert_eq!(
            routed("GET", "localhost", "/b-1?versions&prefix=a"),
            bucket(BucketOperation::ListVersions)
        );
    }

    #[test]
    fn an_operation_that_is_not_there_is_never_another_one() {
        for (method, uri) in [
            ("POST", "/b-1/a?append"),
            ("PUT", "/b-1/a?partNumber=1"),
            ("PUT", "/b-1/a?partNumber=1&uploadId=x&acl"),
            ("GET", "/b-1/a?torrent"),
            ("GET", "/b-1?lifecycle"),
            ("GET", "/?acl"),
        ] {
            assert_eq!(
                routed(method, "localhost", uri),
                Err(Code::NotImplemented),
                "{uri}"
            );
        }
        assert_eq!(routed("POST", "localhost", "/b-1/a"), Err(Code::MethodNotAllowed));
        assert_eq!(routed("PUT", "localhost", "/"), Err(Code::MethodNotAllowed));
    }
}
