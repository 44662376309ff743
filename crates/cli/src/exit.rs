//! Exit codes: one enum, and how the outcomes of many items become one code.

use std::process::ExitCode;

/// How a run ended. The numbers are part of the interface: scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// Something failed that has no code of its own.
    Failed = 1,
    /// The command line or the configuration makes no sense.
    Usage = 2,
    /// Several items: some failed, or they failed for different reasons.
    SomeFailed = 3,
    /// No such bucket, object, version or file.
    NotFound = 4,
    /// Data failed authentication, or cannot be authenticated.
    NotAuthentic = 5,
    /// The key is missing or wrong.
    Key = 6,
    /// Not permitted, or the credentials are missing or wrong.
    NotPermitted = 7,
    /// The target exists already.
    Exists = 10,
    /// Ctrl-C, or another signal to stop.
    Interrupted = 130,
}

impl Exit {
    /// The number that the system sees.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Counts the outcomes of many items, in constant memory.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    done: u64,
    failed: u64,
    /// The code that all failures so far share; none once they differ.
    shared: Option<Exit>,
}

impl Tally {
    /// One item was done.
    pub(crate) fn done(&mut self) {
        self.done += 1;
    }

    /// One item failed.
    pub(crate) fn failed(&mut self, exit: Exit) {
        self.shared = match (self.failed, self.shared) {
            (0, _) => Some(exit),
            (_, shared) => shared.filter(|shared| *shared == exit),
        };
        self.failed += 1;
    }

    /// Items that were done.
    pub(crate) fn done_count(&self) -> u64 {
        self.done
    }

    /// Items that failed.
    pub(crate) fn failed_count(&self) -> u64 {
        self.failed
    }

    /// The code for all of them: their own if every item failed for the same reason, else "some failed".
    pub(crate) fn exit(&self) -> Exit {
        match (self.done, self.failed, self.shared) {
            (_, 0, _) => Exit::Done,
            (0, _, Some(shared)) => shared,
            _ => Exit::SomeFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(done: u64, failures: &[Exit]) -> Exit {
        let mut tally = Tally::default();
        (0..done).for_each(|_| tally.done());
        failures.iter().for_each(|exit| tally.failed(*exit));
        tally.exit()
    }

    #[test]
    fn the_numbers_are_the_documented_ones() {
        let all = [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::SomeFailed, 3),
            (Exit::NotFound, 4),
            (Exit::NotAuthentic, 5),
            (Exit::Key, 6),
            (Exit::NotPermitted, 7),
            (Exit::Exists, 10),
            (Exit::Interrupted, 130),
        ];
        for (exit, code) in all {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }

    #[test]
    fn nothing_to_do_is_done() {
        assert_eq!(merged(0, &[]), Exit::Done);
        assert_eq!(merged(3, &[]), Exit::Done);
    }

    #[test]
    fn one_reason_for_all_keeps_its_code() {
        assert_eq!(merged(0, &[Exit::Key]), Exit::Key);
        assert_eq!(merged(0, &[Exit::Key, Exit::Key]), Exit::Key);
    }

    #[test]
    fn success_beside_failure_is_some_failed() {
        assert_eq!(merged(1, &[Exit::Key]), Exit::SomeFailed);
    }

    #[test]
    fn different_reasons_are_some_failed() {
        assert_eq!(merged(0, &[Exit::Key, Exit::NotFound]), Exit::SomeFailed);
        assert_eq!(
            merged(0, &[Exit::Key, Exit::NotFound, Exit::Key]),
            Exit::SomeFailed
        );
        assert_eq!(
            merged(0, &[Exit::Key, Exit::NotFound, Exit::NotFound]),
            Exit::SomeFailed
        );
    }
}
