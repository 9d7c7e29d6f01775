//! What one run is, as the parties are told it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The party under test, or what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// The gateway, every feature on.
    Gateway,
    /// Raw part: a tonic echo of the same service.
    Echo,
    /// Raw part: an h2 loop to the stand-in.
    H2Loop,
    /// Control: a loop that opens a connection for each push.
    Fresh,
    /// Control: a loop over one pooled hyper-util client.
    HyperUtil,
    /// Control: tonic in front of a connection for each push.
    FreshGateway,
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Echo => "tonic echo",
            Self::H2Loop => "h2 loop",
            Self::Fresh => "connection per push",
            Self::HyperUtil => "hyper-util",
            Self::FreshGateway => "tonic + connection per push",
        }
    }

    /// Whether it is a gRPC server that the load calls; the others are loops of their own.
    pub(crate) fn serves(self) -> bool {
        matches!(self, Self::Gateway | Self::Echo | Self::FreshGateway)
    }

    pub(crate) fn needs_standin(self) -> bool {
        self != Self::Echo
    }
}

/// How pushes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// A call each.
    Unary,
    /// A call each; the next wave begins when the last answer of this one came.
    Waves,
    /// One stream, so many pushes in a message.
    Stream(usize),
    /// One stream, so many addressees in a message.
    Multicast(usize),
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) subject: Subject,
    pub(crate) shape: Shape,
    pub(crate) in_flight: usize,
    /// Connections of the load, for calls; streams have one.
    pub(crate) connections: usize,
    /// Bytes of the payload to the push service.
    pub(crate) body: usize,
    /// Of the stand-in's answers.
    pub(crate) latency: Duration,
    pub(crate) tls: bool,
    /// The answer has a body of 80 bytes of JSON, where APNs has none.
    pub(crate) json: bool,
    /// Streams that the stand-in allows on a connection.
    pub(crate) max_streams: u32,
    /// The stand-in sends GOAWAY after so many streams of a connection.
    pub(crate) goaway_every: Option<u32>,
    /// Connections that the gateway and the h2 loop may open.
    pub(crate) upstream_connections: usize,
    /// Workers of the subject's runtime. 0: one thread, whose allocations are counted.
    pub(crate) workers: usize,
    /// Open files of the subject and the stand-in.
    pub(crate) files: Option<u32>,
    /// Calls and a stream before the section, so that nothing is as fresh as it never is.
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
            json: false,
            // More than the gateway uses, so that the h2 loop never queues inside h2.
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
}

/// Where a push service stands in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) port: u16,
    /// Of its certificate, where it speaks TLS.
    pub(crate) ca: Option<String>,
}

/// What a party is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) role: Role,
    pub(crate) spec: Spec,
    pub(crate) upstream: Option<Upstream>,
    /// Where the load calls.
    pub(crate) server: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Load,
    Standin,
    Subject,
}
