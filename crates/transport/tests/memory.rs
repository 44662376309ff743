//! What a long listing holds in memory. A process of its own, so that nothing else is measured.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cos_transport::http::{HttpConnector, ResponseFuture};
use cos_transport::{Body, ByteStream, Client, Credentials, percent_encode};
use futures_util::TryStreamExt;
use http::{Request, Response};

/// A bucket of so many pages with a thousand keys each.
#[derive(Debug)]
struct Endless {
    pages: u32,
    asked: AtomicU32,
    /// What the process holds in memory after a tenth of the pages, in KiB.
    held: Arc<Mutex<u64>>,
}

impl HttpConnector for Endless {
    fn call(&self, request: Request<Body>) -> ResponseFuture<'_> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        if number == self.pages / 10 {
            *self.held.lock().unwrap() = resident_kib();
        }
        let marker = format!("&marker={}", percent_encode(&key(number, 0)));
        assert_eq!(
            request.uri().query().is_some_and(|query| query.contains(&marker)),
            number > 0
        );
        let entries = (1..=1000).map(|index| {
            let key = key(number, index);
            format!("<Contents><Key>{key}</Key><LastModified>2017-08-08T09:43:35.000Z</LastModified><ETag>e</ETag><Size>1</Size></Contents>")
        });
        let next = key(number + 1, 0);
        let document = format!(
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{}</IsTruncated><NextMarker>{next}</NextMarker>{}</ListBucketResult>",
            number + 1 < self.pages,
            entries.collect::<String>()
        );
        let answer = Response::new(ByteStream::from(Bytes::from(document)));
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn key(page: u32, index: u32) -> String {
    format!("backup/{page:04}/{index:04}")
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or_default()
}

async fn list_in_constant_memory(pages: u32) {
    let held = Arc::<Mutex<u64>>::default();
    let connector = Endless {
        pages,
        asked: AtomicU32::new(0),
        held: Arc::clone(&held),
    };
    let bucket = Client::builder()
        .endpoint("http://127.0.0.1:1".parse().unwrap())
        .credentials(Credentials::new("AKID", "secret").unwrap())
        .connector(connector)
        .build()
        .unwrap()
        .bucket("bench-1".parse().unwrap());
    let (mut count, mut last) = (0u32, String::new());
    let mut entries = std::pin::pin!(bucket.list_objects().prefix("backup/").entries());
    while let Some(entry) = entries.try_next().await.unwrap() {
        assert!(entry.key > last, "{} behind {last}", entry.key);
        (count, last) = (count + 1, entry.key);
    }
    assert_eq!(count, pages * 1000);
    // An entry takes more than 150 bytes: kept, a hundred pages would be twice what is allowed here.
    let grown = resident_kib().saturating_sub(*held.lock().unwrap());
    assert!(grown < 8 * 1024, "{grown} KiB more at the end than after a tenth");
}

/// A hundred pages, or as many as `COSCRYPT_PAGES` says: a million keys are 1000.
#[tokio::test]
async fn many_keys_pass_in_constant_memory() {
    let pages = std::env::var("COSCRYPT_PAGES")
        .ok()
        .and_then(|pages| pages.parse().ok());
    list_in_constant_memory(pages.unwrap_or(100)).await;
}
