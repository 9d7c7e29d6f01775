//! Asks the service behind a listener for its answer, so that connections need not know the services.

use http::request::Parts;

use super::apns::{self, Session};
use super::body::{self, Body, Decrypted};
use super::decision::Decision;
use super::fault::Refusal;
use super::service::Service;
use super::shared::Shared;
use super::{fcm, mattermost, webpush};

/// A request that was read in full.
pub(super) struct ReceivedRequest<'a> {
    pub(super) shared: &'a Shared,
    /// Who asks, on a connection to APNs.
    pub(super) session: Option<&'a Session>,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Body,
}

impl Service {
    /// Decides the true answer to a request.
    pub(super) fn decide(self, ask: &ReceivedRequest<'_>) -> Decision {
        let ReceivedRequest { shared, session, parts, body } = ask;
        match (self, session) {
            (Self::Apns(environment), Some(session)) => {
                apns::decide(&shared.apns, session, environment, parts, body)
            }
            (Self::Apns(_), None) => Decision::wrong_version(),
            (Self::Fcm, _) => fcm::decide(&shared.fcm, parts, body),
            (Self::GoogleMetadata, _) => fcm::metadata(&shared.fcm, parts),
            (Self::Mattermost, _) => mattermost::decide(&shared.mattermost, parts, body),
            (Self::WebPush, _) => webpush::decide(&shared.web_push, parts, body),
        }
    }

    /// Returns the answer that a fault asks for, in the form of this service.
    pub(super) fn scripted_answer(self, parts: &Parts, status: u16, reason: Option<&str>) -> Decision {
        match self {
            Self::Apns(environment) => apns::scripted_answer(parts, environment, status, reason),
            Self::Fcm | Self::GoogleMetadata => fcm::scripted_answer(parts, status, reason),
            Self::Mattermost => mattermost::scripted_answer(status, reason),
            Self::WebPush => webpush::scripted_answer(parts, status, reason),
        }
    }

    /// Returns the refusal that a fault asks for, in the words of this service.
    pub(super) fn refuse(self, shared: &Shared, parts: &Parts, refusal: Refusal) -> Decision {
        match self {
            Self::Apns(environment) => apns::refuse(parts, environment, refusal),
            Self::Fcm => fcm::refuse(&shared.fcm, parts, refusal),
            Self::GoogleMetadata => fcm::scripted_answer(parts, fcm::metadata_status(refusal), None),
            Self::Mattermost => mattermost::refuse(refusal),
            Self::WebPush => webpush::refuse(&shared.web_push, parts, refusal),
        }
    }

    /// Decrypts a body for the receiver that it was encrypted for.
    pub(super) fn decrypt(self, shared: &Shared, parts: &Parts, body: &Body) -> Option<Decrypted> {
        match self {
            Self::WebPush => webpush::decrypt(&shared.web_push, parts, body),
            Self::Apns(_) | Self::Fcm | Self::GoogleMetadata | Self::Mattermost => None,
        }
    }

    /// How many bytes of a body the service looks at.
    pub(super) fn reads_at_most(self) -> usize {
        match self {
            Self::Mattermost => body::MAX_READ_UNLIMITED,
            Self::Apns(_) | Self::Fcm | Self::GoogleMetadata | Self::WebPush => body::MAX_READ,
        }
    }

    /// Whether the body names the device, and not the path.
    pub(super) fn names_token_in_body(self) -> bool {
        matches!(self, Self::Fcm | Self::Mattermost)
    }

    /// Returns the device that the body names.
    pub(super) fn token_in(self, parts: &Parts, body: &Body) -> Option<String> {
        match self {
            Self::Apns(_) | Self::GoogleMetadata | Self::WebPush => None,
            Self::Fcm => fcm::token_in(parts, body),
            Self::Mattermost => mattermost::device_id_in(parts, body),
        }
    }
}
