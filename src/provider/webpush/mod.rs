//! Web Push: its settings and limits.
//!
//! Source: RFC 8030, RFC 8188, RFC 8291.

mod answers;
mod encrypt;
mod endpoint;
mod hosts;
mod payload;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use encrypt::Ephemeral;
pub use hosts::Vendor;
pub use request::Payload;
pub use response::classify;
pub(super) use response::head_decides;

use super::Front502;
use crate::push::InvalidValue;
use hosts::Hosts;

/// The largest payload before encryption, in bytes: what is left of the 4,096 that every push service takes
/// when the header of the content coding (86), the delimiter (1) and the authentication tag (16) are in.
///
/// Source: RFC 8291, section 4, and RFC 8030, section 7.2.
pub const MAX_PLAINTEXT_BYTES: usize = 3993;

/// The longest `Topic`, in characters of base64url.
///
/// Source: RFC 8030, section 5.4.
pub const MAX_TOPIC_CHARS: usize = 32;

/// The time to live of a push that names none, in seconds: four weeks. Web Push has no default of its own.
///
/// Source: RFC 8030, section 5.2: a request without `TTL` is refused.
pub const DEFAULT_TTL_SECONDS: u64 = 2_419_200;

/// What an operator says about one app on Web Push.
#[derive(Debug, Clone, Default)]
pub struct WebPushSettings {
    /// Hosts of push services beside the known ones; `*.example.com` for all below `example.com`.
    pub hosts: Vec<String>,
    /// Endpoints on other ports than 443 are taken too: for private push servers and tests.
    pub any_port: bool,
    /// Payloads are padded to a multiple of this, in bytes, where the limit allows. 0 and 1: not at all.
    pub pad_to: usize,
}

/// How one app speaks to push services of browsers.
#[derive(Debug, Clone)]
pub struct WebPush {
    hosts: Hosts,
    any_port: bool,
    pad_to: usize,
    front_502: Front502,
}

impl WebPush {
    /// # Errors
    /// Where a host is none.
    pub fn try_new(settings: WebPushSettings) -> Result<Self, InvalidValue> {
        let WebPushSettings { hosts, any_port, pad_to } = settings;
        Ok(Self { hosts: Hosts::try_new(&hosts)?, any_port, pad_to, front_502: Front502::default() })
    }

    /// With what an operator knows of a 502 that is not a push service's own.
    #[must_use]
    pub fn with_front_502(self, front_502: Front502) -> Self {
        Self { front_502, ..self }
    }
}
