//! Describes one run, for the parties that take part in it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::callers::Material;

/// The party under test, or what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// The gateway, with every feature on.
    Gateway,
    /// Raw part: a tonic echo of the same service.
    Echo,
    /// A hyper server over HTTP/1.1, which answers as a push proxy does.
    HyperEcho,
    /// Raw part: an h2 loop to the stand-in.
    H2Loop,
    /// Control: a loop that opens a connection for each push.
    Fresh,
    /// Control: a loop over one pooled hyper-util client.
    HyperUtil,
    /// Control: tonic in front of a connection for each push.
    FreshGateway,
    /// A loop over PUSHY, the APNs client in Java, where it can be had.
    Pushy,
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Echo => "tonic echo",
            Self::HyperEcho => "hyper echo",
            Self::H2Loop => "h2 loop",
            Self::Fresh => "connection per push",
            Self::HyperUtil => "hyper-util",
            Self::FreshGateway => "tonic + connection per push",
            Self::Pushy => "PUSHY",
        }
    }

    /// Whether the subject is a server that the load calls. The others are loops that make their own load.
    pub(crate) fn serves(self) -> bool {
        matches!(self, Self::Gateway | Self::Echo | Self::HyperEcho | Self::FreshGateway)
    }

    pub(crate) fn needs_standin(self) -> bool {
        !matches!(self, Self::Echo | Self::HyperEcho)
    }
}

/// How the load sends pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// A call each.
    Unary,
    /// Each push is a call. The next wave begins when the last answer of this one has come.
    Waves,
    /// There is one stream, with so many pushes in a message.
    Stream(usize),
    /// There is one stream, with so many addressees in a message.
    Multicast(usize),
    /// Each push is a call of a Mattermost server, on a connection of its own that is kept.
    Mattermost,
}

/// By what the gateway knows the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum KnownBy {
    /// The gateway has no callers in its configuration.
    Nothing,
    /// Its caller is whoever shows nothing.
    Anonymous,
    /// The client certificate of the connection, so the run has TLS.
    Certificate,
    /// A static key in each call.
    Key,
    /// A token, signed with ES256, in each call.
    Token,
}

/// Who watches the gateway during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum WatchedBy {
    Nobody,
    /// A collector, which is sent the traces of one push in a hundred.
    Collector,
    /// A browser that has the status page open.
    Page,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) subject: Subject,
    pub(crate) shape: Shape,
    pub(crate) in_flight: usize,
    /// How many connections the load has for calls. Streams have one.
    pub(crate) connections: usize,
    /// The length of the payload to the push service.
    pub(crate) body: usize,
    /// The latency of the stand-in's answers.
    pub(crate) latency: Duration,
    /// Whether the stand-in speaks TLS.
    pub(crate) tls: bool,
    /// Whether the gateway speaks TLS with the load.
    pub(crate) caller_tls: bool,
    pub(crate) known_by: KnownBy,
    pub(crate) watched_by: WatchedBy,
    /// Whether answers have a body of 80 bytes of JSON, which those of APNs do not have.
    pub(crate) json: bool,
    /// How many streams the stand-in allows on a connection.
    pub(crate) max_streams: u32,
    /// The stand-in sends GOAWAY after so many streams of a connection.
    pub(crate) goaway_every: Option<u32>,
    /// How many connections the gateway and the h2 loop may open.
    pub(crate) upstream_connections: usize,
    /// How many workers the subject's runtime has. With 0 it has one thread, whose allocations are counted.
    pub(crate) workers: usize,
    /// How many files the subject and the stand-in may have open.
    pub(crate) files: Option<u32>,
    /// Whether calls and a stream run before the section, so that nothing is fresher than in a service that has run for a while.
    pub(crate) mixed_warm_up: bool,
    pub(crate) warm_up: Duration,
    pub(crate) section: Duration,
}

impl Spec {
    pub(crate) fn new(subject: Subject, shape: Shape, in_flight: usize) -> Self {
        Self {
            subject,
            shape,
            in_flight,
            connections: if in_flight >= 50 { 2 } else { 1 },
            body: 200,
            latency: Duration::ZERO,
            tls: true,
            caller_tls: false,
            known_by: KnownBy::Nothing,
            watched_by: WatchedBy::Nobody,
            json: false,
            // There are more than the gateway uses, so that the h2 loop never queues inside h2.
            max_streams: 2000,
            goaway_every: None,
            upstream_connections: in_flight.div_ceil(1000),
            workers: 1,
            files: None,
            mixed_warm_up: false,
            warm_up: Duration::from_millis(500),
            section: Duration::from_secs(1),
        }
    }

    pub(crate) fn of(&self, subject: Subject) -> Self {
        Self { subject, ..self.clone() }
    }

    /// Whether the load and the gateway are to have something by which they know each other.
    pub(crate) fn needs_material(&self) -> bool {
        self.caller_tls || self.known_by != KnownBy::Nothing
    }

    /// How long the steps of a run may take, beside what a party is waited for anyway.
    pub(crate) fn longest(&self) -> Duration {
        2 * self.warm_up + self.section + 2 * self.latency
    }
}

/// The address of the stand-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) port: u16,
    /// The port of the collector of traces beside it, if there is one.
    pub(crate) collector: Option<u16>,
    /// The PEM of its certificate, if it speaks TLS.
    pub(crate) ca: Option<String>,
}

/// Everything that a party is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) role: Role,
    pub(crate) spec: Spec,
    pub(crate) upstream: Option<Upstream>,
    /// The port that the load calls.
    pub(crate) server: Option<u16>,
    /// The port where the server tells how it is, if it does.
    pub(crate) admin: Option<u16>,
    /// What the load shows to the gateway, if it shows anything or speaks TLS.
    pub(crate) material: Option<Material>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Load,
    Standin,
    Subject,
}
