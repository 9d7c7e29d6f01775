//! Raises the limit of open files, of which each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as the process may. A process starts with a lower one for the sake of programs that use
/// select(2), and this is none. Source: getrlimit(2), and systemd.exec(5) on `LimitNOFILE`.
pub(super) fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where the limit may not be raised, the gateway works with the present one, and says so where that is too low.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
