//! How many connections of callers the process has descriptors for.

use rustix::process::{Resource, getrlimit};

/// How many files the process has open beside the connections of callers and to upstreams: the admin listener's
/// connections, standard streams, timers, and files that are read.
const RESERVE: usize = 128;

/// The part of all descriptors that callers may have where the pool could use all of them up: one in so many.
const LEAST_SHARE: usize = 4;

/// Lowers how many connections of callers each listener may have to what the limit of open files leaves beside so many
/// connections to upstreams, where they want more together. Where the limit decides, this is said.
pub(super) fn limit_callers(wanted: &mut [&mut usize], upstream_connections: usize) {
    let Some(limit) = getrlimit(Resource::Nofile).current else { return };
    let together = wanted.iter().fold(0_usize, |sum, wanted| sum.saturating_add(**wanted));
    let Some(most) = fewer_callers(limit, together, upstream_connections) else { return };
    tracing::warn!(
        limit,
        most,
        "the process may open fewer files than upstream.max_connections, grpc.max_connections and http.max_connections need, \
         so fewer callers may connect: raise its limit (ulimit -n, or LimitNOFILE of systemd)"
    );
    wanted.iter_mut().for_each(|wanted| **wanted = part(**wanted, most, together));
}

/// The part of `most` that one of all those who want `together` gets, which is never nothing.
fn part(wanted: usize, most: usize, together: usize) -> usize {
    let part = wanted as u128 * most as u128 / together.max(1) as u128;
    usize::try_from(part).unwrap_or(most).max(1)
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
    fn listeners_get_parts_of_what_is_left_by_what_they_want() {
        assert_eq!((part(10_000, 384, 20_000), part(1, 384, 20_000)), (192, 1));
        assert_eq!((part(usize::MAX, 384, usize::MAX), part(0, 1, 0)), (384, 1));
    }

    #[test]
    fn callers_get_what_the_pool_and_the_reserve_leave_but_never_less_than_a_share() {
        assert_eq!(share(1024, 512), 384);
        assert_eq!(share(64, 512), 16);
        assert_eq!(share(0, 512), 1);
    }
}
