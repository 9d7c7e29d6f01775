//! The scenarios of the pool: connections that it saves, memory and descriptors that it takes, and pushes that it loses.

use std::time::Duration;

use super::{FAR, Scenario, scenario, spec};
use crate::goal::Bound::{Least, Most, Told};
use crate::goal::{Figure, ratio, value};
use crate::spec::Shape::{Stream, Unary};
use crate::spec::Spec;
use crate::spec::Subject::{Fresh, FreshGateway, Gateway, H2Loop, HyperUtil};

pub(super) fn fresh() -> Scenario {
    let tls = spec(Gateway, Unary, 50);
    let plain = Spec { tls: false, ..spec(Gateway, Unary, 50) };
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

pub(super) fn memory() -> Scenario {
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
            value("KiB per push in flight, unary", Figure::Memory, "unary", Most(9.0)),
            value("KiB per push in flight, stream", Figure::Memory, "stream", Most(5.0)),
        ],
    )
}

pub(super) fn streams() -> Scenario {
    // There are a tenth more pushes than streams, so that no stream is ever free.
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
            value("share of streams / latency, gateway, 1,000", Figure::Share, "gateway, 1,000", Least(0.97)),
            value("the same, connection per push", Figure::Share, "fresh, 1,000", Told),
            value("the same, hyper-util", Figure::Share, "hyper-util, 1,000", Told),
            value("sockets per 1,000 pushes, gateway, 100", Figure::Sockets, "gateway, 100", Told),
            value("the same, connection per push", Figure::Sockets, "fresh, 100", Told),
            value("the same, hyper-util", Figure::Sockets, "hyper-util, 100", Told),
        ],
    )
}

pub(super) fn descriptors() -> Scenario {
    let held = Spec {
        latency: 100 * FAR,
        max_streams: 1000,
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

pub(super) fn goaway() -> Scenario {
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
