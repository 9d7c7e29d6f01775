//! The names of reasons in metrics and in the details of errors.

use crate::push::Reason;

/// The name of a reason, which is the contract's without its prefix.
pub(crate) fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::FieldRequired => "FIELD_REQUIRED",
        Reason::FieldInvalid => "FIELD_INVALID",
        Reason::FieldTooLarge => "FIELD_TOO_LARGE",
        Reason::FieldsConflict => "FIELDS_CONFLICT",
        Reason::AppUnknown => "APP_UNKNOWN",
        Reason::ProviderNotConfigured => "PROVIDER_NOT_CONFIGURED",
        Reason::TopicNotAllowed => "TOPIC_NOT_ALLOWED",
        Reason::RawBodyInvalid => "RAW_BODY_INVALID",
        Reason::PayloadOverLimit => "PAYLOAD_OVER_LIMIT",
        Reason::Overloaded => "OVERLOADED",
        Reason::Draining => "DRAINING",
        Reason::Expired => "EXPIRED",
        Reason::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Reason::BreakerOpen => "BREAKER_OPEN",
        Reason::NotPermitted => "NOT_PERMITTED",
        Reason::ClientNotReading => "CLIENT_NOT_READING",
        Reason::GatewayBug => "GATEWAY_BUG",
        Reason::NotSupported => "NOT_SUPPORTED",
        Reason::UpstreamAnswered => "UPSTREAM_ANSWERED",
        Reason::UpstreamUnreachable => "UPSTREAM_UNREACHABLE",
        Reason::UpstreamRefused => "UPSTREAM_REFUSED",
        Reason::AnswerTimeout => "ANSWER_TIMEOUT",
        Reason::ConnectionLost => "CONNECTION_LOST",
        Reason::AnswerUnreadable => "ANSWER_UNREADABLE",
        Reason::CredentialMissing => "CREDENTIAL_MISSING",
    }
}
