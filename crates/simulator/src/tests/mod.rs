//! The simulator over real sockets, with real TLS and HTTP.

mod accounts;
mod answers;
pub(super) mod client;
mod connections;
mod drain;
mod faults;
mod fcm;
mod fidelity;
mod google;
mod http1;
mod mattermost;
mod mattermost_recorded;
mod oauth;
mod scheme;
mod truth;
mod webpush;
mod webpush_sender;
mod webpush_vapid;
mod webpush_wire;
