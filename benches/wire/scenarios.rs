//! What is measured: the runs of each scenario, and what they are to show.

use std::time::Duration;

use super::goal::Bound::{Least, Most, Told};
use super::goal::{Figure, Goal, ratio, value};
use super::spec::Shape::{Multicast, Stream, Unary};
use super::spec::Subject::{Echo, Fresh, FreshGateway, Gateway, H2Loop, HyperUtil};
use super::spec::{Shape, Spec, Subject};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) runs: Vec<(&'static str, Spec)>,
    pub(crate) goals: Vec<Goal>,
}

/// A push service as far away as a real one.
const FAR: Duration = Duration::from_millis(50);

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        unary(),
        stream(),
        batch(),
        latency(),
        writes(),
        fresh(),
        memory(),
        workers(),
        alone(),
        allocations(),
        streams(),
        descriptors(),
        goaway(),
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
        [("gateway", gateway.clone()), ("echo", gateway.of(Echo)), ("h2", gateway.of(H2Loop))],
        [ratio("CPU: gateway ÷ (echo + h2)", Figure::Cpu, "gateway", &["echo", "h2"], Most(1.25))],
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
    // One multicast is read while the one before it is answered.
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

fn fresh() -> Scenario {
    let tls = spec(Gateway, Unary, 50);
    let plain = Spec { tls: false, ..tls.clone() };
    scenario(
        "fresh",
        "a connection per push beside the pool, 50 in flight",
        [
            ("h2, plaintext", plain.of(H2Loop)),
            ("fresh, plaintext", plain.of(Fresh)),
            ("hyper-util, plaintext", plain.of(HyperUtil)),
            ("gateway, plaintext", plain.clone()),
            ("tonic + fresh, plaintext", plain.of(FreshGateway)),
            ("h2, TLS", tls.of(H2Loop)),
            ("fresh, TLS", tls.of(Fresh)),
            ("hyper-util, TLS", tls.of(HyperUtil)),
            ("gateway, TLS", tls.clone()),
            ("tonic + fresh, TLS", tls.of(FreshGateway)),
        ],
        [
            ratio(
                "CPU: fresh ÷ h2, plaintext",
                Figure::Cpu,
                "fresh, plaintext",
                &["h2, plaintext"],
                Least(15.0),
            ),
            ratio("CPU: fresh ÷ h2, TLS", Figure::Cpu, "fresh, TLS", &["h2, TLS"], Least(50.0)),
            ratio(
                "CPU: tonic + fresh ÷ gateway, plaintext",
                Figure::Cpu,
                "tonic + fresh, plaintext",
                &["gateway, plaintext"],
                Least(6.0),
            ),
            ratio(
                "CPU: tonic + fresh ÷ gateway, TLS",
                Figure::Cpu,
                "tonic + fresh, TLS",
                &["gateway, TLS"],
                Least(20.0),
            ),
            ratio("CPU: hyper-util ÷ h2, TLS", Figure::Cpu, "hyper-util, TLS", &["h2, TLS"], Told),
        ],
    )
}

fn memory() -> Scenario {
    let held = |shape| Spec {
        latency: 10 * FAR,
        connections: 4,
        upstream_connections: 16,
        warm_up: Duration::from_secs(2),
        ..spec(Gateway, shape, 10_000)
    };
    scenario(
        "memory",
        "10,000 in flight at 500 ms",
        [("unary", held(Unary)), ("stream", held(Stream(1)))],
        [
            value("KiB per push in flight, unary", Figure::Memory, "unary", Most(16.0)),
            value("KiB per push in flight, stream", Figure::Memory, "stream", Most(8.0)),
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
        ],
        [
            ratio("CPU: two ÷ one, 1,000 in flight", Figure::Cpu, "1,000, two", &["1,000, one"], Most(1.2)),
            ratio("CPU: two ÷ one, 50 in flight", Figure::Cpu, "50, two", &["50, one"], Most(1.5)),
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
            ("h2", unary.of(H2Loop)),
        ],
        [
            value("allocations per push, unary", Figure::Allocations, "unary", Told),
            value("allocations per push, stream", Figure::Allocations, "stream", Told),
            value("allocations per push, multicast", Figure::Allocations, "multicast", Told),
            value("allocations per push, h2", Figure::Allocations, "h2", Told),
        ],
    )
}

fn streams() -> Scenario {
    // A tenth more than the streams hold, so that none is ever free.
    let full = |max_streams: u32, connections: usize| Spec {
        latency: FAR,
        max_streams,
        upstream_connections: connections,
        warm_up: Duration::from_secs(1),
        ..spec(Gateway, Stream(1), max_streams as usize * connections * 11 / 10)
    };
    let (hundred, thousand) = (full(100, 4), full(1000, 1));
    scenario(
        "streams",
        "50 ms, every stream of every connection in use",
        [
            ("gateway, 100", hundred.clone()),
            ("fresh, 100", hundred.of(Fresh)),
            ("hyper-util, 100", hundred.of(HyperUtil)),
            ("gateway, 1,000", thousand.clone()),
            ("fresh, 1,000", thousand.of(Fresh)),
            ("hyper-util, 1,000", thousand.of(HyperUtil)),
        ],
        [
            value("share of streams / latency, gateway, 100", Figure::Share, "gateway, 100", Least(0.95)),
            value("the same, connection per push", Figure::Share, "fresh, 100", Told),
            value("the same, hyper-util", Figure::Share, "hyper-util, 100", Told),
            value("share of streams / latency, gateway, 1,000", Figure::Share, "gateway, 1,000", Least(0.95)),
            value("the same, connection per push", Figure::Share, "fresh, 1,000", Told),
            value("the same, hyper-util", Figure::Share, "hyper-util, 1,000", Told),
            value("sockets per 1,000 pushes, gateway, 100", Figure::Sockets, "gateway, 100", Told),
            value("the same, connection per push", Figure::Sockets, "fresh, 100", Told),
            value("the same, hyper-util", Figure::Sockets, "hyper-util, 100", Told),
        ],
    )
}

fn descriptors() -> Scenario {
    let held = Spec {
        latency: 100 * FAR,
        upstream_connections: 128,
        files: Some(4096),
        warm_up: Duration::from_secs(15),
        ..spec(Gateway, Stream(100), 100_000)
    };
    scenario(
        "descriptors",
        "100,000 in flight at 5 s, 1,000 streams a connection, ulimit -n 4096",
        [("gateway", held)],
        [
            value("open descriptors", Figure::Descriptors, "gateway", Most(256.0)),
            value("pushes lost of 1,000", Figure::Lost, "gateway", Most(0.0)),
        ],
    )
}

fn goaway() -> Scenario {
    let often = Spec {
        goaway_every: Some(50),
        latency: FAR / 10,
        upstream_connections: 8,
        ..spec(Gateway, Unary, 50)
    };
    scenario(
        "goaway",
        "a graceful GOAWAY every 50 streams, 50 in flight at 5 ms",
        [("gateway", often.clone()), ("fresh", often.of(Fresh)), ("hyper-util", often.of(HyperUtil))],
        [
            value("pushes lost of 1,000, gateway", Figure::Lost, "gateway", Most(0.0)),
            value("the same, connection per push", Figure::Lost, "fresh", Told),
            value("the same, hyper-util", Figure::Lost, "hyper-util", Told),
        ],
    )
}
