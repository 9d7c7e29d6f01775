//! Tells the faults that strike before there is a request from all others.

use super::kinds::Fault;

/// The faults that strike before the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpeningFault {
    RefuseTcp,
    RefuseTls,
    SilentTls,
    WrongName,
    ExpiredCertificate,
    NoSettings,
}

impl Fault {
    /// Returns the fault as one that strikes before the first request, if it does.
    pub(crate) fn opening(&self) -> Option<OpeningFault> {
        match self {
            Self::RefuseTcp => Some(OpeningFault::RefuseTcp),
            Self::RefuseTls => Some(OpeningFault::RefuseTls),
            Self::SilentTls => Some(OpeningFault::SilentTls),
            Self::WrongName => Some(OpeningFault::WrongName),
            Self::ExpiredCertificate => Some(OpeningFault::ExpiredCertificate),
            Self::NoSettings => Some(OpeningFault::NoSettings),
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
