//! The rules of the house, as data: a rule is added or changed here and nowhere else.
//!
//! A place is a module of this repository, written without its crate: `dispatch::window` or `upstream::pool`. It
//! includes what is below it. A name is a path: `crate::proto` is a place of this repository, `h2` another crate.

/// Parts of the house by the path that leads to them, so that a place keeps its name when it becomes a crate.
pub(crate) const PARTS: &[(&str, &str)] = &[
    ("fanfare_upstream::transport", "transport"),
    ("fanfare_upstream", "upstream"),
    ("fanfare_simulator", "simulator"),
    ("fanfare", ""),
];

/// Rows from the bottom up: a place names only places of rows below its own.
pub(crate) const ROWS: &[&[&str]] = &[
    &["push", "proto", "transport", "telemetry", "files", "simulator"],
    &["metrics"],
    &["upstream"],
    &["credential"],
    &["provider"],
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
    (&["crate::proto"], &["proto", "ingress::grpc", "app", "cli"]),
    (&["tonic", "tonic_health", "tonic_prost", "tonic_reflection", "tonic_types"], GRPC),
    (&["prost", "prost_reflect", "prost_types"], GRPC),
    // Whoever knows the configuration cannot be built by a test without it.
    (&["crate::config"], &["config", "app", "cli"]),
    // The command line starts simulators for people who try the gateway; nothing else may know them.
    (&["crate::simulator"], &["simulator", "lib", "cli"]),
    // Only the two ends of a connection see its protocol.
    (&["h2", "hyper", "hyper_util"], &["upstream", "simulator"]),
];

const GRPC: &[&str] = &["proto", "ingress::grpc", "app", "cli"];

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
            "std::time::SystemTime::now",
        ],
    ),
    // The core of the pool only decides: its events are drawn at random, which no clock, task or lock may disturb.
    (
        &["upstream::core"],
        &[
            "tokio::net",
            "tokio::spawn",
            "tokio::sync",
            "tokio::task",
            "tokio::time::Instant::now",
            "tokio::time::sleep",
            "std::net",
            "std::sync",
            "std::thread",
            "std::time::Instant::now",
            "std::time::SystemTime::now",
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

/// Circles that are still there: files of one part that need each other, and therefore are only understood together. A
/// file is written as its place; `provider::*` is every file of `provider`. Each row is a debt, so rows only go away.
pub(crate) const KNOWN_CIRCLES: &[&[&str]] = &[
    &["app", "app::routes"],
    &["cli", "cli::batch", "cli::check", "cli::demo", "cli::send", "cli::serve", "cli::vapid_key"],
    &[
        "cli::batch::item",
        "cli::batch::journal",
        "cli::batch::progress",
        "cli::batch::results",
        "cli::batch::summary",
    ],
    &["cli::batch::message", "cli::batch::stream", "cli::batch::worker"],
    &["config", "config::resolve"],
    &[
        "credential",
        "credential::apns",
        "credential::google",
        "credential::google::answer",
        "credential::vapid",
        "credential::vapid::key",
    ],
    &["credential::google::grant", "credential::google::source"],
    &["dispatch", "dispatch::request"],
    &["dispatch::kinds", "dispatch::route"],
    &[
        "ingress::grpc",
        "ingress::grpc::admit",
        "ingress::grpc::batch",
        "ingress::grpc::batch::task",
        "ingress::grpc::items",
        "ingress::grpc::pushes",
        "ingress::grpc::single",
        "ingress::grpc::started",
    ],
    &["ingress::grpc::decode", "ingress::grpc::decode::check"],
    &["provider::*"],
    &["simulator::*"],
    &["transport", "transport::counted"],
    &[
        "upstream",
        "upstream::addresses",
        "upstream::choice",
        "upstream::connect",
        "upstream::connection",
        "upstream::http1",
        "upstream::http1::driver",
        "upstream::http2",
        "upstream::http2::exchange",
        "upstream::http2::orphan",
        "upstream::http2::outbox",
        "upstream::http2::owner",
        "upstream::peers",
        "upstream::permit",
        "upstream::pool",
        "upstream::waiters",
    ],
    &["upstream::connect_error", "upstream::peer", "upstream::proxy"],
];
