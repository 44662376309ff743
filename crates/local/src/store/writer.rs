//! Group commit: all changes go through one thread, which puts those that wait into one transaction.
//!
//! A durable commit costs a sync of the disk, and commits cannot overlap. While one is running the next changes
//! queue up, and the next commit takes them all: many small writes share a sync, and a single one waits for none.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::disk::{Disk, StagedBody};
use super::error::StoreError;
use super::index::{Released, Tables};

/// Changes in one transaction at most, to bound the memory of a commit.
const GROUP_MAX: usize = 1024;

/// What a change did, to be settled when its transaction has been committed.
pub(crate) struct Change<T> {
    pub(crate) value: T,
    /// The body that the index names from now on.
    pub(crate) adopted: Option<StagedBody>,
}

impl<T> Change<T> {
    /// A change that brings no body.
    pub(crate) fn of(value: T) -> Change<T> {
        Change { value, adopted: None }
    }
}

/// Sends changes to the writing thread. Dropping it waits until the thread has finished what it has.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A change on its way: applied inside a transaction, then told how the commit went.
type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Settle, StoreError> + Send>;
type Settle = Box<dyn FnOnce(Committed, &Sender<Released>) + Send>;

#[derive(Clone, Copy)]
enum Committed {
    Yes,
    /// Or perhaps: after a failed sync nobody knows.
    No,
}

impl Writer {
    /// Starts the writing thread and the one that unlinks bodies.
    pub(crate) fn start(database: Arc<redb::Database>, disk: Arc<Disk>) -> std::io::Result<Writer> {
        let (queue, jobs) = channel();
        let (released, garbage) = channel();
        let thread = std::thread::Builder::new().name("cos-local-writer".to_owned());
        let sweeper = std::thread::Builder::new().name("cos-local-sweeper".to_owned());
        let swept_disk = disk.clone();
        let sweeper = sweeper.spawn(move || sweep(&swept_disk, &garbage))?;
        let thread = thread.spawn(move || {
            let committed = run(&database, &jobs, &released);
            drop(released);
            let swept = sweeper.join().unwrap_or(false);
            if committed && swept && disk.is_quiet() {
                mark_clean(&database);
            }
        })?;
        Ok(Writer {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Applies a change and waits until it is durable.
    ///
    /// A change that refuses (returns an error other than the index's own) must not have written anything.
    /// If the caller goes away the change is made all the same.
    pub(crate) async fn apply<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        F: FnOnce(&mut Tables<'_>) -> Result<Change<T>, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            let change = match change(tables) {
                Ok(change) => Ok(change),
                Err(StoreError::Index(reason)) => {
                    let _ = answer.send(Err(StoreError::Index(reason.clone())));
                    return Err(StoreError::Index(reason));
                }
                Err(refusal) => Err(refusal),
            };
            let released = std::mem::take(&mut tables.released);
            Ok(Box::new(move |committed, garbage| {
                // Nobody waiting any more is no reason to leave the change half settled.
                let _ = answer.send(change.and_then(|change| settle(change, released, committed, garbage)));
            }))
        });
        let queued = {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.as_ref().is_some_and(|queue| queue.send(job).is_ok())
        };
        if !queued {
            return Err(StoreError::Closed);
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Finishes what is queued, unlinks what was released and marks the store as cleanly closed.
    pub(crate) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writing thread of the store failed");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn settle<T>(
    change: Change<T>,
    released: Vec<Released>,
    committed: Committed,
    garbage: &Sender<Released>,
) -> Result<T, StoreError> {
    if let Some(body) = change.adopted {
        // Also after a commit that failed: it may have reached the disk. If not, the next start collects the body.
        body.keep();
    }
    match committed {
        Committed::Yes => {
            for released in released {
                let _ = garbage.send(released);
            }
            Ok(change.value)
        }
        Committed::No => Err(StoreError::Index("the change could not be committed".to_owned())),
    }
}

/// Gives whether every commit succeeded.
fn run(database: &redb::Database, jobs: &Receiver<Job>, garbage: &Sender<Released>) -> bool {
    let mut all_committed = true;
    while let Ok(first) = jobs.recv() {
        let group = std::iter::once(first).chain(jobs.try_iter()).take(GROUP_MAX);
        let mut settles = Vec::new();
        let committed = match commit_group(database, group, &mut settles) {
            Ok(()) => Committed::Yes,
            Err(error) => {
                tracing::error!(%error, "changes to the index are lost");
                all_committed = false;
                Committed::No
            }
        };
        for settle in settles {
            settle(committed, garbage);
        }
    }
    all_committed
}

fn commit_group(
    database: &redb::Database,
    group: impl Iterator<Item = Job>,
    settles: &mut Vec<Settle>,
) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    {
        let mut tables = Tables::open(&transaction)?;
        for job in group {
            settles.push(job(&mut tables)?);
        }
    }
    Ok(transaction.commit()?)
}

/// Gives whether every released body is gone.
fn sweep(disk: &Disk, garbage: &Receiver<Released>) -> bool {
    let mut all_gone = true;
    for released in garbage {
        all_gone &= disk.release(released);
    }
    all_gone
}

/// Written last of all: without it the next start looks for leftovers.
fn mark_clean(database: &redb::Database) {
    let marked = || -> Result<(), StoreError> {
        let transaction = database.begin_write()?;
        Tables::open(&transaction)?.state.insert(super::STATE_CLEAN, 1)?;
        Ok(transaction.commit()?)
    };
    if let Err(error) = marked() {
        tracing::warn!(%error, "the store is not marked as cleanly closed");
    }
}
