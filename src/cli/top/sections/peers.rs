//! Each push service that is connected to: whether it is left alone, and its streams in use against those it allows.

use super::look::Look;
use crate::cli::top::paint::Tone;
use crate::cli::top::section::{Cell, Row, Section};
use crate::cli::top::words::{clock, count};
use crate::status::{BreakerStatus, PeerStatus};

/// A meter has so many columns.
const METER: usize = 10;

/// So many connections of a peer are told apart.
const MOST_CONNECTIONS: usize = 16;

pub(super) fn peers(look: Look<'_>) -> Option<Section> {
    let mut section =
        look.section("Upstreams", look.status.peers.iter().map(|peer| row(peer, look)).collect())?;
    if look.status.peers_left_out > 0 {
        let left_out = format!("  and {} more", count(look.status.peers_left_out));
        section.lines.push(look.paint.line(left_out, Tone::Quiet));
    }
    Some(section)
}

fn row(peer: &PeerStatus, look: Look<'_>) -> Row {
    let is_connected = !peer.connections.is_empty();
    let since =
        peer.since.map(|since| format!(" since {}", clock(since, look.status.now))).unwrap_or_default();
    let (word, tone) = match peer.breaker {
        BreakerStatus::Open => (format!("left alone{since}"), Tone::Failing),
        BreakerStatus::Closed if peer.why.is_some() => ("fails".to_owned(), Tone::Troubled),
        BreakerStatus::Closed if is_connected => ("well".to_owned(), Tone::Well),
        BreakerStatus::Closed => ("not connected".to_owned(), Tone::Unused),
    };
    let (mut meter, mut streams) = (String::new(), String::new());
    if peer.streams_allowed > 0 {
        meter = self::meter(peer.streams_used, peer.streams_allowed, look);
        streams = format!("{} of {} streams", count(peer.streams_used), count(peer.streams_allowed));
    }
    let cells = vec![
        Cell::state(&word, tone, look.paint),
        Cell::new(host(&peer.origin), Tone::Strong),
        Cell::new(meter, tone),
        Cell::number(streams, Tone::Plain),
        Cell::number(
            if peer.waiting > 0 { format!("{} wait", count(peer.waiting)) } else { String::new() },
            Tone::Troubled,
        ),
    ];
    let mut below = Vec::new();
    if let Some(why) = &peer.why {
        let asked = peer.retry_after_seconds.map(|seconds| match seconds {
            0 => " One push may ask again now.".to_owned(),
            _ => format!(" One push may ask again in {seconds} s."),
        });
        below.push(Cell::new(format!("Last failure: {why}.{}", asked.unwrap_or_default()), Tone::Plain));
    }
    if !peer.identity.is_empty() {
        below.push(Cell::new(format!("as {}", peer.identity), Tone::Quiet));
    }
    if is_connected {
        below.push(Cell::new(connections(peer), Tone::Quiet));
    }
    Row { cells, below }
}

/// Each connection with its streams in use and those that it allows.
fn connections(peer: &PeerStatus) -> String {
    let told = peer.connections.iter().take(MOST_CONNECTIONS).map(|connection| {
        let streams = format!("{}/{}", connection.streams_used, connection.streams_allowed);
        if connection.state == "open" { streams } else { format!("{streams} {}", connection.state) }
    });
    let more = peer.connections.len().saturating_sub(MOST_CONNECTIONS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let noun = if peer.connections.len() == 1 { "connection" } else { "connections" };
    format!("{} {noun}: {}{more}", peer.connections.len(), told.collect::<Vec<_>>().join(", "))
}

fn meter(used: usize, allowed: usize, look: Look<'_>) -> String {
    // One stream of many is seen as well.
    let full = used.saturating_mul(METER).div_ceil(allowed.max(1)).min(METER);
    let (used, free) = look.paint.script.pick(("━", "─"), ("#", "-"));
    format!("{}{}", used.repeat(full), free.repeat(METER - full))
}

/// An origin as people write it.
fn host(origin: &str) -> &str {
    let host = origin.strip_prefix("https://").unwrap_or(origin);
    let host = host.strip_suffix('/').unwrap_or(host);
    host.strip_suffix(":443").unwrap_or(host)
}
