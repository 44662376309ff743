//! What a transfer remembers on disk, so that it can go on after it was interrupted.
//!
//! A journal is a file of JSON lines: a head that says which transfer it is, then one line for each step that was
//! done. Lines are appended and synced; a line that a crash cut short is ignored, and so is everything behind it. One
//! process holds a journal at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha1::{Digest, Sha1};

/// Version of the layout; another one is not read.
const VERSION: u32 = 1;
/// The longest journal that is read, in bytes: 10 000 parts take a fiftieth of it.
const MAX_LEN: u64 = 64 * 1024 * 1024;

/// Where journals are kept.
#[derive(Debug, Clone, Default)]
pub enum JournalFolder {
    /// The platform's folder for state, such as `~/.local/state/coscrypt`.
    #[default]
    Platform,
    /// This folder.
    At(PathBuf),
    /// Nowhere: interrupted transfers begin anew.
    None,
}

impl JournalFolder {
    /// The folder, created for its owner alone.
    pub(super) fn open(&self) -> io::Result<Option<PathBuf>> {
        let folder = match self {
            Self::None => return Ok(None),
            Self::At(folder) => folder.clone(),
            Self::Platform => {
                let dirs = directories::ProjectDirs::from("", "", "coscrypt");
                let base = dirs
                    .as_ref()
                    .map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()));
                match base {
                    Some(base) => base.join("transfers"),
                    // A user without a home folder has nowhere to resume from.
                    None => return Ok(None),
                }
            }
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        Ok(Some(folder))
    }
}

/// What a journal holds: its head, and the steps that were done.
pub(super) type Found<H, S> = (H, Vec<S>);

/// An open journal with a head of type `H` and steps of type `S`.
#[derive(Debug)]
pub(super) struct Journal<H, S> {
    path: PathBuf,
    file: File,
    kinds: PhantomData<fn() -> (H, S)>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Head<H> {
    version: u32,
    transfer: H,
}

impl<H: Serialize + DeserializeOwned + PartialEq, S: Serialize + DeserializeOwned> Journal<H, S> {
    /// Opens the journal of the transfer named by `name`, and reads what it holds.
    ///
    /// # Errors
    /// When another process holds it, or the disk fails.
    pub(super) fn open(folder: &Path, name: &[&str]) -> io::Result<(Self, Option<Found<H, S>>)> {
        let mut digest = Sha1::new();
        for part in name {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let path = folder.join(format!("{}.journal", hex::encode(digest.finalize())));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        if let Err(error) = file.try_lock() {
            return Err(match error {
                fs::TryLockError::WouldBlock => io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "the same transfer is under way in another process",
                ),
                fs::TryLockError::Error(error) => error,
            });
        }
        let found = read(&mut file)?;
        Ok((
            Self {
                path,
                file,
                kinds: PhantomData,
            },
            found,
        ))
    }

    /// Forgets what there is and begins with `head`.
    pub(super) fn begin(&mut self, head: &H) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.append(&Head {
            version: VERSION,
            transfer: head,
        })?;
        // The name must survive as well as the contents.
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Adds a step, which is on disk when this returns.
    pub(super) fn add(&mut self, step: &S) -> io::Result<()> {
        self.append(step)
    }

    fn append(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()
    }

    /// Forgets the transfer.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Reads head and steps, and leaves the file where the next line goes.
fn read<H: DeserializeOwned, S: DeserializeOwned>(file: &mut File) -> io::Result<Option<(H, Vec<S>)>> {
    let mut reader = BufReader::new(&*file).take(MAX_LEN);
    let (mut line, mut end) = (Vec::new(), 0u64);
    let mut next = |end: &mut u64| -> io::Result<Option<Vec<u8>>> {
        line.clear();
        let count = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(None);
        }
        *end += count as u64;
        Ok(Some(line.clone()))
    };
    let head = next(&mut end)?.and_then(|line| serde_json::from_slice::<Head<H>>(&line).ok());
    let Some(Head {
        version: VERSION,
        transfer,
    }) = head
    else {
        return Ok(None);
    };
    let mut steps = Vec::new();
    let mut good = end;
    while let Some(line) = next(&mut end)? {
        let Ok(step) = serde_json::from_slice(&line) else {
            break;
        };
        steps.push(step);
        good = end;
    }
    file.set_len(good)?;
    file.seek(SeekFrom::Start(good))?;
    Ok(Some((transfer, steps)))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbers = Journal<String, u32>;

    fn open(folder: &Path) -> io::Result<(Numbers, Option<Found<String, u32>>)> {
        Numbers::open(folder, &["upload", "a"])
    }

    #[test]
    fn what_was_added_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, found) = open(folder.path()).unwrap();
        assert!(found.is_none());
        journal.begin(&"head".into()).unwrap();
        journal.add(&1).unwrap();
        journal.add(&2).unwrap();
        drop(journal);
        let (mut journal, found) = open(folder.path()).unwrap();
        assert_eq!(found, Some(("head".into(), vec![1, 2])));
        journal.add(&3).unwrap();
        drop(journal);
        let (journal, found) = open(folder.path()).unwrap();
        assert_eq!(found, Some(("head".into(), vec![1, 2, 3])));
        journal.remove().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_line_that_was_cut_short_is_forgotten_wherever_the_cut() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = open(folder.path()).unwrap();
        journal.begin(&"head".into()).unwrap();
        journal.add(&11).unwrap();
        journal.add(&22).unwrap();
        let path = journal.path.clone();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, found) = open(folder.path()).unwrap();
            let steps = found.map(|(_, steps)| steps);
            assert!(
                matches!(steps.as_deref(), None | Some([]) | Some([11])),
                "{cut}: {steps:?}"
            );
            if let Some(mut steps) = steps {
                journal.add(&33).unwrap();
                drop(journal);
                steps.push(33);
                assert_eq!(open(folder.path()).unwrap().1.unwrap().1, steps);
            }
        }
    }

    #[test]
    fn garbage_and_other_versions_are_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = open(folder.path()).unwrap();
        let path = journal.path.clone();
        drop(journal);
        for text in [
            "",
            "\n",
            "{}\n",
            "\u{0}\u{0}\n",
            "{\"version\":2,\"transfer\":\"head\"}\n",
            "[1]\n2\n",
        ] {
            fs::write(&path, text).unwrap();
            assert!(open(folder.path()).unwrap().1.is_none(), "{text:?}");
        }
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let _held = open(folder.path()).unwrap();
        assert_eq!(
            open(folder.path()).unwrap_err().kind(),
            io::ErrorKind::ResourceBusy
        );
        assert!(Numbers::open(folder.path(), &["upload", "b"]).is_ok());
    }
}
