//! What the log is told of a certificate.

use fanfare_upstream::Validity;

use super::owner::Owner;
use crate::push::AppId;

/// What the log is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notice {
    HasEnded,
    HasNotBegun,
    Ends,
}

/// Tells the log.
pub(super) fn tell(notice: &Notice, owner: &Owner, validity: Validity) {
    match owner {
        Owner::App(app, provider) => tell_of_app(notice, app, provider.name(), validity),
        Owner::Listener(listener) => tell_of_listener(notice, listener, validity),
    }
}

fn tell_of_listener(notice: &Notice, listener: &str, validity: Validity) {
    match notice {
        Notice::HasEnded => tracing::error!(
            listener, valid = %validity,
            "the listener's certificate has ended: those who verify it cannot connect until it is replaced"
        ),
        Notice::HasNotBegun => tracing::error!(
            listener, valid = %validity,
            "the listener's certificate is not valid yet: it is for later, or the clock is wrong"
        ),
        Notice::Ends => tracing::warn!(
            listener, valid = %validity,
            "the listener's certificate ends within 30 days: replace it"
        ),
    }
}

fn tell_of_app(notice: &Notice, app: &AppId, provider: &str, validity: Validity) {
    match notice {
        Notice::HasEnded => tracing::error!(
            %app, provider, valid = %validity,
            "the client certificate has ended: pushes of this app get CREDENTIAL until it is replaced"
        ),
        Notice::HasNotBegun => tracing::error!(
            %app, provider, valid = %validity,
            "the client certificate is not valid yet: it is for later, or the clock is wrong"
        ),
        Notice::Ends => tracing::warn!(
            %app, provider, valid = %validity,
            "the client certificate ends within 30 days: replace it"
        ),
    }
}
