//! The permissions that a caller may lack, and what it and auditors are told then.

use fanfare_upstream::ServiceClass;
use thiserror::Error;

use super::rpc::Rpc;
use crate::push::ProviderKind;

/// Why a caller may not do what it asked for: which permission it lacks. Its sentence goes to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Denied {
    /// The app is not listed. It reads as one that does not exist.
    #[error("the caller may not push for this app, or there is no such app")]
    App,
    /// The provider is not listed.
    #[error("the caller may not push by {}", .0.name())]
    Provider(ProviderKind),
    /// The topic, or one that a condition names, is not listed.
    #[error("the caller may not push to this topic, or to one that the condition names")]
    Topic,
    /// The broadcast channel is not listed.
    #[error("the caller may not push to this broadcast channel")]
    Broadcast,
    /// The RPC is not listed.
    #[error("the caller may not use {}; nothing was sent", .0.name())]
    Rpc(Rpc),
    /// The service class is not listed.
    #[error("the caller may not send pushes of this service class")]
    ServiceClass(ServiceClass),
    /// It has as many batch streams open as it may.
    #[error(
        "the caller has {0} batch streams open already, which is as many as it may have; nothing was sent"
    )]
    Streams(usize),
    /// It is over its rate.
    #[error("the caller is over its rate")]
    Rate,
    /// What it showed was taken back while its stream was open.
    #[error("what the caller showed when the stream was opened is good no more")]
    Revoked,
    /// It may not read what an operator reads.
    #[error("the caller may not read this")]
    Admin,
}

impl Denied {
    /// The permission's name in the configuration, for logs and metrics.
    #[must_use]
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::App => "apps",
            Self::Provider(_) => "providers",
            Self::Topic => "topics",
            Self::Broadcast => "broadcasts",
            Self::Rpc(_) => "rpcs",
            Self::ServiceClass(_) => "service_classes",
            Self::Streams(_) => "max_streams",
            Self::Rate => "pushes_per_second",
            Self::Revoked => "revoked",
            Self::Admin => "admin",
        }
    }

    /// Every name that [`Denied::rule`] gives.
    pub(crate) const RULES: [&'static str; 10] = [
        "apps",
        "providers",
        "topics",
        "broadcasts",
        "rpcs",
        "service_classes",
        "max_streams",
        "pushes_per_second",
        "revoked",
        "admin",
    ];

    /// The field of a push that it concerns, as a path from the push.
    #[must_use]
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Provider(_) => "target",
            Self::Topic => "target.fcm",
            Self::Broadcast => "target.apns_channel",
            Self::Rpc(_)
            | Self::ServiceClass(_)
            | Self::Streams(_)
            | Self::Rate
            | Self::Revoked
            | Self::Admin => "",
        }
    }
}
