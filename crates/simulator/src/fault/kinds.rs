//! The faults: everything that a test can make go wrong.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::parts::{Front, GoAway, HangUp, Phase, Refusal, ScriptedAnswer};

/// Something that goes wrong.
///
/// In JSON a fault is written as its name in snake case, with its value if it has one: `"silence"`, `{"delay": "2s"}`,
/// `{"goaway": {"last": "before_this"}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    // --- the answer ------------------------------------------------------------
    /// The service gives this answer instead of the true one.
    Answer(ScriptedAnswer),
    /// The service refuses the request, in its own words.
    Refuse(Refusal),
    /// A reverse proxy answers with its page instead of the service.
    Front(Front),
    /// The true answer comes this much later.
    Delay(#[serde(with = "humantime_serde")] Duration),
    /// The request is read in full and never answered.
    Silence,
    /// The answer is status 200 and nothing more: the stream stays open.
    HeadersWithoutBody,
    /// The answer has headers and the beginning of a body that never ends.
    BodyWithoutEnd,
    /// The answer is a 400 whose body has this many bytes.
    HugeBody(usize),
    /// The answer is a 400 whose body comes a byte at a time.
    Trickle {
        /// The pause before each byte.
        #[serde(with = "humantime_serde")]
        every: Duration,
    },

    // --- the stream ------------------------------------------------------------
    /// The stream is reset with this code.
    ResetStream {
        /// The error code. Source: RFC 9113, 7.
        code: u32,
        /// At which point of the exchange the stream is reset.
        #[serde(default)]
        at: Phase,
    },
    /// The stream is reset twice, first with REFUSED_STREAM and then with STREAM_CLOSED, as APNs does when the HEADERS
    /// and the DATA of a refused request were both under way. Source: jchambers/pushy#476.
    RefuseThenClosed,

    // --- the connection --------------------------------------------------------
    /// A GOAWAY is sent.
    #[serde(rename = "goaway")]
    GoAway(GoAway),
    /// A GOAWAY with the last stream id 2^31-1 is sent, and after `pause` the final one with the highest id that
    /// arrived. Then the connection closes once its streams are done. Source: RFC 9113, 6.8.
    #[serde(rename = "graceful_goaway")]
    GracefulGoAway {
        /// The pause between the two.
        #[serde(with = "humantime_serde")]
        pause: Duration,
        /// The reason in the debug data of both.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// SETTINGS with this MAX_CONCURRENT_STREAMS are sent.
    SetMaxStreams(u32),
    /// The connection ends.
    HangUp {
        /// Whether it ends in order or with a reset.
        how: HangUp,
        /// At which point of the exchange it ends.
        #[serde(default)]
        at: Phase,
    },
    /// Nothing is read, written or closed any more, as if the machine had lost its network.
    HalfOpen,
    /// From now on at most `bytes` are written in each step of `every`.
    Throttle {
        /// How many bytes are written in each step.
        bytes: usize,
        /// How long each step takes.
        #[serde(with = "humantime_serde")]
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
    /// The TLS handshake succeeds, and then nothing is ever sent, not even SETTINGS.
    NoSettings,
}
