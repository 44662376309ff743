//! Running the command as a person does, and looking at what it left.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// The exit codes that the command promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done = 0,
    /// Failed, for a reason that has no code of its own.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Some of many items failed.
    Some = 3,
    /// No such bucket, object or file.
    NotFound = 4,
    /// Data failed authentication.
    Tampered = 5,
    /// A key is missing or wrong.
    Key = 6,
    /// The service refuses these credentials.
    NotPermitted = 7,
    /// The target exists.
    Exists = 10,
}

/// One call of the command, being put together.
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
}

/// What a call left behind.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, as text.
    pub stderr: String,
}

impl Run {
    /// A call with an environment that holds nothing but a home folder and the search path.
    pub fn new(home: &Path) -> Run {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .env("HOME", home)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        Run {
            command,
            stdin: Vec::new(),
        }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Run {
        self.command.args(args);
        self
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Run {
        self.command.arg(arg);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    /// Gives standard input; it is empty otherwise.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end.
    pub fn finish(self) -> Finished {
        let stdin = self.stdin.clone();
        let mut child = self.start();
        let mut input = child.stdin.take().unwrap();
        // A command may end without having read its input.
        let feed = thread::spawn(move || drop(input.write_all(&stdin)));
        let output = child.wait_with_output().unwrap();
        feed.join().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Finished {
            code: output.status.code(),
            stdout: output.stdout,
            stderr,
        }
    }

    /// Runs it, and expects success. Returns standard output.
    pub fn succeeds(self) -> Vec<u8> {
        let shown = format!("{:?}", self.command);
        let finished = self.finish();
        assert_eq!(finished.code, Some(0), "{shown}\n{}", finished.stderr);
        finished.stdout
    }

    /// Runs it, and expects this exit code and an error of two lines or more: what happened, and what to do.
    /// Returns standard error.
    pub fn fails(self, exit: Exit) -> String {
        let shown = format!("{:?}", self.command);
        let finished = self.finish();
        assert_eq!(finished.code, Some(exit as i32), "{shown}\n{}", finished.stderr);
        assert!(
            finished.stderr.lines().count() >= 2,
            "no advice in the error of {shown}:\n{}",
            finished.stderr
        );
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
        finished.stderr
    }

    /// Starts it with its three streams as pipes.
    pub fn start(mut self) -> Child {
        self.command.stdin(Stdio::piped()).stderr(Stdio::piped());
        self.spawn()
    }

    /// Starts what runs until it is ended, its log in a file.
    pub fn start_logging(mut self, log: File) -> Child {
        self.command.stdin(Stdio::null()).stderr(log);
        self.spawn()
    }

    fn spawn(mut self) -> Child {
        self.command.stdout(Stdio::piped());
        self.command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary().display()))
    }
}

/// Waits for a process to succeed, and returns the most memory that it ever held, in KiB.
pub fn peak_resident_kib(mut child: Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    drop(child.stdin.take());
    let mut peak = 0;
    let exit = loop {
        // The kernel keeps the high-water mark: only what happens in the last interval can be missed.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        });
        peak = peak.max(mark.unwrap_or(0));
        if let Some(exit) = child.try_wait().unwrap() {
            break exit;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(exit.success(), "{exit}: {stderr}");
    peak
}

/// The command under test: built beside this test program.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("COSCRYPT") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("coscrypt");
    assert!(
        path.exists(),
        "{} is not there: run `cargo build --workspace` first, or tests/run",
        path.display()
    );
    path
}
