//! Which keys of the configuration are in force. A configuration that is read again is compared with them, key by key.
//!
//! Every setting is named here: a new field does not compile before it has its row.

mod apps;
mod http;
mod limits;
mod row;
mod traces;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::config::{Config, FcmUpstream, ReloadSettings, WebPushUpstreams};
use crate::dispatch::DispatchSettings;
use crate::ingress::admin::AdminSettings;
use crate::telemetry::LogSettings;
use row::{Holds, NOTHING, Row, after_restart, at_once};

/// The value of every key that holds now.
pub(super) struct InForce {
    rows: Vec<Row>,
    /// The same for each HTTP listener, by its address.
    http: Vec<(SocketAddr, Vec<Row>)>,
}

/// What a configuration that was read again has changed, by the keys of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// The keys whose new values hold from now on.
    pub changed: Vec<&'static str>,
    /// The keys whose new values hold after a restart. They are named again by each reload until then.
    pub needs_restart: Vec<&'static str>,
}

impl InForce {
    pub(super) fn of(config: &Config) -> Self {
        Self { rows: rows(config), http: http::of_http(&config.http) }
    }

    /// Compares with another configuration, which holds from now on but for what needs a restart.
    pub(super) fn change(&mut self, config: &Config) -> Reloaded {
        let (mut changed, mut needs_restart) = (Vec::new(), Vec::new());
        compare(&mut self.rows, rows(config), &mut changed, &mut needs_restart);
        let mut newer = http::of_http(&config.http);
        for (listen, rows) in &mut self.http {
            match newer.iter().position(|(newer, _)| newer == listen) {
                Some(at) => compare(rows, newer.remove(at).1, &mut changed, &mut needs_restart),
                None => needs_restart.push("http.listen"),
            }
        }
        if !newer.is_empty() {
            needs_restart.push("http.listen");
        }
        // Several listeners may have changed alike.
        for keys in [&mut changed, &mut needs_restart] {
            let mut seen = BTreeSet::new();
            keys.retain(|key| seen.insert(*key));
        }
        Reloaded { changed, needs_restart }
    }
}

/// Compares rows with newer ones of the same keys.
fn compare(
    rows: &mut [Row],
    newer: Vec<Row>,
    changed: &mut Vec<&'static str>,
    needs_restart: &mut Vec<&'static str>,
) {
    for ((key, holds, value), (_, _, newer)) in rows.iter_mut().zip(newer) {
        if *value == newer {
            continue;
        }
        let holds = match holds {
            Holds::AtOnce => true,
            Holds::AtOnceWhereItIs => [&*value, &newer].into_iter().all(|value| value != NOTHING),
            Holds::AfterRestart => false,
        };
        if holds {
            *value = newer;
            changed.push(*key);
        } else {
            needs_restart.push(*key);
        }
    }
}

fn rows(config: &Config) -> Vec<Row> {
    let Config {
        grpc,
        admin: AdminSettings { listener: admin },
        // Each listener has rows of its own.
        http: _,
        max_in_flight,
        max_held_bytes,
        reload: ReloadSettings { on_change, check_every },
        drain_delay,
        drain_timeout,
        dispatch: DispatchSettings { max_attempts },
        upstream,
        trust,
        apns_trust,
        apns_production,
        apns_sandbox,
        fcm: FcmUpstream { origin, metadata, trust: fcm_trust, pushes_per_minute },
        web_push: WebPushUpstreams { trust: web_push_trust, max_origins },
        proxy,
        log: LogSettings { format, filter },
        traces,
        feeds,
        callers,
        issuers,
        apps: all,
        warnings: _,
        unfit: _,
        certificates: _,
        written: _,
    } = config;
    let mut rows = Vec::new();
    limits::of_grpc(grpc, &mut rows);
    limits::of_admin(admin, &mut rows);
    limits::of_upstream(upstream, &mut rows);
    traces::of_traces(traces, &mut rows);
    rows.extend([
        at_once("limits.max_in_flight", max_in_flight),
        at_once("limits.max_held_bytes", max_held_bytes),
        at_once("reload.on_change", on_change),
        at_once("reload.check_every", check_every),
        at_once("limits.drain_delay", drain_delay),
        at_once("limits.drain_timeout", drain_timeout),
        at_once("limits.max_attempts", max_attempts),
        at_once("upstream.ca_files", &apps::roots(trust)),
        at_once("apns.ca_files", &apps::roots(apns_trust)),
        at_once("apns.production", apns_production),
        at_once("apns.sandbox", apns_sandbox),
        at_once("fcm.origin", origin),
        at_once("fcm.metadata", metadata),
        at_once("fcm.ca_files", &apps::roots(fcm_trust)),
        at_once("fcm.pushes_per_minute", pushes_per_minute),
        at_once("web_push.ca_files", &apps::roots(web_push_trust)),
        at_once("web_push.max_origins", max_origins),
        at_once("proxy", &apps::proxy(proxy.as_ref())),
        after_restart("log.format", format),
        after_restart("log.filter", filter),
        at_once("callers", &callers.iter().map(apps::caller).collect::<Vec<_>>()),
        at_once("issuers", issuers),
        at_once("feed", &feeds.iter().map(apps::feed).collect::<Vec<_>>()),
        at_once("apps", &all.iter().map(apps::app).collect::<Vec<_>>()),
    ]);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Trust;

    #[test]
    fn every_key_is_one_that_the_sample_names() {
        let config = Config::on_loopback(Vec::new(), Trust::of_system().unwrap());
        let sample = include_str!("../../../examples/fanfare.toml");
        let (mut table, mut named) = (String::new(), BTreeSet::new());
        for line in sample.lines().map(|line| line.trim_start_matches('#')) {
            if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                // A table of a list stands in two pairs of brackets.
                table = header.trim_matches(['[', ']']).to_owned();
                named.extend([table.clone(), table.split('.').next().unwrap().to_owned()]);
            } else if let Some((key, _)) = line.split_once(" = ") {
                named.insert(format!("{table}.{key}"));
            }
        }
        let mut seen = BTreeSet::new();
        for (key, ..) in rows(&config) {
            assert!(named.contains(key), "{key}");
            assert!(seen.insert(key), "{key} has two rows");
        }
        // Every setting of the tables that have nothing but settings has a row.
        for key in named.iter().filter(|key| {
            let table = key.split_once('.').map(|(table, key)| (table, key.contains('.')));
            matches!(
                table,
                Some((
                    "grpc" | "limits" | "upstream" | "log" | "traces" | "apns" | "fcm" | "web_push",
                    false
                ))
            )
        }) {
            assert!(seen.contains(key.as_str()) || key == "grpc.plaintext_anywhere", "{key} has no row");
        }
    }

    #[test]
    fn what_needs_a_restart_is_named_until_there_was_one() {
        let read = || Config::on_loopback(Vec::new(), Trust::of_system().unwrap());
        let mut in_force = InForce::of(&read());
        let mut newer = read();
        (newer.max_in_flight, newer.grpc.max_push_bytes) = (1, 1);
        let reloaded = in_force.change(&newer);
        assert_eq!(reloaded.changed, ["limits.max_in_flight"]);
        assert_eq!(reloaded.needs_restart, ["grpc.max_push_bytes"]);
        let reloaded = in_force.change(&newer);
        assert_eq!((reloaded.changed, reloaded.needs_restart), (vec![], vec!["grpc.max_push_bytes"]));
        let reloaded = in_force.change(&read());
        assert_eq!((reloaded.changed, reloaded.needs_restart), (vec!["limits.max_in_flight"], vec![]));
    }
}
