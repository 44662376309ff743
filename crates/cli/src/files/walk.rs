//! Everything in a folder, as objects to be: in constant memory, and without following links.

use std::fs::FileType;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};
use tokio::sync::mpsc;

use crate::exit::Exit;
use crate::failure::{Failure, plain};
use crate::output::sanitize::sanitize_path;

/// How far the walk may run ahead of the work.
const AHEAD: usize = 256;

/// What the walk found.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file, and its path in the folder with `/` between names.
    File { path: PathBuf, relative: String },
    /// Something that is not stored, and why.
    Skipped { path: PathBuf, reason: &'static str },
    /// Something that should have been stored and cannot be.
    Failed { path: PathBuf, failure: Failure },
}

/// Walks a folder on a thread of its own, until the receiver is dropped. `leave_out` is a folder not to enter.
pub(crate) fn walk(root: PathBuf, leave_out: Option<PathBuf>) -> mpsc::Receiver<Found> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        for found in find(&root, leave_out) {
            if sender.blocking_send(found).is_err() {
                return;
            }
        }
    });
    receiver
}

fn find(root: &Path, leave_out: Option<PathBuf>) -> impl Iterator<Item = Found> {
    let is_inside = |folder: &PathBuf| root.canonicalize().is_ok_and(|root| folder.starts_with(root));
    let leave_out = leave_out.filter(is_inside);
    let left_out = leave_out.clone();
    let is_left_out = move |path: &Path| {
        left_out
            .as_ref()
            .is_some_and(|folder| path.canonicalize().is_ok_and(|path| path == *folder))
    };
    let mut builder = WalkBuilder::new(root);
    builder
        .standard_filters(false)
        .follow_links(false)
        .filter_entry(move |entry| {
            !(entry.file_type().is_some_and(|kind| kind.is_dir()) && is_left_out(entry.path()))
        });
    // The builder does not ask about the root itself.
    let is_all = leave_out
        .as_ref()
        .is_some_and(|folder| root.canonicalize().is_ok_and(|root| root == *folder));
    let skipped = leave_out.map(|path| Found::Skipped {
        path,
        reason: "it is the store itself",
    });
    let root = root.to_owned();
    let entries = (!is_all).then(|| builder.build()).into_iter().flatten();
    entries
        .filter_map(move |entry| match entry {
            Ok(entry) => sort(&root, entry),
            Err(error) => Some(unreadable(&root, &error)),
        })
        .chain(skipped)
}

fn sort(root: &Path, entry: DirEntry) -> Option<Found> {
    let kind = entry.file_type()?;
    let path = entry.into_path();
    if kind.is_dir() {
        return None;
    }
    if !kind.is_file() {
        return Some(Found::Skipped {
            path,
            reason: kind_of(kind),
        });
    }
    let relative = path
        .strip_prefix(root)
        .unwrap_or(&path)
        .to_str()
        .map(str::to_owned);
    Some(match relative {
        Some(relative) => Found::File { path, relative },
        None => {
            let failure = Failure::new(Exit::Failed, "its name is not UTF-8, and object keys are")
                .or_help("rename the file, or put it alone under a key of your choice");
            Found::Failed { path, failure }
        }
    })
}

fn kind_of(kind: FileType) -> &'static str {
    if kind.is_symlink() {
        "it is a symbolic link"
    } else if kind.is_fifo() {
        "it is a pipe"
    } else if kind.is_socket() {
        "it is a socket"
    } else {
        "it is a device"
    }
}

fn unreadable(root: &Path, error: &ignore::Error) -> Found {
    let path = path_of(error).unwrap_or(root).to_owned();
    let failure = match error.io_error() {
        Some(error) => {
            let exit = match error.kind() {
                std::io::ErrorKind::PermissionDenied => Exit::NotPermitted,
                std::io::ErrorKind::NotFound => Exit::NotFound,
                _ => Exit::Failed,
            };
            Failure::new(exit, format!("cannot read it: {}", plain(error)))
                .or_help("check who owns it and its permissions")
        }
        None => Failure::new(
            Exit::Failed,
            format!("cannot read it: {}", sanitize_path(error.to_string())),
        ),
    };
    Found::Failed { path, failure }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(root: &Path, leave_out: Option<PathBuf>) -> Vec<String> {
        let mut names: Vec<String> = find(root, leave_out)
            .map(|found| match found {
                Found::File { relative, .. } => relative,
                Found::Skipped { reason, .. } => format!("skipped: {reason}"),
                Found::Failed { path, failure } => format!(
                    "{}: {}",
                    sanitize_path(path.file_name().unwrap()),
                    failure.message()
                ),
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_file_is_found_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("a/.hidden")).unwrap();
        fs::write(root.join(".gitignore"), "*").unwrap();
        fs::write(root.join("a/.hidden/x"), "").unwrap();
        fs::write(root.join("a/b c"), "").unwrap();
        symlink("/etc/passwd", root.join("link")).unwrap();
        symlink("..", root.join("a/up")).unwrap();
        fs::write(root.join(OsStr::from_bytes(b"caf\xe9")), "").unwrap();
        assert_eq!(
            names(root, None),
            [
                ".gitignore",
                "a/.hidden/x",
                "a/b c",
                "caf\\xe9: its name is not UTF-8, and object keys are",
                "skipped: it is a symbolic link",
                "skipped: it is a symbolic link",
            ]
        );
    }

    #[test]
    fn the_store_is_not_put_into_itself() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("store")).unwrap();
        fs::write(dir.path().join("store/index"), "").unwrap();
        fs::write(dir.path().join("x"), "").unwrap();
        let store = dir.path().join("store").canonicalize().unwrap();
        assert_eq!(
            names(&store, Some(store.clone())),
            ["skipped: it is the store itself"]
        );
        assert_eq!(
            names(dir.path(), Some(store)),
            ["skipped: it is the store itself", "x"]
        );
    }

    #[test]
    fn a_folder_that_is_missing_is_told() {
        assert_eq!(names(Path::new("/nonexistent"), None).len(), 1);
    }
}
