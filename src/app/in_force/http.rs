//! The settings of HTTP listeners. Each is compared with that of the same address, so that a table which comes or goes changes
//! nothing of the others: it waits for a restart.

use std::net::SocketAddr;

use super::row::{Row, after_restart, at_once, at_once_where_it_is};
use crate::ingress::http::HttpSettings;
use crate::listener::{Http2Settings, ListenerSettings};

/// The rows of each listener, by its address. Listeners at ports that the system chooses have one address.
pub(super) fn of_http(all: &[HttpSettings]) -> Vec<(SocketAddr, Vec<Row>)> {
    all.iter().map(|settings| (settings.listener.listen, rows(settings))).collect()
}

fn rows(settings: &HttpSettings) -> Vec<Row> {
    let HttpSettings {
        listener,
        http2: Http2Settings { max_concurrent_streams, .. },
        json,
        mattermost,
        matrix,
        caller,
        networks,
        max_body_bytes,
        body_timeout,
        max_requests_per_source,
        requests_per_second_per_source,
    } = settings;
    let ListenerSettings {
        listen: _,
        tls,
        handshake_timeout,
        idle_timeout,
        max_connections,
        max_connections_per_address,
        trusted_proxies,
        answer_stall_timeout,
        own_stall_timeout: _,
        age: _,
    } = listener;
    vec![
        at_once("http.serve", &settings.served().collect::<Vec<_>>()),
        at_once("http.caller", caller),
        at_once("http.networks", networks),
        at_once_where_it_is("http.tls", tls.as_ref()),
        after_restart("http.handshake_timeout", handshake_timeout),
        after_restart("http.idle_timeout", idle_timeout),
        after_restart("http.answer_stall_timeout", answer_stall_timeout),
        after_restart("http.max_connections", max_connections),
        after_restart("http.max_connections_per_address", max_connections_per_address),
        after_restart("http.trusted_proxies", trusted_proxies),
        after_restart("http.max_concurrent_streams", max_concurrent_streams),
        at_once("http.max_body_bytes", max_body_bytes),
        at_once("http.body_timeout", body_timeout),
        at_once("http.max_requests_per_source", max_requests_per_source),
        at_once("http.requests_per_second_per_source", requests_per_second_per_source),
        at_once("http.json", json),
        at_once("http.mattermost", mattermost),
        at_once("http.matrix", matrix),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_setting_of_the_sample_has_a_row() {
        let sample = include_str!("../../../examples/fanfare.toml");
        let (_, after) = sample.split_once("#[[http]]\n").unwrap();
        let table = after.split("\n#[").next().unwrap();
        let settings = table.lines().filter_map(|line| line.strip_prefix('#')?.split_once(" = "));
        let named: BTreeSet<_> = settings.filter(|(key, _)| !key.contains(' ')).map(|(key, _)| key).collect();
        let seen = rows(&HttpSettings::on(([127, 0, 0, 1], 1).into()));
        let seen: BTreeSet<_> = seen.iter().map(|(key, ..)| key.trim_start_matches("http.")).collect();
        // The address has no row of its own, and three keys only let others be.
        let others = ["listen", "plaintext_anywhere", "together", "no_credentials_anywhere"];
        for key in named.iter().filter(|key| !others.contains(*key)) {
            assert!(seen.contains(key), "{key} has no row");
        }
        let tables = ["tls", "json", "mattermost", "matrix"];
        for key in seen.iter().filter(|key| !tables.contains(*key)) {
            assert!(named.contains(key), "the sample lacks {key}");
        }
    }
}
