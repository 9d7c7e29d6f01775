//! Who calls, and what they may do. A caller is known by what it shows: a client certificate, a static key or a token.
//!
//! - [`Callers`] knows the rule of each caller and finds it by what a call shows ([`Shown`]).
//! - [`Caller`] is who was found. The desk asks it for each push ([`Caller::may_push`]), so that a change of the
//!   configuration holds for the next push of streams that are open already.
//! - [`Denied`] says which permission is lacking. Each refusal is a line for auditors (`audit.rs`).
//!
//! Nothing here knows a protocol: an ingress says what a call showed.

mod audit;
mod callers;
mod certificate;
mod denied;
pub mod jwt;
mod key;
mod known;
mod look;
mod open_calls;
mod permissions;
mod rate;
mod rpc;
mod rule;
mod settings;
mod shown;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fanfare_upstream::{Party, ServiceClass};

pub use callers::Callers;
pub use certificate::{CertificateIdentity, CertificateRule, InvalidSpiffeId, SpiffeId};
pub use denied::Denied;
pub use key::{CallerKey, KeyDigest, KeyError};
pub(crate) use known::KnownByConnection;
pub(crate) use look::CallerLook;
pub use open_calls::OpenCall;
pub(crate) use open_calls::OpenCalls;
pub use permissions::{Listed, Permissions};
pub use rate::Rate;
pub use rpc::Rpc;
pub use settings::{CallerSettings, TokenRule};
pub use shown::{Shown, Unknown};

use crate::held_bytes::BytesShare;
use crate::push::{AppId, Audience, ProviderKind};
use crate::sharer::Sharer;
use known::Known;

/// How long a stream goes on after what its caller showed has expired, so that a caller that renews in time is not cut.
const GRACE: Duration = Duration::from_secs(60);

/// Who calls, whichever ingress they came by. Every look-up of an app names its caller.
#[derive(Clone)]
pub struct Caller {
    known: Known,
    /// Where the call came from; none where it came from inside the process.
    address: Option<SocketAddr>,
}

impl Caller {
    /// Whoever hands pushes in where the configuration has no callers: everything is permitted.
    #[must_use]
    pub fn anyone() -> Self {
        Self { known: Known::anyone(), address: None }
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        self.known.rule.name()
    }

    /// The same, for those who keep it.
    #[must_use]
    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.known.rule.shared_name()
    }

    /// Whether it may push for an app.
    ///
    /// # Errors
    /// Fails if the app is not listed, or nothing is permitted any more.
    pub fn may_push_for(&self, app: &AppId) -> Result<(), Denied> {
        if self.known.proof.is_revoked() {
            return Err(Denied::Revoked);
        }
        self.known.rule.permissions().app(app)
    }

    /// Whether it may send a push of this class by this provider to these.
    ///
    /// # Errors
    /// Fails with the first permission that it lacks.
    pub fn may_push(
        &self,
        class: ServiceClass,
        provider: ProviderKind,
        audience: Audience<'_>,
    ) -> Result<(), Denied> {
        self.known.rule.permissions().push(class, provider, audience)
    }

    /// Whether it may push for every app, so that one that does not exist may be called so.
    #[must_use]
    pub(crate) fn may_push_for_every_app(&self) -> bool {
        self.known.rule.permissions().apps.is_everything()
    }

    /// Whether it may use an RPC.
    ///
    /// # Errors
    /// Fails if the RPC is not listed.
    pub fn may_call(&self, rpc: Rpc) -> Result<(), Denied> {
        self.known.rule.permissions().rpc(rpc)
    }

    /// Whether it may read what operators read.
    ///
    /// # Errors
    /// Fails if it may not.
    pub fn may_read_admin(&self) -> Result<(), Denied> {
        if self.known.rule.permissions().admin { Ok(()) } else { Err(Denied::Admin) }
    }

    /// Takes the turn of one push of those that it may hand in each second.
    ///
    /// # Errors
    /// Fails with how long it is until the next turn.
    pub fn take_turn(&self) -> Result<(), Duration> {
        self.known.rule.take_turn()
    }

    /// Counts one more batch stream, until what is returned is dropped.
    ///
    /// # Errors
    /// Fails if it has as many open as it may.
    pub fn open_stream(&self) -> Result<OpenCall, Denied> {
        self.known.rule.open_stream()
    }

    /// What its calls take of the budget of bytes; none where each connection has a share of its own.
    #[must_use]
    pub(crate) fn bytes(&self) -> Option<&BytesShare> {
        self.known.rule.bytes()
    }

    /// The caller as one who shares room with others.
    pub(crate) fn sharer(&self) -> &Sharer {
        self.known.rule.sharer()
    }

    /// How it shares the streams of a push service with other callers.
    #[must_use]
    pub(crate) fn party(&self) -> Party {
        let rule = &self.known.rule;
        rule.sharer().party(rule.permissions().weight)
    }

    /// When a stream of its has to end, because what it showed has expired.
    #[must_use]
    pub(crate) fn stream_ends(&self) -> Option<SystemTime> {
        self.known.ends.map(|ends| ends + GRACE)
    }

    /// Notes that it was refused: a line for auditors, and a count.
    pub(crate) fn note(&self, denied: Denied, app: &str) {
        self.known.rule.count(denied);
        audit::denied(self.name(), denied, app, self.address);
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("name", &self.name()).finish_non_exhaustive()
    }
}
