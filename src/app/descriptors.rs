//! How many connections of callers the process has descriptors for.

use rustix::process::{Resource, getrlimit};

/// How many files the process has open beside the connections of callers and to upstreams: the admin listener's
/// connections, standard streams, timers, and files that are read.
const RESERVE: usize = 128;

/// The part of all descriptors that callers may have where the pool could use all of them up: one in so many.
const LEAST_SHARE: usize = 4;

/// Returns how many connections of callers there may be: `wanted`, or what the limit of open files leaves beside so many
/// connections to upstreams. Where the limit decides, this is said.
pub(super) fn most_callers(wanted: usize, upstream_connections: usize) -> usize {
    let Some(limit) = getrlimit(Resource::Nofile).current else { return wanted };
    let Some(most) = fewer_callers(limit, wanted, upstream_connections) else { return wanted };
    tracing::warn!(
        limit,
        most,
        "the process may open fewer files than upstream.max_connections and grpc.max_connections need, so fewer callers \
         may connect: raise its limit (ulimit -n, or LimitNOFILE of systemd)"
    );
    most
}

/// Returns how many connections of callers a limit of open files leaves, where those are fewer than `wanted`.
pub(crate) fn fewer_callers(limit: u64, wanted: usize, upstream_connections: usize) -> Option<usize> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Some(share(limit, upstream_connections)).filter(|most| *most < wanted)
}

fn share(limit: usize, upstream_connections: usize) -> usize {
    limit.saturating_sub(upstream_connections).saturating_sub(RESERVE).max(limit / LEAST_SHARE).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_get_what_the_pool_and_the_reserve_leave_but_never_less_than_a_share() {
        assert_eq!(share(1024, 512), 384);
        assert_eq!(share(64, 512), 16);
        assert_eq!(share(0, 512), 1);
    }
}
