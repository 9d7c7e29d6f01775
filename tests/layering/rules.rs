//! The rules of the house, as data: a rule is added or changed here and nowhere else.
//!
//! A place is a module of this repository, written without its crate: `dispatch::window` or `upstream::pool`. It
//! includes what is below it. A name is a path: `crate::proto` is a place of this repository, `h2` another crate.

/// Parts of the house by the path that leads to them, so that a place keeps its name when it becomes a crate.
pub(crate) const PARTS: &[(&str, &str)] = &[
    ("fanfare_upstream::transport", "transport"),
    ("fanfare_upstream", "upstream"),
    ("fanfare_simulator", "simulator"),
    ("fanfare_commit", "commit"),
    ("fanfare", ""),
];

/// Rows from the bottom up: a place names only places of rows below its own. Most of the house names values of the
/// pool, so the pool stands at the bottom. `push` stands beside it, so that neither can name the other.
pub(crate) const ROWS: &[&[&str]] = &[
    &["transport", "simulator", "commit"],
    &["upstream", "push", "proto", "telemetry", "files", "held_bytes", "version"],
    &["status"],
    &["metrics", "sharer"],
    &["credential", "caller", "listener"],
    &["provider"],
    &["feed"],
    &["dispatch"],
    &["desk"],
    &["ingress"],
    &["config"],
    &["app"],
    &["cli"],
];

/// Crate roots stand outside the rows, since they declare every row.
pub(crate) const ROOTS: &[&str] = &["lib", "main"];

/// The names on the left may be used only in the places on the right.
pub(crate) const ONLY: &[(&[&str], &[&str])] = &[
    // The contract's generated types stop at the edge, so that no protocol leaks into what happens behind it.
    (&["crate::proto"], CONTRACT),
    (&["tonic", "tonic_health", "tonic_prost", "tonic_reflection", "tonic_types"], GRPC),
    (&["prost", "prost_reflect", "prost_types"], CONTRACT),
    // Whoever knows the configuration cannot be built by a test without it.
    (&["crate::config"], &["config", "app", "cli"]),
    // The command line starts simulators for people who try the gateway; nothing else may know them.
    (&["crate::simulator"], &["simulator", "cli"]),
    // The socket wrappers are a part of the pool. A server needs one of them, to gather its writes.
    (&["crate::transport"], &["transport", "upstream", "listener"]),
    // Only the two ends of a connection see its protocol.
    (&["h2"], &["simulator"]),
    // The demo's naive sender is the client that most programs have.
    (
        &["hyper", "hyper_rustls", "hyper_util"],
        &["upstream", "simulator", "listener", OTLP, "cli::gateway", "cli::demo::breaking"],
    ),
    // The rest of the house knows spans of `tracing` alone.
    (
        &["opentelemetry", "opentelemetry_sdk", "opentelemetry_proto", "tracing_opentelemetry"],
        &["telemetry::traces"],
    ),
];

/// Who speaks the contract's messages, and who speaks them by gRPC.
const CONTRACT: &[&str] =
    &["proto", "ingress::contract", "ingress::json", "ingress::grpc", "app", "cli", OTLP];

const GRPC: &[&str] = &["proto", "ingress::grpc", "app", "cli", OTLP];

/// Who calls collectors of traces, by gRPC and by HTTP.
const OTLP: &str = "telemetry::traces::otlp";

/// The places on the left never use the names on the right.
pub(crate) const NEVER: &[(&[&str], &[&str])] = &[
    // What is asked and in which words are values: tests of them need no runtime, no network and no clock.
    (
        &["push", "provider"],
        &[
            "tokio",
            "tokio_rustls",
            "tokio_stream",
            "tokio_util",
            "std::env",
            "std::fs",
            "std::net",
            "core::net",
            "std::process",
            "std::thread",
            "std::time::Instant::now",
            "std::time::Instant::elapsed",
            "std::time::SystemTime::now",
            "std::time::SystemTime::elapsed",
        ],
    ),
    // The core of the pool and the engine of HTTP/2 only decide: their events are drawn at random, which no clock, task or
    // lock may disturb.
    (
        &["upstream::core", "upstream::http2::engine"],
        &[
            "tokio",
            "tokio_rustls",
            "tokio_util",
            "futures_util",
            "h2",
            "hyper",
            "hyper_util",
            "crate::transport",
            "std::env",
            "std::fs",
            "std::net",
            "core::net",
            "std::process",
            "std::rc",
            "alloc::rc",
            "std::sync",
            "alloc::sync",
            "core::sync",
            "std::thread",
            "std::time::Instant::now",
            "std::time::Instant::elapsed",
            "std::time::SystemTime::now",
            "std::time::SystemTime::elapsed",
        ],
    ),
];

/// A crate of the workspace, and the packages that its manifest must not depend on.
pub(crate) struct Manifest {
    pub(crate) package: &'static str,
    /// Each bans its family as well: `tonic` is also `tonic-types`.
    pub(crate) banned: &'static [&'static str],
    /// Packages that tests of the crate may use all the same.
    pub(crate) allowed_in_tests: &'static [&'static str],
}

/// The compiler keeps the walls between crates; these lists keep the manifests from opening a door in them.
pub(crate) const MANIFESTS: &[Manifest] = &[
    Manifest {
        package: "fanfare-upstream",
        banned: &["fanfare", "prometheus-client", "prost", "tonic"],
        allowed_in_tests: &["fanfare-simulator"],
    },
    Manifest { package: "fanfare-simulator", banned: &["fanfare"], allowed_in_tests: &[] },
];
