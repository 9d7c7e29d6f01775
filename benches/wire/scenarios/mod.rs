//! The scenarios: the runs of each, and what they have to show.

mod callers;
mod pool;
mod watched;

use std::time::Duration;

use super::goal::Bound::{Least, Most, Told};
use super::goal::{Figure, Goal, ratio, value};
use super::pushy;
use super::spec::Shape::{Mattermost, Multicast, Stream, Unary};
use super::spec::Subject::{Echo, Gateway, H2Loop, HyperEcho, Pushy};
use super::spec::{Shape, Spec, Subject};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) runs: Vec<(&'static str, Spec)>,
    pub(crate) goals: Vec<Goal>,
}

/// The latency of a push service that is as far away as a real one.
const FAR: Duration = Duration::from_millis(50);

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        unary(),
        stream(),
        batch(),
        latency(),
        writes(),
        pool::fresh(),
        pool::memory(),
        workers(),
        alone(),
        allocations(),
        callers::callers(),
        watched::watched(),
        mattermost(),
        pool::streams(),
        pool::descriptors(),
        pool::goaway(),
        pushy(),
    ]
}

fn scenario(
    name: &'static str,
    about: &'static str,
    runs: impl Into<Vec<(&'static str, Spec)>>,
    goals: impl Into<Vec<Goal>>,
) -> Scenario {
    Scenario { name, about, runs: runs.into(), goals: goals.into() }
}

/// A subject, a shape, and pushes in flight.
fn spec(subject: Subject, shape: Shape, in_flight: usize) -> Spec {
    Spec::new(subject, shape, in_flight)
}

fn unary() -> Scenario {
    let gateway = spec(Gateway, Unary, 50);
    scenario(
        "unary",
        "a call per push, 50 in flight",
        [
            ("gateway", gateway.clone()),
            ("echo", gateway.of(Echo)),
            // Against this run it is seen what a runtime of several threads adds.
            ("echo, one thread", Spec { workers: 0, ..gateway.of(Echo) }),
            ("h2", gateway.of(H2Loop)),
        ],
        [
            ratio("CPU: gateway ÷ (echo + h2)", Figure::Cpu, "gateway", &["echo", "h2"], Most(1.25)),
            ratio(
                "CPU: gateway ÷ (echo on one thread + h2)",
                Figure::Cpu,
                "gateway",
                &["echo, one thread", "h2"],
                Told,
            ),
        ],
    )
}

fn stream() -> Scenario {
    let gateway = spec(Gateway, Stream(1), 1000);
    scenario(
        "stream",
        "a stream, one push per message, 1,000 in flight",
        [("gateway", gateway.clone()), ("echo", gateway.of(Echo)), ("h2", gateway.of(H2Loop))],
        [ratio("CPU: gateway ÷ (echo + h2)", Figure::Cpu, "gateway", &["echo", "h2"], Most(1.5))],
    )
}

fn batch() -> Scenario {
    let hundred = spec(Gateway, Stream(100), 1000);
    // There is room for two multicasts, because one is read while the one before it is answered.
    let multicast = Spec { upstream_connections: 1, ..spec(Gateway, Multicast(1000), 2000) };
    scenario(
        "batch",
        "a stream, 100 pushes per message, 1,000 in flight; multicasts of 1,000",
        [
            ("hundred", hundred.clone()),
            ("echo of hundred", hundred.of(Echo)),
            ("multicast", multicast.clone()),
            ("echo of multicast", multicast.of(Echo)),
            ("h2", hundred.of(H2Loop)),
            ("hundred, 1,100 B", Spec { body: 1100, ..hundred }),
            ("multicast, 1,100 B", Spec { body: 1100, ..multicast }),
        ],
        [
            ratio(
                "CPU: 100 a message ÷ (echo + h2)",
                Figure::Cpu,
                "hundred",
                &["echo of hundred", "h2"],
                Most(1.3),
            ),
            ratio(
                "CPU: multicast ÷ (echo + h2)",
                Figure::Cpu,
                "multicast",
                &["echo of multicast", "h2"],
                Most(1.3),
            ),
            ratio("CPU: 100 a message ÷ multicast", Figure::Cpu, "hundred", &["multicast"], Least(1.3)),
            ratio("the same, 1,100 B", Figure::Cpu, "hundred, 1,100 B", &["multicast, 1,100 B"], Told),
        ],
    )
}

fn latency() -> Scenario {
    let near = |shape| spec(Gateway, shape, 1000);
    let far =
        |shape| Spec { latency: FAR, mixed_warm_up: true, connections: 4, ..spec(Gateway, shape, 4000) };
    scenario(
        "latency",
        "4,000 in flight at 50 ms, after calls and a stream, beside 1,000 in flight at once",
        [
            ("unary, far", far(Unary)),
            ("unary, near", near(Unary)),
            ("stream, far", far(Stream(1))),
            ("stream, near", near(Stream(1))),
        ],
        [
            ratio("CPU: unary, far ÷ near", Figure::Cpu, "unary, far", &["unary, near"], Most(2.0)),
            ratio("CPU: stream, far ÷ near", Figure::Cpu, "stream, far", &["stream, near"], Most(2.0)),
        ],
    )
}

fn writes() -> Scenario {
    let body = |body| Spec { body, ..spec(Gateway, Unary, 50) };
    scenario(
        "writes",
        "bodies on either side of where h2 copies, 50 calls in flight",
        [("200 B", body(200)), ("300 B", body(300)), ("1,100 B", body(1100)), ("4,000 B", body(4000))],
        [
            value("upstream writes per push, 200 B", Figure::Writes, "200 B", Most(0.15)),
            value("upstream writes per push, 300 B", Figure::Writes, "300 B", Most(0.15)),
            value("upstream writes per push, 1,100 B", Figure::Writes, "1,100 B", Most(0.15)),
            value("upstream writes per push, 4,000 B", Figure::Writes, "4,000 B", Most(0.15)),
        ],
    )
}

fn workers() -> Scenario {
    let with = |in_flight, workers| Spec { workers, ..spec(Gateway, Unary, in_flight) };
    scenario(
        "workers",
        "two runtime workers on both cores beside one on its own",
        [
            ("1,000, two", with(1000, 2)),
            ("1,000, one", with(1000, 1)),
            ("50, two", with(50, 2)),
            ("50, one", with(50, 1)),
            // This run shows the share of tonic and tokio.
            ("echo, 50, two", with(50, 2).of(Echo)),
            ("echo, 50, one", with(50, 1).of(Echo)),
        ],
        [
            ratio("CPU: two ÷ one, 1,000 in flight", Figure::Cpu, "1,000, two", &["1,000, one"], Most(1.15)),
            ratio("CPU: two ÷ one, 50 in flight", Figure::Cpu, "50, two", &["50, one"], Most(1.25)),
            ratio("CPU: two ÷ one, echo", Figure::Cpu, "echo, 50, two", &["echo, 50, one"], Told),
        ],
    )
}

fn alone() -> Scenario {
    let gateway = spec(Gateway, Unary, 1);
    scenario(
        "alone",
        "one push at a time",
        [("gateway", gateway.clone()), ("echo", gateway.of(Echo)), ("h2", gateway.of(H2Loop))],
        [ratio("p50: gateway ÷ (echo + h2)", Figure::P50, "gateway", &["echo", "h2"], Most(2.0))],
    )
}

fn allocations() -> Scenario {
    let counted = |shape, in_flight| Spec { workers: 0, ..spec(Gateway, shape, in_flight) };
    let (unary, stream) = (counted(Unary, 50), counted(Stream(1), 1000));
    scenario(
        "allocations",
        "everything on one thread, whose allocations are counted",
        [
            ("unary", unary.clone()),
            ("echo of unary", unary.of(Echo)),
            ("stream", stream.clone()),
            ("echo of stream", stream.of(Echo)),
            ("multicast", Spec { upstream_connections: 1, ..counted(Multicast(1000), 2000) }),
            ("mattermost", counted(Mattermost, 50)),
            ("h2", unary.of(H2Loop)),
        ],
        [
            value("allocations per push, unary", Figure::Allocations, "unary", Told),
            value("allocations per push, stream", Figure::Allocations, "stream", Most(16.0)),
            value("allocations per push, multicast", Figure::Allocations, "multicast", Most(8.0)),
            value("allocations per push, mattermost", Figure::Allocations, "mattermost", Told),
            value("allocations per push, h2", Figure::Allocations, "h2", Told),
        ],
    )
}

/// The bound is that of what the ingress is made of: what HTTP/1.1 costs by itself, and what a push costs on a stream. A stream with as
/// many in flight as the servers have shows what is due to the ingress alone, since it gathers no more pushes for each write either.
fn mattermost() -> Scenario {
    let mattermost = spec(Gateway, Mattermost, 50);
    scenario(
        "mattermost",
        "a call of a Mattermost server per push, 50 in flight, beside gRPC",
        [
            ("mattermost", mattermost.clone()),
            ("echo", mattermost.of(HyperEcho)),
            ("unary", spec(Gateway, Unary, 50)),
            ("stream", spec(Gateway, Stream(1), 1000)),
            ("stream, 50", spec(Gateway, Stream(1), 50)),
        ],
        [
            ratio(
                "CPU: mattermost ÷ (hyper echo + stream)",
                Figure::Cpu,
                "mattermost",
                &["echo", "stream"],
                Most(1.2),
            ),
            ratio(
                "CPU: mattermost ÷ (hyper echo + stream with 50 in flight)",
                Figure::Cpu,
                "mattermost",
                &["echo", "stream, 50"],
                Told,
            ),
            ratio("CPU: mattermost ÷ unary", Figure::Cpu, "mattermost", &["unary"], Told),
            value("CPU µs per push, mattermost", Figure::Cpu, "mattermost", Told),
        ],
    )
}

fn pushy() -> Scenario {
    let stream = spec(Gateway, Stream(1), 1000);
    scenario(
        "pushy",
        "PUSHY, the APNs client in Java, after 700,000 pushes, 1,000 in flight",
        [
            ("PUSHY", Spec { warm_up: pushy::WARM_UP, ..stream.of(Pushy) }),
            ("stream", stream),
            ("multicast", Spec { upstream_connections: 1, ..spec(Gateway, Multicast(1000), 2000) }),
        ],
        [
            ratio("CPU: PUSHY, warm ÷ stream", Figure::Cpu, "PUSHY", &["stream"], Least(2.5)),
            ratio("CPU: PUSHY, warm ÷ multicast", Figure::Cpu, "PUSHY", &["multicast"], Least(4.0)),
        ],
    )
}
