//! Bodies out of files and into writers, and folders.

use cos_transport::checksum::content_md5;
use cos_transport::wire::multipart::PartNumber;
use cos_transport::{Body, Error};

use super::script::{Reply, Script, reply};

const STORED: &[(&str, &str)] = &[("ETag", "\"e\"")];

#[tokio::test]
async fn a_file_is_sent_again_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, vec![7; 300_000]).unwrap();
    let crc = cos_transport::checksum::Crc64::of(&[7; 300_000]).to_string();
    let stored = [STORED[0], ("x-cos-hash-crc64ecma", crc.as_str())];
    let busy = reply("503 Slow Down", &[], "");
    let script = Script::new([busy.clone(), Reply::Close, reply("200 OK", &stored, "")]).await;
    let put = script
        .bucket(3)
        .put_object_from_file("k".parse().unwrap(), &path)
        .await
        .unwrap();
    put.compute_md5().send().await.unwrap();
    let requests = script.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.header("content-length"), Some("300000"));
        assert_eq!(
            request.header("content-md5"),
            Some(content_md5(&[7; 300_000]).as_str())
        );
    }
    assert_eq!(requests[2].body, [7; 300_000]);

    let script = Script::new([busy, reply("200 OK", &stored, "")]).await;
    let body = Body::from_file(&path).await.unwrap();
    let part = script
        .bucket(2)
        .upload_part("k".parse().unwrap(), "u", PartNumber::FIRST, body);
    assert_eq!(part.send().await.unwrap().part.check.unwrap().0, 300_000);
}

#[tokio::test]
async fn a_file_that_changes_or_is_none_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, b"one").unwrap();
    let script = Script::new([reply("200 OK", STORED, "")]).await;
    let bucket = script.bucket(3);
    let put = bucket
        .put_object_from_file("k".parse().unwrap(), &path)
        .await
        .unwrap();
    std::fs::write(&path, b"other").unwrap();
    let error = put.send().await.unwrap_err();
    assert!(
        matches!(&error, Error::Source(_)) && error.to_string().contains("changed"),
        "{error}"
    );
    for nothing in [folder.path().to_owned(), folder.path().join("missing")] {
        let put = bucket.put_object_from_file("k".parse().unwrap(), nothing).await;
        assert!(matches!(put, Err(Error::Source(_))));
    }
}

#[tokio::test]
async fn a_folder_is_an_empty_object_whose_key_ends_in_a_slash() {
    let script = Script::new([reply("200 OK", STORED, "")]).await;
    let bucket = script.bucket(1);
    let folder = bucket.put_folder("path/to/dir/".parse().unwrap()).unwrap();
    folder.send().await.unwrap();
    let request = &script.requests()[0];
    assert_eq!(request.line, "PUT /bench-1/path/to/dir/ HTTP/1.1");
    assert_eq!(
        (request.header("content-length"), request.body.len()),
        (Some("0"), 0)
    );
    let error = bucket.put_folder("path".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("end in '/'"), "{error}");
}

#[tokio::test]
async fn a_body_is_written_as_it_arrives_and_judged_at_its_end() {
    let crc = cos_transport::checksum::Crc64::of(b"abc").to_string();
    let good = [STORED[0], ("x-cos-hash-crc64ecma", crc.as_str())];
    let bad = [STORED[0], ("x-cos-hash-crc64ecma", "1")];
    let script = Script::new([reply("200 OK", &bad, "abc"), reply("200 OK", &good, "abc")]).await;
    let bucket = script.bucket(1);
    let get = async || {
        let object = bucket.get_object("k".parse().unwrap()).send().await.unwrap();
        let mut written = Vec::new();
        let len = object.body.write_to(&mut written).await?;
        assert_eq!(written, b"abc");
        Ok(len)
    };
    assert!(matches!(get().await, Err(Error::Integrity(_))));
    assert_eq!(get().await.unwrap(), 3);
}
