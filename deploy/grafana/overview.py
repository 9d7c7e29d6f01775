"""The dashboard for callers' pushes: how many, how fast, what became of them, and who is concerned."""

from layout import dashboard, panel, runbook, variable

JOB = 'job=~"$job"'
HERE = f'{JOB},instance=~"$instance"'
APP = f'{HERE},app=~"$app",provider=~"$provider"'
RATE = "[$__rate_interval]"
NOT_ACCEPTED = 'outcome!~"accepted|validated"'


def quantiles(metric: str) -> list[tuple[str, str]]:
    buckets = f"sum by (le) (rate({metric}_bucket{{{APP}}}{RATE}))"
    return [(f"histogram_quantile({share}, {buckets})", f"p{int(share * 100)}") for share in (0.5, 0.9, 0.99)]


def made() -> dict:
    worse = [{"color": "red", "value": 1}]
    return dashboard(
        "fanfare-overview", "Fanfare / Overview", "What becomes of pushes, and who is concerned.",
        ("fanfare-upstream", "Upstreams"),
        [
            variable("job", "Job", "label_values(fanfare_build_info, job)"),
            variable("instance", "Instance", f"label_values(fanfare_build_info{{{JOB}}}, instance)"),
            variable("app", "App", f"label_values(fanfare_pushes_total{{{JOB}}}, app)"),
            variable("provider", "Provider", f"label_values(fanfare_pushes_total{{{JOB}}}, provider)"),
        ],
        {
            "How it is": [
                panel(
                    "Alerts that fire", "Each says whose fault it is and leads to a page. [All runbooks](${runbooks}/README.md).", "none",
                    (f'ALERTS{{{JOB},alertname=~"Fanfare.*",alertstate="firing"}}', ""), width=12, kind="table",
                ),
                panel(
                    "Credentials refused", f"Credentials that a push service or token endpoint refuses. {runbook('credential-refused')}", "none",
                    (f"count(max by (credential, place) (fanfare_credential_refused{{{HERE}}}) == 1) or vector(0)", "refused"),
                    width=4, kind="stat", steps=worse,
                ),
                panel(
                    "Upstreams left alone", f"Breakers that are open. {runbook('upstream-fails')}", "none",
                    (
                        f"sum(max by (origin, identity) (fanfare_breaker_peers_open{{{HERE}}})) + "
                        f"(sum(max by (project) (fanfare_breaker_projects_open{{{HERE}}})) or vector(0))", "open",
                    ),
                    width=4, kind="stat", steps=worse,
                ),
                panel(
                    "Apps whose targets are set aside", f"Callers hear QUARANTINE and not DELETE. {runbook('tokens-quarantined')}", "none",
                    (f"sum(max by (app, provider) (fanfare_token_quarantine{{{APP}}}))", "apps"), width=4, kind="stat", steps=worse,
                ),
            ],
            "Pushes": [
                panel(
                    "Pushes by outcome", f"Pushes that have their verdict. {runbook('pushes-fail')}", "reqps",
                    (f"sum by (outcome) (rate(fanfare_pushes_total{{{APP}}}{RATE})) > 0", "{{outcome}}"),
                    stacking={"mode": "normal"},
                ),
                panel(
                    "Time to the verdict", "From the arrival of a push to its verdict, with all waits.", "s",
                    *quantiles("fanfare_push_duration_seconds"),
                ),
                panel(
                    "Time at the push service", "One attempt alone: what the time to the verdict has beyond it was waited for here.", "s",
                    *quantiles("fanfare_attempt_duration_seconds"),
                ),
                panel(
                    "Not accepted, by app", f"Share of the pushes of each app, dead tokens among them. {runbook('pushes-fail')}", "percentunit",
                    (
                        f"sum by (app, provider) (rate(fanfare_pushes_total{{{APP},{NOT_ACCEPTED}}}{RATE})) / "
                        f"(sum by (app, provider) (rate(fanfare_pushes_total{{{APP}}}{RATE})) > 0)", "{{app}}, {{provider}}",
                    ),
                ),
                panel(
                    "Answers that are trouble", "What push services say, the ten most frequent.", "reqps",
                    (
                        f'topk(10, sum by (provider, status, reason) (rate(fanfare_upstream_answers_total{{{APP},status!="200"}}{RATE})) > 0)',
                        "{{provider}} {{status}} {{reason}}",
                    ),
                ),
                panel(
                    "What callers are told to do with targets", f"A rise of delete beside a new release is a wrong environment or topic. {runbook('tokens-quarantined')}",
                    "reqps", (f"sum by (action) (rate(fanfare_token_actions_total{{{APP}}}{RATE}))", "{{action}}"),
                ),
                panel(
                    "Attempts for each push", "More than one is retries.", "none",
                    (
                        f"sum by (provider) (rate(fanfare_attempts_total{{{APP}}}{RATE})) / "
                        f"(sum by (provider) (rate(fanfare_pushes_total{{{APP}}}{RATE})) > 0)", "{{provider}}",
                    ),
                ),
                panel(
                    "Pushes with Options.once", "By what they were beside the first with their id.", "reqps",
                    (f"sum by (role) (rate(fanfare_once_pushes_total{{{HERE}}}{RATE}))", "{{role}}"),
                ),
                panel(
                    "Remembered of Options.once", "Pushes in flight or remembered. Near limits.once_max the oldest make room.", "none",
                    (f"sum by (instance) (fanfare_once_entries{{{HERE}}})", "{{instance}}"),
                ),
            ],
            "Callers": [
                panel(
                    "Pushes by caller", "The ten that hand in most.", "reqps",
                    (f"topk(10, sum by (caller) (rate(fanfare_caller_pushes_total{{{HERE}}}{RATE})))", "{{caller}}"),
                ),
                panel(
                    "Callers refused", f"pushes_per_second is a caller over its rate, the others are permissions. {runbook('caller-over-rate')}", "reqps",
                    (f"sum by (caller, rule) (rate(fanfare_caller_refusals_total{{{HERE}}}{RATE})) > 0", "{{caller}} {{rule}}"),
                ),
                panel(
                    "Unknown callers", "A key or certificate that was replaced on one side alone, or a stranger.", "reqps",
                    (f"sum by (shown) (rate(fanfare_unknown_callers_total{{{HERE}}}{RATE}))", "{{shown}}"),
                ),
                panel(
                    "gRPC calls refused", "Calls that ended with a status and no answer. OK is none of them.", "reqps",
                    (f"sum by (rpc, code) (rate(fanfare_grpc_calls_refused_total{{{HERE}}}{RATE})) > 0", "{{rpc}} {{code}}"),
                ),
                panel(
                    "HTTP calls by status", "Calls of Mattermost servers, Matrix homeservers and JSON.", "reqps",
                    (f"sum by (ingress, status) (rate(fanfare_http_calls_total{{{HERE}}}{RATE})) > 0", "{{ingress}} {{status}}"),
                ),
                panel(
                    "Connections of callers", "By listener. Compare with max_connections.", "none",
                    (f"sum by (listener) (fanfare_listener_connections{{{HERE}}})", "{{listener}}"),
                ),
            ],
            "Room": [
                panel(
                    "Pushes in flight", f"Near the limit callers are refused. {runbook('full')}", "none",
                    (f"sum by (instance) (fanfare_pushes_in_flight{{{HERE}}})", "{{instance}}"),
                    (f"min(fanfare_pushes_in_flight_limit{{{HERE}}})", "limit of each"),
                ),
                panel(
                    "Refused before admission", f"OVERLOADED is room; APP_UNKNOWN and FIELD_… are mistakes of callers. {runbook('full')}", "reqps",
                    (f"sum by (reason) (rate(fanfare_pushes_refused_total{{{HERE}}}{RATE})) > 0", "{{reason}}"),
                ),
                panel(
                    "Bytes of callers held", "Messages that arrive, and large pushes in flight.", "bytes",
                    (f"sum by (instance) (fanfare_held_bytes{{{HERE}}})", "{{instance}}"),
                    (f"min(fanfare_held_limit_bytes{{{HERE}}})", "limit of each"),
                ),
                panel(
                    "Open batches", "Batch streams of all callers.", "none",
                    (f"sum by (instance) (fanfare_batch_streams{{{HERE}}})", "{{instance}}"),
                ),
            ],
        },
    )
