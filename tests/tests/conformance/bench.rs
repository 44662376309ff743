//! Which server is judged, and where its tests write.

use std::env;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::sync::Arc;

use cos_local::{Running, Server};
use cos_transport::wire::meta::Versioning;
use cos_transport::{Bucket, Client, Credentials, Error, ObjectKey};
use futures_util::TryStreamExt;
use tempfile::TempDir;

/// What a test needs of a server beyond plain objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Acl,
    Append,
    /// Objects in the ARCHIVE class.
    Archive,
    Copy,
    DeleteObjects,
    Multipart,
    PartCopy,
    Select,
    Tagging,
    /// A bucket that keeps versions.
    Versions,
    /// A server that may be asked for more than objects below a prefix.
    WholeServer,
}

/// One test's place on the server.
pub(crate) struct Bench {
    pub(crate) bucket: Bucket,
    pub(crate) prefix: String,
    server: ServerKind,
}

enum ServerKind {
    Local { _running: Running, _folder: TempDir },
    Real,
}

/// Runs a test on a bench of its own and cleans up behind it, however it ends.
pub(crate) async fn conform<T>(needs: &[Needs], test: impl FnOnce(Arc<Bench>) -> T)
where
    T: Future<Output = ()> + Send + 'static,
{
    let bench = match Bench::new(needs).await {
        Ok(bench) => Arc::new(bench),
        Err(reason) => {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("a test");
            // Not by a macro: what those print of a test that passes is not shown.
            let _ = writeln!(std::io::stderr(), "skipped {name}: {reason}");
            return;
        }
    };
    let ended = tokio::spawn(test(Arc::clone(&bench))).await;
    if matches!(bench.server, ServerKind::Real) {
        bench
            .clean_up()
            .await
            .expect("what the test wrote could not be deleted");
    }
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic.into_panic());
    }
}

impl Bench {
    async fn new(needs: &[Needs]) -> Result<Self, String> {
        let random = RandomState::new().build_hasher().finish();
        let prefix = format!("coscrypt-conformance/{random:016x}/");
        match env::var("COSCRYPT_CONFORMANCE_BUCKET") {
            Ok(name) => Self::real(&name, prefix, needs).await,
            Err(_) => Self::local(prefix, needs).await,
        }
    }

    async fn local(prefix: String, needs: &[Needs]) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(folder.path()).bucket("conformance-1250000000".parse().unwrap());
        let running = server.start().await.unwrap();
        let credentials = running.credentials();
        let credentials = Credentials::new(credentials.secret_id(), credentials.secret_key()).unwrap();
        let client = Client::builder().endpoint(running.endpoint().parse().unwrap());
        let client = client.credentials(credentials).build().unwrap();
        let bucket = client.bucket("conformance-1250000000".parse().unwrap());
        if needs.contains(&Needs::Versions) {
            bucket.put_versioning(Versioning::Enabled).await.unwrap();
        }
        Ok(Self {
            bucket,
            prefix,
            server: ServerKind::Local {
                _running: running,
                _folder: folder,
            },
        })
    }

    async fn real(name: &str, prefix: String, needs: &[Needs]) -> Result<Self, String> {
        let variable = |name: &str| env::var(format!("COSCRYPT_CONFORMANCE_{name}")).ok();
        let client = Client::builder().credentials(Credentials::from_env().unwrap());
        let client = match (variable("ENDPOINT"), variable("REGION")) {
            (Some(endpoint), _) => client.endpoint(endpoint.parse().unwrap()),
            (None, Some(region)) => client.region(region.parse().unwrap()),
            (None, None) => {
                panic!("set COSCRYPT_CONFORMANCE_REGION or COSCRYPT_CONFORMANCE_ENDPOINT beside the bucket")
            }
        };
        let bucket = client.build().unwrap().bucket(name.parse().unwrap());
        for need in needs {
            let versioning = || bucket.get_versioning();
            match need {
                Needs::Archive => {
                    return Err("an archived object is billed for 90 days and restored in hours".into());
                }
                Needs::WholeServer => {
                    return Err("it would make or change more than objects of this bucket".into());
                }
                Needs::Versions if versioning().await.unwrap() != Versioning::Enabled => {
                    return Err("this bucket keeps no versions, and could never again be one without".into());
                }
                Needs::Append if versioning().await.unwrap() != Versioning::Never => {
                    return Err("nothing can be appended in a bucket that keeps versions".into());
                }
                _ => {}
            }
        }
        let server = ServerKind::Real;
        Ok(Self {
            bucket,
            prefix,
            server,
        })
    }

    /// A key below the test's prefix.
    pub(crate) fn key(&self, name: &str) -> ObjectKey {
        format!("{}{name}", self.prefix).parse().unwrap()
    }

    /// Stores a small object.
    pub(crate) async fn put(&self, name: &str, body: &'static str) -> ObjectKey {
        let key = self.key(name);
        self.bucket.put_object(key.clone(), body).send().await.unwrap();
        key
    }

    /// An object's bytes as text.
    pub(crate) async fn text(&self, key: &ObjectKey) -> String {
        let object = self.bucket.get_object(key.clone()).send().await.unwrap();
        let bytes = object.body.collect(1 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// The names below the prefix, as a listing has them.
    pub(crate) async fn names(&self) -> Vec<String> {
        let entries = self.bucket.list_objects().prefix(&self.prefix).entries();
        let names = entries.map_ok(|entry| entry.key[self.prefix.len()..].to_owned());
        names.try_collect().await.unwrap()
    }

    async fn clean_up(&self) -> Result<(), Error> {
        let uploads = self.bucket.list_multipart_uploads().prefix(&self.prefix);
        let uploads: Vec<_> = uploads.entries().try_collect().await?;
        for upload in uploads {
            let abort = self
                .bucket
                .abort_multipart_upload(upload.key.parse()?, upload.upload_id);
            abort.send().await?;
        }
        let versions = self.bucket.list_objects_versions().prefix(&self.prefix);
        let versions: Vec<_> = versions.entries().try_collect().await?;
        let mut objects = Vec::new();
        for entry in versions {
            objects.push((entry.key().parse()?, Some(entry.version_id().to_owned())));
        }
        let result = self.bucket.delete_objects(objects).send().await?;
        assert_eq!(result.failed, []);
        Ok(())
    }
}

/// The code of the service's refusal; the error itself when it is another one.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        Error::Service(error) => {
            assert!(!error.request_id.is_empty(), "{error}");
            error.code
        }
        error => panic!("the service should have refused this: {error}"),
    }
}

/// The status of the service's refusal.
pub(crate) fn status<T: std::fmt::Debug>(result: Result<T, Error>) -> u16 {
    match result.unwrap_err() {
        Error::Service(error) => error.status.as_u16(),
        error => panic!("the service should have refused this: {error}"),
    }
}
