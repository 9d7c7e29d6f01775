// These are the relative links of the README as seen from `target/doc/fanfare_simulator`. The first definition of a link
// is the one that counts.
#![doc = "[docs/simulator.md]: ../../../docs/simulator.md"]
#![doc = "[examples/testing]: ../../../examples/testing/README.md"]
#![doc = ""]
#![doc = include_str!("../README.md")]
//!
//! # Where to find what
//!
//! - [`Simulator`] is the whole of it, and [`SimulatorBuilder`] has its settings; [`FcmSettings`], [`WebPushSettings`] and
//!   [`MattermostSettings`] are those of one service.
//! - **Scripted outcomes.** Tokens and subscriptions script their own outcomes: [`apns_scripted_prefixes`],
//!   [`fcm_scripted_words`] and [`web_push_scripted_subscriptions`] list them. [`Simulator::script_outcome`],
//!   [`Fcm::script_outcome`] and [`WebPush::script_outcome`] script any other [`ApnsScriptedOutcome`],
//!   [`FcmScriptedOutcome`] or [`WebPushScriptedOutcome`]. The devices of a Mattermost proxy are those of APNs and FCM.
//! - **Faults.** A [`FaultRule`] is a [`Fault`] with its [`Trigger`]. [`Simulator::add_fault`] adds one to the script,
//!   and [`Simulator::on_connection`] strikes a connection that is open. A rule can be written as one word, as
//!   `--fault` takes it.
//! - **Who may send.** [`ProviderKey`] and [`ClientCertificate`] are for APNs, [`ServiceAccount`] and [`AuthorizedUser`]
//!   for FCM, [`VapidKey`] and [`Subscription`] for Web Push. [`Clock::advance`] makes tokens expire.
//! - **What happened.** The [`journal`] has the requests, [`Counters`] the numbers, and [`ConnectionInfo`] the
//!   connections. [`WebPush::delivered`] has what a browser decrypted, and [`Mattermost::proxied_requests`] what the push
//!   proxy asked of APNs and FCM.
//!
//! Numbers that are times carry their unit in their name (`_ms`, `_s`). Dates are since the Unix epoch by the
//! [`Clock`] of the simulator. Latencies, delays and timeouts pass in real time.

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
mod shared;
mod simulator;
mod socket;
mod strike;
mod sync;
#[cfg(test)]
mod tests;
mod tls_records;
mod webpush;

pub use apns::{
    ApnsScriptedOutcome, ApnsScriptedPrefix, KeyScope, LimitRises, ProviderKey, ProviderKeySpec,
    StoragePolicy, apns_scripted_prefixes,
};
pub use builder::SimulatorBuilder;
pub use certificate::ClientCertificate;
pub use clock::Clock;
pub use connection_info::ConnectionInfo;
pub use counters::Counters;
pub use error::SimulatorError;
pub use fault::{
    AfterGoAway, Fault, FaultRule, Front, GoAway, HangUp, LastId, Phase, Refusal, RuleError, ScriptedAnswer,
    Trigger, UnfitRule,
};
pub use fcm::{
    AuthorizedUser, Fcm, FcmRefusal, FcmScriptedOutcome, FcmScriptedWord, FcmSettings, Quota, Rate,
    ServiceAccount, fcm_scripted_words,
};
pub use journal::Journal;
pub use mattermost::{Mattermost, MattermostSettings, ProxiedRequest};
pub use retry_after::RetryAfter;
pub use service::{Environment, Service};
pub use simulator::Simulator;
pub use strike::StrikeError;
pub use sync::NotReached;
pub use webpush::{
    Subscription, Urgency, VapidFault, VapidKey, Vendor, WebPush, WebPushMessage, WebPushRefusal,
    WebPushScriptedOutcome, WebPushScriptedSubscription, WebPushSettings, web_push_scripted_subscriptions,
};
