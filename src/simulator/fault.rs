//! What can go wrong, and when.

use std::time::Duration;

use bytes::Bytes;

use super::Service;

/// A fault and when it strikes.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// When it strikes.
    pub when: Trigger,
    /// What happens.
    pub fault: Fault,
    /// How often at most; [`FaultRule::ALWAYS`] never wears out.
    pub times: u32,
}

impl FaultRule {
    /// For [`FaultRule::times`]: without end.
    pub const ALWAYS: u32 = u32::MAX;

    /// A fault that strikes once.
    pub fn once(when: Trigger, fault: Fault) -> Self {
        Self { when, fault, times: 1 }
    }

    /// A fault that never wears out.
    pub fn always(when: Trigger, fault: Fault) -> Self {
        Self { when, fault, times: Self::ALWAYS }
    }
}

/// When a fault strikes. Numbers start at 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// At every connection (for an opening fault) or every request (for any other).
    Always,
    /// At connection `n`, counted over both listeners; for other faults, at its requests.
    Connection(u64),
    /// At every connection to this listener; for other faults, at the requests on it.
    Service(Service),
    /// At the n-th request that arrives, over all connections.
    Request(u64),
    /// At the n-th request of connection `connection`.
    RequestOf {
        /// The connection's number.
        connection: u64,
        /// The request's place on it.
        request: u64,
    },
    /// At the n-th request of every connection.
    RequestOfEach(u64),
    /// At a push to this device token; of Web Push, to the subscription with this path and query.
    DeviceToken(String),
    /// At a request whose path starts so.
    PathPrefix(String),
    /// At this share of the connections or requests, 0 to 1, drawn from the simulator's seed.
    Probability(f64),
}

/// Something that goes wrong. The names in front tell where it strikes.
#[derive(Clone, Debug)]
pub enum Fault {
    // --- the answer ------------------------------------------------------------
    /// This answer instead of the true one.
    Answer(Answer),
    /// The true answer, later.
    Delay(Duration),
    /// The request is read in full and never answered.
    Silence,
    /// Status 200 and no more: the stream stays open.
    HeadersWithoutBody,
    /// Headers and a piece of a body that never ends.
    BodyWithoutEnd,
    /// A 400 with a body of so many bytes.
    HugeBody(usize),
    /// A 400 whose body comes a byte at a time.
    Trickle {
        /// The pause before each byte.
        every: Duration,
    },

    // --- the stream ------------------------------------------------------------
    /// RST_STREAM with this code.
    ResetStream {
        /// The error code. Source: RFC 9113, 7.
        code: u32,
        /// At which point of the exchange.
        at: Phase,
    },
    /// RST_STREAM twice, first REFUSED_STREAM then STREAM_CLOSED, as APNs does when the HEADERS
    /// and the DATA of a refused request were both under way. Source: jchambers/pushy#476.
    RefuseThenClosed,

    // --- the connection --------------------------------------------------------
    /// GOAWAY.
    GoAway(GoAway),
    /// GOAWAY with the last stream id 2^31-1, and after `pause` the final one with the highest id
    /// seen; then the connection closes when its streams are done. Source: RFC 9113, 6.8.
    GracefulGoAway {
        /// The pause between the two.
        pause: Duration,
        /// The reason in the debug data of both.
        reason: Option<String>,
    },
    /// SETTINGS with this MAX_CONCURRENT_STREAMS.
    SetMaxStreams(u32),
    /// The connection ends.
    HangUp {
        /// Politely or not.
        how: HangUp,
        /// At which point of the exchange.
        at: Phase,
    },
    /// Nothing is read, written or closed any more.
    HalfOpen,
    /// From now on at most `bytes` are written per `every`.
    Throttle {
        /// Bytes per step.
        bytes: usize,
        /// The step.
        every: Duration,
    },

    // --- before the first request ----------------------------------------------
    /// The TCP connection is reset as soon as it is accepted.
    RefuseTcp,
    /// The handshake is answered with a fatal alert.
    RefuseTls,
    /// The handshake is never answered.
    SilentTls,
    /// The certificate is for another name.
    WrongName,
    /// The certificate has expired.
    ExpiredCertificate,
    /// The TLS handshake succeeds, then nothing is ever said: no SETTINGS.
    NoSettings,
}

/// A scripted answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The HTTP status; 0 stands for 200.
    pub status: u16,
    /// The `reason` of a JSON body. Ignored if `body` is set.
    pub reason: Option<String>,
    /// The body, whatever it is.
    pub body: Option<Bytes>,
    /// Into how many DATA frames the body is cut; 0 and 1 stand for one.
    pub pieces: usize,
    /// It is that of something in front of the service: none of the service's own headers.
    pub foreign: bool,
    /// Headers beside the usual ones.
    pub headers: Vec<(String, String)>,
    /// Trailers after the body.
    pub trailers: Vec<(String, String)>,
}

impl Answer {
    /// A refusal with APNs' JSON body.
    pub fn refusal(status: u16, reason: &str) -> Self {
        Self { status, reason: Some(reason.to_owned()), ..Self::default() }
    }
}

/// A point of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The request's headers have come; the body is not read.
    BeforeBody,
    /// A first piece of the body has come; its end is not looked at.
    DuringBody,
    /// The request was read in full; no answer goes out.
    AfterBody,
    /// The answer's headers went out, its body did not.
    AfterAnswerHeaders,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// What is queued is written, then TLS `close_notify` and FIN.
    Fin,
    /// TCP RST.
    Reset,
}

/// A GOAWAY frame and what follows it.
#[derive(Clone, Debug)]
pub struct GoAway {
    /// The last stream that will be served.
    pub last: LastId,
    /// The error code. Source: RFC 9113, 7.
    pub code: u32,
    /// Sent as the debug data `{"reason":"…"}`, APNs' form. Source: Apple, "Sending notification
    /// requests to APNs".
    pub reason: Option<String>,
    /// What follows.
    pub then: Then,
}

/// The last stream id of a GOAWAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastId {
    /// The stream of the request that set the fault off; [`LastId::Highest`] without one.
    This,
    /// The stream before it: the request itself is excluded.
    BeforeThis,
    /// The highest id that arrived: nothing in flight is excluded.
    Highest,
    /// This id.
    Exact(u32),
}

/// What follows a GOAWAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The streams at or below the last id are served, then the connection closes.
    Drain,
    /// The streams at or below the last id are served, and closing is left to the client.
    Serve,
    /// The connection ends as soon as the GOAWAY is written.
    HangUp(HangUp),
}

/// The faults that strike before the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    RefuseTcp,
    RefuseTls,
    SilentTls,
    WrongName,
    ExpiredCertificate,
    NoSettings,
}

impl Fault {
    /// The fault as one that strikes before the first request, if it is one.
    pub(super) fn opening(&self) -> Option<Opening> {
        match self {
            Self::RefuseTcp => Some(Opening::RefuseTcp),
            Self::RefuseTls => Some(Opening::RefuseTls),
            Self::SilentTls => Some(Opening::SilentTls),
            Self::WrongName => Some(Opening::WrongName),
            Self::ExpiredCertificate => Some(Opening::ExpiredCertificate),
            Self::NoSettings => Some(Opening::NoSettings),
            Self::Answer(_)
            | Self::Delay(_)
            | Self::Silence
            | Self::HeadersWithoutBody
            | Self::BodyWithoutEnd
            | Self::HugeBody(_)
            | Self::Trickle { .. }
            | Self::ResetStream { .. }
            | Self::RefuseThenClosed
            | Self::GoAway(_)
            | Self::GracefulGoAway { .. }
            | Self::SetMaxStreams(_)
            | Self::HangUp { .. }
            | Self::HalfOpen
            | Self::Throttle { .. } => None,
        }
    }
}
