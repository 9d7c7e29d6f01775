//! A result becomes a message.

use crate::desk::Settled;
use crate::proto;
use crate::push::{Delivery, Outcome, ProviderKind, Reason, TokenAction};

/// The result of a push, as the contract says it.
pub(in super::super) fn settled(settled: Settled) -> proto::PushResult {
    let Settled { index, id, result, labels, .. } = settled;
    proto::PushResult {
        index: index.cast_signed(),
        id,
        labels: labels.into_labels(),
        outcome: outcome(result.outcome).into(),
        delivery: delivery(result.delivery).into(),
        token_action: token_action(result.token_action).into(),
        retryable: result.retryable,
        // A wait comes from an answer, and was capped there far below what a Duration holds.
        retry_after: result.retry_after.and_then(|wait| wait.try_into().ok()),
        reason: result.reason.map_or(proto::Reason::Unspecified, reason).into(),
        detail: result.detail.into_owned(),
        field: result.field.into_owned(),
        provider: result.provider.map_or(0, ProviderKind::contract_number),
        upstream_status: result.upstream_status.unwrap_or(0).into(),
        upstream_reason: result.upstream_reason,
        upstream_id: result.upstream_id,
        token_invalid_since: result.token_invalid_since.map(Into::into),
        attempts: result.attempts.cast_signed(),
        of_first: result.of_first,
    }
}

pub(in super::super) fn outcome(it: Outcome) -> proto::Outcome {
    match it {
        Outcome::Accepted => proto::Outcome::Accepted,
        Outcome::Unregistered => proto::Outcome::Unregistered,
        Outcome::InvalidToken => proto::Outcome::InvalidToken,
        Outcome::InvalidPush => proto::Outcome::InvalidPush,
        Outcome::PayloadTooLarge => proto::Outcome::PayloadTooLarge,
        Outcome::Credential => proto::Outcome::Credential,
        Outcome::RateLimited => proto::Outcome::RateLimited,
        Outcome::UpstreamUnavailable => proto::Outcome::UpstreamUnavailable,
        Outcome::Internal => proto::Outcome::Internal,
        Outcome::Unconfirmed => proto::Outcome::Unconfirmed,
        Outcome::NotAttempted => proto::Outcome::NotAttempted,
        Outcome::Validated => proto::Outcome::Validated,
    }
}

fn delivery(it: Delivery) -> proto::Delivery {
    match it {
        Delivery::No => proto::Delivery::No,
        Delivery::Accepted => proto::Delivery::Accepted,
        Delivery::Maybe => proto::Delivery::Maybe,
    }
}

fn token_action(it: TokenAction) -> proto::TokenAction {
    match it {
        TokenAction::Keep => proto::TokenAction::Keep,
        TokenAction::Delete => proto::TokenAction::Delete,
        TokenAction::Quarantine => proto::TokenAction::Quarantine,
    }
}

fn reason(it: Reason) -> proto::Reason {
    match it {
        Reason::FieldRequired => proto::Reason::FieldRequired,
        Reason::FieldInvalid => proto::Reason::FieldInvalid,
        Reason::FieldTooLarge => proto::Reason::FieldTooLarge,
        Reason::FieldsConflict => proto::Reason::FieldsConflict,
        Reason::AppUnknown => proto::Reason::AppUnknown,
        Reason::ProviderNotConfigured => proto::Reason::ProviderNotConfigured,
        Reason::TopicNotAllowed => proto::Reason::TopicNotAllowed,
        Reason::RawBodyInvalid => proto::Reason::RawBodyInvalid,
        Reason::PayloadOverLimit => proto::Reason::PayloadOverLimit,
        Reason::Overloaded => proto::Reason::Overloaded,
        Reason::Draining => proto::Reason::Draining,
        Reason::Expired => proto::Reason::Expired,
        Reason::DeadlineExceeded => proto::Reason::DeadlineExceeded,
        Reason::BreakerOpen => proto::Reason::BreakerOpen,
        Reason::NotPermitted => proto::Reason::NotPermitted,
        Reason::ClientNotReading => proto::Reason::ClientNotReading,
        Reason::GatewayBug => proto::Reason::GatewayBug,
        Reason::NotSupported => proto::Reason::NotSupported,
        Reason::UpstreamAnswered => proto::Reason::UpstreamAnswered,
        Reason::UpstreamUnreachable => proto::Reason::UpstreamUnreachable,
        Reason::UpstreamRefused => proto::Reason::UpstreamRefused,
        Reason::AnswerTimeout => proto::Reason::AnswerTimeout,
        Reason::ConnectionLost => proto::Reason::ConnectionLost,
        Reason::AnswerUnreadable => proto::Reason::AnswerUnreadable,
        Reason::CredentialMissing => proto::Reason::CredentialMissing,
        Reason::CallerUnknown => proto::Reason::CallerUnknown,
        Reason::CallerOverRate => proto::Reason::CallerOverRate,
        Reason::Paced => proto::Reason::Paced,
        Reason::IdReused => proto::Reason::IdReused,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dispatch::PROVIDERS;

    #[test]
    fn the_desk_names_each_reason_as_the_contract_does() {
        let all = [
            Reason::FieldRequired,
            Reason::FieldInvalid,
            Reason::FieldTooLarge,
            Reason::FieldsConflict,
            Reason::AppUnknown,
            Reason::ProviderNotConfigured,
            Reason::TopicNotAllowed,
            Reason::RawBodyInvalid,
            Reason::PayloadOverLimit,
            Reason::Overloaded,
            Reason::Draining,
            Reason::Expired,
            Reason::DeadlineExceeded,
            Reason::BreakerOpen,
            Reason::NotPermitted,
            Reason::ClientNotReading,
            Reason::GatewayBug,
            Reason::NotSupported,
            Reason::UpstreamAnswered,
            Reason::UpstreamUnreachable,
            Reason::UpstreamRefused,
            Reason::AnswerTimeout,
            Reason::ConnectionLost,
            Reason::AnswerUnreadable,
            Reason::CredentialMissing,
            Reason::CallerUnknown,
            Reason::CallerOverRate,
            Reason::Paced,
            Reason::IdReused,
        ];
        for it in all {
            assert_eq!(reason(it).as_str_name(), format!("REASON_{}", it.name()));
        }
        let said: BTreeSet<_> = all.map(|it| i32::from(reason(it))).into();
        let contract = (1..1000).filter(|number| proto::Reason::try_from(*number).is_ok());
        assert_eq!(said, contract.collect(), "a reason of the contract is not in the list above");
    }

    #[test]
    fn every_provider_has_its_number_in_the_contract() {
        for kind in PROVIDERS {
            let named = format!("PROVIDER_{}", kind.name().to_ascii_uppercase());
            let numbered = proto::Provider::try_from(kind.contract_number()).unwrap();
            assert_eq!(numbered.as_str_name(), named);
        }
    }
}
