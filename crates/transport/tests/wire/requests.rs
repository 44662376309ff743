//! Methods, paths, queries and headers as the service expects them.

use cos_transport::sign::{Authorization, CanonicalRequest, is_signed_header};
use cos_transport::{Acl, StorageClass, TrafficLimit, percent_decode};

use super::script::{Request, Script, raw, reply};

const STORED: &[(&str, &str)] = &[
    ("ETag", "\"900150983cd24fb0d6963f7d28e17f72\""),
    ("x-cos-request-id", "R"),
];

/// Checks the signature as a server does: from what arrived.
pub(crate) fn assert_signed(request: &Request) {
    let authorization = Authorization::from_header(request.header("authorization").unwrap()).unwrap();
    let mut words = request.line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let params: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(n, v)| (percent_decode(n).unwrap(), percent_decode(v).unwrap()))
        .collect();
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(n, v)| (n.to_ascii_lowercase(), v))
        .collect();
    let signed = headers
        .iter()
        .filter(|(n, _)| is_signed_header(n))
        .map(|(n, v)| (n.as_str(), v.as_str()));
    let params = params.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let canonical = CanonicalRequest::new(method, &percent_decode(path).unwrap(), params, signed);
    assert_eq!(
        authorization.signature,
        canonical.signature("secret", authorization.key_time),
        "{request:?}"
    );
    assert_eq!(authorization.header_list.join(";"), canonical.header_list);
    assert!(authorization.header_list.contains(&"host".to_owned()));
}

#[tokio::test]
async fn put_object_carries_every_parameter() {
    let script = Script::new([reply("200 OK", STORED, "")]).await;
    let put = script.bucket(1).put_object("dir/a b/é".parse().unwrap(), "abc");
    let put = put
        .acl(Acl::PublicRead)
        .grant_full_control("id=\"1\"")
        .grant_read("id=\"2\"");
    let put = put
        .storage_class(StorageClass::Archive)
        .expires("soon")
        .cache_control("no-cache");
    let put = put
        .content_type("text/plain")
        .content_disposition("inline")
        .content_encoding("x")
        .content_language("de");
    let put = put
        .metadata("Key1", "value 1")
        .traffic_limit(TrafficLimit::bits_per_second(819_200).unwrap());
    let stored = put.compute_md5().send().await.unwrap();
    assert_eq!(
        (stored.etag.as_str(), stored.request_id.as_str()),
        ("900150983cd24fb0d6963f7d28e17f72", "R")
    );

    let request = &script.requests()[0];
    assert_eq!(request.line, "PUT /bench-1/dir/a%20b/%C3%A9 HTTP/1.1");
    assert_eq!(request.body, b"abc");
    for (name, value) in [
        ("host", script.address()),
        ("content-length", "3"),
        ("content-md5", "kAFQmDzST7DWlj99KOF/cg=="),
        ("x-cos-acl", "public-read"),
        ("x-cos-grant-full-control", "id=\"1\""),
        ("x-cos-grant-read", "id=\"2\""),
        ("x-cos-storage-class", "ARCHIVE"),
        ("expires", "soon"),
        ("cache-control", "no-cache"),
        ("content-type", "text/plain"),
        ("content-disposition", "inline"),
        ("content-encoding", "x"),
        ("content-language", "de"),
        ("x-cos-meta-key1", "value 1"),
        ("x-cos-traffic-limit", "819200"),
        ("x-cos-security-token", "token"),
        ("accept-encoding", "identity"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_signed(request);
}

#[tokio::test]
async fn get_object_carries_every_parameter() {
    let headers = [
        STORED,
        &[("Content-Range", "bytes 5-7/9"), ("x-cos-hash-crc64ecma", "1")],
    ]
    .concat();
    let script = Script::new([reply("206 Partial Content", &headers, "abc")]).await;
    let time = "2014-10-28T20:30:00Z".parse().unwrap();
    let get = script
        .bucket(1)
        .get_object("k".parse().unwrap())
        .range(5..8)
        .version_id("MTg0");
    let get = get
        .if_match(cos_transport::ETag::new("x"))
        .if_none_match(cos_transport::ETag::new("\"y\""));
    let get = get.if_modified_since(time).if_unmodified_since(time);
    let get = get
        .response_cache_control("a")
        .response_content_disposition("b")
        .response_content_encoding("c");
    let get = get
        .response_content_language("d/e")
        .response_content_type("f")
        .response_expires("g");
    let got = get
        .traffic_limit(TrafficLimit::bits_per_second(819_200).unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(got.total_len(), 9);
    // The CRC on the answer to a range is the whole object's: it is not compared with the range.
    assert_eq!(got.body.collect(9).await.unwrap(), "abc");

    let request = &script.requests()[0];
    let query = request.line.split(['?', ' ']).nth(2).unwrap();
    assert_eq!(
        query,
        "versionId=MTg0&response-cache-control=a&response-content-disposition=b&response-content-encoding=c\
         &response-content-language=d%2Fe&response-content-type=f&response-expires=g"
    );
    for (name, value) in [
        ("range", "bytes=5-7"),
        ("if-match", "\"x\""),
        ("if-none-match", "\"y\""),
        ("if-modified-since", "Tue, 28 Oct 2014 20:30:00 GMT"),
        ("if-unmodified-since", "Tue, 28 Oct 2014 20:30:00 GMT"),
        ("x-cos-traffic-limit", "819200"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_signed(request);
}

#[tokio::test]
async fn head_and_delete() {
    let head = [
        ("Content-Length", "5"),
        ("ETag", "\"e\""),
        ("x-cos-meta-a", "b"),
        ("Last-Modified", "Tue, 28 Oct 2014 20:30:00 GMT"),
        ("x-cos-hash-crc64ecma", "-1"),
        ("x-cos-storage-class", "ARCHIVE"),
    ];
    let head: String = head.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
    let deleted = [("x-cos-delete-marker", "true"), ("x-cos-version-id", "v")];
    let script = Script::new([
        raw(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n")),
        reply("204 No Content", &deleted, ""),
    ])
    .await;
    let bucket = script.bucket(1);
    let head = bucket.head_object("k".parse().unwrap()).send().await.unwrap();
    assert_eq!(
        (head.content_length, head.metadata().get("a"), head.crc64),
        (5, Some("b"), Some(u64::MAX))
    );
    assert_eq!(head.attributes.storage_class, Some(StorageClass::Archive));
    assert_eq!(head.last_modified.unwrap().to_string(), "2014-10-28T20:30:00Z");
    let deleted = bucket
        .delete_object("k".parse().unwrap())
        .version_id("v")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (deleted.delete_marker, deleted.version_id.as_deref()),
        (true, Some("v"))
    );
    let requests = script.requests();
    assert!(requests[0].line.starts_with("HEAD /bench-1/k "));
    assert!(requests[1].line.starts_with("DELETE /bench-1/k?versionId=v "));
    requests.iter().for_each(assert_signed);
}
