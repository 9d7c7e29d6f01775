//! The faults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::parts::{Answer, Front, GoAway, HangUp, Phase, Refusal};

/// Something that goes wrong. The names in front tell where it strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    // --- the answer ------------------------------------------------------------
    /// This answer instead of the true one.
    Answer(Answer),
    /// This refusal instead, in the words of the service that was asked.
    Refuse(Refusal),
    /// The page of a reverse proxy instead.
    Front(Front),
    /// The true answer, later.
    Delay(#[serde(with = "humantime_serde")] Duration),
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
        #[serde(with = "humantime_serde")]
        every: Duration,
    },

    // --- the stream ------------------------------------------------------------
    /// RST_STREAM with this code.
    ResetStream {
        /// The error code. Source: RFC 9113, 7.
        code: u32,
        /// At which point of the exchange.
        #[serde(default)]
        at: Phase,
    },
    /// RST_STREAM twice, first REFUSED_STREAM then STREAM_CLOSED, as APNs does when the HEADERS
    /// and the DATA of a refused request were both under way. Source: jchambers/pushy#476.
    RefuseThenClosed,

    // --- the connection --------------------------------------------------------
    /// GOAWAY.
    #[serde(rename = "goaway")]
    GoAway(GoAway),
    /// GOAWAY with the last stream id 2^31-1, and after `pause` the final one with the highest id
    /// seen; then the connection closes when its streams are done. Source: RFC 9113, 6.8.
    #[serde(rename = "graceful_goaway")]
    GracefulGoAway {
        /// The pause between the two.
        #[serde(with = "humantime_serde")]
        pause: Duration,
        /// The reason in the debug data of both.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// SETTINGS with this MAX_CONCURRENT_STREAMS.
    SetMaxStreams(u32),
    /// The connection ends.
    HangUp {
        /// Politely or not.
        how: HangUp,
        /// At which point of the exchange.
        #[serde(default)]
        at: Phase,
    },
    /// Nothing is read, written or closed any more.
    HalfOpen,
    /// From now on at most `bytes` are written per `every`.
    Throttle {
        /// Bytes per step.
        bytes: usize,
        /// The step.
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
    /// The TLS handshake succeeds, then nothing is ever said: no SETTINGS.
    NoSettings,
}
