//! A gateway, a caller and the simulator in one process, over real sockets, real TLS and real HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod bad_input;
mod batch_command;
mod breakers;
mod caller_key_command;
mod callers;
mod config;
mod connections;
mod credential;
mod desk;
mod fcm;
mod few_connections;
mod google;
mod harness;
mod hostile_endpoints;
mod http1;
mod issuers;
mod killed;
mod listener;
mod mattermost;
mod mattermost_fronts;
mod mattermost_recorded;
mod memory;
mod net;
mod operating;
mod own_provider;
mod pool;
mod proxy;
mod rows;
mod sealing;
mod secrets;
mod send_batch;
mod send_push;
mod send_pushes;
mod shutdown;
mod simulate_command;
mod simulator_page;
mod socket_faults;
mod stub;
mod surroundings;
mod tls_commands;
mod tunnel;
mod vapid_key_command;
mod web_push;
