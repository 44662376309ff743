//! The operations, one file for each kind, all of the same shape: a request's head (and body) in, an answer out.

mod access;
mod bucket;
mod conditions;
mod copy;
mod delete;
mod describe;
mod get;
mod list;
mod metadata;
mod multipart;
mod put;
mod receive;
mod restore;
mod select;
mod tagging;

use cos_transport::{BucketName, ObjectKey};
use http::Response;

pub(crate) use describe::{DELETE_MARKER, VERSION_ID};

use crate::auth::Requester;
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::ResponseBody;
use crate::router::{BucketOperation, ObjectOperation, Operation};
use crate::service::Service;

/// An answer, or the refusal to be sent instead.
type Answer = Result<Response<ResponseBody>, Refusal>;

/// The speeds that a connection can be limited to, in bits a second.
const TRAFFIC_LIMITS: std::ops::RangeInclusive<u64> = 819_200..=838_860_800;

/// Does what a checked request asks for.
pub(crate) async fn run(
    service: &Service,
    head: &Head,
    operation: Operation,
    requester: Requester,
    body: &mut RequestBody,
) -> Answer {
    use ObjectOperation::{Get, Head as HeadObject};
    let is_open = matches!(&operation, Operation::Object(_, _, Get | HeadObject));
    if requester == Requester::Anyone && !is_open {
        return Err(Refusal::new(Code::AccessDenied, "The request is not signed."));
    }
    check_traffic_limit(head)?;
    match operation {
        Operation::ListBuckets => list::buckets(service, head).await,
        Operation::Bucket(bucket, operation) => on_bucket(service, head, &bucket, operation, body).await,
        Operation::Object(bucket, key, operation) => {
            on_object(service, head, (&bucket, &key), operation, requester, body).await
        }
    }
}

async fn on_bucket(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    operation: BucketOperation,
    body: &mut RequestBody,
) -> Answer {
    match operation {
        BucketOperation::Create => bucket::create(service, head, bucket, body).await,
        BucketOperation::Head => bucket::head(service, bucket).await,
        BucketOperation::Delete => bucket::delete(service, bucket).await,
        BucketOperation::ListObjects => list::objects(service, head, bucket).await,
        BucketOperation::ListVersions => list::versions(service, head, bucket).await,
        BucketOperation::ListUploads => list::uploads(service, head, bucket).await,
        BucketOperation::DeleteObjects => delete::delete_many(service, head, bucket, body).await,
        BucketOperation::GetVersioning => bucket::get_versioning(service, bucket).await,
        BucketOperation::PutVersioning => bucket::put_versioning(service, head, bucket, body).await,
        BucketOperation::GetAcl => access::get_bucket(service, bucket).await,
        BucketOperation::PutAcl => access::put_bucket(service, head, bucket, body).await,
    }
}

async fn on_object(
    service: &Service,
    head: &Head,
    (bucket, key): (&BucketName, &ObjectKey),
    operation: ObjectOperation,
    requester: Requester,
    body: &mut RequestBody,
) -> Answer {
    match operation {
        ObjectOperation::Put => put::put(service, head, bucket, key, body).await,
        ObjectOperation::Append => put::append(service, head, bucket, key, body).await,
        ObjectOperation::Copy => copy::copy(service, head, bucket, key).await,
        ObjectOperation::Get => get::get(service, head, bucket, key, requester).await,
        ObjectOperation::Head => get::head(service, head, bucket, key, requester).await,
        ObjectOperation::Delete => delete::delete(service, head, bucket, key).await,
        ObjectOperation::Restore => restore::restore(service, head, bucket, key, body).await,
        ObjectOperation::Select => select::select(service, head, bucket, key, body).await,
        ObjectOperation::GetTagging => tagging::get(service, head, bucket, key).await,
        ObjectOperation::PutTagging => tagging::put(service, head, bucket, key, body).await,
        ObjectOperation::DeleteTagging => tagging::delete(service, head, bucket, key).await,
        ObjectOperation::GetAcl => access::get_object(service, head, bucket, key).await,
        ObjectOperation::PutAcl => access::put_object(service, head, bucket, key, body).await,
        ObjectOperation::CreateUpload => multipart::create(service, head, bucket, key).await,
        ObjectOperation::UploadPart => multipart::upload_part(service, head, bucket, key, body).await,
        ObjectOperation::CopyPart => copy::copy_part(service, head, bucket, key).await,
        ObjectOperation::ListParts => multipart::list_parts(service, head, bucket, key).await,
        ObjectOperation::CompleteUpload => multipart::complete(service, head, bucket, key, body).await,
        ObjectOperation::AbortUpload => multipart::abort(service, head, bucket, key).await,
    }
}

/// A limit outside of what is possible is refused; one inside is taken note of, as connections are not slowed down.
fn check_traffic_limit(head: &Head) -> Result<(), Refusal> {
    const NAME: &str = "x-cos-traffic-limit";
    let limit = head.header(NAME).or_else(|| head.query.get(NAME).map(Into::into));
    match limit {
        Some(limit) if !limit.parse().is_ok_and(|limit| TRAFFIC_LIMITS.contains(&limit)) => {
            Err(Refusal::new(
                Code::InvalidArgument,
                format!(
                    "{NAME} must be a number of bits a second from {} to {}.",
                    TRAFFIC_LIMITS.start(),
                    TRAFFIC_LIMITS.end()
                ),
            ))
        }
        _ => Ok(()),
    }
}
