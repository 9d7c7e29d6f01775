"""The dashboard for what lies behind the gateway: connections, streams, breakers, paces, credentials; and its process."""

from layout import dashboard, panel, runbook, variable
from overview import HERE, JOB, RATE

PEER = f'{HERE},origin=~"$origin"'
PEER_NAME = "{{origin}} {{identity}}"


def by_peer(metric: str) -> str:
    return f"sum by (origin, identity) ({metric}{{{PEER}}})"


def rate_by(labels: str, metric: str, of: str = PEER) -> str:
    return f"sum by ({labels}) (rate({metric}{{{of}}}{RATE}))"


def p90(metric: str) -> str:
    return f"histogram_quantile(0.9, {rate_by('le, origin, identity', metric + '_bucket')})"


def made() -> dict:
    return dashboard(
        "fanfare-upstream", "Fanfare / Upstreams", "Connections, streams, breakers, paces, credentials and the process.",
        ("fanfare-overview", "Overview"),
        [
            variable("job", "Job", "label_values(fanfare_build_info, job)"),
            variable("instance", "Instance", f"label_values(fanfare_build_info{{{JOB}}}, instance)"),
            variable("origin", "Origin", f"label_values(fanfare_breaker_peers_open{{{JOB}}}, origin)"),
        ],
        {
            "Breakers": [
                panel(
                    "Upstreams left alone", f"They fail, and one push at a time asks them again. {runbook('upstream-fails')}", "none",
                    (f"sum by (origin, identity) (fanfare_breaker_peers_open{{{PEER}}}) > 0", PEER_NAME),
                    (f"sum by (project) (fanfare_breaker_projects_open{{{HERE}}}) > 0", "FCM project {{project}}"),
                ),
                panel(
                    "Breakers opened, by cause", f"connect is the network, status the push service. {runbook('upstream-fails')}", "none",
                    (f"sum by (origin, cause) (increase(fanfare_breaker_peers_opened_total{{{PEER}}}{RATE})) > 0", "{{origin}} {{cause}}"),
                    (f"sum by (project) (increase(fanfare_breaker_projects_opened_total{{{HERE}}}{RATE})) > 0", "FCM project {{project}}"),
                ),
                panel(
                    "Connects that failed, by cause", f"resolve is DNS, tcp and timeout a firewall, tls a certificate. {runbook('upstream-unreachable')}", "ops",
                    (f"{rate_by('origin, cause', 'fanfare_upstream_connect_failures_total')} > 0", "{{origin}} {{cause}}"),
                ),
            ],
            "Connections and streams": [
                panel(
                    "Connections by state", "None of a peer that is sent to: see the connects that failed.", "none",
                    (f"sum by (origin, state) (fanfare_upstream_connections{{{PEER}}}) > 0", "{{origin}} {{state}}"),
                ),
                panel(
                    "Streams in use and allowed", "Where they meet, pushes wait.", "none",
                    (by_peer("fanfare_upstream_streams_used"), f"{PEER_NAME} used"),
                    (by_peer("fanfare_upstream_streams_allowed"), f"{PEER_NAME} allowed"),
                ),
                panel(
                    "Pushes that wait for a stream", f"See max_connections_per_peer and the latency of the service. {runbook('full')}", "none",
                    (by_peer("fanfare_upstream_waiting"), PEER_NAME),
                ),
                panel(
                    "Wait for a stream, p90", "Of those that had to wait.", "s", (p90("fanfare_upstream_wait_seconds"), PEER_NAME),
                ),
                panel(
                    "Opened and closed, by cause", "Many of successor beside few pushes: something on the way ends them.", "ops",
                    (rate_by("cause", "fanfare_upstream_connections_opened_total"), "opened: {{cause}}"),
                    (rate_by("cause", "fanfare_upstream_connections_closed_total"), "closed: {{cause}}"),
                ),
                panel(
                    "GOAWAY", "A code other than 0 is a complaint of the service.", "ops",
                    (f"{rate_by('origin, code, reason', 'fanfare_upstream_goaways_total')} > 0", "{{origin}} {{code}} {{reason}}"),
                ),
                panel(
                    "Sent again, by cause", "Requests that provably were not processed. Harmless in small numbers.", "ops",
                    (f"{rate_by('origin, cause', 'fanfare_upstream_resent_total')} > 0", "{{origin}} {{cause}}"),
                ),
                panel(
                    "Not answered, by cause", f"Each may have been delivered. {runbook('pushes-fail')}", "ops",
                    (f"{rate_by('origin, cause', 'fanfare_upstream_unanswered_total')} > 0", "{{origin}} {{cause}}"),
                ),
                panel(
                    "Requests whose callers have left", "Callers have shorter deadlines than the upstream needs.", "none",
                    (by_peer("fanfare_upstream_orphans"), PEER_NAME),
                ),
                panel(
                    "Not tried again", f"Pushes for which the budget of retries was used up. {runbook('upstream-fails')}", "ops",
                    (rate_by("origin", "fanfare_retries_refused_total"), "{{origin}}"),
                ),
                panel(
                    "Peers by who named them", "Many strangers are subscriptions with made-up hosts.", "none",
                    (f"sum by (kind) (fanfare_upstream_peers{{{HERE}}})", "{{kind}}"),
                ),
            ],
            "Pace": [
                panel(
                    "Turns a second", f"How fast each is sent to where something limits it. {runbook('paced')}", "reqps",
                    (f"sum by (origin, identity) (fanfare_pace_turns_per_second{{{HERE}}})", PEER_NAME),
                ),
                panel(
                    "Pushes that wait for their turn", f"More than the pace serves before their deadline are PACED. {runbook('paced')}", "none",
                    (f"sum by (origin, identity) (fanfare_pace_waiting{{{HERE}}})", PEER_NAME),
                ),
                panel(
                    "Wait for a turn, p90", "Of those that had to wait.", "s",
                    (f"histogram_quantile(0.9, {rate_by('le, origin, identity', 'fanfare_pace_wait_seconds_bucket', HERE)})", PEER_NAME),
                ),
            ],
            "Credentials and their ends": [
                panel(
                    "Refused", f"1 while it is refused. {runbook('credential-refused')}", "none",
                    (f"max by (credential, place) (fanfare_credential_refused{{{HERE}}}) > 0", "{{credential}} at {{place}}"),
                ),
                panel(
                    "Pushes that heard of it", f"They were answered CREDENTIAL without being sent. {runbook('credential-refused')}", "reqps",
                    (rate_by("credential, place", "fanfare_credential_refused_pushes_total", HERE), "{{credential}} at {{place}}"),
                ),
                panel(
                    "Certificates end in", f"Below 14 days there is an alert. {runbook('certificate-ends')}", "s",
                    (f"min by (app, provider) (fanfare_certificate_expiry_timestamp_seconds{{{HERE}}}) - time()", "{{app}}, {{provider}}"),
                    (f"min by (listener) (fanfare_listener_certificate_expiry_timestamp_seconds{{{HERE}}}) - time()", "listener {{listener}}"),
                ),
                panel(
                    "Access tokens end in", f"They are renewed in time, so this never nears 0. {runbook('credential-refused')}", "s",
                    (f"min by (credential) (fanfare_access_token_expiry_timestamp_seconds{{{HERE}}} > 0) - time()", "{{credential}}"),
                ),
                panel(
                    "Age of provider tokens", "APNs refuses one that is older than an hour.", "s",
                    (f"time() - min by (credential) (fanfare_provider_token_issued_timestamp_seconds{{{HERE}}} > 0)", "{{credential}}"),
                ),
                panel(
                    "Token renewals", f"refused is the key, unavailable the way to the token endpoint. {runbook('credential-refused')}", "none",
                    (f"sum by (outcome) (increase(fanfare_access_token_renewals_total{{{HERE}}}{RATE}))", "access token: {{outcome}}"),
                    (f"sum by (outcome) (increase(fanfare_provider_token_renewals_total{{{HERE}}}{RATE}))", "provider token: {{outcome}}"),
                    (f"sum by (outcome) (increase(fanfare_jwks_fetches_total{{{HERE}}}{RATE}))", "keys of issuers: {{outcome}}"),
                ),
            ],
            "Process": [
                panel(
                    "Processor", "1 is one core.", "none",
                    (f"sum by (instance) (rate(process_cpu_seconds_total{{{HERE}}}{RATE}))", "{{instance}}"),
                ),
                panel(
                    "Memory", "What lies in RAM.", "bytes", (f"sum by (instance) (process_resident_memory_bytes{{{HERE}}})", "{{instance}}"),
                ),
                panel(
                    "File descriptors", "Near the limit connections are refused.", "none",
                    (f"sum by (instance) (process_open_fds{{{HERE}}})", "{{instance}}"),
                    (f"min(process_max_fds{{{HERE}}})", "limit of each"),
                ),
                panel(
                    "Uptime", "A fall is a restart.", "s",
                    (f"time() - max by (instance) (process_start_time_seconds{{{HERE}}})", "{{instance}}"),
                ),
                panel(
                    "Lost signals", f"Log lines and spans that were dropped. {runbook('log-lines-dropped')}", "ops",
                    (f"sum by (instance) (rate(fanfare_log_lines_dropped_total{{{HERE}}}{RATE}))", "{{instance}}: log lines"),
                    (f"sum by (instance) (rate(fanfare_trace_spans_dropped_total{{{HERE}}}{RATE}))", "{{instance}}: spans"),
                ),
                panel(
                    "Configuration is good", f"0 while the newest is wrong and the one before it holds. {runbook('configuration-wrong')}", "none",
                    (f"min by (instance) (fanfare_config_last_reload_successful{{{HERE}}})", "{{instance}}"),
                ),
                panel(
                    "Versions", "Which replicas run which version.", "none",
                    (f"count by (version) (fanfare_build_info{{{HERE}}})", "{{version}}"),
                ),
            ],
        },
    )
