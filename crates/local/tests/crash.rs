//! The store under a server that is killed, and under one that is merely restarted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{BUCKET, Fixture, Peer};
use cos_local::{MissingBuckets, OpenError, Server, StartError, load_or_create_credentials};

const STORE: &str = "COS_LOCAL_TEST_STORE";

/// Not a test: the server that the tests below run as a process of its own, to kill it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the other tests of this file"]
async fn serving_process() {
    let Some(folder) = std::env::var_os(STORE) else {
        return;
    };
    let folder = Path::new(&folder);
    let credentials = load_or_create_credentials(folder).unwrap();
    let server = Server::new(folder)
        .credentials(credentials)
        .missing_buckets(MissingBuckets::Create);
    let server = server.start().await.unwrap();
    let announced = folder.with_extension("address");
    std::fs::write(announced.with_extension("new"), server.address().to_string()).unwrap();
    std::fs::rename(announced.with_extension("new"), announced).unwrap();
    std::future::pending::<()>().await;
}

/// A serving process, killed when dropped.
struct Process(Child);

impl Process {
    async fn start(folder: &Path) -> (Process, Peer) {
        let announced = folder.with_extension("address");
        let _ = std::fs::remove_file(&announced);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "serving_process", "--ignored"])
            .env(STORE, folder);
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let process = Process(child);
        for _ in 0..1000 {
            if let Ok(address) = std::fs::read_to_string(&announced) {
                let credentials = Arc::new(load_or_create_credentials(folder).unwrap());
                return (
                    process,
                    Peer {
                        address: address.parse().unwrap(),
                        credentials,
                    },
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the serving process did not start");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL: nothing is flushed, closed or unwound.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Bodies in both places: small ones in the index, others in files.
fn body(key: usize, round: usize) -> Vec<u8> {
    let length = [0, 100, 8192, 8193, 50_000, 400_000][(key + round) % 6];
    (0..length)
        .map(|i| u8::try_from((i * 7 + key * 31 + round) % 256).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_what_was_acknowledged_is_whole_and_nothing_is_half_there() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("store");
    // For each key the round that was acknowledged last, and all that were tried.
    let acknowledged: Arc<Mutex<HashMap<usize, usize>>> = Arc::default();
    let tried: Arc<Mutex<HashMap<usize, Vec<usize>>>> = Arc::default();
    for round in 1..=4 {
        let (process, peer) = Process::start(&folder).await;
        let peer = Arc::new(peer);
        let writers = (0..8).map(|writer| {
            let (peer, acknowledged, tried) = (peer.clone(), acknowledged.clone(), tried.clone());
            tokio::spawn(async move {
                for key in (0..240).filter(|key| key % 8 == writer) {
                    tried.lock().unwrap().entry(key).or_default().push(round);
                    let put = peer.object("PUT", &format!("k{key}")).body(&body(key, round));
                    match put.try_send().await {
                        Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.text()),
                        Err(_) => break,
                    }
                    acknowledged.lock().unwrap().insert(key, round);
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let enough = round * 15;
        while acknowledged
            .lock()
            .unwrap()
            .values()
            .filter(|r| **r == round)
            .count()
            < enough
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(process);
        for writer in writers {
            writer.await.unwrap();
        }
    }

    let (_process, peer) = Process::start(&folder).await;
    let (acknowledged, tried) = (
        acknowledged.lock().unwrap().clone(),
        tried.lock().unwrap().clone(),
    );
    for key in 0..240 {
        let answer = peer.get(&format!("k{key}")).await;
        // One that was not acknowledged may have been stored all the same, but none before the last acknowledged.
        let rounds = tried.get(&key).into_iter().flatten();
        let mut possible = rounds.filter(|round| Some(*round) >= acknowledged.get(&key));
        match answer.status {
            200 => assert!(possible.any(|round| body(key, *round) == answer.body), "k{key}"),
            404 => assert!(
                !acknowledged.contains_key(&key),
                "k{key} was acknowledged and is gone"
            ),
            other => panic!("k{key}: {other}"),
        }
    }
    let files = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    let shards = std::fs::read_dir(folder.join("objects")).unwrap();
    let stored: usize = shards.map(|shard| files(&shard.unwrap().path())).sum();
    let page = peer.call("GET", &format!("/{BUCKET}/")).send().await.expect(200);
    let in_files = page
        .elements("Size")
        .iter()
        .filter(|size| size.parse::<u64>().unwrap() > 8192)
        .count();
    assert_eq!(stored, in_files, "leftovers are collected");
    assert_eq!(files(&folder.join("incoming")), 0);
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.put("small", b"abc").await.expect(200);
    fixture.put("large", &[7; 100_000]).await.expect(200);
    let credentials = cos_transport::Credentials::new(
        fixture.credentials.secret_id().to_owned(),
        fixture.credentials.secret_key().to_owned(),
    );
    let before = fixture.object("HEAD", "large").send().await.expect(200);
    let Fixture { server, folder, .. } = fixture;
    server.shutdown().await;

    let server = Server::new(folder.path())
        .credentials(credentials.unwrap())
        .start()
        .await
        .unwrap();
    let peer = Peer {
        address: server.address(),
        credentials: server.credentials().clone(),
    };
    assert_eq!(peer.get("small").await.expect(200).body, b"abc");
    let after = peer.object("HEAD", "large").send().await.expect(200);
    for name in ["ETag", "Last-Modified", "x-cos-hash-crc64ecma", "Content-Length"] {
        assert_eq!(after.header(name), before.header(name));
    }
}

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("store");
    let (process, peer) = Process::start(&folder).await;
    let refused = Server::new(&folder).start().await.unwrap_err();
    assert!(
        matches!(refused, StartError::Open(OpenError::InUse { process: Some(id), .. }) if id == process.0.id())
    );
    peer.put("k", b"still serving").await.expect(200);
    drop(process);
    Server::new(&folder).start().await.unwrap().shutdown().await;
}

#[tokio::test]
async fn shutting_down_lets_a_request_under_way_end() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let fixture = Fixture::new().await;
    let call = fixture.object("PUT", "k").header("Content-Length", "6");
    let mut stream = tokio::net::TcpStream::connect(fixture.address).await.unwrap();
    stream
        .write_all(format!("{}\r\nabc", call.head()).as_bytes())
        .await
        .unwrap();
    // So that the server has read the head before it is told to stop.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let Fixture { server, folder, .. } = fixture;
    let stopping = tokio::spawn(server.shutdown());
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(b"def").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
    stopping.await.unwrap();
    drop(folder);
}

/// Versions of one key with the round that each holds, in order.
type Written = Vec<(String, usize)>;

/// Multipart uploads of one, two or three parts, and plain writes, into a bucket that keeps versions. Each writer
/// gives the versions that were acknowledged, in order, with the round that they hold.
async fn write_versions(peer: &Peer, key: &str, rounds: std::ops::Range<usize>) -> Written {
    let mut acknowledged = Vec::new();
    for round in rounds {
        let stored = match round % 3 {
            0 => multipart(peer, key, round).await,
            _ => peer
                .object("PUT", key)
                .body(&body(0, round))
                .try_send()
                .await
                .ok(),
        };
        match stored {
            Some(answer) if answer.status == 200 => {
                let id = answer.header("x-cos-version-id").unwrap().to_owned();
                acknowledged.push((id, round));
            }
            Some(answer) => panic!("{}: {}", answer.status, answer.text()),
            None => break,
        }
    }
    acknowledged
}

fn parts_of(round: usize) -> Vec<Vec<u8>> {
    let count = round / 3 % 3 + 1;
    let length = |part: usize| {
        if part < count {
            1024 * 1024
        } else {
            9000 * round + 1
        }
    };
    (1..=count)
        .map(|part| vec![u8::try_from((part * 41 + round) % 256).unwrap(); length(part)])
        .collect()
}

async fn multipart(peer: &Peer, key: &str, round: usize) -> Option<common::Answer> {
    let begun = peer
        .object("POST", &format!("{key}?uploads"))
        .body(b"")
        .try_send()
        .await
        .ok()?;
    let upload = begun.element("UploadId").unwrap().to_owned();
    let mut named = String::new();
    for (number, bytes) in (1..).zip(parts_of(round)) {
        let uri = format!("{key}?partNumber={number}&uploadId={upload}");
        let stored = peer.object("PUT", &uri).body(&bytes).try_send().await.ok()?;
        let etag = stored.header("ETag").unwrap();
        named += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    }
    let document = format!("<CompleteMultipartUpload>{named}</CompleteMultipartUpload>");
    let call = peer.object("POST", &format!("{key}?uploadId={upload}"));
    call.body(document.as_bytes()).try_send().await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kills_every_acknowledged_version_is_whole_and_in_order() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("store");
    let acknowledged: Arc<Mutex<HashMap<String, Written>>> = Arc::default();
    for kill in 0..4 {
        let (process, peer) = Process::start(&folder).await;
        if kill == 0 {
            let bucket = peer.call("PUT", &format!("/{BUCKET}")).body(b"");
            bucket.send().await.expect(200);
            let document = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
            let call = peer.call("PUT", &format!("/{BUCKET}/?versioning"));
            call.body(document).send().await.expect(200);
        }
        let peer = Arc::new(peer);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (peer, acknowledged) = (peer.clone(), acknowledged.clone());
                tokio::spawn(async move {
                    let key = format!("k{writer}");
                    let rounds = kill * 50..(kill + 1) * 50;
                    let written = write_versions(&peer, &key, rounds).await;
                    acknowledged
                        .lock()
                        .unwrap()
                        .entry(key)
                        .or_default()
                        .extend(written);
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(300 + 150 * u64::try_from(kill).unwrap())).await;
        drop(process);
        for writer in writers {
            writer.await.unwrap();
        }
    }

    let (_process, peer) = Process::start(&folder).await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.values().map(Vec::len).sum::<usize>() > 20);
    for (key, written) in &acknowledged {
        let page = peer
            .call("GET", &format!("/{BUCKET}/?versions&prefix={key}"))
            .send()
            .await
            .expect(200);
        let mut listed = page.elements("VersionId");
        listed.reverse();
        let mut rest = listed.iter();
        for (id, round) in written {
            assert!(
                rest.any(|listed| listed == id),
                "{key} {round} is gone or out of order"
            );
            let got = peer.get(&format!("{key}?versionId={id}")).await.expect(200);
            let expected = match round % 3 {
                0 => parts_of(*round).concat(),
                _ => body(0, *round),
            };
            assert!(got.body == expected, "{key} {round}");
        }
        // What was not acknowledged may be there, at most one a kill, and whole.
        assert!(listed.len() <= written.len() + 4);
        for id in listed {
            peer.get(&format!("{key}?versionId={id}")).await.expect(200);
        }
    }
    // Unfinished uploads can still be dropped, and nothing else is left then but the versions.
    let uploads = peer
        .call("GET", &format!("/{BUCKET}/?uploads"))
        .send()
        .await
        .expect(200);
    for (key, id) in uploads
        .elements("Key")
        .into_iter()
        .zip(uploads.elements("UploadId"))
    {
        peer.object("DELETE", &format!("{key}?uploadId={id}"))
            .send()
            .await
            .expect(204);
    }
    let versions = peer
        .call("GET", &format!("/{BUCKET}/?versions"))
        .send()
        .await
        .expect(200);
    for (key, id) in versions
        .elements("Key")
        .into_iter()
        .zip(versions.elements("VersionId"))
    {
        peer.object("DELETE", &format!("{key}?versionId={id}"))
            .send()
            .await
            .expect(204);
    }
    for _ in 0..200 {
        if common::body_files(&folder) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(common::body_files(&folder), 0);
}
