//! The simulator over real sockets, TLS and HTTP/2.

mod accounts;
mod answers;
mod client;
mod connections;
mod faults;
mod fcm;
mod google;
mod http1;
mod mattermost;
mod oauth;
mod truth;
mod webpush;
mod webpush_sender;
mod webpush_vapid;
mod webpush_wire;
