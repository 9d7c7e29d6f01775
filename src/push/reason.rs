//! The codes that say why a push was not delivered.

/// Why, in the gateway's own words. The contract's `Reason` documents each.
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
}
