//! Listings: from page to page, in the service's documents.

use cos_transport::Created;
use cos_transport::object::{KeyEncoding, VersionEntry};
use futures_util::TryStreamExt;

use super::requests::assert_signed;
use super::script::{Script, reply};

#[tokio::test]
async fn listings_go_from_page_to_page() {
    let page = |keys: &[&str], next: Option<&str>| {
        let entry = |key: &&str| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2017-08-08T09:43:35.000Z</LastModified><ETag>\"e\"</ETag><Size>1</Size></Contents>"
            )
        };
        let entries: String = keys.iter().map(entry).collect();
        let next = next
            .map(|n| format!("<NextMarker>{n}</NextMarker>"))
            .unwrap_or_default();
        let truncated = !next.is_empty();
        reply(
            "200 OK",
            &[],
            &format!(
                "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>{next}{entries}</ListBucketResult>"
            ),
        )
    };
    let script = Script::new([page(&["a", "b%20%2F"], Some("b%20%2F")), page(&["c"], None)]).await;
    let entries: Vec<_> = script
        .bucket(1)
        .list_objects()
        .prefix("p/中")
        .entries()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        entries.iter().map(|e| e.key.as_str()).collect::<Vec<_>>(),
        ["a", "b /", "c"]
    );
    let requests = script.requests();
    assert_eq!(
        requests[0].line,
        "GET /bench-1/?prefix=p%2F%E4%B8%AD&max-keys=1000&encoding-type=url HTTP/1.1"
    );
    assert!(
        requests[1].line.contains("marker=b%20%2F&"),
        "{}",
        requests[1].line
    );
    requests.iter().for_each(assert_signed);

    let stuck = Script::new([page(&["a"], Some("a"))]).await;
    let error = stuck
        .bucket(1)
        .list_objects()
        .entries()
        .try_collect::<Vec<_>>()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("does not move on"), "{error}");
}

#[tokio::test]
async fn listings_of_uploads_parts_and_versions() {
    let uploads = |more: &str| {
        reply(
            "200 OK",
            &[],
            &format!(
                "<ListMultipartUploadsResult><EncodingType>url</EncodingType>{more}<Upload><Key>a%20b</Key><UploadId>u</UploadId><Initiated>2017-08-08T09:43:35.000Z</Initiated></Upload></ListMultipartUploadsResult>"
            ),
        )
    };
    let script = Script::new([uploads("<IsTruncated>true</IsTruncated><NextKeyMarker>a%20b</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"), uploads("")]).await;
    let found: Vec<_> = script
        .bucket(1)
        .list_multipart_uploads()
        .prefix("p")
        .delimiter("/")
        .entries()
        .try_collect()
        .await
        .unwrap();
    assert_eq!((found.len(), found[0].key.as_str()), (2, "a b"));
    let requests = script.requests();
    assert_eq!(
        requests[0].line,
        "GET /bench-1/?uploads=&prefix=p&delimiter=%2F&max-uploads=1000&encoding-type=url HTTP/1.1"
    );
    assert!(
        requests[1].line.contains("&key-marker=a%20b&upload-id-marker=u&"),
        "{}",
        requests[1].line
    );

    let parts = |more: &str, n: u32| {
        reply(
            "200 OK",
            &[],
            &format!(
                "<ListPartsResult>{more}<Part><PartNumber>{n}</PartNumber><LastModified>2017-08-08T09:43:35.000Z</LastModified><ETag>\"e\"</ETag><Size>4</Size></Part></ListPartsResult>"
            ),
        )
    };
    let script = Script::new([parts("<IsTruncated>true</IsTruncated>", 1), parts("", 2)]).await;
    let found: Vec<_> = script
        .bucket(1)
        .list_parts("k".parse().unwrap(), "u")
        .entries()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.iter().map(|p| p.number.get()).collect::<Vec<_>>(), [1, 2]);
    let requests = script.requests();
    assert_eq!(
        requests[0].line,
        "GET /bench-1/k?uploadId=u&max-parts=1000&encoding-type=url HTTP/1.1"
    );
    assert!(
        requests[1].line.contains("&part-number-marker=1&"),
        "{}",
        requests[1].line
    );

    let versions = |more: &str| {
        reply(
            "200 OK",
            &[],
            &format!(
                "<ListVersionsResult>{more}<DeleteMarker><Key>k</Key><VersionId>v</VersionId><LastModified>2017-08-08T09:43:35.000Z</LastModified></DeleteMarker></ListVersionsResult>"
            ),
        )
    };
    let script = Script::new([versions("<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>"), versions("")]).await;
    let found: Vec<_> = script
        .bucket(1)
        .list_objects_versions()
        .pages()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    let requests = script.requests();
    assert_eq!(
        requests[0].line,
        "GET /bench-1/?versions=&max-keys=1000&encoding-type=url HTTP/1.1"
    );
    assert!(
        requests[1].line.contains("&key-marker=k&version-id-marker=v&"),
        "{}",
        requests[1].line
    );
    requests.iter().for_each(assert_signed);

    let bucket = script.bucket(1);
    assert!(
        bucket
            .list_objects_versions()
            .max_keys(1001)
            .send()
            .await
            .is_err()
    );
    assert!(
        bucket
            .list_multipart_uploads()
            .max_uploads(0)
            .send()
            .await
            .is_err()
    );
    assert!(
        bucket
            .list_parts("k".parse().unwrap(), "u")
            .max_parts(0)
            .send()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn listings_carry_every_parameter() {
    let parts = reply("200 OK", &[], "<ListPartsResult/>");
    let script = Script::new([
        reply("200 OK", &[], "<ListBucketResult/>"),
        reply("200 OK", &[], "<ListVersionsResult/>"),
        reply("200 OK", &[], "<ListMultipartUploadsResult/>"),
        parts.clone(),
        parts,
    ])
    .await;
    let bucket = script.bucket(1);
    let list = bucket.list_objects().prefix("p/").delimiter("/").marker("m m");
    list.max_keys(7)
        .encoding_type(KeyEncoding::Plain)
        .send()
        .await
        .unwrap();
    let list = bucket.list_objects_versions().prefix("p/").delimiter("/");
    list.key_marker("k")
        .version_id_marker("v")
        .max_keys(7)
        .send()
        .await
        .unwrap();
    let list = bucket.list_multipart_uploads().prefix("p/").delimiter("/");
    list.key_marker("k")
        .upload_id_marker("u")
        .max_uploads(7)
        .send()
        .await
        .unwrap();
    let list = bucket.list_parts("k".parse().unwrap(), "u").max_parts(7);
    list.clone().part_number_marker(3).send().await.unwrap();
    list.encoding_type(KeyEncoding::Plain).send().await.unwrap();
    let requests = script.requests();
    let lines: Vec<_> = requests
        .iter()
        .map(|r| r.line.split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "/bench-1/?prefix=p%2F&delimiter=%2F&marker=m%20m&max-keys=7",
            "/bench-1/?versions=&prefix=p%2F&delimiter=%2F&key-marker=k&version-id-marker=v&max-keys=7&encoding-type=url",
            "/bench-1/?uploads=&prefix=p%2F&delimiter=%2F&key-marker=k&upload-id-marker=u&max-uploads=7&encoding-type=url",
            "/bench-1/k?uploadId=u&max-parts=7&part-number-marker=3&encoding-type=url",
            "/bench-1/k?uploadId=u&max-parts=7",
        ]
    );
    requests.iter().for_each(assert_signed);
}

#[tokio::test]
async fn a_history_is_told_in_its_order() {
    let entry = |kind: &str, key: &str, id: &str, time: &str, latest: bool| {
        format!(
            "<{kind}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest><LastModified>2020-01-0{time}T00:00:00Z</LastModified><ETag>e</ETag><Size>1</Size></{kind}>"
        )
    };
    let document = format!(
        "<ListVersionsResult>{}{}{}{}{}</ListVersionsResult>",
        entry("Version", "a", "a3", "3", false),
        entry("Version", "a", "a1", "1", false),
        entry("Version", "b", "b1", "1", true),
        entry("DeleteMarker", "a", "a4", "4", true),
        entry("DeleteMarker", "a", "a2", "2", false),
    );
    let script = Script::new([reply("200 OK", &[], &document)]).await;
    let entries = script.bucket(1).list_objects_versions().entries();
    let entries: Vec<VersionEntry> = entries.try_collect().await.unwrap();
    let ids: Vec<_> = entries.iter().map(VersionEntry::version_id).collect();
    assert_eq!(ids, ["a4", "a3", "a2", "a1", "b1"]);
    assert!(matches!(entries[0], VersionEntry::DeleteMarker(_)) && entries[0].is_latest());
}

#[tokio::test]
async fn the_buckets_of_an_account() {
    let page = |name: &str, more: &str| {
        reply(
            "200 OK",
            &[],
            &format!(
                "<ListAllMyBucketsResult><Owner><ID>o</ID></Owner><Buckets><Bucket><Name>{name}</Name><Location>ap-seoul</Location><CreationDate>2019-05-24T11:49:50Z</CreationDate></Bucket></Buckets>{more}</ListAllMyBucketsResult>"
            ),
        )
    };
    let truncated = "<IsTruncated>true</IsTruncated><NextMarker>a-1</NextMarker>";
    let script = Script::new([page("a-1", truncated), page("b-1", "")]).await;
    let bucket = script.bucket(1);
    let list = bucket.client().list_buckets().region("ap-seoul".parse().unwrap());
    let list = list
        .created(Created::Since("2019-01-01T00:00:00Z".parse().unwrap()))
        .tag("team", "a b");
    let found: Vec<_> = list.max_keys(1).entries().try_collect().await.unwrap();
    let names: Vec<_> = found.iter().map(|bucket| bucket.name.as_str()).collect();
    assert_eq!(names, ["a-1", "b-1"]);
    let requests = script.requests();
    assert_eq!(
        requests[0].line,
        "GET /?tagkey=team&tagvalue=a%20b&region=ap-seoul&create-time=1546300800&range=gte&max-keys=1 HTTP/1.1"
    );
    assert!(
        requests[1].line.contains("&marker=a-1&max-keys=1 "),
        "{}",
        requests[1].line
    );
    requests.iter().for_each(assert_signed);
    assert!(
        bucket
            .client()
            .list_buckets()
            .max_keys(2001)
            .send()
            .await
            .is_err()
    );
}
