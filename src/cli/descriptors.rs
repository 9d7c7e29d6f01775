//! Raises the limit of open files, of which each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many files the gateway has open beside its connections to upstreams, with few callers.
const BESIDE_UPSTREAMS: u64 = 128;

/// Raises the limit as far as the process may. A process starts with a lower one for the sake of programs that use
/// select(2), and this is none. Source: getrlimit(2), and systemd.exec(5) on `LimitNOFILE`.
pub(super) fn raise_limit(max_upstream_connections: usize) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // If the limit may not be raised, the present one counts.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    let limit = if raised { maximum } else { current };
    let needed = max_upstream_connections as u64 + BESIDE_UPSTREAMS;
    if let Some(limit) = limit.filter(|limit| *limit < needed) {
        tracing::warn!(
            limit,
            needed,
            "the process may open fewer files than upstream.max_connections and its callers need: raise its limit \
             (ulimit -n, or LimitNOFILE of systemd)"
        );
    }
}
