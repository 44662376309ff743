//! The process holds keys: its memory stays out of core dumps and other processes' reach.

/// No core file, and no attaching by other processes of the same user.
pub(crate) fn keep_out_of_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Refused only where it is forbidden from outside; the command works all the same.
    _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_no_core_dumps() {
        super::keep_out_of_core_dumps();
        assert_eq!(
            rustix::process::getrlimit(rustix::process::Resource::Core).current,
            Some(0)
        );
    }
}
