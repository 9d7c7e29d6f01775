//! The paths of a push proxy.
//!
//! Source: recorded from the real push proxy.

use super::super::http::Terms;
use crate::caller::Rpc;

/// Where pushes are sent to, here and at a proxy that is forwarded to.
pub(super) const SEND_PUSH: &str = "/api/v1/send_push";

const ACK: &str = "/api/v1/ack";

/// The largest body. A Mattermost server never sends more than some kilobytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// That a push is sent.
    Push,
    /// That it is noted that one has arrived.
    Ack,
    /// The page of the proxy, which probes ask for.
    Page,
    /// Its version.
    Version,
    /// One of the paths above with more slashes than it has.
    Moved(&'static str),
}

impl Asked {
    /// What is asked for at this path, if it is one of this ingress.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path {
            SEND_PUSH => Some(Self::Push),
            ACK => Some(Self::Ack),
            "/" => Some(Self::Page),
            "/version" => Some(Self::Version),
            path => moved(path).map(Self::Moved),
        }
    }

    /// On which terms.
    pub(crate) fn terms(self) -> Terms {
        let (methods, rpc) = match self {
            Self::Push | Self::Ack => ("POST", Some(Rpc::SendPush)),
            Self::Page | Self::Version => ("GET", None),
            Self::Moved(_) => ("GET, POST", None),
        };
        Terms { methods, rpc, max_bytes: MAX_BYTES }
    }
}

/// Where a path leads that has several slashes in place of one.
fn moved(path: &str) -> Option<&'static str> {
    let is_same = |known: &&str| {
        let (mut parts, mut known) = (path.split('/'), known.split('/'));
        path.starts_with('/')
            && parts
                .by_ref()
                .filter(|part| !part.is_empty())
                .eq(known.by_ref().filter(|part| !part.is_empty()))
            && !path.ends_with('/')
    };
    path.contains("//").then(|| [SEND_PUSH, ACK, "/version"].into_iter().find(is_same)).flatten()
}
