//! The faults that strike before there is a request.

use super::Fault;

/// The faults that strike before the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    RefuseTcp,
    RefuseTls,
    SilentTls,
    WrongName,
    ExpiredCertificate,
    NoSettings,
}

impl Fault {
    /// The fault as one that strikes before the first request, if it is one.
    pub(crate) fn opening(&self) -> Option<Opening> {
        match self {
            Self::RefuseTcp => Some(Opening::RefuseTcp),
            Self::RefuseTls => Some(Opening::RefuseTls),
            Self::SilentTls => Some(Opening::SilentTls),
            Self::WrongName => Some(Opening::WrongName),
            Self::ExpiredCertificate => Some(Opening::ExpiredCertificate),
            Self::NoSettings => Some(Opening::NoSettings),
            Self::Answer(_)
            | Self::Refuse(_)
            | Self::Front(_)
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
