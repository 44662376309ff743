//! The command as a process: pipes, signals, existing files, configuration. Everything runs on `local:DIR`.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise, like tests"
)]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const BUCKET: &str = "cos://bench-1250000000";

/// A home with a key and a store.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let made = bench
            .command(["key", "new"])
            .arg(bench.path("key"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Runs in the home, with nothing set but what points to it.
    fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coscrypt"));
        command
            .env_clear()
            .env("HOME", self.0.path())
            .current_dir(self.0.path());
        command
            .env("COSCRYPT_KEY", self.path("key"))
            .env("COS_ENDPOINT", "local:store");
        command.stdin(Stdio::null()).args(args);
        command
    }

    #[track_caller]
    fn run(&self, args: &[&str], code: i32) -> Output {
        let output = self.command(args).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Standard error of a run that fails with this code.
    #[track_caller]
    fn fails(&self, args: &[&str], code: i32) -> String {
        String::from_utf8(self.run(args, code).stderr).unwrap()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn at(key: &str) -> String {
    format!("{BUCKET}/{key}")
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{what} did not happen"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let bench = Bench::new();
    bench.write("large", vec![7; 3_000_000]);
    bench.run(&["put", "large", &at("large")], 0);
    for args in [
        vec!["cat".to_owned(), at("large")],
        vec!["man".to_owned()],
        vec!["put".to_owned(), "--help".to_owned()],
    ] {
        let mut child = bench
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 1]).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), output.stderr),
            (Some(0), Vec::new()),
            "{args:?}"
        );
    }
}

#[test]
fn interrupted_work_leaves_nothing_and_says_130() {
    for stop in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let bench = Bench::new();
        bench.write("large", vec![7; 40_000_000]);
        bench.run(&["put", "large", &at("large")], 0);
        fs::create_dir(bench.path("down")).unwrap();
        let mut child = bench
            .command(["get", &at("large"), "down/large"])
            .spawn()
            .unwrap();
        wait_until("the download", || !bench.names("down").is_empty());
        signal(&child, stop);
        let status = child.wait().unwrap();
        // The whole of it may have come before the signal did.
        match status.code() {
            Some(130) => assert_eq!(bench.names("down"), [""; 0]),
            code => assert_eq!((code, bench.names("down")), (Some(0), vec!["large".to_owned()])),
        }
    }
}

#[test]
fn a_signal_is_heard_while_stdin_is_silent() {
    let bench = Bench::new();
    let mut child = bench
        .command(["put", "-", &at("x")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the store", || bench.path("store/index.redb").exists());
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, rustix::process::Signal::INT);
    let started = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(started.elapsed() < Duration::from_secs(5));
    bench.fails(&["cat", &at("x")], 4);
}

#[test]
fn existing_files_are_kept_unless_forced() {
    let bench = Bench::new();
    bench.write("up/a", "new");
    bench.write("up/b", "new");
    bench.run(&["put", "-r", "up", &at("up/")], 0);
    bench.write("down/a", "old");
    assert!(
        bench
            .fails(&["get", &at("up/a"), "down/a"], 10)
            .contains("--force")
    );
    assert!(bench.fails(&["get", &at("up/a"), "down"], 10).contains("down/a"));
    bench.fails(&["get", "-r", &at("up/"), "down"], 3);
    assert_eq!(fs::read(bench.path("down/a")).unwrap(), b"old");
    assert_eq!(fs::read(bench.path("down/b")).unwrap(), b"new");
    bench.fails(&["get", "-r", &at("up/"), "down"], 10);
    bench.run(&["get", "-r", "--force", &at("up/"), "down"], 0);
    assert_eq!(fs::read(bench.path("down/a")).unwrap(), b"new");
}

#[test]
fn a_dry_run_does_nothing() {
    let bench = Bench::new();
    bench.write("up/a", "text");
    bench.run(&["put", "-n", "-r", "up", &at("up/")], 0);
    bench.fails(&["ls", &at("up/")], 4);
    bench.run(&["put", "-r", "up", &at("up/")], 0);
    let told = bench.run(&["get", "-n", "-r", &at("up/"), "down"], 0).stdout;
    assert_eq!(
        String::from_utf8(told).unwrap(),
        format!("{} -> down/a\n", at("up/a"))
    );
    assert!(!bench.path("down").exists());
    assert!(
        !bench
            .run(&["get", "-n", &at("up/a"), "-"], 0)
            .stdout
            .starts_with(b"text")
    );
    bench.run(&["rm", "-n", &at("up/a")], 0);
    assert_eq!(bench.run(&["cat", &at("up/a")], 0).stdout, b"text");
}

#[test]
fn links_and_pipes_in_a_folder_are_skipped_and_told() {
    let bench = Bench::new();
    bench.write("secret", "not in the folder");
    bench.write("up/file", "x");
    symlink(bench.path("secret"), bench.path("up/link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, bench.path("up/pipe"), rustix::fs::Mode::RWXU).unwrap();
    let told = bench.run(&["--json", "put", "-r", "up", &at("up/")], 0).stdout;
    let told = json_lines(&told);
    assert_eq!(
        told.iter().filter(|line| line["skipped"].is_string()).count(),
        2,
        "{told:?}"
    );
    assert_eq!(told.last().unwrap()["summary"]["objects"], 1);
    let listed = json_lines(&bench.run(&["--json", "ls", "-r", &at("")], 0).stdout);
    assert_eq!((listed.len(), &listed[0]["key"]), (1, &Value::from("up/file")));
}

#[test]
fn folder_objects_become_folders_and_hostile_keys_nothing() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // As a console makes them, and as an attacker would.
    runtime.block_on(async {
        let server = cos_local::Server::new(bench.path("store")).bucket("bench-1250000000".parse().unwrap());
        let server = server.start().await.unwrap();
        let credentials = server.credentials();
        let credentials = cos_transport::Credentials::new(credentials.secret_id(), credentials.secret_key());
        let client = cos_transport::Client::builder()
            .endpoint(server.endpoint().parse().unwrap())
            .credentials(credentials.unwrap())
            .build()
            .unwrap();
        let bucket = client.bucket("bench-1250000000".parse().unwrap());
        for key in [
            "up/",
            "up/folder/",
            "up/../escaped/",
            "up//x/",
            "up/a/../../../escaped/",
        ] {
            bucket.put_object(key.parse().unwrap(), "").send().await.unwrap();
        }
        server.shutdown().await;
    });
    let told = bench.fails(&["get", "-r", &at("up"), "down/here"], 1);
    assert_eq!(told.matches("not a path within a folder").count(), 3, "{told}");
    assert_eq!(bench.names("down"), ["here"]);
    assert_eq!(bench.names("down/here"), ["folder"]);
}

#[test]
fn deleting_what_is_not_there_is_told() {
    let bench = Bench::new();
    bench.write("a", "x");
    bench.run(&["put", "a", &at("a")], 0);
    bench.fails(&["rm", &at("b")], 4);
    bench.fails(&["rm", &at("a"), &at("b")], 3);
    bench.fails(&["rm", &at("a"), &at("b")], 4);
}

#[test]
fn listed_sizes_are_those_of_the_plaintext() {
    let bench = Bench::new();
    bench.write("a", vec![0; 40_000]);
    bench.run(&["put", "a", &at("a")], 0);
    bench.run(&["put", "--format", "cos-python", "a", &at("b")], 0);
    let listed = json_lines(&bench.run(&["--json", "ls", &at("")], 0).stdout);
    let fields = |line: &Value| {
        (
            line["size"].clone(),
            line["stored_size"].clone(),
            line["format"].clone(),
        )
    };
    assert_eq!(
        fields(&listed[0]),
        (40_000.into(), 40_048.into(), "sealed".into())
    );
    assert_eq!(
        fields(&listed[1]),
        (40_000.into(), 40_000.into(), "cos-python".into())
    );
    let stored = json_lines(&bench.run(&["--json", "ls", "--stored", &at("")], 0).stdout);
    assert_eq!(fields(&stored[0]), (Value::Null, 40_048.into(), Value::Null));
}

#[test]
fn offline_and_online_are_the_same_format() {
    let bench = Bench::new();
    bench.write("a", "some text");
    let encrypt = [
        "encrypt",
        "a",
        "--object",
        "docs/a",
        "-o",
        "a.sealed",
        "--headers-out",
        "a.json",
    ];
    bench.run(&encrypt, 0);
    bench.fails(&encrypt, 10);
    let decrypt = ["decrypt", "a.sealed", "--headers", "a.json", "--object"];
    assert_eq!(
        bench.run(&[&decrypt[..], &["docs/a"]].concat(), 0).stdout,
        b"some text"
    );
    bench.fails(&[&decrypt[..], &["docs/b", "-o", "out"]].concat(), 5);
    bench.write("a.sealed", "much too short to be anything else");
    bench.fails(&[&decrypt[..], &["docs/a", "-o", "out"]].concat(), 5);
    assert!(!bench.path("out").exists());
    let told = json_lines(&bench.run(&["--json", "inspect", "--headers", "a.json"], 0).stdout);
    assert_eq!(
        (&told[0]["format"], &told[0]["authenticated"]),
        (&"sealed".into(), &true.into())
    );
}

#[test]
fn a_profile_holds_everything_that_a_command_needs() {
    let bench = Bench::new();
    bench.write("a", "x");
    let config = bench.write(
        ".config/coscrypt/config.toml",
        "[profiles.default]\nendpoint = 'local:store'\nkeys = ['~/key']\n",
    );
    let bare = |args: &[&str]| {
        let mut command = bench.command(args);
        command.env_remove("COSCRYPT_KEY").env_remove("COS_ENDPOINT");
        command.output().unwrap()
    };
    assert_eq!(bare(&["put", "a", &at("a")]).status.code(), Some(0));
    fs::write(
        &config,
        "[profiles.default]\nendpoint = 'local:store'\nsecret_id = 'a'\nsecret_key = 'sesame'\n",
    )
    .unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = bare(&["ls", &at("")]);
    assert_eq!(refused.status.code(), Some(7));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("chmod 600") && !told.contains("sesame"), "{told}");
}

#[test]
fn serve_tells_its_endpoint_first_and_stops_in_order() {
    let bench = Bench::new();
    let args = ["serve", "served", "--bucket", "bench-1250000000"];
    let mut child = bench.command(args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let endpoint = first.strip_prefix("endpoint: ").unwrap().to_owned();
    assert!(endpoint.starts_with("http://127.0.0.1:"), "{first}");
    let credentials = fs::read_to_string(bench.path("served/credentials")).unwrap();
    let (id, secret) = credentials.trim_end().split_once('\n').unwrap();
    let told: Vec<String> = lines.take(4).map(Result::unwrap).collect();
    assert!(told.iter().all(|line| !line.contains(secret)), "{told:?}");
    let listing = bench
        .command(["ls", &at("")])
        .env("COS_ENDPOINT", &endpoint)
        .env("COS_SECRET_ID", id)
        .env("COS_SECRET_KEY", secret)
        .output()
        .unwrap();
    assert_eq!(listing.status.code(), Some(0), "{listing:?}");
    assert!(
        bench
            .fails(&["--endpoint", "local:served", "ls", &at("")], 1)
            .contains("in use")
    );
    signal(&child, rustix::process::Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn progress_is_told_in_lines_where_there_is_no_terminal_and_only_when_asked() {
    let bench = Bench::new();
    bench.write("a", "x");
    let told = bench.fails(&["put", "a", &at("a")], 0);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("stored 1 object, 1 B, in "), "{told}");
    assert_eq!(bench.fails(&["-q", "put", "a", &at("a")], 0), "");
    bench.run(&["--progress", "always", "put", "a", &at("a")], 0);
}
