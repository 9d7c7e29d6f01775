//! Why a connection cannot go on.

use crate::error_code::ErrorCode;

/// Why a connection cannot go on: the peer broke a rule of HTTP/2, or a bound of this client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {what}")]
pub(crate) struct Violation {
    /// The code that the peer is told.
    pub(crate) code: ErrorCode,
    /// What the peer did.
    pub(crate) what: &'static str,
}

impl Violation {
    pub(super) fn protocol(what: &'static str) -> Self {
        Self { code: ErrorCode::PROTOCOL_ERROR, what }
    }

    pub(super) fn frame_size(what: &'static str) -> Self {
        Self { code: ErrorCode::FRAME_SIZE_ERROR, what }
    }

    pub(super) fn flow_control(what: &'static str) -> Self {
        Self { code: ErrorCode::FLOW_CONTROL_ERROR, what }
    }

    pub(super) fn compression(what: &'static str) -> Self {
        Self { code: ErrorCode::COMPRESSION_ERROR, what }
    }

    pub(super) fn too_much(what: &'static str) -> Self {
        Self { code: ErrorCode::ENHANCE_YOUR_CALM, what }
    }
}
