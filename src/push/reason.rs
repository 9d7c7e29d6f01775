//! Why a push has its outcome.

/// Why a push has its outcome, as a code. The contract's `Reason` documents each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented in push.proto, one to one")]
pub enum Reason {
    FieldRequired,
    FieldInvalid,
    FieldTooLarge,
    FieldsConflict,
    AppUnknown,
    ProviderNotConfigured,
    TopicNotAllowed,
    RawBodyInvalid,
    PayloadOverLimit,
    Overloaded,
    Draining,
    Expired,
    DeadlineExceeded,
    BreakerOpen,
    NotPermitted,
    ClientNotReading,
    GatewayBug,
    NotSupported,
    UpstreamAnswered,
    UpstreamUnreachable,
    UpstreamRefused,
    AnswerTimeout,
    ConnectionLost,
    AnswerUnreadable,
    CredentialMissing,
    CallerUnknown,
    CallerOverRate,
    Paced,
    IdReused,
}

impl Reason {
    /// The reasons for which a push is refused before it is admitted, in the order of the contract.
    pub(crate) const BEFORE_ADMISSION: [Self; 18] = [
        Self::FieldRequired,
        Self::FieldInvalid,
        Self::FieldTooLarge,
        Self::FieldsConflict,
        Self::AppUnknown,
        Self::ProviderNotConfigured,
        Self::TopicNotAllowed,
        Self::RawBodyInvalid,
        Self::PayloadOverLimit,
        Self::Overloaded,
        Self::Draining,
        Self::Expired,
        Self::DeadlineExceeded,
        Self::NotPermitted,
        Self::ClientNotReading,
        Self::GatewayBug,
        Self::NotSupported,
        Self::CallerOverRate,
    ];

    /// Returns its name in metrics and in the details of errors, which is the contract's without its prefix.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FieldRequired => "FIELD_REQUIRED",
            Self::FieldInvalid => "FIELD_INVALID",
            Self::FieldTooLarge => "FIELD_TOO_LARGE",
            Self::FieldsConflict => "FIELDS_CONFLICT",
            Self::AppUnknown => "APP_UNKNOWN",
            Self::ProviderNotConfigured => "PROVIDER_NOT_CONFIGURED",
            Self::TopicNotAllowed => "TOPIC_NOT_ALLOWED",
            Self::RawBodyInvalid => "RAW_BODY_INVALID",
            Self::PayloadOverLimit => "PAYLOAD_OVER_LIMIT",
            Self::Overloaded => "OVERLOADED",
            Self::Draining => "DRAINING",
            Self::Expired => "EXPIRED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::BreakerOpen => "BREAKER_OPEN",
            Self::NotPermitted => "NOT_PERMITTED",
            Self::ClientNotReading => "CLIENT_NOT_READING",
            Self::GatewayBug => "GATEWAY_BUG",
            Self::NotSupported => "NOT_SUPPORTED",
            Self::UpstreamAnswered => "UPSTREAM_ANSWERED",
            Self::UpstreamUnreachable => "UPSTREAM_UNREACHABLE",
            Self::UpstreamRefused => "UPSTREAM_REFUSED",
            Self::AnswerTimeout => "ANSWER_TIMEOUT",
            Self::ConnectionLost => "CONNECTION_LOST",
            Self::AnswerUnreadable => "ANSWER_UNREADABLE",
            Self::CredentialMissing => "CREDENTIAL_MISSING",
            Self::CallerUnknown => "CALLER_UNKNOWN",
            Self::CallerOverRate => "CALLER_OVER_RATE",
            Self::Paced => "PACED",
            Self::IdReused => "ID_REUSED",
        }
    }
}
