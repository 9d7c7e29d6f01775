//! The settings of listeners and of the pool. Those that every connection or the whole pool is made with hold after a restart.

use fanfare_upstream::{BreakerSettings, UpstreamSettings};

use super::row::{Row, after_restart, at_once, at_once_where_it_is};
use crate::desk::{BatchSettings, OnceSettings};
use crate::ingress::grpc::GrpcSettings;
use crate::listener::{Http2Settings, ListenerSettings};

pub(super) fn of_grpc(grpc: &GrpcSettings, rows: &mut Vec<Row>) {
    let GrpcSettings {
        listener,
        http2,
        max_message_bytes,
        max_push_bytes,
        max_message_items,
        max_connection_bytes,
        message_timeout,
        max_wait,
        deadline_margin,
        batch:
            BatchSettings {
                window,
                max_waiting,
                max_wait: batch_max_wait,
                reader_stall_timeout,
                progress_interval,
            },
        once: OnceSettings { window: once_window, max: once_max },
        max_batch_streams,
        max_connection_age,
        max_connection_age_grace,
    } = grpc;
    let Http2Settings {
        max_concurrent_streams,
        stream_window,
        connection_window,
        keepalive_interval,
        keepalive_timeout,
    } = http2;
    // The stall timeout of a listener's own answers is made of that of batches, and the age of two settings below.
    let ListenerSettings {
        listen,
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
    rows.extend([
        after_restart("grpc.listen", listen),
        at_once_where_it_is("grpc.tls", tls.as_ref()),
        after_restart("grpc.handshake_timeout", handshake_timeout),
        after_restart("grpc.idle_timeout", idle_timeout),
        after_restart("grpc.answer_stall_timeout", answer_stall_timeout),
        after_restart("grpc.max_connection_age", max_connection_age),
        after_restart("grpc.max_connection_age_grace", max_connection_age_grace),
        after_restart("grpc.max_connections", max_connections),
        after_restart("grpc.max_connections_per_address", max_connections_per_address),
        after_restart("grpc.trusted_proxies", trusted_proxies),
        after_restart("grpc.max_message_bytes", max_message_bytes),
        after_restart("grpc.max_push_bytes", max_push_bytes),
        after_restart("grpc.max_message_items", max_message_items),
        after_restart("grpc.max_connection_bytes", max_connection_bytes),
        after_restart("grpc.message_timeout", message_timeout),
        at_once("grpc.deadline_margin", deadline_margin),
        at_once("grpc.progress_interval", progress_interval),
        after_restart("grpc.max_concurrent_streams", max_concurrent_streams),
        after_restart("grpc.max_batch_streams", max_batch_streams),
        after_restart("grpc.stream_window_bytes", stream_window),
        after_restart("grpc.connection_window_bytes", connection_window),
        after_restart("grpc.keepalive_interval", keepalive_interval),
        after_restart("grpc.keepalive_timeout", keepalive_timeout),
        at_once("limits.max_wait", max_wait),
        at_once("limits.batch_window", window),
        at_once("limits.batch_max_waiting", max_waiting),
        at_once("limits.batch_max_wait", batch_max_wait),
        // The connections of the listener measure by it too, so both go on with the same.
        after_restart("limits.reader_stall_timeout", reader_stall_timeout),
        at_once("limits.once_window", once_window),
        at_once("limits.once_max", once_max),
    ]);
}

/// The settings of the admin listener that the configuration has.
pub(super) fn of_admin(listener: &ListenerSettings, rows: &mut Vec<Row>) {
    let ListenerSettings { listen, tls, idle_timeout, max_connections, max_connections_per_address, .. } =
        listener;
    rows.extend([
        after_restart("admin.listen", listen),
        at_once_where_it_is("admin.tls", tls.as_ref()),
        after_restart("admin.idle_timeout", idle_timeout),
        after_restart("admin.max_connections", max_connections),
        after_restart("admin.max_connections_per_address", max_connections_per_address),
    ]);
}

pub(super) fn of_upstream(upstream: &UpstreamSettings, rows: &mut Vec<Row>) {
    let UpstreamSettings {
        connect_timeout,
        backoff_min,
        backoff_max,
        connect_patience,
        breaker: BreakerSettings { failures, error_percent, wait, max_wait },
        max_connections_per_peer,
        max_connections,
        max_streams,
        max_waiters,
        max_peers,
        max_stranger_peers,
        max_stranger_connections,
        max_stranger_lookups,
        answer_timeout,
        ping_after,
        ping_timeout,
        probe_after,
        probe_timeout,
        idle_timeout,
        http1_idle_timeout,
        max_age,
        max_resends,
        retry_percent,
        retry_min_per_second,
        outsider_turns_per_second,
        max_reply_bytes,
        max_reply_header_bytes,
    } = upstream;
    rows.extend([
        at_once("upstream.connect_timeout", connect_timeout),
        at_once("upstream.backoff_min", backoff_min),
        at_once("upstream.backoff_max", backoff_max),
        at_once("upstream.connect_patience", connect_patience),
        at_once("upstream.breaker_failures", failures),
        at_once("upstream.breaker_error_percent", error_percent),
        at_once("upstream.breaker_wait", wait),
        at_once("upstream.breaker_max_wait", max_wait),
        at_once("upstream.max_connections_per_peer", max_connections_per_peer),
        after_restart("upstream.max_connections", max_connections),
        at_once("upstream.max_streams", max_streams),
        at_once("upstream.max_waiters", max_waiters),
        after_restart("upstream.max_peers", max_peers),
        after_restart("upstream.max_stranger_peers", max_stranger_peers),
        after_restart("upstream.max_stranger_connections", max_stranger_connections),
        after_restart("upstream.max_stranger_lookups", max_stranger_lookups),
        at_once("upstream.answer_timeout", answer_timeout),
        at_once("upstream.ping_after", ping_after),
        at_once("upstream.ping_timeout", ping_timeout),
        at_once("upstream.probe_after", probe_after),
        at_once("upstream.probe_timeout", probe_timeout),
        at_once("upstream.idle_timeout", idle_timeout),
        at_once("upstream.http1_idle_timeout", http1_idle_timeout),
        at_once("upstream.max_age", max_age),
        at_once("upstream.max_resends", max_resends),
        at_once("upstream.retry_percent", retry_percent),
        at_once("upstream.retry_min_per_second", retry_min_per_second),
        at_once("web_push.pushes_per_second_per_origin", outsider_turns_per_second),
        at_once("upstream.max_reply_bytes", max_reply_bytes),
        at_once("upstream.max_reply_header_bytes", max_reply_header_bytes),
    ]);
}
