//! One test's folder, server, keys and plain client.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;

use tempfile::TempDir;

use crate::process::Run;
use crate::provider::Provider;

/// The bucket that every bench has.
pub const BUCKET: &str = "bench-1250000000";
/// The credentials of every bench.
pub const SECRET_ID: &str = "AKIDBENCH0000000000000000000000000000";
/// The secret to [`SECRET_ID`].
pub const SECRET_KEY: &str = "bench-secret-key-000000000000000";

/// A folder with a store in it, served, and an AES master key. The server ends with the bench.
pub struct Bench {
    folder: TempDir,
    server: Child,
    endpoint: String,
}

impl Bench {
    /// Starts a server on an empty store and makes a key.
    pub fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let (server, endpoint) = serve(folder.path());
        let bench = Bench {
            folder,
            server,
            endpoint,
        };
        bench.make_key("master.key", "aes");
        bench
    }

    /// A path inside the bench's folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// The bench's AES master key.
    pub fn key(&self) -> PathBuf {
        self.path("master.key")
    }

    /// Makes one more key of a type that `key new --type` knows.
    pub fn make_key(&self, name: &str, kind: &str) -> PathBuf {
        let path = self.path(name);
        self.bare()
            .args(["key", "new", "--type", kind])
            .arg(&path)
            .succeeds();
        path
    }

    /// A call of the command that knows nothing but its home folder.
    pub fn bare(&self) -> Run {
        Run::new(self.folder.path())
    }

    /// A call of the command with this bench's server and credentials.
    pub fn connected(&self) -> Run {
        let run = self.bare().env("COS_ENDPOINT", &self.endpoint);
        run.env("COS_SECRET_ID", SECRET_ID)
            .env("COS_SECRET_KEY", SECRET_KEY)
    }

    /// A call of the command with server, credentials and the master key.
    pub fn coscrypt(&self) -> Run {
        self.connected().env("COSCRYPT_KEY", self.key())
    }

    /// Encrypts bytes into an object.
    pub fn put(&self, key: &str, contents: impl AsRef<[u8]>) {
        let source = self.write("put.source", contents);
        self.coscrypt().arg("put").arg(source).arg(url(key)).succeeds();
    }

    /// Brings an object back as bytes.
    pub fn get(&self, key: &str) -> Vec<u8> {
        self.coscrypt().arg("get").arg(url(key)).arg("-").succeeds()
    }

    /// The plain client: what the service provider sees and can do.
    pub fn provider(&self) -> Provider {
        Provider::new(&self.endpoint)
    }

    /// The server's address.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Ends the server as a power cut would.
    pub fn kill_server(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts the server again on the same store, at another port.
    pub fn restart_server(&mut self) {
        (self.server, self.endpoint) = serve(self.folder.path());
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// An object of [`BUCKET`] as the command line names it.
pub fn url(key: &str) -> String {
    format!("cos://{BUCKET}/{key}")
}

fn serve(folder: &Path) -> (Child, String) {
    let run = Run::new(folder)
        .env("COS_SECRET_ID", SECRET_ID)
        .env("COS_SECRET_KEY", SECRET_KEY);
    let run =
        run.arg("serve")
            .arg(folder.join("store"))
            .args(["--listen", "127.0.0.1:0", "--bucket", BUCKET]);
    let log = folder.join("server.log");
    let mut server = run.start_logging(File::create(&log).unwrap());
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let endpoint = line.trim().strip_prefix("endpoint: ").unwrap_or_else(|| {
        panic!(
            "the server said {line:?}\n{}",
            fs::read_to_string(&log).unwrap_or_default()
        );
    });
    (server, endpoint.to_owned())
}

/// Bytes without a pattern of the chunk's or part's length: byte i = i*7 + i/251.
pub fn pattern(length: usize) -> Vec<u8> {
    let byte = |i: usize| (i.wrapping_mul(7).wrapping_add(i / 251)).to_le_bytes()[0];
    (0..length).map(byte).collect()
}

/// Every file under a folder with its contents, in order of name.
pub fn files_under(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                ));
            }
        }
    }
    files.sort();
    files
}
