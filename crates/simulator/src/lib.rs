// Relative links of the README, seen from `target/doc/fanfare_simulator`. The first definition of a link is the one that
// counts.
#![doc = "[docs/simulator.md]: ../../../docs/simulator.md"]
#![doc = "[examples/testing]: ../../../examples/testing/README.md"]
#![doc = ""]
#![doc = include_str!("../README.md")]
//!
//! # Where to find what
//!
//! - [`Simulator`] is the whole of it, and [`SimulatorBuilder`] its settings; [`FcmSettings`], [`WebPushSettings`] and
//!   [`MattermostSettings`] are those of one service.
//! - **Scripted outcomes.** [`fates`], [`fcm_fates`] and [`web_push_fates`] list what tokens and subscriptions script by
//!   themselves. [`Simulator::set_fate`], [`Fcm::set_fate`] and [`WebPush::set_fate`] script any other [`Fate`],
//!   [`FcmFate`] or [`WebPushFate`]. A Mattermost proxy has the devices of APNs and FCM.
//! - **Faults.** A [`FaultRule`] is a [`Fault`] with its [`Trigger`]; [`Simulator::add_fault`] adds one to the script, and
//!   [`Simulator::on_connection`] strikes a connection that is open. A rule can be parsed from the word of a command
//!   line.
//! - **Who may send.** [`ProviderKey`] and [`ClientCertificate`] for APNs, [`ServiceAccount`] and [`AuthorizedUser`] for
//!   FCM, [`VapidKey`] and [`Subscription`] for Web Push. [`Clock::advance`] makes tokens expire.
//! - **What happened.** The [`journal`] has the requests, [`Counters`] the numbers, [`ConnectionInfo`] the connections;
//!   [`WebPush::delivered`] has what a browser decrypted, and [`Mattermost::asked`] what the push proxy asked of APNs and
//!   FCM.
//!
//! Times are named by their unit (`_ms`, `_s`) where they are numbers, and dates are since the Unix epoch by the
//! simulator's [`Clock`]. Latencies, delays and timeouts pass in real time.

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
