//! Stand-ins for push services on loopback: real TLS, real HTTP, and every way to fail.
//!
//! The simulator shares nothing with the gateway, neither types nor constants: a name that is
//! wrong on both sides would agree with itself.
//!
//! They check what their services document and answer as documented; where the pages leave
//! something open, the comment at that place says what was chosen. [`Service`] lists the
//! listeners. What arrived is in the [`Journal`], what happened in [`Counters`].

mod apns;
mod body;
mod builder;
mod certificate;
mod clock;
mod connection;
mod connection_info;
mod connections;
mod control;
mod counters;
mod decision;
mod dispatch;
mod drain;
mod error;
mod exchange;
mod fault;
mod fcm;
mod filter;
mod http1;
pub mod journal;
mod jwt;
mod listener;
mod mattermost;
mod misbehave;
mod origin;
mod retry_after;
mod rules;
mod service;
mod settings;
mod shared;
mod simulator;
mod socket;
mod strike;
mod sync;
#[cfg(test)]
mod tests;
mod tls_records;
mod webpush;

pub use apns::{Fate, FateRow, KeyScope, LimitRises, ProviderKey, ProviderKeySpec, StoragePolicy, fates};
pub use builder::SimulatorBuilder;
pub use certificate::ClientCertificate;
pub use clock::Clock;
pub use connection_info::ConnectionInfo;
pub use counters::Counters;
pub use error::SimulatorError;
pub use fault::{
    Answer, Fault, FaultRule, Front, GoAway, HangUp, LastId, Phase, Refusal, RuleError, Then, Trigger,
    UnfitRule,
};
pub use fcm::{
    AuthorizedUser, Fcm, FcmFate, FcmFateRow, FcmRefusal, FcmSettings, Quota, ServiceAccount, fcm_fates,
};
pub use journal::Journal;
pub use mattermost::{Asked, Mattermost, MattermostSettings};
pub use retry_after::RetryAfter;
pub use service::{Environment, Service};
pub use simulator::Simulator;
pub use strike::StrikeError;
pub use sync::NotReached;
pub use webpush::{
    Subscription, Urgency, VapidFault, VapidKey, Vendor, WebPush, WebPushFate, WebPushFateRow,
    WebPushMessage, WebPushRefusal, WebPushSettings, web_push_fates,
};
